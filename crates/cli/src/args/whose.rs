//! What describes who sends: a file, the store, or flags.

use std::path::PathBuf;

use clap::Args;

use crate::args::common::EditionArgs;
use crate::args::sender::SenderArgs;

/// What describes who sends, and what judges it.
#[derive(Debug, Clone, Args)]
pub struct WhoseArgs {
    /// The inventory; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["SubscriptionArgs", "mine"])]
    pub inventory: Option<PathBuf>,

    /// The store, where there is no inventory: its events happen by the time of what is judged
    #[arg(long, value_name = "PATH", conflicts_with_all = ["SubscriptionArgs", "mine"])]
    pub store: Option<PathBuf>,

    /// Where neither is: who sends, which is every private address.
    #[command(flatten)]
    pub sender: SenderArgs,

    /// More events, from a file of their own (repeatable)
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub events: Vec<PathBuf>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// The network that everything belongs to, whatever it shows
    ///
    /// Without it a network is known by an address that it alone has; that of a packet also by its VXLAN
    /// id, its VLAN or its capture interface, as the inventory's networks list them.
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,
}
