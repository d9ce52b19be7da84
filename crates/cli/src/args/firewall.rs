//! The arguments of `firewall`.

use clap::Subcommand;

use crate::args::store::{NamedArgs, StoreListArgs};

/// The commands of `firewall`.
#[derive(Debug, Subcommand)]
pub enum FirewallCommand {
    /// Update a firewall's rules: it picks up its subscription's exemption by that
    #[command(after_long_help = "Examples:\n  egress25 firewall update-rules hub-firewall")]
    UpdateRules(NamedArgs),
    /// Stop a firewall
    #[command(after_long_help = "Examples:\n  egress25 firewall stop hub-firewall")]
    Stop(NamedArgs),
    /// Start a firewall: it picks up its subscription's exemption by that
    #[command(after_long_help = "Examples:\n  egress25 firewall start hub-firewall")]
    Start(NamedArgs),
    /// List the firewalls: whether they run, and whether an exemption has reached them
    #[command(after_long_help = "Examples:\n  egress25 firewall list --format csv")]
    List(StoreListArgs),
}
