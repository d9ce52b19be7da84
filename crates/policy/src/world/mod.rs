//! The world: subscriptions, networks, machines, routes and firewalls, as they stand.

pub(crate) mod capture_ids;
pub(crate) mod name;
pub(crate) mod route;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::article::edition::Edition;
use crate::article::offer::Offer;
use crate::article::settings::Settings;
use crate::life::exemption::Exemption;
use crate::life::power::{MachineState, Power};
use crate::world::capture_ids::CaptureIds;
use crate::world::name::{
    FirewallName, MachineName, NetworkName, RouteTableName, SubnetName, SubscriptionName,
};

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its GUID, where it is known.
    pub id: Option<String>,
    /// Its offer at present.
    pub offer: Offer,
    /// The day on which it was created, UTC.
    pub created: Date,
    /// Its exemption.
    pub exemption: Exemption,
}

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualNetwork {
    /// Its address space; may overlap with that of other networks.
    pub address_space: Vec<IpNet>,
    /// Its subnets.
    pub subnets: BTreeMap<SubnetName, Subnet>,
    /// The networks that it is peered with, in this direction.
    pub peerings: Vec<Peering>,
    /// Its VPN or ExpressRoute gateway.
    pub gateway: Option<Gateway>,
    /// How a captured packet shows that it belongs to this network.
    pub capture: CaptureIds,
}

/// One direction of a peering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// The network on the other side.
    pub network: NetworkName,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its prefixes.
    pub prefixes: Vec<IpNet>,
    /// Its route table.
    pub route_table: Option<RouteTableName>,
    /// The service that it is delegated to.
    pub delegated_to: Option<String>,
    /// The prefixes of its service endpoints.
    pub service_endpoints: Vec<IpNet>,
}

/// A VPN or ExpressRoute gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// Which of the two.
    pub kind: GatewayKind,
    /// The prefixes that it learned by BGP.
    pub routes: Vec<IpNet>,
}

/// What a gateway connects with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayKind {
    /// A VPN gateway.
    Vpn,
    /// An ExpressRoute gateway.
    ExpressRoute,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteTable {
    /// Its user-defined routes.
    pub routes: Vec<UserRoute>,
    /// Whether the gateway's BGP routes are propagated to the table's subnets.
    pub propagate_gateway_routes: bool,
}

/// A user-defined route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// Where it leads.
    pub next_hop: UserNextHop,
}

/// Where a user-defined route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum UserNextHop {
    /// An appliance, or an Azure Firewall, at an address.
    VirtualAppliance(IpAddr),
    /// The network's VPN or ExpressRoute gateway.
    VirtualNetworkGateway,
    /// The virtual network.
    VnetLocal,
    /// The Internet.
    Internet,
    /// Nowhere.
    None,
}

/// What a machine is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MachineKind {
    /// A virtual machine.
    #[default]
    VirtualMachine,
    /// An instance of a scale set.
    ScaleSet,
    /// An App Service or Functions app with virtual network integration.
    AppService,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The subscription that it belongs to.
    pub subscription: SubscriptionName,
    /// What it is.
    pub kind: MachineKind,
    /// Its interfaces; at least one.
    pub interfaces: Vec<Interface>,
    /// The interface by which it forwards, by place, where it is an appliance with several:
    /// which one is the guest's own matter. `None`: the one that the packet came to.
    pub forwards_by: Option<usize>,
    /// What changes in its life.
    pub state: MachineState,
}

impl Machine {
    /// Whether it is an appliance: takes packets on that are not for itself.
    #[must_use]
    pub fn forwards(&self) -> bool {
        self.interfaces.iter().any(|interface| interface.ip_forwarding)
    }

    /// The interface by which it forwards what comes to one of its interfaces.
    #[must_use]
    pub fn forwards_from<'a>(&'a self, came_to: &'a Interface) -> &'a Interface {
        self.forwards_by.and_then(|place| self.interfaces.get(place)).unwrap_or(came_to)
    }
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The network.
    pub network: NetworkName,
    /// The subnet.
    pub subnet: SubnetName,
    /// Its addresses, IPv4 and IPv6.
    pub addresses: Vec<IpAddr>,
    /// Whether it accepts packets that are not addressed to it.
    pub ip_forwarding: bool,
}

/// An Azure Firewall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AzureFirewall {
    /// The subscription that holds it.
    pub subscription: SubscriptionName,
    /// The network.
    pub network: NetworkName,
    /// The subnet, whose routes take the traffic on.
    pub subnet: SubnetName,
    /// Its private address.
    pub address: IpAddr,
}

/// Something in a world that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct WorldError {
    /// The key of the inventory that it is about, such as `machine.web.subscription`.
    pub place: String,
    /// What does not fit and what was expected.
    pub what: String,
}

/// Who owns an address: a machine, and the interface by place.
pub(crate) type Owner = (MachineName, usize);

/// Everything that a decision looks at.
#[derive(Debug, Clone)]
pub struct World {
    /// The edition of the article.
    pub edition: Arc<Edition>,
    /// The settings.
    pub settings: Settings,
    pub(crate) subscriptions: BTreeMap<SubscriptionName, Subscription>,
    pub(crate) networks: BTreeMap<NetworkName, VirtualNetwork>,
    pub(crate) machines: BTreeMap<MachineName, Machine>,
    pub(crate) route_tables: BTreeMap<RouteTableName, RouteTable>,
    pub(crate) firewalls: BTreeMap<FirewallName, AzureFirewall>,
    /// Derived from the machines; deleted ones own nothing.
    pub(crate) owners: BTreeMap<(NetworkName, IpAddr), Owner>,
    /// Derived from the firewalls.
    firewall_addresses: BTreeMap<(NetworkName, IpAddr), FirewallName>,
    /// Derived from the machines: those of each subscription.
    pub(crate) members: BTreeMap<SubscriptionName, BTreeSet<MachineName>>,
}

impl World {
    /// An empty world under an edition.
    #[must_use]
    pub fn new(edition: Arc<Edition>, settings: Settings) -> Self {
        Self {
            edition,
            settings,
            subscriptions: BTreeMap::new(),
            networks: BTreeMap::new(),
            machines: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            firewalls: BTreeMap::new(),
            owners: BTreeMap::new(),
            firewall_addresses: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// The subscriptions, by name.
    #[must_use]
    pub const fn subscriptions(&self) -> &BTreeMap<SubscriptionName, Subscription> {
        &self.subscriptions
    }

    /// The networks, by name.
    #[must_use]
    pub const fn networks(&self) -> &BTreeMap<NetworkName, VirtualNetwork> {
        &self.networks
    }

    /// The machines, by name.
    #[must_use]
    pub const fn machines(&self) -> &BTreeMap<MachineName, Machine> {
        &self.machines
    }

    /// The route tables, by name.
    #[must_use]
    pub const fn route_tables(&self) -> &BTreeMap<RouteTableName, RouteTable> {
        &self.route_tables
    }

    /// The Azure Firewalls, by name.
    #[must_use]
    pub const fn firewalls(&self) -> &BTreeMap<FirewallName, AzureFirewall> {
        &self.firewalls
    }

    /// The machine and the interface that own an address in a network.
    #[must_use]
    pub fn owner(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> Option<(&MachineName, &Machine, &Interface)> {
        let (name, place) = self.owners.get(&(network.clone(), address))?;
        let (name, machine) = self.machines.get_key_value(name)?;
        Some((name, machine, machine.interfaces.get(*place)?))
    }

    /// The subnet that an interface stands in.
    #[must_use]
    pub fn subnet(&self, network: &NetworkName, subnet: &SubnetName) -> Option<&Subnet> {
        self.networks.get(network)?.subnets.get(subnet)
    }

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
        network: VirtualNetwork,
    ) -> Result<(), WorldError> {
        let place = format!("network.{name}");
        if self.networks.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        if network.address_space.is_empty() {
            return Err(err(format!("{place}.address_space"), "needs at least one prefix"));
        }
        for (subnet_name, subnet) in &network.subnets {
            for prefix in &subnet.prefixes {
                if !network.address_space.iter().any(|space| space.contains(prefix)) {
                    return Err(err(
                        format!("{place}.subnet.{subnet_name}.prefixes"),
                        format!("`{prefix}` lies outside the network's address space"),
                    ));
                }
            }
        }
        self.networks.insert(name, network);
        Ok(())
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
        firewall: AzureFirewall,
    ) -> Result<(), WorldError> {
        let place = format!("firewall.{name}");
        if self.firewalls.contains_key(&name) {
            return Err(err(place, "there is one of that name"));
        }
        self.known_subscription(&place, &firewall.subscription)?;
        self.known_subnet(&place, &firewall.network, &firewall.subnet, &[firewall.address])?;
        let owner = self.owners.get(&(firewall.network.clone(), firewall.address));
        let what = match (owner, self.firewall_at(&firewall.network, firewall.address)) {
            (Some((machine, _)), _) => Some(format!("machine `{machine}`")),
            (None, Some(other)) => Some(format!("firewall `{other}`")),
            (None, None) => None,
        };
        if let Some(what) = what {
            let (address, network) = (firewall.address, &firewall.network);
            return Err(err(
                format!("{place}.address"),
                format!("address {address} in network `{network}` belongs to {what} already"),
            ));
        }
        self.firewall_addresses.insert((firewall.network.clone(), firewall.address), name.clone());
        self.firewalls.insert(name, firewall);
        Ok(())
    }

    /// Adds a machine, or one in the place of a deleted one.
    ///
    /// # Errors
    /// There is one of that name, what it refers to does not exist, or an address is taken.
    pub fn add_machine(&mut self, name: MachineName, machine: Machine) -> Result<(), WorldError> {
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
        self.put_machine(name, Some(machine));
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
        let mut own: BTreeSet<&IpAddr> = earlier
            .filter(|other| other.network == interface.network)
            .flat_map(|other| &other.addresses)
            .collect();
        for address in addresses {
            let owner = self.owners.get(&(interface.network.clone(), *address));
            let taken = match owner.filter(|(owner, _)| owner != name) {
                Some((owner, _)) => Some(format!("machine `{owner}` already")),
                None if !own.insert(address) => Some(format!("`{name}` twice")),
                None => self
                    .firewall_at(&interface.network, *address)
                    .map(|firewall| format!("firewall `{firewall}` already")),
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

    /// The firewall whose address in a network is this.
    pub(crate) fn firewall_at(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> Option<&FirewallName> {
        self.firewall_addresses.get(&(network.clone(), address))
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

    pub(crate) fn own(&mut self, name: &MachineName, machine: &Machine) {
        for (place, interface) in machine.interfaces.iter().enumerate() {
            for address in &interface.addresses {
                self.owners.insert((interface.network.clone(), *address), (name.clone(), place));
            }
        }
    }

    pub(crate) fn disown(&mut self, name: &MachineName, machine: &Machine) {
        for interface in &machine.interfaces {
            for address in &interface.addresses {
                let key = (interface.network.clone(), *address);
                if self.owners.get(&key).is_some_and(|(owner, _)| owner == name) {
                    self.owners.remove(&key);
                }
            }
        }
    }

    /// Checks what can only be checked when everything is there: peerings, route tables, and that
    /// a captured packet shows one network only.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), WorldError> {
        self.check_capture_ids()?;
        for (name, network) in &self.networks {
            for peering in &network.peerings {
                let place = format!("network.{name}.peerings");
                let Some(other) = self.networks.get(&peering.network) else {
                    return Err(err(place, format!("there is no network `{}`", peering.network)));
                };
                if peering.network == *name {
                    return Err(err(place, "a network is not peered with itself"));
                }
                if overlap(&network.address_space, &other.address_space) {
                    return Err(err(
                        place,
                        format!(
                            "`{}` has an overlapping address space; such networks cannot be peered",
                            peering.network
                        ),
                    ));
                }
            }
            for (subnet_name, subnet) in &network.subnets {
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
}

fn overlap(left: &[IpNet], right: &[IpNet]) -> bool {
    left.iter().any(|a| right.iter().any(|b| a.contains(b) || b.contains(a)))
}

pub(crate) fn err(place: impl Into<String>, what: impl Into<String>) -> WorldError {
    WorldError { place: place.into(), what: what.into() }
}
