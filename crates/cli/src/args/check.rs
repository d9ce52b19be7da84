//! The arguments of `check`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use egress25_policy::{ExemptionState, MachineKind, Offer};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::args::common::{EditionArgs, OutputFormat, day, moment, named};

/// What a user-defined route sends the traffic through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// An Azure Firewall.
    AzureFirewall,
    /// A network virtual appliance: a machine that forwards.
    Appliance,
    /// A VPN gateway, to the user's own premises.
    Gateway,
}

/// The arguments of `check`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CheckArgs {
    /// The destination's address
    #[arg(long, value_name = "ADDRESS")]
    pub to: IpAddr,

    /// The destination's TCP port
    #[arg(long, default_value_t = egress25_policy::SMTP_PORT)]
    pub port: u16,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// Fail with exit code 3 unless the answer is this verdict, or has this reason
    #[arg(long, value_name = "VERDICT|REASON")]
    pub expect: Option<String>,

    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,

    /// A subscription described by flags.
    #[command(flatten)]
    pub described: Described,

    /// A machine of an inventory.
    #[command(flatten)]
    pub in_inventory: InInventory,
}

/// A subscription described by flags.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "A subscription described by flags")]
pub struct Described {
    /// The subscription's offer, such as pay-as-you-go or enterprise-agreement
    #[arg(long, value_name = "OFFER", conflicts_with = "inventory")]
    pub offer: Option<Offer>,

    /// Recognise the offer from subscriptionPolicies.quotaId, as Azure's API returns it
    #[arg(long, value_name = "ID", conflicts_with = "inventory")]
    pub quota_id: Option<String>,

    /// The day on which the subscription was created, UTC; may be left out where the edition's
    /// rule for the offer does not depend on it
    #[arg(long, value_name = "DATE", value_parser = day, conflicts_with = "inventory")]
    pub created: Option<Date>,

    /// Where the subscription's exemption stands [default: none]
    #[arg(
        long,
        value_name = "STATE",
        value_parser = named(ExemptionState::ALL, ExemptionState::name),
        conflicts_with = "inventory"
    )]
    pub exempt: Option<ExemptionState>,

    /// The machine has been stopped (deallocated) and started since the exemption was granted
    #[arg(long, conflicts_with = "inventory")]
    pub started_since_grant: bool,

    /// The machine was first deployed after the exemption was granted
    #[arg(long, conflicts_with_all = ["inventory", "started_since_grant"])]
    pub deployed_since_grant: bool,

    /// When the machine was deployed
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "inventory")]
    pub deployed: Option<Timestamp>,

    /// What the sender is; an App Service or Functions app is one with virtual network integration
    /// [default: virtual-machine]
    #[arg(
        long,
        value_parser = named(MachineKind::ALL, MachineKind::name),
        conflicts_with = "inventory"
    )]
    pub kind: Option<MachineKind>,

    /// What a user-defined route sends the traffic through
    #[arg(long, value_enum, conflicts_with = "inventory")]
    pub via: Option<Via>,

    /// The offer of the appliance's or firewall's subscription [default: the sender's own]
    #[arg(long, value_name = "OFFER", conflicts_with = "inventory", requires = "via")]
    pub via_offer: Option<Offer>,

    /// The day on which that subscription was created [default: as --created]
    #[arg(
        long,
        value_name = "DATE",
        value_parser = day,
        conflicts_with = "inventory",
        requires = "via_offer"
    )]
    pub via_created: Option<Date>,
}

/// A machine of an inventory.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "A machine of an inventory, or of the store")]
pub struct InInventory {
    /// The inventory; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,

    /// The store, where there is no inventory [default: the one in the data folder]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["offer", "quota_id"])]
    pub store: Option<PathBuf>,

    /// The machine that sends
    #[arg(long, value_name = "NAME", conflicts_with_all = ["offer", "quota_id"])]
    pub machine: Option<String>,

    /// The address that sends, instead of a machine's name
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with_all = ["machine", "offer", "quota_id"]
    )]
    pub from: Option<IpAddr>,

    /// The network of that address, where several own it
    #[arg(
        long,
        value_name = "NAME",
        requires = "from",
        conflicts_with_all = ["offer", "quota_id"]
    )]
    pub network: Option<String>,

    /// More events, from a file of their own (repeatable)
    #[arg(
        long,
        value_name = "FILE",
        requires = "inventory",
        value_delimiter = ',',
        conflicts_with_all = ["offer", "quota_id"]
    )]
    pub events: Vec<PathBuf>,

    /// The time of the question; later events have not happened [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with_all = ["offer", "quota_id"])]
    pub at: Option<Timestamp>,
}

const EXAMPLES: &str = "\
Examples:
  A pay-as-you-go subscription from 2019, to a mail server on the Internet:
      egress25 check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5

  The same, exempt, but its machine was only restarted:
      egress25 check --offer pay-as-you-go --created 2019-03-01 --exempt granted --to 203.0.113.5

  An Enterprise Agreement whose route leads through an Azure Firewall:
      egress25 check --offer enterprise-agreement --created 2016-05-01 --via azure-firewall \\
          --to 203.0.113.5

  A hub's appliance in another subscription forwards for the sender:
      egress25 check --offer pay-as-you-go --created 2019-03-01 --via appliance \\
          --via-offer enterprise-agreement --to 203.0.113.5

  A machine of an inventory, at a time, under the edition that is in force today:
      egress25 check --inventory inventory.toml --machine web --at 2020-12-08T09:00:00Z \\
          --edition in-force --to 203.0.113.5

  A machine of the store, as it stood on a day:
      egress25 check --machine web --at 2020-12-08 --to 203.0.113.5

  In a script: fail with exit code 3 unless the mail can leave:
      egress25 check --inventory inventory.toml --machine web --to 203.0.113.5 --expect pass";
