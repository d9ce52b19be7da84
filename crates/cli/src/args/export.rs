//! The arguments of `export`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use egress25_policy::MachineName;
use jiff::Timestamp;

use crate::args::{EditionArgs, moment};

/// The commands below `export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Print the policy of a network as a script for `nft -f`
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 export nft inventory.toml > rules.nft")]
    Nft(RulesExportArgs),
    /// Print the policy of a network for `iptables-restore --noflush`
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 export iptables inventory.toml > rules.v4")]
    Iptables(IptablesArgs),
}

/// An interface that packets come from, and the machine that they are said to be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentBy {
    /// The interface.
    pub interface: String,
    /// The machine.
    pub machine: Option<MachineName>,
}

impl FromStr for SentBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (interface, machine) = match text.split_once('=') {
            Some((interface, machine)) => (interface, Some(machine)),
            None => (text, None),
        };
        if machine.is_some_and(str::is_empty) {
            return Err("expected an interface, or `INTERFACE=MACHINE`".to_owned());
        }
        // What the kernel takes as a name, without what a rule's syntax reads as something else.
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/\"'\\*+!;{}$#,:".contains(c);
        let names = 1..=15;
        if !names.contains(&interface.len())
            || [".", ".."].contains(&interface)
            || interface.starts_with('-')
            || interface.contains(odd)
        {
            return Err(
                "expected the name of an interface: at most 15 bytes, without white space, \
                        quotes, `/`, wildcards and other signs that rules read as their own"
                    .to_owned(),
            );
        }
        let (interface, machine) = (interface.to_owned(), machine.map(MachineName::from));
        Ok(Self { interface, machine })
    }
}

/// The arguments of `export`.
#[derive(Debug, Args)]
pub struct RulesExportArgs {
    /// The inventory
    #[arg(value_name = "INVENTORY")]
    pub inventory: PathBuf,

    /// The network; left out: the only one of the inventory
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,

    /// An interface that the network's packets come from (repeatable), and the machine that sends
    /// there, if it is one machine's: others' addresses are dropped then; left out: any
    #[arg(long, value_name = "NAME[=MACHINE]", value_delimiter = ',')]
    pub interface: Vec<SentBy>,

    /// The time as of which the inventory stands; left out: now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at_time: Option<Timestamp>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,
}

/// The arguments of `export iptables`.
#[derive(Debug, Args)]
pub struct IptablesArgs {
    /// The inventory, the network, the interfaces.
    #[command(flatten)]
    pub export: RulesExportArgs,

    /// For `ip6tables-restore` instead
    #[arg(long)]
    pub ipv6: bool,
}
