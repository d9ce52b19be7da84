//! The arguments of the commands that work with a store.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use egress25_exemption_store::{Hash, Head};
use egress25_policy::{Channel, Offer, YesNo};
use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::args::{EditionArgs, OutputFormat, day, moment, named};

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

/// A command that shows something with a name.
#[derive(Debug, Clone, Args)]
pub struct OneArgs {
    /// The subscription
    #[arg(value_name = "SUBSCRIPTION")]
    pub name: String,
    /// The rest.
    #[command(flatten)]
    pub list: StoreListArgs,
}

/// Who decides about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Reviewer {
    /// This program, at once, by the answers that were given.
    #[default]
    Auto,
    /// Somebody, later, with `exemption grant`, `further-steps` or `refuse`.
    Manual,
}

/// What came of the anti-fraud checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Checks {
    /// They are passed.
    Passed,
    /// They aren't through.
    Pending,
    /// They failed.
    Failed,
}

impl Checks {
    /// The name, as the flag takes it.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The arguments of `exemption request`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  Be asked what the portal asks:
      egress25 exemption request shop

  In a script, answers as flags, somebody else decides:
      egress25 exemption request shop --good-standing yes --payment-history yes --reviewer manual

  An offer whose requests are support cases:
      egress25 exemption request partner --why \"the scanners know no authentication\" \\
          --anti-fraud passed")]
pub struct RequestArgs {
    /// The subscription, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// Who decides
    #[arg(long, value_enum, default_value_t)]
    pub reviewer: Reviewer,
    /// Where it is asked for [default: the offer's channel]
    #[arg(long, value_name = "CHANNEL", value_parser = named(Channel::ALL, Channel::name))]
    pub channel: Option<Channel>,
    /// Is the account in good standing?
    #[arg(long, value_parser = named(YesNo::ALL, YesNo::name))]
    pub good_standing: Option<YesNo>,
    /// Is there a payment history?
    #[arg(long, value_parser = named(YesNo::ALL, YesNo::name))]
    pub payment_history: Option<YesNo>,
    /// The sum of the paid invoices, in US dollars, where the history must be sufficient
    #[arg(long, value_name = "DOLLARS")]
    pub paid: Option<u64>,
    /// Does the subscription qualify?
    #[arg(long, value_parser = named(YesNo::ALL, YesNo::name))]
    pub qualifies: Option<YesNo>,
    /// What came of the anti-fraud checks
    #[arg(long, value_enum)]
    pub anti_fraud: Option<Checks>,
}

/// The commands of `exemption`.
#[derive(Debug, Subcommand)]
pub enum ExemptionCommand {
    /// Ask for an exemption, as the portal or a support case would have it asked.
    ///
    /// Asks what the offer's channel asks (account standing, payment history, justification,
    /// anti-fraud checks), on the terminal or by flags, and says the outcome and the next steps.
    /// The rules of the automatic reviewer are ours: the article only says what is looked at.
    Request(Box<RequestArgs>),
    /// Grant what was asked for
    #[command(after_long_help = "Examples:\n  egress25 exemption grant shop")]
    Grant(NamedArgs),
    /// Answer a request with further steps
    #[command(
        after_long_help = "Examples:\n  egress25 exemption further-steps shop --why 'pay the open invoice'"
    )]
    FurtherSteps(NamedArgs),
    /// Refuse a request
    #[command(
        after_long_help = "Examples:\n  egress25 exemption refuse shop --why 'no payment history'"
    )]
    Refuse(NamedArgs),
    /// Take a granted exemption back
    #[command(
        after_long_help = "Examples:\n  egress25 exemption revoke shop --why 'a breach of the terms'"
    )]
    Revoke(NamedArgs),
    /// List the subscriptions and where their exemptions stand
    #[command(after_long_help = "Examples:\n  egress25 exemption list --at 2020-12-08")]
    List(StoreListArgs),
    /// Show one subscription's exemption: its state, its machines, its history
    #[command(after_long_help = "Examples:\n  egress25 exemption show shop")]
    Show(OneArgs),
}

/// The arguments of `vm deploy`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  A new machine; the network is begun with it, if it isn't there:
      egress25 vm deploy web --subscription shop --address 10.0.0.4

  A machine that the store's inventory lists as not deployed, or a deleted one in its old place:
      egress25 vm deploy web")]
pub struct DeployArgs {
    /// The machine, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// The subscription
    #[arg(long, value_name = "NAME")]
    pub subscription: Option<String>,
    /// Its addresses (repeatable)
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', requires = "subscription")]
    pub address: Vec<IpAddr>,
    /// The network
    #[arg(long, value_name = "NAME", default_value = "network")]
    pub network: String,
    /// The subnet [default: default]
    #[arg(long, value_name = "NAME", requires = "subscription")]
    pub subnet: Option<String>,
    /// The network's address space, if it has to be begun (repeatable)
    #[arg(
        long,
        value_name = "PREFIX",
        value_delimiter = ',',
        default_values = ["10.0.0.0/16", "fd00:25::/48"]
    )]
    pub address_space: Vec<IpNet>,
}

/// The arguments of `vm stop`.
#[derive(Debug, Clone, Args)]
pub struct StopArgs {
    /// The machine, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// It was shut down from inside the guest
    #[arg(long)]
    pub guest: bool,
}

/// The commands of `vm`.
#[derive(Debug, Subcommand)]
pub enum VmCommand {
    /// Deploy a machine
    Deploy(Box<DeployArgs>),
    /// Power a machine off; it keeps its place (`az vm stop`)
    ///
    /// This is not the portal's Stop, which deallocates: a start afterwards renews nothing.
    #[command(
        after_long_help = "Examples:\n  egress25 vm stop web\n  egress25 vm stop web --guest"
    )]
    Stop(StopArgs),
    /// Stop a machine and give up its place (the portal's Stop, `az vm deallocate`)
    #[command(after_long_help = "Examples:\n  egress25 vm deallocate web")]
    Deallocate(NamedArgs),
    /// Start a machine
    #[command(after_long_help = "Examples:\n  egress25 vm start web")]
    Start(NamedArgs),
    /// Restart a machine
    #[command(after_long_help = "Examples:\n  egress25 vm restart web")]
    Restart(NamedArgs),
    /// Redeploy a machine to another host
    #[command(after_long_help = "Examples:\n  egress25 vm redeploy web")]
    Redeploy(NamedArgs),
    /// Delete a machine
    #[command(after_long_help = "Examples:\n  egress25 vm delete web")]
    Delete(NamedArgs),
    /// List the machines: power, and what they were programmed with
    #[command(after_long_help = "Examples:\n  egress25 vm list --format csv")]
    List(StoreListArgs),
}

/// The arguments of `subscription add`.
#[derive(Debug, Clone, Args)]
pub struct AddArgs {
    /// The subscription, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// Its offer, such as pay-as-you-go
    #[arg(long, value_name = "OFFER")]
    pub offer: Offer,
    /// The day on which it was created, UTC
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub created: Date,
}

/// The arguments of `subscription set-offer`.
#[derive(Debug, Clone, Args)]
pub struct SetOfferArgs {
    /// The subscription, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// Its new offer
    #[arg(value_name = "OFFER")]
    pub offer: Offer,
}

/// The commands of `subscription`.
#[derive(Debug, Subcommand)]
pub enum SubscriptionCommand {
    /// Add a subscription
    #[command(
        after_long_help = "Examples:\n  egress25 subscription add shop --offer pay-as-you-go --created 2019-03-01"
    )]
    Add(AddArgs),
    /// Change a subscription's offer
    #[command(
        after_long_help = "Examples:\n  egress25 subscription set-offer shop enterprise-agreement"
    )]
    SetOffer(SetOfferArgs),
    /// List the subscriptions
    #[command(after_long_help = "Examples:\n  egress25 subscription list")]
    List(StoreListArgs),
}

/// The arguments of `log`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  What had happened by a day:
      egress25 log --at 2020-12-08

  Everything, and from then on whatever comes, a JSON object a line:
      egress25 log --follow --format ndjson")]
pub struct LogArgs {
    /// Which store.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Go on with whatever is appended, until interrupted
    #[arg(long)]
    pub follow: bool,
    /// Only what had taken effect at this time
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "follow")]
    pub at: Option<Timestamp>,
    /// Only what comes after this revision
    #[arg(long, value_name = "REVISION", default_value_t = 0)]
    pub after: u64,
    /// Only what is about this subscription or its machines
    #[arg(long, value_name = "NAME")]
    pub subscription: Option<String>,
    /// Only what is about this machine
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,
    /// How it is written; with --follow, `human` or `ndjson`
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
    pub format: OutputFormat,
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
    pub format: OutputFormat,
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
    pub format: OutputFormat,
}

/// The arguments of `store migrate`.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StorePathArgs,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
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
