//! The arguments of `matrix`.

use clap::{Args, ValueEnum};

use crate::args::common::EditionArgs;

/// How the matrix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum MatrixFormat {
    /// Tables for a terminal.
    #[default]
    Human,
    /// Markdown tables, for a page.
    Markdown,
    /// One JSON document, with a `schema_version`.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values, a header first.
    Csv,
}

/// The arguments of `matrix`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct MatrixArgs {
    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// One row an offer, even where several have the same answers
    #[arg(long)]
    pub all_offers: bool,

    /// How the matrix is written
    #[arg(long, value_enum, default_value_t)]
    pub format: MatrixFormat,
}

const EXAMPLES: &str = "\
Examples:
  The default edition, for the terminal:
      egress25 matrix

  What holds today, for a wiki page:
      egress25 matrix --edition in-force --format markdown

  What changes if a restart counted:
      egress25 matrix --set guest_restart_counts=yes

  Every cell with its reason and statements, for a script:
      egress25 matrix --format csv";
