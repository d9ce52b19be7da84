//! The arguments of `graph`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::args::common::moment;

/// The language that a graph is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum GraphFormat {
    /// DOT, for `dot -Tsvg`.
    #[default]
    Dot,
    /// Mermaid, for pages that draw it themselves: `mermaid` in Markdown.
    Mermaid,
}

/// The arguments of `graph`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  A picture of an inventory:
      egress25 graph inventory.toml | dot -Tsvg > inventory.svg

  For a page in Markdown that draws Mermaid:
      egress25 graph inventory.toml --format mermaid")]
pub struct GraphArgs {
    /// The inventory; `-` is stdin
    #[arg(value_name = "INVENTORY")]
    pub inventory: PathBuf,

    /// When: everything that had happened by then; left out: now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,

    /// The language that it is written in
    #[arg(long, value_enum, default_value_t)]
    pub format: GraphFormat,
}
