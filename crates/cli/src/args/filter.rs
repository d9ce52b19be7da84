//! The arguments of `filter`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::args::export::SentBy;
use crate::args::{EditionArgs, StreamFormat, moment};

/// The arguments of `filter`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["interface", "queue"]))]
pub struct FilterArgs {
    /// The inventory
    #[arg(long, value_name = "FILE", required_unless_present_any = ["remove", "rules"])]
    pub inventory: Option<PathBuf>,

    /// The network that the packets belong to; left out: the only one of the inventory
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,

    /// Enforce on packets that come from this interface (a bridge, a container network, or one
    /// machine's: others' addresses are dropped then): nftables rules are loaded, and stay in
    /// force until they are removed with `--remove`
    #[arg(long, value_name = "NAME[=MACHINE]")]
    pub interface: Option<SentBy>,

    /// Judge the packets of this netfilter queue; `--rules` prints rules that fill it
    #[arg(long, value_name = "N")]
    pub queue: Option<u16>,

    /// Print the iptables rules that fill the queue, and end
    #[arg(long, requires = "queue")]
    pub rules: bool,

    /// Remove the rules that `--interface` loaded, and end
    #[arg(long, requires = "interface")]
    pub remove: bool,

    /// A store that is followed
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,

    /// The time as of which the inventory stands; left out: now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at_time: Option<Timestamp>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// How the verdicts are written
    #[arg(long, value_enum, default_value_t)]
    pub format: StreamFormat,
}
