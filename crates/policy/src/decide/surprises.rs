//! What will surprise whoever wrote a world: nothing is wrong with it, and packets do not go where
//! they seem to.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::sender::SendingPort;
use crate::decide::way_out::leaves_by_default_unsaid;
use crate::file::near::first_few;
use crate::world::name::{NetworkName, SubnetName};
use crate::world::{Subnet, UserNextHop, World};

impl World {
    /// What will surprise, one sentence each.
    #[must_use]
    pub fn surprises(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, network) in &self.networks {
            let one_sided = |peer: &&NetworkName| self.peering(peer, name).is_none();
            for peer in network.peerings.iter().map(|side| &side.network).filter(one_sided) {
                found.push(format!(
                    "`{name}` has a peering with `{peer}`, and `{peer}` none with `{name}`: nothing \
                     flows"
                ));
            }
            for (subnet_name, subnet) in &network.subnets {
                self.surprising_routes((name, subnet_name), subnet, &mut found);
            }
        }
        self.rests_on_default_outbound(&mut found);
        found.dedup();
        found
    }

    /// Subnets whose machines leave by default outbound access alone, which nobody said of them (N6).
    fn rests_on_default_outbound(&self, found: &mut Vec<String>) {
        let mut of_subnets: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for (name, machine) in &self.machines {
            for interface in &machine.interfaces {
                if leaves_by_default_unsaid(self, SendingPort { name, machine, interface }) {
                    let key = (&interface.network, &interface.subnet);
                    of_subnets.entry(key).or_default().push(name.as_str());
                }
            }
        }
        for ((network, subnet), machines) in of_subnets {
            found.push(format!(
                "`{network}/{subnet}` is not said to have default outbound access, by which {} leave for \
                 the Internet; in networks created since 2026-04 there is none: say \
                 `default_outbound_access`",
                first_few(machines)
            ));
        }
    }

    /// Routes of a subnet that lead to nobody who can be reached, or a machine to itself.
    fn surprising_routes(
        &self,
        (network, subnet): (&NetworkName, &SubnetName),
        of: &Subnet,
        found: &mut Vec<String>,
    ) {
        let table = of.route_table.as_ref().and_then(|name| self.route_tables.get_key_value(name));
        let Some((name, table)) = table else { return };
        for route in &table.routes {
            let UserNextHop::VirtualAppliance(address) = route.next_hop else { continue };
            let prefix = route.prefix;
            if self.network_of_appliance(network, address).is_none() {
                found.push(format!(
                    "the route to {prefix} of `{name}` leads to {address}, which belongs to nobody \
                     that `{network}` reaches"
                ));
            }
            let behind = self.frontend_at(network, address);
            let owners = behind.iter().flat_map(|(_, balancer)| &balancer.machines);
            let owners: BTreeSet<_> = owners
                .filter_map(|one| Some(&self.machines.get(one.at().0)?.subscription))
                .collect();
            if let (Some((balancer, _)), true) = (behind, owners.len() > 1) {
                found.push(format!(
                    "the machines behind `{balancer}` are of several subscriptions: any of them takes a \
                     packet on, and the first that works is asked"
                ));
            }
            let owner = self.owner(network, address).filter(|(.., at)| at.subnet == *subnet);
            if let Some((machine, ..)) = owner {
                found.push(format!(
                    "the route to {prefix} of `{name}` leads `{machine}`, which is in the table's \
                     subnet `{network}/{subnet}`, to itself"
                ));
            }
        }
    }
}
