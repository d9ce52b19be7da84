//! The arguments of `validate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::common::{EditionArgs, OutputFormat};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileKind {
    /// An inventory.
    Inventory,
    /// A file with events alone.
    Events,
    /// An edition of the policy.
    Edition,
    /// A scenario for a lab.
    Scenario,
}

/// The arguments of `validate`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  An inventory:
      egress25 validate inventory.toml

  Events, against the inventory that they happen to:
      egress25 validate events.toml --inventory inventory.toml

  A scenario, and whether its inventory has what it names:
      egress25 validate scenario.toml

  An edition of one's own:
      egress25 validate editions/2027-01.toml")]
pub struct ValidateArgs {
    /// The files; `-` is stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// What the files are, where their content does not tell
    #[arg(long, value_enum)]
    pub kind: Option<FileKind>,

    /// The inventory that the events of the files happen to
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}
