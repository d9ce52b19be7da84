//! What will surprise whoever wrote a world: nothing is wrong with it, and packets do not go where
//! they seem to.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::sender::SendingPort;
use crate::decide::way_out::leaves_by_default_unsaid;
use crate::file::near::first_few;
use crate::world::name::{ApplicationSecurityGroupName, NetworkName, SubnetName};
use crate::world::route::{NextHop, effective_routes, other_default};
use crate::world::security::{Direction, Protocol, SecurityRule, Target, WorkedOut};
use crate::world::{Subnet, UserNextHop, VirtualNetwork, World};

/// Whether every packet fits a rule.
fn covers_all(rule: &SecurityRule) -> bool {
    rule.protocol == Protocol::Any
        && rule.source_ports.is_any()
        && rule.destination_ports.is_any()
        && rule.source.0.contains(&Target::Any)
        && rule.destination.0.contains(&Target::Any)
        && rule.source_application_security_groups.is_empty()
        && rule.destination_application_security_groups.is_empty()
}

impl World {
    /// What will surprise, one sentence each.
    #[must_use]
    pub fn surprises(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, network) in &self.networks {
            let one_sided = |peer: &&NetworkName| !self.has_side(peer, name);
            for peer in network.peerings.iter().map(|side| &side.network).filter(one_sided) {
                found.push(format!(
                    "`{name}` has a peering with `{peer}`, and `{peer}` none with `{name}`: nothing \
                     flows"
                ));
            }
            for (subnet_name, subnet) in &network.subnets {
                self.surprising_routes((name, subnet_name), subnet, &mut found);
                for prefix in &subnet.prefixes {
                    if let Some(other) = self.subnet_around(name, subnet_name, *prefix) {
                        let first = subnet_name.min(other);
                        found.push(format!(
                            "`{name}/{subnet_name}` and `{name}/{other}` have {prefix} in common: an \
                             address there that nobody has is taken for one of `{name}/{first}`"
                        ));
                    }
                }
            }
            self.no_remote_gateway(name, network, &mut found);
        }
        self.rests_on_default_outbound(&mut found);
        self.surprising_rules(&mut found);
        self.same_behind(&mut found);
        found.dedup();
        found
    }

    /// A network that is to use another's gateway and cannot (N12).
    fn no_remote_gateway(
        &self,
        name: &NetworkName,
        network: &VirtualNetwork,
        found: &mut Vec<String>,
    ) {
        let Some(side) = network.peerings.iter().find(|side| side.use_remote_gateways) else {
            return;
        };
        let peer = &side.network;
        // Where there is no other side at all, that is said already.
        if let (None, Some(other)) = (self.gateway_of(name), self.peering(peer, name)) {
            let why = if self.networks.get(peer).is_none_or(|peer| peer.gateway.is_none()) {
                "has no `gateway`"
            } else if !other.allow_gateway_transit {
                "does not say `allow_gateway_transit`"
            } else {
                "is not connected: one side has `allow_virtual_network_access = false`"
            };
            found.push(format!(
                "`{name}` has `use_remote_gateways` toward `{peer}` and gets no gateway: `{peer}` {why}"
            ));
        }
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
            let routes = effective_routes(self, network, subnet);
            if other_default(&routes).is_some_and(|route| route.next_hop != NextHop::Internet) {
                continue;
            }
            found.push(format!(
                "`{network}/{subnet}` is not said to have default outbound access, by which {} leave for \
                 the Internet; in networks created since 2026-04 there is none: say \
                 `default_outbound_access`",
                first_few(machines)
            ));
        }
    }

    /// Machines of one network with the same addresses behind them: whose a packet is cannot be told.
    fn same_behind(&self, found: &mut Vec<String>) {
        let mut of: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
        for (name, machine) in &self.machines {
            for interface in &machine.interfaces {
                for prefix in &machine.behind {
                    of.entry((&interface.network, prefix)).or_default().insert(name.as_str());
                }
            }
        }
        for ((network, prefix), names) in of.into_iter().filter(|(_, names)| names.len() > 1) {
            found.push(format!(
                "{prefix} is behind several machines of `{network}` ({}): a packet from there is told \
                 of none of them",
                first_few(names)
            ));
        }
    }

    /// Security groups that stand nowhere, and rules that nothing can fit.
    fn surprising_rules(&self, found: &mut Vec<String>) {
        let subnets = self.networks.values().flat_map(|network| network.subnets.values());
        let interfaces = self.machines.values().flat_map(|machine| &machine.interfaces);
        let members: BTreeSet<_> =
            interfaces.clone().flat_map(|of| &of.application_security_groups).collect();
        let used: BTreeSet<_> = subnets
            .filter_map(|subnet| subnet.security_group.as_ref())
            .chain(interfaces.filter_map(|interface| interface.security_group.as_ref()))
            .collect();
        for name in self.security_groups.keys().filter(|name| !used.contains(name)) {
            found.push(format!("the security group `{name}` is on no subnet and no interface"));
        }
        let groups = self.security_groups.iter();
        let groups = groups.map(|(name, of)| (format!("the security group `{name}`"), &of.rules));
        let admin = self.admin_rules.iter();
        let admin = admin.map(|(name, of)| (format!("the admin rules `{name}`"), &of.rules));
        for (whose, rules) in groups.chain(admin) {
            let covering = [Direction::Inbound, Direction::Outbound].map(|direction| {
                let all =
                    rules.iter().filter(|rule| rule.direction == direction && covers_all(rule));
                all.min_by_key(|rule| rule.priority)
            });
            for rule in rules {
                for target in rule.source.0.iter().chain(&rule.destination.0) {
                    if let Target::Tag(tag) = target
                        && WorkedOut::named(tag).is_none()
                        && self.service_tag(tag).is_none()
                    {
                        found.push(format!(
                            "rule `{}` of {whose} names the service tag `{tag}`, which nobody has told \
                             (names of hosts are not looked up): say `service_tag_file`, or what it \
                             stands for under `[service-tags]`",
                            rule.name
                        ));
                    }
                }
                let from = &rule.source_application_security_groups;
                let to = &rule.destination_application_security_groups;
                let nobodys = |group: &&ApplicationSecurityGroupName| !members.contains(*group);
                if let Some(group) = from.iter().chain(to).find(nobodys) {
                    found.push(format!(
                        "rule `{}` of {whose} names `{group}`, and no interface has it among its \
                         `application_security_groups`",
                        rule.name
                    ));
                }
                let is_before = |other: &&&SecurityRule| {
                    other.direction == rule.direction && other.priority < rule.priority
                };
                if let Some(before) = covering.iter().flatten().find(is_before) {
                    found.push(format!(
                        "rule `{}` of {whose} is never asked: `{}` before it fits everything",
                        rule.name, before.name
                    ));
                }
            }
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
            // Its own network first: that needs no look at the peers.
            let owner = self.owner(network, address);
            let place = match owner {
                Some(_) => Some(network),
                None => self.network_of_appliance(network, address),
            };
            match place.map(|place| self.owner(place, address)) {
                None => found.push(format!(
                    "the route to {prefix} of `{name}` leads to {address}, which belongs to nobody \
                     that `{network}` reaches"
                )),
                Some(Some((machine, _, at))) if !at.ip_forwarding => found.push(format!(
                    "the route to {prefix} of `{name}` leads to {address} of `{machine}`, which takes \
                     nothing on: it is without `ip_forwarding`"
                )),
                Some(_) => {}
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
            if let Some((machine, ..)) = owner.filter(|(.., at)| at.subnet == *subnet) {
                found.push(format!(
                    "the route to {prefix} of `{name}` leads `{machine}`, which is in the table's \
                     subnet `{network}/{subnet}`, to itself"
                ));
            }
        }
    }
}
