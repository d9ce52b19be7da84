//! What is at the addresses of networks, which may be the same ones.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::world::name::NetworkName;

/// What is at addresses, in each network.
#[derive(Debug, Clone)]
pub(crate) struct AtAddress<T>(HashMap<NetworkName, BTreeMap<IpAddr, T>>);

impl<T> AtAddress<T> {
    /// Nothing, anywhere.
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }

    /// What is at an address of a network.
    pub(crate) fn get(&self, network: &NetworkName, address: IpAddr) -> Option<&T> {
        self.0.get(network)?.get(&address)
    }

    /// What is in a network, in the order of the addresses.
    pub(crate) fn within(&self, network: &NetworkName) -> impl Iterator<Item = (IpAddr, &T)> {
        self.0.get(network).into_iter().flatten().map(|(address, what)| (*address, what))
    }

    /// The addresses of all networks at which something is; one that several have, several times.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.0.values().flat_map(BTreeMap::keys).copied()
    }

    /// Puts something at an address, in the place of what was there.
    pub(crate) fn insert(&mut self, network: &NetworkName, address: IpAddr, what: T) {
        match self.0.get_mut(network) {
            Some(there) => there.insert(address, what),
            None => self.0.entry(network.clone()).or_default().insert(address, what),
        };
    }

    /// Takes away what is at an address, where a condition holds.
    pub(crate) fn remove_if(
        &mut self,
        network: &NetworkName,
        address: IpAddr,
        holds: impl FnOnce(&T) -> bool,
    ) {
        if let Some(there) = self.0.get_mut(network)
            && there.get(&address).is_some_and(holds)
        {
            there.remove(&address);
        }
    }
}
