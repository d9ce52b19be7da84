//! The subnets of a network by the addresses in them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::world::Subnet;
use crate::world::name::SubnetName;

/// Which subnets hold an address: asked once for each length of a prefix that there is, however many
/// subnets there are.
#[derive(Debug, Clone, Default)]
pub(super) struct SubnetIndex {
    by_prefix: HashMap<IpNet, Vec<SubnetName>>,
    lengths: BTreeSet<u8>,
}

impl SubnetIndex {
    /// The index of some subnets.
    pub(super) fn of(subnets: &BTreeMap<SubnetName, Subnet>) -> Self {
        let mut index = Self::default();
        for (name, subnet) in subnets {
            for prefix in &subnet.prefixes {
                index.by_prefix.entry(prefix.trunc()).or_default().push(name.clone());
                index.lengths.insert(prefix.prefix_len());
            }
        }
        index
    }

    /// The subnets that hold an address.
    pub(super) fn holding(&self, address: IpAddr) -> BTreeSet<&SubnetName> {
        let prefixes = self.lengths.iter().filter_map(|len| IpNet::new(address, *len).ok());
        prefixes.filter_map(|prefix| self.by_prefix.get(&prefix.trunc())).flatten().collect()
    }
}
