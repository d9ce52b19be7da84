//! Which networks a network reaches, and in which of them something is.

use std::net::IpAddr;

use crate::world::name::NetworkName;
use crate::world::{Gateway, Peering, World};

impl World {
    /// Whether a network has its side of a peering with another.
    pub(crate) fn has_side(&self, network: &NetworkName, with: &NetworkName) -> bool {
        self.plots.get(network).is_some_and(|plot| plot.peerings.contains_key(with))
    }

    /// A network's side of a peering with another.
    #[must_use]
    pub fn peering(&self, network: &NetworkName, with: &NetworkName) -> Option<&Peering> {
        let place = self.plots.get(network)?.peerings.get(with)?;
        self.networks.get(network)?.peerings.get(*place)
    }

    /// The networks that a network is connected with by peerings (N12).
    pub fn peers<'a>(&'a self, network: &'a NetworkName) -> impl Iterator<Item = &'a NetworkName> {
        let sides = self.networks.get(network).map_or(&[][..], |found| &found.peerings);
        let open = sides.iter().filter(move |side| self.is_open(network, side));
        open.map(|side| &side.network)
    }

    /// Whether a network is connected with another by a peering (N12).
    fn reaches(&self, network: &NetworkName, other: &NetworkName) -> bool {
        self.peering(network, other).is_some_and(|side| self.is_open(network, side))
    }

    /// Whether a peering connects: both sides are there and allow it (N12).
    fn is_open(&self, network: &NetworkName, side: &Peering) -> bool {
        //= N12
        side.allow_virtual_network_access
            && self.open_toward.get(network).is_some_and(|open| open.contains(&side.network))
    }

    /// A network and those that it is connected with: where its packets can be handed to somebody.
    pub fn in_reach<'a>(
        &'a self,
        network: &'a NetworkName,
    ) -> impl Iterator<Item = &'a NetworkName> {
        [network].into_iter().chain(self.peers(network))
    }

    /// The gateway that a network's traffic takes: its own, or that of the one other network that it
    /// uses and that allows it (N12).
    #[must_use]
    pub fn gateway_of(&self, network: &NetworkName) -> Option<&Gateway> {
        let found = self.networks.get(network)?;
        found.gateway.as_ref().or_else(|| {
            let side = found.peerings.iter().find(|side| side.use_remote_gateways)?;
            let peer = Some(&side.network).filter(|_| self.is_open(network, side))?;
            let allowed = self.peering(peer, network)?.allow_gateway_transit;
            self.networks.get(peer)?.gateway.as_ref().filter(|_| allowed)
        })
    }

    /// The network in which somebody has an address that a route of a network leads to: a
    /// firewall, an internal load balancer, or a machine, whether or not it takes a packet on.
    #[must_use]
    pub fn network_of_appliance<'a>(
        &'a self,
        network: &'a NetworkName,
        address: IpAddr,
    ) -> Option<&'a NetworkName> {
        let firewalls = &self.firewall_addresses;
        let is_firewall = |place: &NetworkName| firewalls.get(place, address).is_some();
        let (owners, frontends) = (&self.owners, &self.frontends);
        let is_other = |place: &NetworkName| {
            owners.get(place, address).is_some() || frontends.get(place, address).is_some()
        };
        let others = owners.networks(address).chain(frontends.networks(address));
        self.first_in_reach(network, is_firewall, firewalls.networks(address))
            .or_else(|| self.first_in_reach(network, is_other, others))
    }

    /// The network that holds an address: a network, or one that it is connected with.
    pub(crate) fn holder<'a>(
        &'a self,
        network: &'a NetworkName,
        address: IpAddr,
    ) -> Option<&'a NetworkName> {
        let holds = |place: &NetworkName| self.is_of_network(place, address);
        self.first_in_reach(network, holds, self.spaces.holding(address.into()))
    }

    /// The first of [`Self::in_reach`] where something is; `there`: all networks where it is.
    fn first_in_reach<'a>(
        &'a self,
        network: &'a NetworkName,
        is_there: impl Fn(&NetworkName) -> bool,
        there: impl Iterator<Item = &'a NetworkName> + Clone,
    ) -> Option<&'a NetworkName> {
        if is_there(network) {
            return Some(network);
        }
        // Both lists are gone through in step, until the first peer is found or the others have ended:
        // a hub has many peers, and an address may be one of many networks.
        let mut others = there.clone();
        for side in &self.networks.get(network)?.peerings {
            if others.next().is_none() {
                let places = &self.plots.get(network)?.peerings;
                let reached = there.filter(|other| self.reaches(network, other));
                return reached.min_by_key(|other| places.get(*other));
            }
            if is_there(&side.network) && self.is_open(network, side) {
                return Some(&side.network);
            }
        }
        None
    }
}
