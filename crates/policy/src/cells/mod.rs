//! Where destinations lead: the one place that knows.
//!
//! For a class of senders each address family is a partition into disjoint ranges, and every
//! address of a range has the same way: a reason that the route alone decides, the sender's own
//! edge, or the forwarder where the packet leaves for the Internet. What compiles the policy
//! (tables, rules, the lab) reads ranges from here and matches no prefix itself.
//!
//! [`decide`](crate::decide()) never asks this module; tests ask it for addresses of every range.

mod map;
mod ranges;
mod stretches;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use serde::Serialize;

pub use map::CellMap;
pub use ranges::DestinationRanges;
pub use stretches::winning_routes;

use crate::article::reason::Reason;
use crate::article::settings::{AzureFirewallSubscription, EaViaAzureFirewall, ExemptViaAppliance};
use crate::cells::stretches::FAMILIES;
use crate::decide::edge::edge_reason;
use crate::decide::firewall::{
    by_own_rule, exemption_covers_firewalls, firewall_edge_reason, is_unrestricted,
    own_by_the_text, types_may_count,
};
use crate::decide::screen::source_bounds;
use crate::decide::sender::SendingPort;
use crate::decide::service::{ByTheService, by_the_service};
use crate::decide::way_out::{is_indirect, leaves};
use crate::world::name::{
    ApplicationSecurityGroupName, FirewallName, MachineName, NetworkName, SecurityGroupName,
    SubnetName,
};
use crate::world::ranges::{address, number};
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
    /// Whether what takes IPv4 and IPv6 there makes them indirect, which a setting says (N8).
    pub indirect: [bool; 2],
    /// What leaves by the service that the sender is, and is asked no routes.
    pub by_the_service: ByTheService,
    /// A machine that forwards is a class of its own: what comes back to it goes in circles.
    pub forwarder: Option<MachineName>,
    /// What security rules see of the sender; `None` where there are none, or routes alone count.
    pub screened: Option<Screened>,
}

/// What security rules on a packet's way see of whoever sends it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Screened {
    /// The group of the interface that it leaves by.
    pub group: Option<SecurityGroupName>,
    /// Where it comes from.
    pub source: SourceClass,
}

/// Sources that no security rule tells apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SourceClass {
    /// One that stands for all of them: the first address of their range.
    pub address: IpAddr,
    /// Their network, where some peering keeps out what was forwarded.
    pub network: Option<NetworkName>,
    /// The application security groups that their interfaces are members of.
    pub groups: Vec<ApplicationSecurityGroupName>,
}

impl SourceClass {
    /// The class of an address of an interface; `None` where the world has no security rules.
    #[must_use]
    pub fn of(world: &World, interface: &Interface, from: IpAddr) -> Option<Self> {
        let (rules, restricted) = (world.has_security_rules(), world.restricts_forwarded_traffic());
        if !rules && !restricted {
            return None;
        }
        let network = restricted.then(|| interface.network.clone());
        let v4 = from.is_ipv4();
        if !rules {
            return Some(Self { address: address(v4, 0), network, groups: vec![] });
        }
        let [of_v4, of_v6] = world.source_bounds.get_or_init(|| source_bounds(world));
        let bounds = if from.is_ipv4() { of_v4 } else { of_v6 };
        let at = bounds.partition_point(|bound| *bound <= number(from));
        let first = at.checked_sub(1).and_then(|at| bounds.get(at)).copied().unwrap_or(0);
        let mut groups = interface.application_security_groups.clone();
        groups.sort_unstable();
        Some(Self { address: address(v4, first), network, groups })
    }
}

impl SenderClass {
    /// The class of what a machine sends by one of its interfaces, by routes alone.
    #[must_use]
    pub fn of(world: &World, name: &MachineName, machine: &Machine, interface: &Interface) -> Self {
        let at = SendingPort { name, machine, interface };
        Self {
            network: interface.network.clone(),
            subnet: interface.subnet.clone(),
            ways_out: ways_out(world, at),
            indirect: indirect(world, at),
            by_the_service: by_the_service(machine),
            forwarder: machine.forwards().then(|| name.clone()),
            screened: None,
        }
    }

    /// The class of what leaves an interface of a machine and is from a source: the machine's own, or
    /// what it sends on.
    #[must_use]
    pub fn screened(self, interface: &Interface, source: Option<SourceClass>) -> Self {
        let group = interface.security_group.clone();
        Self { screened: source.map(|source| Screened { group, source }), ..self }
    }
}

/// Whether each family, in the order of the cells, finds a way out from a port.
fn ways_out(world: &World, at: SendingPort<'_>) -> [bool; 2] {
    FAMILIES.map(|v4| leaves(world, at, v4))
}

/// Whether each family's way out is an indirect one.
fn indirect(world: &World, at: SendingPort<'_>) -> [bool; 2] {
    FAMILIES.map(|v4| is_indirect(world, at, v4))
}

/// Who takes packets on that are not for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forwarder {
    /// An appliance: a machine that runs and forwards.
    Machine(MachineName),
    /// An Azure Firewall.
    Firewall(FirewallName),
    /// What translates the sender's own packets, or an appliance's, and makes them indirect.
    Translation(Option<MachineName>),
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
    /// By the packet's source port, as a security rule names some: up to and including which one.
    BySourcePort(Vec<(u16, LeadsTo)>),
}

impl LeadsTo {
    /// The same destinations as packets meet them that a machine forwards: where its own would be
    /// at the edge, theirs leave by it.
    #[must_use]
    pub fn forwarded_by(&self, machine: &MachineName) -> Self {
        match self {
            Self::Edge => Self::Exit(Forwarder::Machine(machine.clone())),
            Self::Exit(Forwarder::Translation(None)) => {
                Self::Exit(Forwarder::Translation(Some(machine.clone())))
            }
            Self::BySourcePort(ports) => {
                let of = |(last, to): &(u16, Self)| (*last, to.forwarded_by(machine));
                Self::BySourcePort(ports.iter().map(of).collect())
            }
            other => other.clone(),
        }
    }
}

impl LeadsTo {
    /// Everywhere that it leads, whatever the source port.
    #[must_use]
    pub fn all(&self) -> Vec<&Self> {
        match self {
            Self::BySourcePort(ports) => ports.iter().map(|(_, to)| to).collect(),
            other => vec![other],
        }
    }

    /// Where a packet from a source port leads.
    #[must_use]
    pub fn from_port(&self, port: u16) -> &Self {
        match self {
            Self::BySourcePort(ports) => {
                let found = ports.iter().find(|(last, _)| port <= *last);
                found.map_or(self, |(_, to)| to)
            }
            other => other,
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
        Forwarder::Translation(of) => {
            let of_machine =
                |name: &MachineName| exit_reason(world, &Forwarder::Machine(name.clone()), at_edge);
            match of.as_ref().map_or(at_edge, of_machine) {
                Reason::Exempt => Reason::ExemptionDoesNotCover,
                other => other,
            }
        }
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
