//! Ranges of destinations that no answer tells apart.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::article::network::reserved_on;
use crate::decide::destination::{PLATFORM, unfit_ranges};
use crate::decide::screen::{NOT_PUBLIC, rules};
use crate::world::World;
use crate::world::ranges::{PrefixSet, number};
use crate::world::security::Target;

/// Ranges of destinations within which a decision for a sender is one and the same, with all that it
/// rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationRanges {
    /// Where ranges begin, for each family, but for the first.
    bounds: [Vec<u128>; 2],
}

impl DestinationRanges {
    /// The ranges that a world tells apart: by whatever prefix or address something of it names.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let mut prefixes: Vec<IpNet> = reserved_on(world.network_day()).collect();
        prefixes.extend(NOT_PUBLIC);
        prefixes.extend(PLATFORM.map(|at| IpNet::from(IpAddr::V4(at))));
        for network in world.networks.values() {
            prefixes.extend(&network.address_space);
            prefixes.extend(network.gateway.iter().flat_map(|gateway| &gateway.routes));
            for subnet in network.subnets.values() {
                prefixes.extend(subnet.prefixes.iter().chain(&subnet.service_endpoints));
                prefixes.extend(subnet.effective_routes.iter().map(|route| route.prefix));
            }
        }
        let tables = world.route_tables.values();
        prefixes.extend(tables.flat_map(|table| &table.routes).map(|route| route.prefix));
        for target in rules(world).flat_map(|rule| &rule.destination.0) {
            match target {
                Target::Any => {}
                Target::Prefix(prefix) => prefixes.push(*prefix),
                Target::Tag(tag) => prefixes.extend(world.service_tag(tag).unwrap_or_default()),
            }
        }
        prefixes.extend(world.public_addresses().map(IpNet::from));
        prefixes.extend(world.service_addresses(None).map(IpNet::from));
        let interfaces = world.machines.values().flat_map(|machine| &machine.interfaces);
        let told_apart = interfaces.filter(|interface| {
            interface.security_group.is_some() || !interface.application_security_groups.is_empty()
        });
        prefixes.extend(told_apart.flat_map(|of| &of.addresses).map(|at| IpNet::from(*at)));
        let bounds = [true, false].map(|v4| {
            let of_each = |prefix: &IpNet| PrefixSet::new([prefix]).bounds(v4).collect::<Vec<_>>();
            let mut found: Vec<_> = prefixes.iter().flat_map(of_each).collect();
            for (first, last) in unfit_ranges(v4) {
                found.extend(
                    [Some(number(first)), number(last).checked_add(1)].into_iter().flatten(),
                );
            }
            found.sort_unstable();
            found.dedup();
            found
        });
        Self { bounds }
    }

    /// The number of the range of a destination, among those of its family.
    #[must_use]
    pub fn number_of(&self, destination: IpAddr) -> usize {
        let [v4, v6] = &self.bounds;
        let bounds = if destination.is_ipv4() { v4 } else { v6 };
        bounds.partition_point(|bound| *bound <= number(destination))
    }
}
