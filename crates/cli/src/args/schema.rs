//! The arguments of `schema`.

use clap::{Args, ValueEnum};

/// A file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// The inventory.
    Inventory,
    /// A file with events alone.
    Events,
}

/// The arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  For an editor with a TOML language server (first line of the inventory):
      #:schema ./inventory.schema.json
      egress25 schema inventory > inventory.schema.json")]
pub struct SchemaArgs {
    /// Which file
    #[arg(value_enum)]
    pub file: SchemaKind,
}
