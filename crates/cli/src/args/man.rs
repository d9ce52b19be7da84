//! The arguments of `man`.

use std::path::PathBuf;

use clap::Args;

use crate::args::common::ForceArgs;

/// The arguments of `man`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Read it:
      egress25 man | man -l -

  Install the pages:
      egress25 man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write a page for every command into this folder instead of one to stdout
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,

    /// What happens to files that are in the way.
    #[command(flatten)]
    pub force: ForceArgs,
}
