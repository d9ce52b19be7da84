//! `firewall …`.

use egress25_policy::{AzureFirewall, EventKind, FirewallName};
use serde::Serialize;

use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow};

use crate::args::firewall::FirewallCommand;
use crate::args::store::{NamedArgs, StoreListArgs};
use crate::commands::store::next_steps::{pick_up, senders_through};
use crate::commands::store::record::record;
use crate::commands::store::{open, world};

/// A firewall that was stopped and started may have moved.
const ADDRESS: &str = "see that its private address is still the same: routes to an old one lead \
                       to nobody";

/// Runs `firewall …`.
///
/// # Errors
/// The store can't be used, or the state machines forbid it.
pub fn run(command: &FirewallCommand, console: &mut Console) -> Result<(), Failure> {
    let firewall = |named: &NamedArgs| FirewallName::from(named.name.as_str());
    let (named, kind) = match command {
        FirewallCommand::List(args) => return list(args, console),
        FirewallCommand::UpdateRules(named) => {
            (named, EventKind::FirewallRulesUpdated { firewall: firewall(named) })
        }
        FirewallCommand::Stop(named) => {
            (named, EventKind::FirewallStopped { firewall: firewall(named) })
        }
        FirewallCommand::Start(named) => {
            (named, EventKind::FirewallStarted { firewall: firewall(named) })
        }
    };
    let started = matches!(kind, EventKind::FirewallStarted { .. });
    let mut store = open(&named.place)?;
    let name = firewall(named);
    record(named, &mut store, vec![kind], console, |world| {
        let found = world.firewalls().get(&name);
        let headline = format!("{name} is {}", found.map_or("gone", power));
        let mut next = pick_up(world, &senders_through(world, &name), &named.place);
        if started {
            next.push(ADDRESS.to_owned());
        }
        (headline, next)
    })
}

/// Whether a firewall runs, in a word.
const fn power(firewall: &AzureFirewall) -> &'static str {
    if firewall.state.runs { "running" } else { "stopped" }
}

#[derive(Debug, Serialize)]
struct FirewallRow {
    firewall: String,
    subscription: String,
    power: &'static str,
    exempt: bool,
    network: String,
    address: String,
}

#[derive(Debug, Serialize)]
struct FirewallList<'a> {
    firewalls: &'a [FirewallRow],
}

impl TableRow for FirewallRow {
    const COLUMNS: &'static [&'static str] =
        &["firewall", "subscription", "power", "exempt", "network", "address"];

    fn cells(&self) -> Vec<String> {
        let exempt = if self.exempt { "yes" } else { "no" };
        let (firewall, subscription) = (self.firewall.clone(), self.subscription.clone());
        let (network, address) = (self.network.clone(), self.address.clone());
        vec![firewall, subscription, self.power.to_owned(), exempt.to_owned(), network, address]
    }
}

fn list(args: &StoreListArgs, console: &mut Console) -> Result<(), Failure> {
    let world = world(args)?;
    let row = |(name, firewall): (&FirewallName, &AzureFirewall)| FirewallRow {
        firewall: name.to_string(),
        subscription: firewall.subscription.to_string(),
        power: power(firewall),
        exempt: firewall.state.exempt,
        network: firewall.network.to_string(),
        address: firewall.address.to_string(),
    };
    let rows: Vec<_> = world.firewalls().iter().map(row).collect();
    output::list(console, args.format, &rows, &FirewallList { firewalls: &rows })
}
