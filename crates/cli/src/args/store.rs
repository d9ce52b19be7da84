//! The arguments of `store`, and those that every command has which works with a store.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use egress25_exemption_store::{Hash, Head};
use jiff::Timestamp;

use crate::args::{DocumentFormat, EditionArgs, OutputFormat, moment};

/// Which store.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// The store; `:memory:` is one for this command alone
    ///
    /// Left out: `egress25/store.db` in the data folder, $XDG_DATA_HOME or ~/.local/share.
    #[arg(long, value_name = "PATH")]
    pub store: Option<PathBuf>,

    /// The inventory that the store begins with: for `:memory:`, or to make sure that it is that
    /// one
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
}

/// How something is recorded.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What is recorded with it")]
pub struct RecordArgs {
    /// When it took effect [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,

    /// Who records it [default: the user]
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,

    /// Why; for `exemption request`, why an authenticated relay can't be used (PN3)
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,

    /// An idempotency key: the same command with the same key does nothing the second time
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// Fail unless the log ends at this revision
    #[arg(long, value_name = "REVISION")]
    pub expect_revision: Option<u64>,
}

/// A command that records one thing about something with a name.
#[derive(Debug, Clone, Args)]
pub struct NamedArgs {
    /// The name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Which store.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// How it is recorded.
    #[command(flatten)]
    pub record: RecordArgs,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// A command that shows something.
#[derive(Debug, Clone, Args)]
pub struct StoreListArgs {
    /// Which store.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// As it stood at this time [default: after the last entry]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The store that a command of `store` works on.
#[derive(Debug, Clone, Args)]
pub struct StorePathArgs {
    /// The store; left out: `egress25/store.db` in the data folder
    #[arg(long = "store", value_name = "PATH")]
    pub path: Option<PathBuf>,
}

/// The arguments of `store init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StorePathArgs,
    /// The inventory whose world and events the store begins with
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// Edition and settings, for good.
    #[command(flatten)]
    pub edition: EditionArgs,
    /// Who begins it [default: the user]
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    pub format: DocumentFormat,
}

/// The arguments of `store verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StorePathArgs,
    /// A head that was noted: the log must still lead through it
    #[arg(long, value_name = "REVISION:HASH", value_parser = head)]
    pub anchor: Option<Head>,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    pub format: DocumentFormat,
}

fn head(text: &str) -> Result<Head, String> {
    let wrong = || "expected a revision and its hash, such as `12:9f86…`".to_owned();
    let (revision, hash) = text.split_once(':').ok_or_else(wrong)?;
    let revision = revision.parse().map_err(|_| wrong())?;
    let hash: Hash = hash.parse().map_err(|_| wrong())?;
    Ok(Head { revision, hash })
}

/// The arguments of the commands between a store and another file.
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// The other file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which store.
    #[command(flatten)]
    pub store: StorePathArgs,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    pub format: DocumentFormat,
}

/// The arguments of `store migrate`.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StorePathArgs,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    pub format: DocumentFormat,
}

/// The arguments of `store export`.
#[derive(Debug, Clone, Args)]
pub struct StoreExportArgs {
    /// The file to write; `-` is stdout
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Which store.
    #[command(flatten)]
    pub store: StorePathArgs,
}

/// The commands of `store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Begin a store
    #[command(
        after_long_help = "Examples:\n  egress25 store init\n  egress25 store init --store shop.db --inventory inventory.toml"
    )]
    Init(InitArgs),
    /// Check everything: files, checksums, hash chain, that each entry may happen
    #[command(
        after_long_help = "Examples:\n  egress25 store verify\n  egress25 store verify --anchor 12:HASH"
    )]
    Verify(VerifyArgs),
    /// Copy the store into a new file, while others go on writing
    #[command(after_long_help = "Examples:\n  egress25 store backup monday.db")]
    Backup(FileArgs),
    /// Put a backup in the place of the store; what was there is kept beside it
    #[command(after_long_help = "Examples:\n  egress25 store restore monday.db")]
    Restore(FileArgs),
    /// Bring a store of an earlier version up to date; a copy is kept
    #[command(after_long_help = "Examples:\n  egress25 store migrate")]
    Migrate(MigrateArgs),
    /// Write the log as lines of JSON, seals included
    #[command(
        after_long_help = "Examples:\n  egress25 store export log.ndjson\n  egress25 store export | gzip > log.ndjson.gz"
    )]
    Export(StoreExportArgs),
    /// Begin a store from an export; `-` is stdin
    #[command(after_long_help = "Examples:\n  egress25 store import log.ndjson --store copy.db")]
    Import(FileArgs),
}
