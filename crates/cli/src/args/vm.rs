//! The arguments of `vm`.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use ipnet::IpNet;

use crate::args::store::{NamedArgs, StoreListArgs};

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
