//! The arguments of `policy`.

use clap::{Args, Subcommand};

use crate::args::common::OutputFormat;

/// List, show, compare and trace the editions of the policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// List the editions.
    ///
    /// An edition is the article's text as it stood at a time, named by the month.
    List(EditionListArgs),
    /// Show an edition: its statements, the row of every offer, and the settings
    Show(ShowArgs),
    /// Compare two editions by what they say and by what they answer.
    ///
    /// The comparison is by meaning, not by line: the edition's points, the row of every offer,
    /// the statements, and the answers of the matrix that are not the same.
    Diff(DiffArgs),
    /// Show for every statement where it stands in the code and in the tests.
    ///
    /// The places were collected when this program was built: lines `//= ID` above the code that
    /// carries a statement, and `//= ID type=test` above the test that shows it.
    Trace(TraceArgs),
}

/// The arguments of `policy list`.
#[derive(Debug, Args)]
pub struct EditionListArgs {
    /// How the list is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The arguments of `policy show`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The default edition:
      egress25 policy show

  The one in force, for a script:
      egress25 policy show in-force --format json")]
pub struct ShowArgs {
    /// The edition: an id, `default`, `in-force`, or a file
    #[arg(value_name = "ID|FILE", default_value = "default")]
    pub edition: String,

    /// How the edition is written; csv has the statements alone
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The arguments of `policy diff`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  What has changed for me since 2020?
      egress25 policy diff 2020-12 in-force")]
pub struct DiffArgs {
    /// The first edition: an id, `default`, `in-force`, or a file
    #[arg(value_name = "A")]
    pub a: String,

    /// The second edition
    #[arg(value_name = "B", default_value = "in-force")]
    pub b: String,

    /// How the comparison is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The arguments of `policy trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// The edition: an id, `default`, `in-force`, or a file
    #[arg(value_name = "ID|FILE", default_value = "default")]
    pub edition: String,

    /// How the table is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}
