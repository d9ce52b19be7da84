//! Ranges of destinations that no answer tells apart.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::article::network::reserved_on;
use crate::decide::destination::unfit_ranges;
use crate::decide::screen::told_apart;
use crate::world::World;
use crate::world::ranges::{bounds_of_each, in_order, number};

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
        let mut prefixes = told_apart(world, |rule| &rule.destination);
        prefixes.extend(reserved_on(world.network_day()));
        let subnets = world.networks.values().flat_map(|network| network.subnets.values());
        prefixes.extend(subnets.flat_map(|of| of.prefixes.iter().chain(&of.service_endpoints)));
        prefixes.extend(world.public_addresses().map(IpNet::from));
        prefixes.extend(world.service_addresses(None).map(IpNet::from));
        let interfaces = world.machines.values().flat_map(|machine| &machine.interfaces);
        let by_themselves = interfaces.filter(|interface| {
            interface.security_group.is_some() || !interface.application_security_groups.is_empty()
        });
        prefixes.extend(by_themselves.flat_map(|of| &of.addresses).map(|at| IpNet::from(*at)));
        let bounds = [true, false].map(|v4| {
            let mut found = bounds_of_each(&prefixes, v4);
            for (first, last) in unfit_ranges(v4) {
                found.extend(
                    [Some(number(first)), number(last).checked_add(1)].into_iter().flatten(),
                );
            }
            in_order(found)
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
