//! Where destinations lead: the one place that knows.
//!
//! For a class of senders each address family is a partition into disjoint ranges, and every
//! address of a range has the same way: a reason that the route alone decides, the sender's own
//! edge, or the forwarder where the packet leaves for the Internet. What compiles the policy
//! (tables, rules, the lab) reads ranges from here and matches no prefix itself.
//!
//! [`decide`](crate::decide()) never asks this module; tests ask it for addresses of every range.

mod map;
mod stretches;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use serde::Serialize;

pub use map::CellMap;
pub use stretches::winning_routes;

use crate::article::reason::Reason;
use crate::article::settings::{AzureFirewallSubscription, EaViaAzureFirewall, ExemptViaAppliance};
use crate::cells::stretches::FAMILIES;
use crate::decide::edge::edge_reason;
use crate::decide::firewall::{
    by_own_rule, exemption_covers_firewalls, firewall_edge_reason, is_unrestricted,
    own_by_the_text, types_may_count,
};
use crate::decide::sender::SendingPort;
use crate::decide::way_out::leaves;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubnetName};
use crate::world::{Interface, Machine, World};

/// Senders for whom every destination leads the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SenderClass {
    /// The network.
    pub network: NetworkName,
    /// The subnet, whose routes count.
    pub subnet: SubnetName,
    /// Whether IPv4 and IPv6 find a way out to the Internet, in this order.
    pub ways_out: [bool; 2],
    /// A machine that forwards is a class of its own: what comes back to it goes in circles.
    pub forwarder: Option<MachineName>,
}

impl SenderClass {
    /// The class of what a machine sends by one of its interfaces.
    #[must_use]
    pub fn of(world: &World, name: &MachineName, machine: &Machine, interface: &Interface) -> Self {
        let at = SendingPort { name, machine, interface };
        Self {
            network: interface.network.clone(),
            subnet: interface.subnet.clone(),
            ways_out: ways_out(world, at),
            forwarder: machine.forwards().then(|| name.clone()),
        }
    }
}

/// Whether each family, in the order of the cells, finds a way out from a port.
fn ways_out(world: &World, at: SendingPort<'_>) -> [bool; 2] {
    FAMILIES.map(|v4| leaves(world, at, v4))
}

/// Who takes packets on that are not for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forwarder {
    /// An appliance: a machine that runs and forwards.
    Machine(MachineName),
    /// An Azure Firewall.
    Firewall(FirewallName),
}

/// Where a range of destinations leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeadsTo {
    /// The same reason for every sender of the class.
    Reason(Reason),
    /// To the Internet's edge: the sender's own programming decides.
    Edge,
    /// Out to the Internet by a forwarder: its programming decides, and the sender's.
    Exit(Forwarder),
}

impl LeadsTo {
    /// The same destinations as packets meet them that a machine forwards: where its own would be
    /// at the edge, theirs leave by it.
    #[must_use]
    pub fn forwarded_by(&self, machine: &MachineName) -> Self {
        match self {
            Self::Edge => Self::Exit(Forwarder::Machine(machine.clone())),
            other => other.clone(),
        }
    }
}

/// A range of destinations that lead the same way; both ends belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
    /// Where they lead.
    pub leads_to: LeadsTo,
    /// The first forwarder on the way that takes the packet on, if there is one.
    pub next: Option<Forwarder>,
}

impl Cell {
    /// The fewest prefixes that make up the range.
    #[must_use]
    pub fn prefixes(&self) -> Vec<IpNet> {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// All destinations of a class of senders: a partition of both families.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells {
    v4: Vec<Cell>,
    v6: Vec<Cell>,
}

impl Cells {
    /// The ranges, IPv4 first, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Cell> {
        self.v4.iter().chain(&self.v6)
    }

    /// The range of a destination.
    #[must_use]
    pub fn at(&self, destination: IpAddr) -> Option<&Cell> {
        let cells = if destination.is_ipv4() { &self.v4 } else { &self.v6 };
        cells.get(cells.partition_point(|cell| cell.last < destination))
    }

    /// Whether anything leads through a forwarder.
    #[must_use]
    pub fn any_forwarded(&self) -> bool {
        self.iter().any(|cell| cell.next.is_some())
    }
}

/// The reason for what a sender sends that leaves by a forwarder; `at_edge` is what the sender
/// would meet if it sent directly.
///
/// Nothing else of the sender counts: an appliance's own machine decides, but for an exemption,
/// which does not cover that hop (PG8, `exempt_via_appliance`); at a firewall the edition does.
#[must_use]
pub fn exit_reason(world: &World, exit: &Forwarder, at_edge: Reason) -> Reason {
    match exit {
        Forwarder::Machine(_)
            if matches!(at_edge, Reason::UnknownSource | Reason::SenderNotRunning) =>
        {
            at_edge
        }
        Forwarder::Machine(_)
            if at_edge == Reason::Exempt
                && world.settings.exempt_via_appliance == ExemptViaAppliance::Blocked =>
        {
            Reason::ExemptionDoesNotCover
        }
        Forwarder::Machine(name) => edge_reason(world, name).unwrap_or(Reason::UnknownSource),
        Forwarder::Firewall(name) => firewall_reason(world, name, at_edge),
    }
}

fn firewall_reason(world: &World, name: &FirewallName, at_edge: Reason) -> Reason {
    let settings = &world.settings;
    let at_firewall = || firewall_edge_reason(world, name);
    match (by_own_rule(world), settings.azure_firewall_subscription) {
        (true, AzureFirewallSubscription::Firewall) => at_firewall(),
        (true, _) if own_by_the_text(world, at_firewall()) => at_firewall(),
        (true, _) if at_edge == Reason::Exempt && !exemption_covers_firewalls(world) => {
            Reason::ExemptionDoesNotCover
        }
        (true, _) if at_edge == Reason::SenderNotRunning => Reason::UnknownSource,
        (true, _) => at_edge,
        (false, _)
            if is_unrestricted(at_edge)
                && types_may_count(world)
                && settings.ea_via_azure_firewall == EaViaAzureFirewall::Unrestricted =>
        {
            at_edge
        }
        (false, _) => Reason::AzureFirewallUnsupported,
    }
}
