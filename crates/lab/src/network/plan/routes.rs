//! Who is at an appliance's address.

use std::collections::BTreeSet;
use std::net::IpAddr;

use egress25_policy::{NetworkName, World};

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
