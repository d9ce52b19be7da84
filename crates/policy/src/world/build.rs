//! Building a world: what is added is checked, and a world as a whole.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use crate::article::settings::RevocationEffect;
use crate::decide::destination::UnfitDestination;
use crate::life::exemption::ExemptionState;
use crate::life::power::Power;
use crate::world::capture_ids::CaptureIds;
use crate::world::listed_route::ListedNextHop;
use crate::world::name::{
    AdminRulesName, ApplicationSecurityGroupName, FirewallName, LoadBalancerName, MachineName,
    NatGatewayName, NetworkName, RouteTableName, SecurityGroupName, SubnetName, SubscriptionName,
};
use crate::world::outbound::{Backend, LoadBalancer, NatGateway, NatGatewaySku};
use crate::world::prefix_index::PrefixIndex;
use crate::world::security::{Access, AdminRules, SecurityGroup, SecurityRule, Targets};
use crate::world::{
    AzureFirewall, Interface, Machine, Plot, RouteTable, Subnet, Subscription, VirtualNetwork,
    World,
};

/// The largest VXLAN network id: 24 bits (RFC 7348).
const VNI_MAX: u32 = 0x00ff_ffff;

/// Something in a world that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct WorldError {
    /// The key of the inventory that it is about, such as `machine.web.subscription`.
    pub place: String,
    /// What does not fit and what was expected.
    pub what: String,
}

impl World {
    /// Adds a subscription.
    ///
    /// # Errors
    /// There is one of that name.
    pub fn add_subscription(
        &mut self,
        name: SubscriptionName,
        subscription: Subscription,
    ) -> Result<(), WorldError> {
        if self.subscriptions.contains_key(&name) {
            return Err(err(format!("subscription.{name}"), "there is one of that name"));
        }
        self.subscriptions.insert(name, subscription);
        Ok(())
    }

    /// Adds a network. Peerings are checked by [`Self::check`], when all networks are there.
    ///
    /// # Errors
    /// There is one of that name, or a subnet lies outside the address space.
    pub fn add_network(
        &mut self,
        name: NetworkName,
        mut network: VirtualNetwork,
    ) -> Result<(), WorldError> {
        let place = format!("network.{name}");
        if self.networks.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        if network.address_space.is_empty() {
            return Err(err(format!("{place}.address_space"), "needs at least one prefix"));
        }
        let spaces = PrefixIndex::new(network.address_space.iter().map(|space| (*space, ())));
        for (subnet_name, subnet) in &network.subnets {
            let key = format!("{place}.subnet.{subnet_name}.prefixes");
            for (key, prefix) in numbered(key, &subnet.prefixes) {
                if spaces.holding(*prefix).next().is_none() {
                    let what = format!("`{prefix}` lies outside the network's address space");
                    return Err(err(key, what));
                }
            }
        }
        // Of two sides with the same network, which a store of earlier may have begun with, the first counts.
        let mut known = HashSet::new();
        network.peerings.retain(|side| known.insert(side.network.clone()));
        for side in network.peerings.iter().filter(|side| side.allow_virtual_network_access) {
            self.open_toward.entry(side.network.clone()).or_default().insert(name.clone());
        }
        let forwarded = || network.peerings.iter().map(|side| side.allow_forwarded_traffic);
        self.forwarded_refused |= forwarded().any(|said| said == Some(false));
        self.forwarded_unsaid |= forwarded().any(|said| said.is_none());
        self.plots.insert(name.clone(), Plot::of(&network));
        for prefix in &network.address_space {
            self.spaces.insert(*prefix, name.clone());
        }
        self.networks.insert(name, network);
        Ok(())
    }

    /// Takes away a network that was added last.
    pub(crate) fn remove_network(&mut self, name: &NetworkName) {
        self.plots.remove(name);
        let removed = self.networks.remove(name).into_iter();
        for prefix in removed.flat_map(|network| network.address_space) {
            self.spaces.remove(prefix, |of| of == name);
        }
    }

    /// Adds a route table.
    ///
    /// # Errors
    /// There is one of that name.
    pub fn add_route_table(
        &mut self,
        name: RouteTableName,
        table: RouteTable,
    ) -> Result<(), WorldError> {
        if self.route_tables.contains_key(&name) {
            return Err(err(format!("route-table.{name}"), "there is one of that name"));
        }
        self.route_tables.insert(name, table);
        Ok(())
    }

    /// Adds an Azure Firewall.
    ///
    /// # Errors
    /// There is one of that name, what it refers to does not exist, or its address is taken.
    pub fn add_firewall(
        &mut self,
        name: FirewallName,
        mut firewall: AzureFirewall,
    ) -> Result<(), WorldError> {
        let place = format!("firewall.{name}");
        if self.firewalls.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        self.known_subscription(&place, &firewall.subscription)?;
        self.known_subnet(&place, &firewall.network, &firewall.subnet, &[firewall.address])?;
        if let Some(what) = self.taken(&firewall.network, firewall.address) {
            let (address, network) = (firewall.address, &firewall.network);
            return Err(err(
                format!("{place}.address"),
                format!("address {address} in network `{network}` belongs to {what} already"),
            ));
        }
        if self.is_revoked_at_once(&firewall.subscription) {
            firewall.state.revoke();
        }
        self.firewall_addresses.insert(&firewall.network, firewall.address, name.clone());
        self.firewalls.insert(name, firewall);
        Ok(())
    }

    /// Adds a machine, or one in the place of a deleted one.
    ///
    /// # Errors
    /// There is one of that name, what it refers to does not exist, or an address is taken.
    pub fn add_machine(
        &mut self,
        name: MachineName,
        mut machine: Machine,
    ) -> Result<(), WorldError> {
        let place = format!("machine.{name}");
        if self.machines.get(&name).is_some_and(|old| old.state.power != Power::Deleted) {
            return Err(err(place, "there is one of that name"));
        }
        self.known_subscription(&place, &machine.subscription)?;
        if machine.interfaces.is_empty() {
            return Err(err(format!("{place}.interfaces"), "needs at least one interface"));
        }
        for (index, interface) in machine.interfaces.iter().enumerate() {
            self.check_interface(&place, &name, &machine, index, interface)?;
        }
        if self.is_revoked_at_once(&machine.subscription) {
            machine.state.programmed.revoke();
        }
        self.put_machine(name, Some(machine));
        Ok(())
    }

    /// Whether a subscription's exemption is revoked, and that reached at once what was exempt.
    fn is_revoked_at_once(&self, name: &SubscriptionName) -> bool {
        let revoked = |found: &Subscription| found.exemption.state == ExemptionState::Revoked;
        self.settings.revocation_effect == RevocationEffect::Immediate
            && self.subscriptions.get(name).is_some_and(revoked)
    }

    /// Adds a NAT gateway.
    ///
    /// # Errors
    /// There is one of that name, or it has addresses that it cannot have.
    pub fn add_nat_gateway(
        &mut self,
        name: NatGatewayName,
        gateway: NatGateway,
    ) -> Result<(), WorldError> {
        let place = format!("nat-gateway.{name}");
        if self.nat_gateways.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        let v6 = gateway.addresses.iter().find(|address| address.is_ipv6());
        if let (Some(v6), NatGatewaySku::Standard) = (v6, gateway.sku) {
            let what = format!("{v6} is an IPv6 address, which a `standard-v2` alone has");
            return Err(err(format!("{place}.addresses"), what));
        }
        self.nat_gateways.insert(name, gateway);
        Ok(())
    }

    /// Adds a load balancer. The machines behind it are checked by [`Self::check`], when they are
    /// there.
    ///
    /// # Errors
    /// There is one of that name, or its frontends do not fit.
    pub fn add_load_balancer(
        &mut self,
        name: LoadBalancerName,
        balancer: LoadBalancer,
    ) -> Result<(), WorldError> {
        let place = format!("load-balancer.{name}");
        if self.load_balancers.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        if balancer.addresses.is_empty() {
            return Err(err(format!("{place}.addresses"), "needs at least one frontend's"));
        }
        if let Some(network) = &balancer.network {
            if !self.networks.contains_key(network) {
                return Err(err(
                    format!("{place}.network"),
                    format!("there is no network `{network}`"),
                ));
            }
            let outside = |address: &&IpAddr| !self.is_of_network(network, **address);
            if let Some(address) = balancer.addresses.iter().find(outside) {
                let what = format!("address {address} lies outside network `{network}`");
                return Err(err(format!("{place}.addresses"), what));
            }
        }
        for address in &balancer.addresses {
            let Some(network) = &balancer.network else { break };
            if let Some(taken) = self.taken(network, *address) {
                let what =
                    format!("address {address} in network `{network}` belongs to {taken} already");
                return Err(err(format!("{place}.addresses"), what));
            }
        }
        let key = format!("{place}.outbound_rules");
        let frontends: HashSet<_> = balancer.addresses.iter().collect();
        if let Some(other) = balancer.outbound_rules.iter().find(|at| !frontends.contains(at)) {
            return Err(err(key, format!("{other} is none of the balancer's `addresses`")));
        }
        if balancer.is_internal() && !balancer.outbound_rules.is_empty() {
            return Err(err(key, "an internal load balancer takes nothing out"));
        }
        if let Some(network) = &balancer.network {
            for address in &balancer.addresses {
                self.frontends.insert(network, *address, name.clone());
            }
        }
        for (machine, place) in balancer.machines.iter().map(Backend::at) {
            let of = self.balancers_of.entry((machine.clone(), place)).or_default();
            of.push(name.clone());
        }
        self.load_balancers.insert(name, balancer);
        Ok(())
    }

    /// Adds a network security group.
    ///
    /// # Errors
    /// There is one of that name, or its rules do not fit each other.
    pub fn add_security_group(
        &mut self,
        name: SecurityGroupName,
        group: SecurityGroup,
    ) -> Result<(), WorldError> {
        let place = format!("security-group.{name}");
        if self.security_groups.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        let place = format!("{place}.rules");
        check_rules(&place, &group.rules, 100)?;
        for (key, rule) in numbered(place, &group.rules) {
            if rule.access == Access::AlwaysAllow {
                return Err(err(key, "security admin rules alone are `always-allow`"));
            }
        }
        self.security_groups.insert(name, group);
        Ok(())
    }

    /// Adds a collection of security admin rules.
    ///
    /// # Errors
    /// There is one of that name, its rules do not fit each other, or a network is not there.
    pub fn add_admin_rules(
        &mut self,
        name: AdminRulesName,
        rules: AdminRules,
    ) -> Result<(), WorldError> {
        let place = format!("admin-rules.{name}");
        if self.admin_rules.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        if rules.networks.is_empty() {
            return Err(err(format!("{place}.networks"), "names no network; it would never count"));
        }
        if let Some(other) = rules.networks.iter().find(|of| !self.networks.contains_key(*of)) {
            return Err(err(format!("{place}.networks"), format!("there is no network `{other}`")));
        }
        check_rules(&format!("{place}.rules"), &rules.rules, 1)?;
        self.admin_rules.insert(name, rules);
        Ok(())
    }

    /// Checks what security rules refer to, and what refers to them.
    fn check_security(&self) -> Result<(), WorldError> {
        let known = |place: String, group: Option<&SecurityGroupName>| match group {
            Some(group) if !self.security_groups.contains_key(group) => {
                Err(err(place, format!("there is no security group `{group}`")))
            }
            _ => Ok(()),
        };
        for (name, network) in &self.networks {
            for (subnet, of) in &network.subnets {
                let place = format!("network.{name}.subnet.{subnet}.security_group");
                known(place, of.security_group.as_ref())?;
            }
        }
        let mut network_of: BTreeMap<&ApplicationSecurityGroupName, &NetworkName> = BTreeMap::new();
        for (name, machine) in &self.machines {
            for interface in &machine.interfaces {
                let place = format!("machine.{name}.security_group");
                known(place, interface.security_group.as_ref())?;
                for group in &interface.application_security_groups {
                    let first = *network_of.entry(group).or_insert(&interface.network);
                    if *first != interface.network {
                        return Err(err(
                            format!("machine.{name}.application_security_groups"),
                            format!(
                                "`{group}` has members in `{first}` and `{}`; all lie in one network",
                                interface.network
                            ),
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that every public address is one, and of one thing alone.
    fn check_public_addresses(&self) -> Result<(), WorldError> {
        let mut all: Vec<(IpAddr, String)> = Vec::new();
        for (name, machine) in &self.machines {
            let interfaces = &machine.interfaces;
            let public = interfaces.iter().flat_map(|interface| &interface.public_addresses);
            all.extend(public.map(|at| (*at, format!("machine.{name}.public_address"))));
        }
        for (name, gateway) in &self.nat_gateways {
            let place = || format!("nat-gateway.{name}.addresses");
            all.extend(gateway.addresses.iter().map(|at| (*at, place())));
        }
        for (name, balancer) in self.load_balancers.iter().filter(|(_, of)| !of.is_internal()) {
            let place = || format!("load-balancer.{name}.addresses");
            all.extend(balancer.addresses.iter().map(|at| (*at, place())));
        }
        let mut taken: BTreeMap<IpAddr, String> = BTreeMap::new();
        for (address, place) in all {
            let is_private = match address {
                IpAddr::V4(address) => address.is_private(),
                IpAddr::V6(address) => address.is_unique_local(),
            };
            if is_private {
                return Err(err(
                    place,
                    format!("{address} is a private address, not a public one"),
                ));
            }
            if let Some(unfit) = UnfitDestination::of(address) {
                return Err(err(
                    place,
                    format!("{address} is a {unfit} address, not a public one"),
                ));
            }
            if let Some(other) = taken.get(&address) {
                return Err(err(place, format!("{address} stands in `{other}`, too")));
            }
            taken.insert(address, place);
        }
        Ok(())
    }

    /// Checks what ways out refer to.
    fn check_ways_out(&self) -> Result<(), WorldError> {
        self.check_public_addresses()?;
        for (name, network) in &self.networks {
            let place = format!("network.{name}");
            let subnets = network.subnets.iter().filter_map(|(subnet, of)| {
                Some((
                    format!("{place}.subnet.{subnet}.nat_gateway"),
                    of.nat_gateway.as_ref()?,
                    false,
                ))
            });
            let whole = network.nat_gateway.as_ref();
            let whole = whole.map(|gateway| (format!("{place}.nat_gateway"), gateway, true));
            for (place, gateway, is_whole) in subnets.chain(whole) {
                let Some(found) = self.nat_gateways.get(gateway) else {
                    return Err(err(place, format!("there is no NAT gateway `{gateway}`")));
                };
                if is_whole && found.sku == NatGatewaySku::Standard {
                    let what = format!(
                        "`{gateway}` is a `standard` one, which stands on subnets; a `standard-v2` alone \
                         is for a whole network"
                    );
                    return Err(err(place, what));
                }
            }
        }
        for (name, balancer) in &self.load_balancers {
            let key = format!("load-balancer.{name}.machines");
            for (place, backend) in numbered(key, &balancer.machines) {
                let (machine, interface) = backend.at();
                let Some(found) = self.machines.get(machine) else {
                    return Err(err(place, format!("there is no machine `{machine}`")));
                };
                let Some(at) = found.interfaces.get(interface) else {
                    let count = found.interfaces.len();
                    let what = format!("`{machine}` has {count} interfaces, counted from 0");
                    return Err(err(place, what));
                };
                if let Some(network) = balancer.network.as_ref().filter(|of| **of != at.network) {
                    let what = format!("`{machine}` is not in the balancer's network `{network}`");
                    return Err(err(place, what));
                }
            }
        }
        Ok(())
    }

    fn check_interface(
        &self,
        place: &str,
        name: &MachineName,
        machine: &Machine,
        index: usize,
        interface: &Interface,
    ) -> Result<(), WorldError> {
        let addresses = &interface.addresses;
        if addresses.is_empty() {
            return Err(err(format!("{place}.interfaces"), "an interface needs an address"));
        }
        self.known_subnet(place, &interface.network, &interface.subnet, addresses)?;
        let earlier = machine.interfaces.iter().take(index);
        let mut seen: BTreeSet<&IpAddr> = earlier
            .filter(|other| other.network == interface.network)
            .flat_map(|other| &other.addresses)
            .collect();
        for address in addresses {
            let owner = self.owners.get(&interface.network, *address);
            let taken = match owner.filter(|(owner, _)| owner != name) {
                Some((owner, _)) => Some(format!("machine `{owner}` already")),
                None if !seen.insert(address) => Some(format!("`{name}` twice")),
                None => self
                    .taken(&interface.network, *address)
                    .filter(|_| owner.is_none())
                    .map(|other| format!("{other} already")),
            };
            if let Some(what) = taken {
                return Err(err(
                    format!("{place}.interfaces"),
                    format!(
                        "address {address} in network `{}` belongs to {what}",
                        interface.network
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Who has an address in a network, as a text.
    fn taken(&self, network: &NetworkName, address: IpAddr) -> Option<String> {
        let machine = self.owners.get(network, address);
        let machine = machine.map(|(machine, _)| format!("machine `{machine}`"));
        let firewall = || Some(format!("firewall `{}`", self.firewall_at(network, address)?));
        let frontend =
            || Some(format!("load balancer `{}`", self.frontend_at(network, address)?.0));
        machine.or_else(firewall).or_else(frontend)
    }

    fn known_subscription(&self, place: &str, name: &SubscriptionName) -> Result<(), WorldError> {
        if self.subscriptions.contains_key(name) {
            return Ok(());
        }
        Err(err(format!("{place}.subscription"), format!("there is no subscription `{name}`")))
    }

    fn known_subnet(
        &self,
        place: &str,
        network: &NetworkName,
        subnet: &SubnetName,
        addresses: &[IpAddr],
    ) -> Result<(), WorldError> {
        let Some(virtual_network) = self.networks.get(network) else {
            return Err(err(place.to_owned(), format!("there is no network `{network}`")));
        };
        let Some(found) = virtual_network.subnets.get(subnet) else {
            return Err(err(
                place.to_owned(),
                format!("network `{network}` has no subnet `{subnet}`"),
            ));
        };
        for address in addresses {
            if !found.prefixes.iter().any(|prefix| prefix.contains(address)) {
                return Err(err(
                    place.to_owned(),
                    format!("address {address} lies outside subnet `{network}/{subnet}`"),
                ));
            }
        }
        Ok(())
    }

    /// Checks what can only be checked when everything is there: peerings, route tables, and that
    /// a captured packet shows one network only.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), WorldError> {
        self.check_capture_ids()?;
        self.check_ways_out()?;
        self.check_security()?;
        for (name, network) in &self.networks {
            self.check_remote_gateways(name, network)?;
            let own = self.plots.get(name);
            for (number, side) in network.peerings.iter().enumerate() {
                let peer = &side.network;
                // Only where it is told: there may be very many.
                let place = || key_of(&format!("network.{name}.peerings"), number);
                let Some(other) = self.plots.get(peer) else {
                    return Err(err(place(), format!("there is no network `{peer}`")));
                };
                if peer == name {
                    return Err(err(place(), "a network is not peered with itself"));
                }
                if own.is_some_and(|own| own.space.overlaps(&other.space)) {
                    return Err(err(
                        place(),
                        format!(
                            "`{peer}` has an overlapping address space; such networks cannot be \
                             peered"
                        ),
                    ));
                }
            }
            for (subnet_name, subnet) in &network.subnets {
                check_listed(&format!("network.{name}.subnet.{subnet_name}"), subnet)?;
                if let Some(table) = &subnet.route_table
                    && !self.route_tables.contains_key(table)
                {
                    return Err(err(
                        format!("network.{name}.subnet.{subnet_name}.route_table"),
                        format!("there is no route table `{table}`"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// A network uses at most one other network's gateway, and none beside its own (N12).
    fn check_remote_gateways(
        &self,
        name: &NetworkName,
        network: &VirtualNetwork,
    ) -> Result<(), WorldError> {
        let sides = network.peerings.iter().enumerate();
        let mut used = sides.filter(|(_, side)| side.use_remote_gateways);
        let (number, what) = match (used.next(), used.next(), &network.gateway) {
            (Some((_, first)), Some((number, second)), _) => {
                let (first, second) = (&first.network, &second.network);
                let what = format!(
                    "`{first}` and `{second}` both have `use_remote_gateways`; one network's gateways \
                     can be used"
                );
                (number, what)
            }
            (Some((number, _)), None, Some(_)) => {
                let what = "`use_remote_gateways` needs a network without a gateway of its own";
                (number, what.to_owned())
            }
            _ => return Ok(()),
        };
        Err(err(key_of(&format!("network.{name}.peerings"), number), what))
    }

    /// What shows a network in a capture can exist (IEEE 802.1Q, RFC 7348), and shows no other.
    fn check_capture_ids(&self) -> Result<(), WorldError> {
        let mut taken: BTreeMap<String, &NetworkName> = BTreeMap::new();
        for (name, network) in &self.networks {
            let CaptureIds { interfaces, vlans, vxlans } = &network.capture;
            let place = |key| format!("network.{name}.capture.{key}");
            if let Some(vlan) = vlans.iter().find(|vlan| !(1..=4094).contains(*vlan)) {
                let what = format!("`{vlan}` is no VLAN: they are numbered from 1 to 4094");
                return Err(err(place("vlans"), what));
            }
            if let Some(vni) = vxlans.iter().find(|vni| **vni > VNI_MAX) {
                let what = format!("`{vni}` is no VXLAN network: the largest is {VNI_MAX}");
                return Err(err(place("vxlans"), what));
            }
            let interfaces =
                interfaces.iter().map(|one| ("interfaces", format!("interface `{one}`")));
            let vlans = vlans.iter().map(|one| ("vlans", format!("VLAN {one}")));
            let vxlans = vxlans.iter().map(|one| ("vxlans", format!("VXLAN network {one}")));
            for (key, shown_by) in interfaces.chain(vlans).chain(vxlans) {
                if let Some(other) = taken.get(&shown_by) {
                    let what = if *other == name {
                        format!("{shown_by} stands here twice")
                    } else {
                        format!("{shown_by} shows network `{other}` already; it can show only one")
                    };
                    return Err(err(place(key), what));
                }
                taken.insert(shown_by, name);
            }
        }
        Ok(())
    }
}

/// Checks that effective routes name an address where they lead to one, and nowhere else, and that no
/// route table stands beside them.
fn check_listed(place: &str, subnet: &Subnet) -> Result<(), WorldError> {
    let place = format!("{place}.effective_routes");
    if subnet.route_table.is_some() && !subnet.effective_routes.is_empty() {
        let what = "they are all the routes that there are; take `route_table` away";
        return Err(err(place, what));
    }
    for (place, route) in numbered(place, &subnet.effective_routes) {
        let by_appliance = route.next_hop == ListedNextHop::VirtualAppliance;
        if by_appliance != route.address.is_some() {
            let what = format!(
                "`{}`: `virtual-appliance` alone has an `address`, and needs one",
                route.prefix
            );
            return Err(err(place, what));
        }
    }
    Ok(())
}

/// Checks that rules have names and priorities of their own, and sides that can be read.
fn check_rules(place: &str, rules: &[SecurityRule], lowest: u16) -> Result<(), WorldError> {
    let (mut names, mut priorities) = (BTreeSet::new(), BTreeMap::new());
    for (place, rule) in numbered(place.to_owned(), rules) {
        let SecurityRule { name, priority, direction, .. } = rule;
        if !names.insert(name) {
            return Err(err(place, format!("there are two rules `{name}`")));
        }
        if !(lowest..=4096).contains(priority) {
            let what = format!("`{name}` has priority {priority}; they go from {lowest} to 4096");
            return Err(err(place, what));
        }
        if let Some(other) = priorities.insert((direction, priority), name) {
            let what = format!("the {direction} rule `{other}` has priority {priority}, too");
            return Err(err(place, what));
        }
        let both = |groups: &[_], side: &Targets| !groups.is_empty() && *side != Targets::default();
        for (side, is_both) in [
            ("source", both(&rule.source_application_security_groups, &rule.source)),
            ("destination", both(&rule.destination_application_security_groups, &rule.destination)),
        ] {
            if is_both {
                let what =
                    format!("`{name}` has a `{side}` and application security groups: one of both");
                return Err(err(place, what));
            }
        }
    }
    Ok(())
}

/// A list below a key, each of it with its own key.
pub(crate) fn numbered<T>(key: String, all: &[T]) -> impl Iterator<Item = (String, &T)> {
    all.iter().enumerate().map(move |(number, one)| (key_of(&key, number), one))
}

/// The key of one of a list, by its place from 0.
fn key_of(list: &str, number: usize) -> String {
    format!("{list}[{number}]")
}

fn err(place: impl Into<String>, what: impl Into<String>) -> WorldError {
    WorldError { place: place.into(), what: what.into() }
}
