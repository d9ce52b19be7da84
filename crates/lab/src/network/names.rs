//! By which addresses a node knows the machines.

use std::net::IpAddr;

use egress25_policy::{Machine, NetworkName, World};

use crate::network::hosts::Hosts;
use crate::network::plan::NodeKind;

/// The networks that a node is in: a router in all, who is on the Internet in none.
pub(crate) fn networks_of<'w>(
    kind: &NodeKind,
    world: &'w World,
    hosts: &Hosts,
) -> Vec<&'w NetworkName> {
    let of_interfaces =
        |found: &'w Machine| found.interfaces.iter().map(|one| &one.network).collect();
    let found = match kind {
        NodeKind::Machine(name) => world.machines().get(name).map(of_interfaces),
        NodeKind::Firewall(name) => world.firewalls().get(name).map(|found| vec![&found.network]),
        NodeKind::Host(name) => {
            let gateway = hosts.get(name).and_then(|host| host.on_premises.as_ref());
            let network = gateway.and_then(|network| world.networks().get_key_value(network));
            network.map(|(network, _)| vec![network])
        }
        NodeKind::Internet => None,
        NodeKind::Network(_) | NodeKind::Edge(_) | NodeKind::Wires => {
            Some(world.networks().keys().collect())
        }
    };
    found.unwrap_or_default()
}

/// Some networks and their peers.
pub(crate) fn with_peers<'w>(
    networks: &[&'w NetworkName],
    world: &'w World,
) -> Vec<&'w NetworkName> {
    networks.iter().flat_map(|network| world.in_reach(network)).collect()
}

/// The addresses by which a machine is known where the private ones of some networks are: those that
/// it has there, or else its public ones.
pub(crate) fn addresses_in(networks: &[&NetworkName], machine: &Machine) -> Vec<IpAddr> {
    let near = machine.interfaces.iter().filter(|one| networks.contains(&&one.network));
    let private: Vec<IpAddr> = near.flat_map(|one| one.addresses.iter().copied()).collect();
    if private.is_empty() {
        let public = machine.interfaces.iter().flat_map(|one| &one.public_addresses);
        return public.copied().collect();
    }
    private
}
