//! The arguments of `check`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use egress25_policy::{MachineKind, Offer, UnfitDestination};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::args::common::{EditionArgs, OutputFormat, SubscriptionArgs, day, moment, named};

/// What a user-defined route sends the traffic through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// An Azure Firewall.
    AzureFirewall,
    /// A network virtual appliance: a machine that forwards.
    Appliance,
    /// A VPN gateway, to the user's own premises.
    Gateway,
    /// A NAT gateway of the subnet: no route, and it neither lifts nor adds the block.
    NatGateway,
}

/// A destination, as `--to` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// Its address.
    pub address: IpAddr,
    /// Its port, where one is given.
    pub port: Option<u16>,
}

/// A text that is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// It is a name.
    #[error(
        "`{name}` is a name, and names are not looked up: `getent ahosts {name}` says its addresses, \
         and `dig +short MX {name}` where a domain's mail goes"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// It is IPv4 in the form of IPv6.
    #[error("no packet bears the IPv4-mapped address `{mapped}`; write {address}")]
    Mapped {
        /// What was read.
        mapped: IpAddr,
        /// The address that is meant.
        address: IpAddr,
    },
    /// It is nothing of the kind.
    #[error("expected an address such as `203.0.113.5`, `203.0.113.5:25` or `[2001:db8::5]:25`")]
    NoAddress,
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let found = match text.parse::<SocketAddr>() {
            Ok(both) => Some(Self { address: both.ip(), port: Some(both.port()) }),
            Err(_) => {
                let address = bare.map_or_else(
                    || text.parse().ok(),
                    |bare| bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
                );
                address.map(|address| Self { address, port: None })
            }
        };
        let found = found.ok_or_else(|| no_address(text))?;
        let address = found.address.to_canonical();
        if UnfitDestination::of(found.address) == Some(UnfitDestination::Mapped) {
            return Err(DestinationError::Mapped { mapped: found.address, address });
        }
        Ok(found)
    }
}

/// What a text is that is no address.
fn no_address(text: &str) -> DestinationError {
    let name = match text.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => text,
    };
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '.' | '_');
    if name.chars().all(fits) && name.chars().any(char::is_alphabetic) {
        return DestinationError::Name { name: name.to_owned() };
    }
    DestinationError::NoAddress
}

/// The arguments of `check`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CheckArgs {
    /// The destination: an address, with or without a port; a name is not looked up
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub to: Destination,

    /// The destination's TCP port [default: that of --to, or 25]
    #[arg(long)]
    pub port: Option<u16>,

    /// The TCP port that it is sent from, for security rules that name source ports; left out where one
    /// of them counts, the answer for each range of ports is told
    #[arg(long, value_name = "PORT")]
    pub from_port: Option<u16>,

    /// Print which security rule was the first that fitted, at each place that was asked
    #[arg(long)]
    pub explain_rules: bool,

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
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A subscription described by flags")]
pub struct Described {
    /// What the answer hangs on of it.
    #[command(flatten)]
    pub subscription: SubscriptionArgs,

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
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A machine of an inventory, or of the store")]
pub struct InInventory {
    /// The inventory; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "SubscriptionArgs")]
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
    ///
    /// Of a subscription that flags describe it says which edition was the text: that one answers
    /// with `--edition by-date`, and another one says that it was not.
    #[arg(long, value_name = "TIME", value_parser = moment)]
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

  A mail server by name: names are not looked up, so look it up first:
      egress25 check --offer PAYG --created 2019-03-01 \\
          --to \"$(getent ahostsv4 mx.example.net | awk '{ print $1; exit }'):25\"

  In a script: fail with exit code 3 unless the mail can leave:
      egress25 check --inventory inventory.toml --machine web --to 203.0.113.5 --expect pass

The answer is that of the public cloud's article. Azure operated by 21Vianet has a text of its own,
with other offers and another way to ask: it is not covered.";
