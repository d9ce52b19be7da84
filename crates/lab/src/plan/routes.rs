//! A subnet's effective routes as one routing table: for each prefix the route that wins.

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_policy::{
    NetworkName, NextHop, Power, Route, RouteOrigin, SubnetName, World, effective_routes,
};
use ipnet::IpNet;

/// The routes that count, one a prefix.
///
/// A system route of the network, a peering or a service endpoint wins over any BGP route
/// inside of it, however long that one's prefix is.
pub(crate) fn winners(world: &World, network: &NetworkName, subnet: &SubnetName) -> Vec<Route> {
    let routes = effective_routes(world, network, subnet);
    let inside = |route: &Route| {
        routes.iter().any(|other| {
            other.origin == RouteOrigin::System
                && matches!(
                    other.next_hop,
                    NextHop::VirtualNetwork | NextHop::Peering(_) | NextHop::ServiceEndpoint
                )
                && other.prefix.contains(&route.prefix)
        })
    };
    let mut best: BTreeMap<IpNet, &Route> = BTreeMap::new();
    for route in &routes {
        if route.origin == RouteOrigin::Bgp && inside(route) {
            continue;
        }
        let place = best.entry(route.prefix.trunc()).or_insert(route);
        // Of equal ones the last counts, as in the policy's own choice.
        if place.origin <= route.origin {
            *place = route;
        }
    }
    best.into_values().cloned().collect()
}

/// Who is at an appliance's address, in a network or one that it is peered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Appliance {
    /// A machine, in that network.
    Machine(NetworkName),
    /// A firewall, in that network.
    Firewall(NetworkName),
}

impl Appliance {
    pub(crate) const fn network(&self) -> &NetworkName {
        match self {
            Self::Machine(network) | Self::Firewall(network) => network,
        }
    }
}

/// A network and those that it is peered with.
pub(crate) fn reachable<'a>(
    world: &'a World,
    network: &'a NetworkName,
) -> impl Iterator<Item = &'a NetworkName> {
    let peerings = world.networks().get(network).map_or(&[][..], |found| &found.peerings);
    [network].into_iter().chain(peerings.iter().map(|peering| &peering.network))
}

/// Finds who is at an appliance's address, if anybody is.
pub(crate) fn appliance(
    world: &World,
    network: &NetworkName,
    address: IpAddr,
) -> Option<Appliance> {
    let firewall = |place: &&NetworkName| {
        world.firewalls().values().any(|f| f.address == address && f.network == **place)
    };
    if let Some(place) = reachable(world, network).find(firewall) {
        return Some(Appliance::Firewall(place.clone()));
    }
    let machine =
        |place: &&NetworkName| {
            world.machines().values().flat_map(|machine| &machine.interfaces).any(|interface| {
                interface.network == **place && interface.addresses.contains(&address)
            })
        };
    reachable(world, network).find(machine).map(|place| Appliance::Machine(place.clone()))
}

/// Whether what is sent to an appliance's address comes out again: the machine there runs and
/// forwards, or it is a firewall.
pub(crate) fn forwards(world: &World, network: &NetworkName, address: IpAddr) -> bool {
    match appliance(world, network, address) {
        None => false,
        Some(Appliance::Firewall(_)) => true,
        Some(Appliance::Machine(place)) => {
            world.owner(&place, address).is_some_and(|(_, machine, interface)| {
                machine.state.power == Power::Running && interface.ip_forwarding
            })
        }
    }
}
