//! For tests alone: a test that cannot do its work here says so and is counted.
#![expect(
    clippy::disallowed_methods,
    reason = "stderr and the environment, past the harness that keeps what tests print"
)]

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// The environment's name for the file that each skip is a line of; `.ci/run` counts them.
pub const SKIPPED_FILE: &str = "EGRESS25_SKIPPED";

/// Says `SKIPPED: test: why` once for each test and reason, also where the harness keeps what
/// tests print to itself, and adds the line to the file that the environment names.
pub fn skipped(why: impl std::fmt::Display) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let thread = std::thread::current();
    let line = format!("SKIPPED: {}: {why}\n", thread.name().unwrap_or("a thread of a test"));
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.insert(line.clone()) {
        return;
    }
    // A test that cannot say that it is skipped has nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os(SKIPPED_FILE) {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}
