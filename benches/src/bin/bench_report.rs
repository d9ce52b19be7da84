//! Measures everything and writes `docs/performance.md` with its plots.
//!
//! `bench-report PART…` measures some parts (classify, structure, replay, instructions) and prints
//! them. `bench-report count CONTENDER MIX ROUNDS` is what it runs under callgrind.
#![expect(clippy::disallowed_methods, reason = "a bench is told by the environment what to do")]

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "count") {
        return egress25_benches::report::instructions::count(
            arguments.get(1..).unwrap_or_default(),
        );
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    if arguments.is_empty() {
        egress25_benches::report::write(root)
    } else {
        egress25_benches::report::print(root, &arguments)
    }
}
