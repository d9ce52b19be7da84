//! The arguments of `explain`, `validate`, `schema`, `completions` and `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use crate::args::common::{EditionArgs, ForceArgs, OutputFormat};

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

/// The arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bash:  egress25 completions bash > ~/.local/share/bash-completion/completions/egress25
  zsh:   egress25 completions zsh > ~/.zfunc/_egress25
  fish:  egress25 completions fish > ~/.config/fish/completions/egress25.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

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
