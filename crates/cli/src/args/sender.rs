//! Who sends, where no inventory describes it.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;

use crate::args::common::SubscriptionArgs;

/// The subscription that all comes from, and the addresses that are its own.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "One subscription, without an inventory")]
pub struct SenderArgs {
    /// Its subscription.
    #[command(flatten)]
    pub subscription: SubscriptionArgs,

    /// Addresses that are its own, too: a public one that a machine bears, for example (repeatable)
    ///
    /// The private ones always are: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 and
    /// fc00::/7.
    #[arg(long, value_name = "PREFIX", value_delimiter = ',', value_parser = prefix)]
    pub mine: Vec<IpNet>,
}

/// A prefix, or an address, which is one of full length.
fn prefix(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    let prefix = text.parse::<IpNet>().or_else(|_| address());
    prefix.map_err(|_| "expected a prefix such as `203.0.113.0/24`, or an address".to_owned())
}
