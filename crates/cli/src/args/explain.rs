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
      egress25 explain

  A statement of the article, as the edition in force has it:
      egress25 explain BL2 --edition in-force

  A setting, by which something is assumed:
      egress25 explain revocation_effect")]
pub struct ExplainArgs {
    /// The reason, the statement's id or the setting, as reports name it; left out: all reasons
    #[arg(value_name = "WORD")]
    pub word: Option<String>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// How the explanation is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}
