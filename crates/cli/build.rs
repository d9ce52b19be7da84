//! Collects where the code and the tests cite statements, for `policy trace`.
#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment")]

#[path = "src/commands/policy/scan.rs"]
#[expect(unreachable_pub, reason = "it is a module of the library, too")]
mod scan;

use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manifest = env::var("CARGO_MANIFEST_DIR")?;
    let repository = Path::new(&manifest).join("../..");
    for folder in scan::FOLDERS {
        println!("cargo::rerun-if-changed={}", repository.join(folder).display());
    }
    let mut table = String::from("&[\n");
    for place in scan::scan(&repository)? {
        let scan::SourcePlace { id, file, line, test } = place;
        table.push_str(&format!("    ({id:?}, {file:?}, {line}, {test}),\n"));
    }
    table.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("trace.rs"), table)?;
    Ok(())
}
