//! The reference decision: slow, obvious, and what everything else is checked against.
//!
//! It follows the packet hop by hop until a hop sends it to the Internet, keeps it inside, or
//! loses it; at the Internet's edge the rule of that hop's subscription decides (`edge`).

pub(crate) mod advice;
pub(crate) mod decision;
pub(crate) mod edge;
pub(crate) mod forwarded;
pub(crate) mod standing;

use std::net::{IpAddr, Ipv4Addr};

use crate::SMTP_PORT;
use crate::article::edition::{FirewallRule, Topic};
use crate::article::reason::Reason;
use crate::article::settings::{
    AzureFirewallWhenSilent, BlockForm, EaViaAzureFirewall, ExemptViaAppliance, PassOrDrop,
    PassOrFiltered, Setting,
};
use crate::article::statement::StatementId;
use crate::decide::advice::relay;
use crate::decide::decision::{Assumption, Decision, Hop, HopKind, NextStep, Verdict};
use crate::decide::edge::{Edge, at_the_edge, behind_a_firewall, terms};
use crate::life::power::Power;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubnetName, SubscriptionName};
use crate::world::route::{NextHop, Route, RouteOrigin, effective_routes, is_inside, resolve};
use crate::world::{Interface, Machine, World};

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An address in a network.
    Address {
        /// The network, where it is known; `None` is enough where only one owns the address.
        network: Option<NetworkName>,
        /// The address.
        address: IpAddr,
    },
    /// A machine, by its first interface and first address of the destination's family.
    Machine(MachineName),
}

/// A question: may this TCP connection be opened?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who sends.
    pub source: Source,
    /// To which address.
    pub destination: IpAddr,
    /// To which TCP port.
    pub port: u16,
}

/// The addresses of the platform itself: instance metadata and the wire server.
pub(crate) const PLATFORM: [Ipv4Addr; 2] =
    [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(168, 63, 129, 16)];

/// What a decision rests on, gathered on the way.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    /// Whether nobody reads them: only the reason is wanted.
    pub(crate) mute: bool,
    pub(crate) statements: Vec<StatementId>,
    pub(crate) assumed: Vec<Assumption>,
    pub(crate) path: Vec<Hop>,
    pub(crate) next_steps: Vec<NextStep>,
}

impl Grounds {
    pub(crate) fn cite(&mut self, statements: &[StatementId]) {
        if self.mute {
            return;
        }
        for statement in statements {
            if !self.statements.contains(statement) {
                self.statements.push(statement.clone());
            }
        }
    }

    pub(crate) fn assume(&mut self, world: &World, setting: Setting) {
        if self.mute {
            return;
        }
        self.assume_as(world.settings.assumption(setting));
    }

    pub(crate) fn assume_as(&mut self, assumption: Assumption) {
        if !self.assumed.contains(&assumption) {
            self.assumed.push(assumption);
        }
    }
}

/// Where a packet is on its way: an interface of a machine.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) name: &'a MachineName,
    pub(crate) machine: &'a Machine,
    pub(crate) interface: &'a Interface,
}

/// Answers a question about a world.
///
/// The answer is complete: verdict, reason, statements, assumed settings, path, next steps.
#[must_use]
pub fn decide(world: &World, question: &Question) -> Decision {
    let mut grounds = Grounds::default();
    let source = find_source(world, question);
    let sender = source.as_ref().ok().copied();
    //= G1
    let edge = if question.port == SMTP_PORT {
        match source {
            Ok(place) => from_machine(world, place, place, question.destination, &mut grounds),
            Err(reason) => unknown_source(world, reason, question, &mut grounds),
        }
    } else {
        not_filtered(world, question.port, &mut grounds)
    };
    finish(world, sender, edge, grounds)
}

pub(crate) fn finish(
    world: &World,
    sender: Option<Place<'_>>,
    edge: Edge,
    grounds: Grounds,
) -> Decision {
    let Edge { reason, verdict, subscription } = edge;
    Decision {
        verdict,
        reason,
        statements: grounds.statements,
        assumed: grounds.assumed,
        path: grounds.path,
        next_steps: if verdict == Verdict::Pass { vec![] } else { grounds.next_steps },
        machine: sender.map(|place| place.name.clone()),
        subscription: subscription.or_else(|| sender.map(|at| at.machine.subscription.clone())),
        edition: world.edition.id.clone(),
    }
}

/// Any port but 25: the platform filters nothing else.
fn not_filtered(world: &World, port: u16, grounds: &mut Grounds) -> Edge {
    //= G4
    if world.edition.relay_ports.contains(&port) {
        grounds.cite(world.edition.topic(Topic::Relay));
        return Edge::pass(Reason::RelayPort, None);
    }
    grounds.cite(world.edition.topic(Topic::Block));
    Edge::pass(Reason::OtherPort, None)
}

/// Finds the sender: its machine and interface, or why there is none.
pub(crate) fn find_source<'a>(world: &'a World, question: &Question) -> Result<Place<'a>, Reason> {
    match &question.source {
        Source::Machine(name) => {
            let (name, machine) =
                world.machines.get_key_value(name).ok_or(Reason::UnknownSource)?;
            let same_family = |interface: &&Interface| {
                interface.addresses.iter().any(|a| a.is_ipv4() == question.destination.is_ipv4())
            };
            let interface = machine
                .interfaces
                .iter()
                .find(same_family)
                .or_else(|| machine.interfaces.first())
                .ok_or(Reason::UnknownSource)?;
            Ok(Place { name, machine, interface })
        }
        Source::Address { network: Some(network), address } => {
            place(world, network, *address).ok_or(Reason::UnknownSource)
        }
        Source::Address { network: None, address } => {
            let mut found = world.networks.keys().filter_map(|name| place(world, name, *address));
            let first = found.next().ok_or(Reason::UnknownSource)?;
            if found.next().is_some() { Err(Reason::AmbiguousNetwork) } else { Ok(first) }
        }
    }
}

fn place<'a>(world: &'a World, network: &NetworkName, address: IpAddr) -> Option<Place<'a>> {
    let (name, machine, interface) = world.owner(network, address)?;
    Some(Place { name, machine, interface })
}

pub(crate) fn unknown_source(
    world: &World,
    reason: Reason,
    question: &Question,
    grounds: &mut Grounds,
) -> Edge {
    let who = match &question.source {
        Source::Address { address, .. } => format!("address {address}"),
        Source::Machine(name) => format!("machine `{name}`"),
    };
    let what = if reason == Reason::AmbiguousNetwork {
        format!("{who} is in several networks; say which one the traffic belongs to")
    } else {
        format!("the world knows no {who}; add it, or say which network it is in")
    };
    grounds.next_steps.push(NextStep::MendInput { what });
    Edge { reason, ..nobodys(world, grounds) }
}

/// What nobody's packet meets.
pub(crate) fn nobodys(world: &World, grounds: &mut Grounds) -> Edge {
    grounds.assume(world, Setting::UnknownSource);
    let verdict = pass_or_drop(world.settings.unknown_source);
    Edge { reason: Reason::UnknownSource, verdict, subscription: None }
}

pub(crate) const fn pass_or_drop(choice: PassOrDrop) -> Verdict {
    match choice {
        PassOrDrop::Pass => Verdict::Pass,
        PassOrDrop::Drop => Verdict::Drop,
    }
}

/// A SYN to port 25 from a known machine, as it leaves the port `at`: the machine's own, or that of
/// a forwarder.
pub(crate) fn from_machine(
    world: &World,
    sender: Place<'_>,
    at: Place<'_>,
    destination: IpAddr,
    grounds: &mut Grounds,
) -> Edge {
    if sender.machine.state.power != Power::Running {
        grounds.assume(world, Setting::SenderNotRunning);
        let (name, power) = (sender.name, sender.machine.state.power);
        grounds.next_steps.push(NextStep::MendInput {
            what: format!("`{name}` is `{power}` at that time; check the events and the clock"),
        });
        let verdict = pass_or_drop(world.settings.sender_not_running);
        return Edge { reason: Reason::SenderNotRunning, verdict, subscription: None };
    }
    to_platform(world, destination, grounds)
        .unwrap_or_else(|| follow(world, sender, at, destination, grounds))
}

/// The platform's own addresses are not filtered, by a setting.
pub(crate) fn to_platform(
    world: &World,
    destination: IpAddr,
    grounds: &mut Grounds,
) -> Option<Edge> {
    if !is_platform(destination) {
        return None;
    }
    grounds.assume(world, Setting::PlatformAddresses);
    (world.settings.platform_addresses == PassOrFiltered::Pass)
        .then(|| Edge::pass(Reason::PlatformAddress, None))
}

/// Whether an address is the platform's own.
fn is_platform(address: IpAddr) -> bool {
    PLATFORM.iter().any(|platform| IpAddr::V4(*platform) == address)
}

/// Follows the packet from hop to hop, from a port on.
fn follow<'a>(
    world: &'a World,
    sender: Place<'_>,
    mut at: Place<'a>,
    destination: IpAddr,
    grounds: &mut Grounds,
) -> Edge {
    let mut been: Vec<&MachineName> = vec![at.name];
    // The address that the sender's own route leads to: that of the port, where it is not its own.
    let mut first = (at.name != sender.name).then(|| own_address(at, destination));
    loop {
        let interface = at.interface;
        let routes = effective_routes(world, &interface.network, &interface.subnet);
        let route = resolve(&routes, destination);
        grounds.path.push(machine_hop(at, destination, route));
        by_default_route(world, destination, route, grounds);
        let Some(next_hop) = route.map(|route| &route.next_hop) else {
            return lost(Reason::NoRoute, "no route is for this destination", grounds);
        };
        let address = match toward(world, &interface.network, destination, next_hop, grounds) {
            Toward::Edge => {
                return match first {
                    None => at_the_edge(world, at, grounds),
                    Some(address) => behind_an_appliance(world, sender, at, address, grounds),
                };
            }
            Toward::Done(edge) => return edge,
            Toward::Appliance(address) => address,
        };
        first = first.or(Some(address));
        let mut reach = networks_in_reach(world, &interface.network);
        if let Some(firewall) = reach.find_map(|network| world.firewall_at(network, address)) {
            return through_firewall(world, Some(sender), firewall, address, destination, grounds);
        }
        at = match appliance(world, &interface.network, address, grounds) {
            Ok(next) => next,
            Err(edge) => return edge,
        };
        if been.contains(&at.name) {
            let what = format!("the packet comes back to `{}`", at.name);
            return lost(Reason::RoutingLoop, &what, grounds);
        }
        been.push(at.name);
    }
}

/// Names the setting that gives a subnet a way to the IPv6 Internet, where the packet takes it or
/// misses it.
fn by_default_route(
    world: &World,
    destination: IpAddr,
    route: Option<&Route>,
    grounds: &mut Grounds,
) {
    let by_default = route.is_none_or(|route| {
        route.origin == RouteOrigin::System && route.next_hop == NextHop::Internet
    });
    if destination.is_ipv6() && by_default {
        grounds.assume(world, Setting::Ipv6DefaultRoute);
    }
}

/// Where a next hop leads, as far as the filter cares.
pub(crate) enum Toward {
    /// To the Internet, or to what a setting treats like it.
    Edge,
    /// To an appliance or a firewall.
    Appliance(IpAddr),
    /// It is decided already.
    Done(Edge),
}

/// Where a next hop of a network's route takes a packet.
pub(crate) fn toward(
    world: &World,
    network: &NetworkName,
    destination: IpAddr,
    next_hop: &NextHop,
    grounds: &mut Grounds,
) -> Toward {
    let (setting, choice, reason) = match next_hop {
        NextHop::Internet => return Toward::Edge,
        NextHop::Appliance(address) => return Toward::Appliance(*address),
        NextHop::None => {
            let what = "the route's next hop is none";
            return Toward::Done(lost(Reason::NoRoute, what, grounds));
        }
        NextHop::Gateway(None) => {
            let what = "the route leads to a gateway that the network does not have";
            return Toward::Done(lost(Reason::NoRoute, what, grounds));
        }
        // A user-defined route can keep any address in the network, also one that is not there.
        NextHop::VirtualNetwork if !is_inside(world, network, destination) => {
            let what = "the route keeps the packet in the virtual network, which does not hold the \
                        destination";
            return Toward::Done(lost(Reason::NoRoute, what, grounds));
        }
        NextHop::VirtualNetwork | NextHop::Peering(_) => {
            (Setting::InternalDestination, world.settings.internal_destination, Reason::Internal)
        }
        NextHop::Gateway(Some(_)) => {
            (Setting::OnPremisesRoute, world.settings.on_premises_route, Reason::OnPremises)
        }
        NextHop::ServiceEndpoint => (
            Setting::ServiceEndpointRoute,
            world.settings.service_endpoint_route,
            Reason::PlatformAddress,
        ),
    };
    grounds.assume(world, setting);
    match choice {
        PassOrFiltered::Pass => Toward::Done(Edge::pass(reason, None)),
        PassOrFiltered::Filtered => Toward::Edge,
    }
}

/// The appliance sends to the Internet: its own machine and subscription decide. `first` is the
/// address that the sender's own route leads to.
fn behind_an_appliance(
    world: &World,
    sender: Place<'_>,
    at: Place<'_>,
    first: IpAddr,
    grounds: &mut Grounds,
) -> Edge {
    //= PG8
    //= PN6
    grounds.assume(world, Setting::ExemptViaAppliance);
    if directly(world, sender) == Reason::Exempt {
        let (rule, _) = world.edition.rule(sender.machine.state.programmed.offer);
        let statements = terms(world, rule, grounds).cites.covers.clone();
        grounds.cite(&statements);
        if world.settings.exempt_via_appliance == ExemptViaAppliance::Blocked {
            grounds.next_steps.push(NextStep::RouteDirectly { instead_of: first, statements });
            grounds.next_steps.push(relay(world));
            let subscription = sender.machine.subscription.clone();
            return blocked(world, Reason::ExemptionDoesNotCover, subscription, grounds);
        }
    }
    at_the_edge(world, at, grounds)
}

/// What a machine would meet if it sent directly to the Internet.
fn directly(world: &World, sender: Place<'_>) -> Reason {
    let mut unused = Grounds { mute: true, ..Grounds::default() };
    at_the_edge(world, sender, &mut unused).reason
}

/// A block by the platform, in the form that the settings give it.
pub(crate) fn blocked(
    world: &World,
    reason: Reason,
    subscription: SubscriptionName,
    grounds: &mut Grounds,
) -> Edge {
    grounds.assume(world, Setting::BlockForm);
    let verdict = match world.settings.block_form {
        BlockForm::Drop => Verdict::Drop,
        BlockForm::Reject => Verdict::Reject,
    };
    Edge { reason, verdict, subscription: Some(subscription) }
}

pub(crate) fn lost(reason: Reason, what: &str, grounds: &mut Grounds) -> Edge {
    grounds.next_steps.push(NextStep::MendRoute { what: what.to_owned() });
    Edge { reason, verdict: reason.usual_verdict(), subscription: None }
}

/// An address of a place, of the destination's family where it has one.
fn own_address(at: Place<'_>, destination: IpAddr) -> IpAddr {
    let addresses = &at.interface.addresses;
    addresses
        .iter()
        .find(|address| address.is_ipv4() == destination.is_ipv4())
        .or_else(|| addresses.first())
        .copied()
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn machine_hop(at: Place<'_>, destination: IpAddr, route: Option<&Route>) -> Hop {
    let address = own_address(at, destination);
    let at = HopKind::Machine {
        machine: at.name.clone(),
        network: at.interface.network.clone(),
        address,
    };
    hop(at, route)
}

fn hop(at: HopKind, route: Option<&Route>) -> Hop {
    Hop {
        at,
        route: route.map(|route| route.prefix),
        origin: route.map(|route| route.origin),
        next_hop: route.map(|route| route.next_hop.text()),
    }
}

/// The networks that an appliance's address can be in: one's own and the peered ones.
pub(crate) fn networks_in_reach<'a>(
    world: &'a World,
    network: &'a NetworkName,
) -> impl Iterator<Item = &'a NetworkName> {
    let peerings = world.networks.get(network).map_or(&[][..], |found| &found.peerings);
    [network].into_iter().chain(peerings.iter().map(|peering| &peering.network))
}

/// The appliance at an address, as the place from which it forwards.
fn appliance<'a>(
    world: &'a World,
    network: &NetworkName,
    address: IpAddr,
    grounds: &mut Grounds,
) -> Result<Place<'a>, Edge> {
    let found =
        networks_in_reach(world, network).find_map(|network| place(world, network, address));
    let Some(found) = found else {
        let what = format!("{address} belongs to no machine or firewall that can be reached");
        return Err(lost(Reason::NextHopUnknown, &what, grounds));
    };
    if found.machine.state.power != Power::Running {
        let (name, power) = (found.name, found.machine.state.power);
        let what = format!("the appliance `{name}` is `{power}`; start it");
        return Err(lost(Reason::ApplianceNotForwarding, &what, grounds));
    }
    if !found.interface.ip_forwarding {
        let what =
            format!("enable IP forwarding on the interface of `{}` at {address}", found.name);
        return Err(lost(Reason::ApplianceNotForwarding, &what, grounds));
    }
    Ok(Place { interface: found.machine.forwards_from(found.interface), ..found })
}

/// The packet comes to an Azure Firewall: inside and on premises it goes on; to the Internet
/// the edition decides.
pub(crate) fn through_firewall(
    world: &World,
    sender: Option<Place<'_>>,
    name: &FirewallName,
    address: IpAddr,
    destination: IpAddr,
    grounds: &mut Grounds,
) -> Edge {
    let Some(firewall) = world.firewalls.get(name) else {
        return lost(Reason::NextHopUnknown, "the firewall does not exist", grounds);
    };
    let subnet: &SubnetName = &firewall.subnet;
    let routes = effective_routes(world, &firewall.network, subnet);
    let route = resolve(&routes, destination);
    grounds.path.push(hop(HopKind::Firewall { firewall: name.clone() }, route));
    by_default_route(world, destination, route, grounds);
    let Some(next_hop) = route.map(|route| &route.next_hop) else {
        return lost(Reason::NoRoute, "no route is for this destination", grounds);
    };
    match toward(world, &firewall.network, destination, next_hop, grounds) {
        Toward::Done(edge) => return edge,
        Toward::Appliance(next) => {
            let what = format!("the firewall `{name}` sends on to {next}; that is not followed");
            return lost(Reason::NextHopUnknown, &what, grounds);
        }
        Toward::Edge => {}
    }
    //= RL1
    let rule = world.edition.azure_firewall;
    grounds.cite(world.edition.topic(Topic::Firewall));
    let silent = rule == FirewallRule::Silent;
    if silent {
        grounds.assume(world, Setting::AzureFirewallWhenSilent);
    }
    let own_rule = rule == FirewallRule::OwnRule
        || silent
            && world.settings.azure_firewall_when_silent
                == AzureFirewallWhenSilent::SubscriptionRule;
    if own_rule {
        return behind_a_firewall(world, sender, firewall, grounds);
    }
    let unrestricted = |sender: &Place<'_>| {
        let direct = directly(world, *sender);
        matches!(direct, Reason::UnrestrictedOffer | Reason::PredatesRestriction)
    };
    if let Some(sender) = sender.filter(unrestricted) {
        grounds.assume(world, Setting::EaViaAzureFirewall);
        if world.settings.ea_via_azure_firewall == EaViaAzureFirewall::Unrestricted {
            return at_the_edge(world, sender, grounds);
        }
    }
    grounds.assume(world, Setting::BlockForm);
    let statements = world.edition.topic(Topic::Firewall).to_vec();
    grounds.next_steps.push(NextStep::RouteDirectly { instead_of: address, statements });
    grounds.next_steps.push(relay(world));
    Edge { reason: Reason::AzureFirewallUnsupported, verdict: Verdict::Reject, subscription: None }
}
