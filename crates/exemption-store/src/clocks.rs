//! The rule of time: about one thing, effective times don't run backwards.
//!
//! A writer's clock may be wrong, and an event may be entered after it happened. The order of the
//! log is that of its revisions. For a question about the past to have one answer, an event must
//! not take effect before an earlier revision about the same thing: a grant before its request,
//! a start before its deallocation. Events about different things commute (a property of the
//! policy), so that, with the rule, folding the events up to a time by revision and folding them
//! by effective time lead to the same world.
//!
//! Things are: a subscription with all its machines, a network's beginning, and, once a machine
//! is deleted, its name and its addresses, which others may take over.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use egress25_policy::{Event, EventKind, Interface, Machine, MachineName, World};
use jiff::Timestamp;

/// Something that has a time of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ClockOwner {
    /// A subscription and the machines in it.
    Subscription(String),
    /// A network.
    Network(String),
    /// The name of a deleted machine.
    Machine(String),
    /// An address of a deleted machine, in its network.
    Address(String, IpAddr),
}

impl fmt::Display for ClockOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(name) => write!(f, "subscription `{name}`"),
            Self::Network(name) => write!(f, "network `{name}`"),
            Self::Machine(name) => write!(f, "machine `{name}`"),
            Self::Address(network, address) => write!(f, "address {address} of `{network}`"),
        }
    }
}

/// When something last happened to each thing, and by which revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Clocks(BTreeMap<ClockOwner, (Timestamp, u64)>);

/// The earliest time at which an event may take effect.
pub(crate) struct Floor<'a> {
    pub(crate) at: Timestamp,
    /// The revision that took effect then.
    pub(crate) revision: u64,
    /// What both are about.
    pub(crate) subject: &'a ClockOwner,
}

impl Clocks {
    /// The earliest time at which an event that concerns these may take effect; `None` where none
    /// says so.
    pub(crate) fn floor<'a>(&self, concerns: &'a [ClockOwner]) -> Option<Floor<'a>> {
        let floors = concerns.iter().filter_map(|subject| {
            let &(at, revision) = self.0.get(subject)?;
            Some(Floor { at, revision, subject })
        });
        floors.max_by_key(|floor| floor.at)
    }

    /// Notes that an event that concerns these took effect, by which revision.
    pub(crate) fn note(&mut self, concerns: Vec<ClockOwner>, event: &Event, revision: u64) {
        // A deployment rests on the network and on what became of the addresses before, but
        // doesn't change them.
        let deploys = matches!(event.kind, EventKind::MachineDeployed { .. });
        for subject in concerns {
            if !deploys || matches!(subject, ClockOwner::Subscription(_)) {
                self.0.insert(subject, (event.at, revision));
            }
        }
    }
}

/// The things that an event rests on or changes; the world is the one before it.
pub(crate) fn concerns(world: &World, event: &Event) -> Vec<ClockOwner> {
    let of = |name: &str| ClockOwner::Subscription(name.to_owned());
    if let EventKind::MachineDeployed { placement: Some(placement), machine } = &event.kind {
        let network = placement.network.as_str().to_owned();
        let mut subjects = vec![
            of(placement.subscription.as_str()),
            ClockOwner::Machine(machine.as_str().to_owned()),
            ClockOwner::Network(network.clone()),
        ];
        let addresses = placement.addresses.iter();
        subjects.extend(addresses.map(|address| ClockOwner::Address(network.clone(), *address)));
        return subjects;
    }
    match &event.kind {
        EventKind::NetworkAdded { network, .. } => {
            vec![ClockOwner::Network(network.as_str().to_owned())]
        }
        // It programs every machine in the network with its own subscription's state.
        EventKind::TemporarySubnet { network } => {
            let inside = |machine: &&Machine| {
                machine.interfaces.iter().any(|interface| interface.network == *network)
            };
            let machines = world.machines().values().filter(inside);
            let mut subjects: Vec<_> =
                machines.map(|machine| of(machine.subscription.as_str())).collect();
            subjects.sort();
            subjects.dedup();
            subjects.push(ClockOwner::Network(network.as_str().to_owned()));
            subjects
        }
        EventKind::FirewallRulesUpdated { firewall }
        | EventKind::FirewallStopped { firewall }
        | EventKind::FirewallStarted { firewall } => {
            let found = world.firewalls().get(firewall);
            found.map(|firewall| of(firewall.subscription.as_str())).into_iter().collect()
        }
        kind => match (kind.subscription(), kind.machine()) {
            (Some(subscription), _) => vec![of(subscription.as_str())],
            (None, Some(name)) => machine_concerns(world, kind, name),
            (None, None) => Vec::new(),
        },
    }
}

fn machine_concerns(world: &World, kind: &EventKind, name: &MachineName) -> Vec<ClockOwner> {
    let Some(machine) = world.machines().get(name) else { return Vec::new() };
    let mut subjects = vec![ClockOwner::Subscription(machine.subscription.as_str().to_owned())];
    if matches!(kind, EventKind::MachineDeleted { .. } | EventKind::MachineDeployed { .. }) {
        subjects.push(ClockOwner::Machine(name.as_str().to_owned()));
        for Interface { network, addresses, .. } in &machine.interfaces {
            let network = network.as_str();
            let taken = addresses.iter();
            subjects.extend(taken.map(|address| ClockOwner::Address(network.to_owned(), *address)));
        }
    }
    subjects
}
