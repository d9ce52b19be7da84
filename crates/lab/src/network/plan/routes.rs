//! Which networks a packet can come from, and where an appliance is.

use std::collections::BTreeSet;
use std::net::IpAddr;

use egress25_policy::{NetworkName, World};

/// A network and those that it is peered with.
pub(crate) fn reachable<'a>(
    world: &'a World,
    network: &'a NetworkName,
) -> impl Iterator<Item = &'a NetworkName> {
    let peerings = world.networks().get(network).map_or(&[][..], |found| &found.peerings);
    [network].into_iter().chain(peerings)
}

/// A network and all whose packets can come to it from forwarder to forwarder, the nearest first.
pub(crate) fn nearest_first<'a>(
    world: &'a World,
    network: &'a NetworkName,
) -> Vec<&'a NetworkName> {
    let mut all = vec![network];
    let mut known = BTreeSet::from([network]);
    let mut next = 0;
    // Where all are known, as in a mesh after the first, no more peerings are looked at.
    while known.len() < world.networks().len()
        && let Some(here) = all.get(next).copied()
    {
        all.extend(reachable(world, here).filter(|there| known.insert(there)));
        next = next.saturating_add(1);
    }
    all
}

/// The network in which an appliance's address is somebody's: a firewall's, or a machine's.
pub(crate) fn appliance_network<'a>(
    world: &'a World,
    network: &'a NetworkName,
    address: IpAddr,
) -> Option<&'a NetworkName> {
    let firewall = |place: &&NetworkName| {
        world.firewalls().values().any(|f| f.address == address && f.network == **place)
    };
    let machine = |place: &&NetworkName| world.owner(place, address).is_some();
    reachable(world, network).find(firewall).or_else(|| reachable(world, network).find(machine))
}
