//! The arguments of `explain`.

use clap::Args;

use crate::args::common::{EditionArgs, OutputFormat};

/// The arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  One reason:
      egress25 explain waiting-for-stop-and-start

  All of them:
      egress25 explain")]
pub struct ExplainArgs {
    /// The reason, as reports name it; left out: all of them
    #[arg(value_name = "REASON")]
    pub reason: Option<String>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// How the explanation is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}
