//! What will surprise whoever wrote a world: nothing is wrong with it, and packets do not go where
//! they seem to.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::decide::sender::SendingPort;
use crate::decide::way_out::leaves_by_default_unsaid;
use crate::file::near::first_few;
use crate::life::power::Power;
use crate::world::listed_route::ListedNextHop;
use crate::world::name::{ApplicationSecurityGroupName, NetworkName};
use crate::world::route::{NextHop, Route, effective_routes, other_default};
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
            self.no_remote_gateway(name, network, &mut found);
            let near = Near { world: self, name, network };
            near.surprising_routes(&mut found);
            let prefixes = network.subnets.values().flat_map(|of| &of.prefixes).map(IpNet::trunc);
            let shared = prefixes.filter_map(|prefix| {
                let (first, last) = self.subnets_around(name, prefix)?;
                (first != last).then_some((prefix, first, last))
            });
            for (prefix, first, last) in shared.collect::<BTreeSet<_>>() {
                found.push(format!(
                    "`{name}/{first}` and `{name}/{last}` have {prefix} in common: of the subnets around \
                     an address that nobody has the first by name counts"
                ));
            }
        }
        self.rests_on_default_outbound(&mut found);
        self.surprising_rules(&mut found);
        self.same_behind(&mut found);
        let mut said = HashSet::with_capacity(found.len());
        let is_new: Vec<_> = found.iter().map(|sentence| said.insert(sentence.as_str())).collect();
        let mut is_new = is_new.into_iter();
        found.retain(|_| is_new.next() == Some(true));
        found
    }

    /// A network that is to use another's gateway and cannot (N12). One all of whose subnets list their
    /// routes asks nobody for a gateway's.
    fn no_remote_gateway(
        &self,
        name: &NetworkName,
        network: &VirtualNetwork,
        found: &mut Vec<String>,
    ) {
        if let Some(side) = network.peerings.iter().find(|side| side.use_remote_gateways)
            // Where there is no other side at all, that is said already.
            && let Some(other) = self.peering(&side.network, name)
            && self.gateway_of(name).is_none()
            && network.subnets.values().any(|subnet| subnet.effective_routes.is_empty())
        {
            let peer = &side.network;
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
        let there = self.machines.iter();
        for (name, machine) in there.filter(|(_, of)| of.state.power != Power::Deleted) {
            for interface in &machine.interfaces {
                if leaves_by_default_unsaid(self, SendingPort { name, machine, interface }) {
                    let key = (&interface.network, &interface.subnet);
                    of_subnets.entry(key).or_default().push(name.as_str());
                }
            }
        }
        for ((network, subnet), machines) in of_subnets {
            let routes = effective_routes(self, network, subnet);
            let leads_out = |route: &Route| route.next_hop == NextHop::Internet;
            if other_default(&routes).is_some_and(|route| !leads_out(route))
                || !routes.iter().any(leads_out)
            {
                continue;
            }
            found.push(format!(
                "`{network}/{subnet}` is not said to have default outbound access, the only way to the \
                 Internet of {}; in networks created since 2026-04 there is none: say \
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
                            "rule `{}` of {whose} names the service tag `{tag}`, which nobody has told: \
                             say `service_tag_file`, or what it stands for under `[service-tags]`; \
                             names of hosts are not looked up",
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
}

/// A network, whose routes are looked at.
struct Near<'a> {
    world: &'a World,
    name: &'a NetworkName,
    network: &'a VirtualNetwork,
}

impl Near<'_> {
    /// Routes that lead to nobody who can be reached, to one that takes nothing on, or a machine to
    /// itself.
    fn surprising_routes(&self, found: &mut Vec<String>) {
        let subnets = &self.network.subnets;
        let named: BTreeSet<_> =
            subnets.values().filter_map(|of| of.route_table.as_ref()).collect();
        for name in named {
            let Some(table) = self.world.route_tables.get(name) else { continue };
            let leading = table.routes.iter().filter_map(|route| match route.next_hop {
                UserNextHop::VirtualAppliance(address) => Some((address, route.prefix)),
                _ => None,
            });
            let uses = |subnet: &Subnet| subnet.route_table.as_ref() == Some(name);
            self.surprising_next_hops(name.as_str(), leading, uses, found);
        }
        for (name, subnet) in subnets.iter().filter(|(_, of)| !of.effective_routes.is_empty()) {
            let listed = subnet.effective_routes.iter();
            let leading = listed.filter(|route| route.next_hop == ListedNextHop::VirtualAppliance);
            let leading = leading.filter_map(|route| Some((route.address?, route.prefix)));
            let whose = format!("{}/{name}", self.name);
            self.surprising_next_hops(&whose, leading, |of| std::ptr::eq(of, subnet), found);
        }
    }

    /// What is surprising about the addresses that routes lead to, each with the route's prefix; `uses`
    /// says of which subnets the routes are.
    fn surprising_next_hops(
        &self,
        whose: &str,
        leading: impl Iterator<Item = (IpAddr, IpNet)>,
        uses: impl Fn(&Subnet) -> bool,
        found: &mut Vec<String>,
    ) {
        let mut by_address = BTreeMap::new();
        for (address, prefix) in leading {
            by_address.entry(address).or_insert_with(Vec::new).push(prefix.to_string());
        }
        for (address, prefixes) in by_address {
            let to = first_few(prefixes.iter().map(String::as_str));
            let route = format!("the route of `{whose}` to {to} leads");
            let place = self.world.network_of_appliance(self.name, address);
            if place.is_some_and(|place| self.world.firewall_at(place, address).is_some()) {
                continue;
            }
            let at = place.and_then(|place| SendingPort::taking_on(self.world, place, address));
            let (Some(place), Some(at)) = (place, at) else {
                let from = self.name;
                found.push(format!(
                    "{route} to {address}, which belongs to nobody that `{from}` reaches"
                ));
                continue;
            };
            if !at.interface.ip_forwarding {
                found.push(format!(
                    "{route} to {address}, where `{}` takes nothing on: its interface is without \
                     `ip_forwarding`",
                    at.name
                ));
            }
            let sends_on = at.machine.forwards_from(at.interface);
            let leaves_by = self.network.subnets.get(&sends_on.subnet);
            let comes_back = sends_on.network == *self.name && leaves_by.is_some_and(&uses);
            if at.interface.ip_forwarding && comes_back {
                found.push(format!(
                    "{route} `{}`, which is in the subnet `{}/{}` of that route, to itself",
                    at.name, self.name, sends_on.subnet
                ));
            }
            if let Some((name, balancer)) = self.world.frontend_at(place, address) {
                let machines = balancer.machines.iter().map(|one| one.at().0);
                let machines = machines.filter_map(|name| self.world.machines.get(name));
                let owners: BTreeSet<_> = machines.map(|one| &one.subscription).collect();
                if owners.len() > 1 {
                    found.push(format!(
                        "the machines behind `{name}` are of several subscriptions: any of them takes a \
                         packet on, and the first that works is asked"
                    ));
                }
            }
        }
    }
}
