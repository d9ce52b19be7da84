//! Writes the captures that aims are measured with, and their inventories: `bench-captures FOLDER`.
#![expect(clippy::disallowed_methods, reason = "a bench is told by the environment what to do")]

use std::error::Error;
use std::path::PathBuf;

use egress25_benches::captures::write_all;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("usage: bench-captures FOLDER")?.into();
    std::fs::create_dir_all(&folder)?;
    Ok(write_all(&folder)?)
}
