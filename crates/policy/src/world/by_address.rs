//! What is at the addresses of networks, which may be the same ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use crate::world::name::NetworkName;

/// What is at addresses, in each network.
#[derive(Debug, Clone)]
pub(crate) struct ByAddress<T> {
    of: HashMap<NetworkName, BTreeMap<IpAddr, T>>,
    /// Derived from those: the networks in which something is at an address.
    networks: BTreeSet<(IpAddr, NetworkName)>,
}

impl<T> ByAddress<T> {
    /// Nothing, anywhere.
    pub(crate) fn new() -> Self {
        Self { of: HashMap::new(), networks: BTreeSet::new() }
    }

    /// What is at an address of a network.
    pub(crate) fn get(&self, network: &NetworkName, address: IpAddr) -> Option<&T> {
        self.of.get(network)?.get(&address)
    }

    /// The networks in which something is at an address, by name.
    pub(crate) fn networks(&self, address: IpAddr) -> impl Iterator<Item = &NetworkName> + Clone {
        let from_first = self.networks.range((address, NetworkName::from(""))..);
        from_first.take_while(move |(at, _)| *at == address).map(|(_, network)| network)
    }

    /// What is in a network, or in all of them one by one, in the order of each one's addresses.
    pub(crate) fn within<'a>(
        &'a self,
        network: Option<&'a NetworkName>,
    ) -> impl Iterator<Item = (IpAddr, &'a T)> {
        let all = network.is_none().then(|| self.of.values());
        let one = network.and_then(|network| self.of.get(network));
        all.into_iter().flatten().chain(one).flatten().map(|(address, what)| (*address, what))
    }

    /// Puts something at an address, in the place of what was there.
    pub(crate) fn insert(&mut self, network: &NetworkName, address: IpAddr, what: T) {
        self.of.entry(network.clone()).or_default().insert(address, what);
        self.networks.insert((address, network.clone()));
    }

    /// Takes away what is at an address, where a condition holds.
    pub(crate) fn remove_if(
        &mut self,
        network: &NetworkName,
        address: IpAddr,
        holds: impl FnOnce(&T) -> bool,
    ) {
        if let Some(there) = self.of.get_mut(network)
            && there.get(&address).is_some_and(holds)
        {
            there.remove(&address);
            self.networks.remove(&(address, network.clone()));
        }
    }
}
