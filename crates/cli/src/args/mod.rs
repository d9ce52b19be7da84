//! The arguments as they are typed.

mod bench;
mod check;
mod common;
mod completions;
mod diagnose;
pub(crate) mod environment;
pub mod exemption;
mod explain;
pub mod export;
pub mod filter;
pub mod firewall;
mod flows;
mod graph;
mod import;
mod init;
pub mod lab;
pub mod log;
mod man;
mod matrix;
mod policy;
mod replay;
mod rows;
mod schema;
mod sender;
pub mod store;
pub mod subscription;
mod validate;
pub mod vm;
mod whose;

pub use bench::{BenchArgs, BenchFormat};
pub use check::{CheckArgs, Described, Destination, InInventory, Via};
pub(crate) use common::named;
pub use common::{
    ColorChoice, DocumentFormat, EditionArgs, ForceArgs, OutputFormat, ReportFormat, StreamFormat,
    SubscriptionArgs, day, moment,
};
pub use completions::CompletionsArgs;
pub use diagnose::{DiagnoseArgs, DiagnoseFailOn};
pub use explain::ExplainArgs;
pub use flows::FlowsArgs;
pub use graph::{GraphArgs, GraphFormat};
pub use import::{ImportArgs, RoutesOf};
pub use init::InitArgs;
pub use man::ManArgs;
pub use matrix::{MatrixArgs, MatrixFormat};
pub use policy::{DiffArgs, EditionListArgs, PolicyCommand, ShowArgs, TraceArgs};
pub use replay::{OnIndeterminate, ReplayArgs};
pub use rows::{FailOn, Only, RowsArgs};
pub use schema::{SchemaArgs, SchemaKind};
pub use sender::SenderArgs;
pub use validate::{FileKind, ValidateArgs};
pub use whose::WhoseArgs;

use clap::{CommandFactory, Parser, Subcommand};

use crate::args::exemption::ExemptionCommand;
use crate::args::export::ExportCommand;
use crate::args::filter::FilterArgs;
use crate::args::firewall::FirewallCommand;
use crate::args::lab::LabCommand;
use crate::args::log::LogArgs;
use crate::args::store::StoreCommand;
use crate::args::subscription::SubscriptionCommand;
use crate::args::vm::VmCommand;

/// Why did this SYN to port 25 never leave Azure?
///
/// egress25 emulates the outbound SMTP filter of Azure's platform: the one that lets a TCP SYN to
/// port 25 leave a virtual machine for the Internet only if the subscription's offer, its creation
/// date, an exemption and the route allow it. It answers with a verdict, a reason, and the
/// statements of Azure's article that the reason rests on.
///
/// It needs no Azure account. What judges and explains only reports: it needs no privileges and
/// changes nothing. `store` and what records in it (`exemption`, `vm`, `firewall`, `subscription`)
/// write one file; `lab` builds networks of its own and sends nothing out of them; `filter` puts
/// rules in force on this machine, as root.
#[derive(Debug, Parser)]
#[command(
    name = "egress25",
    version,
    propagate_version = true,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Every flag can also be given as a variable: `check --to` as EGRESS25_CHECK_TO.\n\
                  `egress25 COMMAND --help` shows a command's flags with examples.",
    after_long_help = ROOT_HELP
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// When to use colour
    ///
    /// `auto` colours a terminal, unless the environment variable NO_COLOR is set.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorChoice,

    /// Show no notes and no progress on stderr, even on a terminal
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

const ROOT_HELP: &str = "\
Examples:
  May a pay-as-you-go subscription from 2019 send mail directly?
      egress25 check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5

  Is it the platform? A capture of one's own:
      egress25 replay own.pcap --offer pay-as-you-go --created 2019-03-01

  Is it the platform? A mail server's log, or connections that are tried:
      egress25 diagnose /var/log/mail.log
      egress25 diagnose --probe mx.example.com relay.example.com

  Why did no mail leave that day? A capture and a description of several subscriptions:
      egress25 replay day.pcapng --inventory inventory.toml

  Why was that answered?
      egress25 explain not-granted

  Who may send at all, as a table for a wiki page:
      egress25 matrix --format markdown

Environment:
  Every flag can also be given as a variable named by command and flag: `check --to` as
  EGRESS25_CHECK_TO, `lab up --store` as EGRESS25_LAB_UP_STORE; --color and --quiet as
  EGRESS25_COLOR and EGRESS25_QUIET. A flag that is typed wins. Lists (--set) are separated by
  commas. A flag without a value takes yes or no.
  NO_COLOR  no colours, unless --color says otherwise

Exit codes:
  0  done; an answer of `drop` is an answer
  1  something failed
  2  the usage or the input is bad
  3  a verdict differs from the one that --expect asked for, or --fail-on asks for what came out:
     that nothing was judged, that what was seen contradicts the description, that it looks blocked";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer one question: may this machine open a connection to port 25 there?
    ///
    /// Either describe a subscription by flags (--offer, --created, ...), or ask about a machine of
    /// an inventory (--inventory, --machine).
    ///
    /// The answer says the verdict, the reason with the statements of the article that it rests
    /// on, what is assumed where the article is silent, the way that the packet takes hop by hop,
    /// and what can be done about it. Where the edition in force today answers otherwise, it says
    /// that too.
    Check(Box<CheckArgs>),
    /// Judge every SYN to port 25 in a capture.
    ///
    /// A capture goes in, and an inventory or the flags that describe one subscription; every
    /// connection comes out that somebody tried to open, with the verdict, the reason, whether it was
    /// answered and whether that fits; then a summary by subscription and reason, and what to do.
    /// Programs get a row for every packet, or connections.
    /// The capture's time stamps drive the inventory's events: a start in the middle of a capture
    /// changes verdicts from there on.
    ///
    /// Replay only reports: nothing is sent, and nothing is blocked.
    Replay(Box<ReplayArgs>),
    /// Judge every flow out to port 25 in Azure's flow logs
    Flows(Box<FlowsArgs>),
    /// Is it the platform? From mail logs, or by trying connections.
    ///
    /// Logs of Postfix, Exim, swaks, Python's smtplib and nodemailer go in, several of them in one
    /// file if need be, in the envelope of syslog or of journald's JSON; out comes what they show by
    /// destination and port, what that fits (the platform's block, no IPv6, a refusal, one destination
    /// only, names, TLS, a relay), and, with an offer, what the policy says of it.
    ///
    /// With --probe it tries connections of its own and sends no mail.
    ///
    /// Mail addresses, names and IP addresses of servers stay out of what it writes, unless
    /// --show-addresses asks for them.
    Diagnose(Box<DiagnoseArgs>),
    /// Begin an inventory from a capture of one's own, commented, ready to be edited
    Init(Box<InitArgs>),
    /// Measure how fast packets are judged on this machine
    Bench(Box<BenchArgs>),
    /// Explain a reason, a statement or a setting: what it means, in an edition
    Explain(ExplainArgs),
    /// Print who may send: every offer in every state.
    ///
    /// Every cell is an answer of the same decision that `check` asks. Offers whose answers are
    /// all the same share a row. A star marks an answer that rests on a reading of ours where the
    /// article is silent (the form of the block apart); `check` names the setting.
    Matrix(MatrixArgs),
    /// List, show, compare and trace the editions of the policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Build the network of an inventory, with real programs in it and the filter in force
    #[command(subcommand)]
    Lab(LabCommand),
    /// Print the policy as rules for nftables or iptables
    #[command(subcommand)]
    Export(ExportCommand),
    /// Put the filter in force on a bridge or a container network that is there already
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 filter --inventory inventory.toml --interface eth1")]
    Filter(Box<FilterArgs>),
    /// Request exemptions, answer requests, and see where they stand (in the store)
    #[command(
        subcommand,
        after_long_help = "Examples:\n  egress25 exemption request shop\n  egress25 exemption list"
    )]
    Exemption(ExemptionCommand),
    /// Deploy, stop, start and delete machines (in the store)
    #[command(
        subcommand,
        after_long_help = "Examples:\n  egress25 vm deploy web --subscription shop --address 10.0.0.4\n  egress25 vm deallocate web"
    )]
    Vm(VmCommand),
    /// Update the rules of Azure Firewalls, stop and start them (in the store)
    #[command(
        subcommand,
        after_long_help = "Examples:\n  egress25 firewall update-rules hub-firewall"
    )]
    Firewall(FirewallCommand),
    /// Add subscriptions and change their offers (in the store)
    #[command(
        subcommand,
        after_long_help = "Examples:\n  egress25 subscription add shop --offer pay-as-you-go --created 2019-03-01"
    )]
    Subscription(SubscriptionCommand),
    /// Show what happened, from the store
    Log(LogArgs),
    /// Begin, check, copy and mend a store
    #[command(
        subcommand,
        after_long_help = "Examples:\n  egress25 store init\n  egress25 store verify"
    )]
    Store(StoreCommand),
    /// Check inventory, events and edition files.
    ///
    /// What a file is, is told by its content. An inventory is built and its events are played
    /// through, so that an event which cannot happen is found here.
    Validate(ValidateArgs),
    /// Make an inventory of what Azure, az or Terraform exported.
    ///
    /// The files of an export go in, in any of the shapes in which tools print them; an inventory comes
    /// out, with a comment wherever the export does not say what an answer needs. Nothing is asked
    /// of Azure: you hold the export. Passwords and whatever else is in it that an inventory does not
    /// have reaches no output.
    Import(Box<ImportArgs>),
    /// Print an inventory as a graph: its networks, who stands in them, and where routes lead.
    ///
    /// `lab graph` prints the network that a lab makes of it.
    Graph(GraphArgs),
    /// Print the JSON schema of a file, for an editor.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for every command
    Man(ManArgs),
}

/// The whole command, with an environment variable for every flag.
#[must_use]
pub fn command() -> clap::Command {
    environment::attach(Cli::command(), &[])
}
