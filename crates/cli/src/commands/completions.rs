//! `completions`: scripts for shells.

use std::io::Write;

use crate::args::CompletionsArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;

/// Prints a completion script.
///
/// # Errors
/// The write failed.
pub fn run(args: &CompletionsArgs, console: &mut Console) -> Result<(), Failure> {
    // Into memory first: the generator gives up on a failed write instead of saying so.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "egress25", &mut script);
    console.out().write_all(&script).map_err(Failure::stdout)
}
