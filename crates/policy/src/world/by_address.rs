//! What is at the addresses of networks, which may be the same ones.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::world::name::NetworkName;

/// What is at addresses, in each network.
#[derive(Debug, Clone)]
pub(crate) struct ByAddress<T>(HashMap<NetworkName, BTreeMap<IpAddr, T>>);

impl<T> ByAddress<T> {
    /// Nothing, anywhere.
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }

    /// What is at an address of a network.
    pub(crate) fn get(&self, network: &NetworkName, address: IpAddr) -> Option<&T> {
        self.0.get(network)?.get(&address)
    }

    /// What is in a network, or in all of them one by one, in the order of each one's addresses.
    pub(crate) fn within<'a>(
        &'a self,
        network: Option<&'a NetworkName>,
    ) -> impl Iterator<Item = (IpAddr, &'a T)> {
        let all = network.is_none().then(|| self.0.values());
        let one = network.and_then(|network| self.0.get(network));
        all.into_iter().flatten().chain(one).flatten().map(|(address, what)| (*address, what))
    }

    /// Puts something at an address, in the place of what was there.
    pub(crate) fn insert(&mut self, network: &NetworkName, address: IpAddr, what: T) {
        self.0.entry(network.clone()).or_default().insert(address, what);
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
