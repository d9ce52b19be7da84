//! The world: subscriptions, networks, machines, routes and firewalls, as they stand.

pub(crate) mod address_space;
pub(crate) mod build;
pub(crate) mod by_address;
pub(crate) mod capture_ids;
pub(crate) mod creation;
pub(crate) mod listed_route;
pub(crate) mod name;
pub(crate) mod outbound;
pub(crate) mod prefix_index;
pub(crate) mod ranges;
pub(crate) mod reach;
pub(crate) mod route;
pub(crate) mod security;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use ipnet::IpNet;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::article::edition::Edition;
use crate::article::offer::Offer;
use crate::article::settings::{Settings, YesNo};
use crate::life::exemption::Exemption;
use crate::life::power::{MachineState, Power};
use crate::shape::Prefix;
use crate::world::by_address::ByAddress;
use crate::world::capture_ids::CaptureIds;
use crate::world::creation::Creation;
use crate::world::listed_route::ListedRoute;
use crate::world::name::{
    AdminRulesName, ApplicationSecurityGroupName, FirewallName, LoadBalancerName, MachineName,
    NatGatewayName, NetworkName, RouteTableName, SecurityGroupName, SubnetName, SubscriptionName,
};
use crate::world::outbound::{LoadBalancer, NatGateway};
use crate::world::prefix_index::PrefixIndex;
use crate::world::ranges::PrefixSet;
use crate::world::security::{AdminRules, SecurityGroup};

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its GUID, where it is known.
    pub id: Option<String>,
    /// Its offer at present.
    pub offer: Offer,
    /// The day on which it was created, UTC, as far as it is known.
    pub created: Creation,
    /// Its exemption.
    pub exemption: Exemption,
}

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualNetwork {
    /// Its address space; may overlap with that of other networks.
    pub address_space: Vec<IpNet>,
    /// Its subnets.
    pub subnets: BTreeMap<SubnetName, Subnet>,
    /// Its side of its peerings.
    pub peerings: Vec<Peering>,
    /// Its VPN or ExpressRoute gateway.
    pub gateway: Option<Gateway>,
    /// The NAT gateway of the whole network: one of StandardV2 (N5).
    pub nat_gateway: Option<NatGatewayName>,
    /// How a captured packet shows that it belongs to this network.
    pub capture: CaptureIds,
}

/// One side of a peering.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peering {
    /// The network on the other side.
    pub network: NetworkName,
    /// Whether this network uses the other side's gateway.
    #[serde(default)]
    pub use_remote_gateways: bool,
    /// Whether the other side may use this network's gateway.
    #[serde(default)]
    pub allow_gateway_transit: bool,
    /// Whether what comes from neither network, but was forwarded in the other, may come in by it; left
    /// out, `forwarded_traffic_when_unsaid` says so.
    #[serde(default)]
    pub allow_forwarded_traffic: Option<bool>,
    /// Whether the two networks reach each other by it at all.
    #[serde(default = "yes")]
    pub allow_virtual_network_access: bool,
}

const fn yes() -> bool {
    true
}

impl Peering {
    /// One of which nothing is said but with whom.
    #[must_use]
    pub const fn with(network: NetworkName) -> Self {
        Self {
            network,
            use_remote_gateways: false,
            allow_gateway_transit: false,
            allow_forwarded_traffic: None,
            allow_virtual_network_access: true,
        }
    }
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subnet {
    /// Its prefixes.
    #[schemars(with = "Vec<Prefix>")]
    pub prefixes: Vec<IpNet>,
    /// The name of its route table.
    #[serde(default)]
    pub route_table: Option<RouteTableName>,
    /// The service that it is delegated to.
    #[serde(default)]
    pub delegated_to: Option<String>,
    /// The prefixes of its service endpoints.
    #[serde(default)]
    #[schemars(with = "Vec<Prefix>")]
    pub service_endpoints: Vec<IpNet>,
    /// Whether its machines have default outbound access; left out, `default_outbound_when_unsaid`
    /// says so. `false` is a private subnet (N6).
    #[serde(default)]
    pub default_outbound_access: Option<bool>,
    /// The name of its NAT gateway.
    #[serde(default)]
    pub nat_gateway: Option<NatGatewayName>,
    /// The name of its network security group.
    #[serde(default)]
    pub security_group: Option<SecurityGroupName>,
    /// All its effective routes, where an export lists them: they are taken as they are, and none is
    /// worked out (N14).
    #[serde(default)]
    pub effective_routes: Vec<ListedRoute>,
}

/// The subnet that is meant where none is named.
pub(crate) const DEFAULT_SUBNET: &str = "default";

impl Subnet {
    /// The subnets of a network that lists none: one, `default`, over its whole address space.
    pub(crate) fn over_all_of(address_space: &[IpNet]) -> BTreeMap<SubnetName, Self> {
        let whole = Self {
            prefixes: address_space.to_vec(),
            route_table: None,
            delegated_to: None,
            service_endpoints: vec![],
            default_outbound_access: None,
            nat_gateway: None,
            security_group: None,
            effective_routes: vec![],
        };
        [(SubnetName::from(DEFAULT_SUBNET), whole)].into()
    }
}

/// A VPN or ExpressRoute gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Which of the two.
    pub kind: GatewayKind,
    /// The prefixes that it learned by BGP.
    #[serde(default)]
    #[schemars(with = "Vec<Prefix>")]
    pub routes: Vec<IpNet>,
}

/// What a gateway connects with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayKind {
    /// A VPN gateway.
    Vpn,
    /// An ExpressRoute gateway.
    ExpressRoute,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// Its user-defined routes.
    pub routes: Vec<UserRoute>,
    /// Whether the gateway's BGP routes are propagated to the table's subnets.
    pub propagate_gateway_routes: bool,
}

/// A user-defined route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// Where it leads.
    pub next_hop: UserNextHop,
}

/// Where a user-defined route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum MachineKind {
    /// A virtual machine.
    #[default]
    VirtualMachine,
    /// An instance of a scale set.
    ScaleSet,
    /// An instance of a scale set in flexible orchestration mode.
    FlexibleScaleSet,
    /// An App Service or Functions app with virtual network integration.
    AppService,
    /// Another service of the platform without integration, such as a function on a Consumption plan or a
    /// container app: it leaves by the service itself.
    PlatformService,
    /// A container group of Azure Container Instances; so is whatever stands in a subnet that is
    /// delegated to them.
    ContainerInstance,
}

impl MachineKind {
    /// Every kind.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Whether everything that an App Service sends enters the network, and not private destinations
    /// and service endpoints alone (N18).
    pub route_all: bool,
    /// The addresses behind it, of containers and pods: what is from there is its own traffic (N3).
    pub behind: Vec<IpNet>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The network.
    pub network: NetworkName,
    /// The subnet.
    pub subnet: SubnetName,
    /// Its addresses, IPv4 and IPv6.
    pub addresses: Vec<IpAddr>,
    /// Its public addresses: outside the machine knows nothing of them.
    pub public_addresses: Vec<IpAddr>,
    /// Whether it accepts packets that are not addressed to it.
    pub ip_forwarding: bool,
    /// Whether it has default outbound access now, where an export says so of the interface itself
    /// (`defaultOutboundConnectivityEnabled`, N6).
    pub default_outbound_connectivity: Option<bool>,
    /// Its network security group.
    pub security_group: Option<SecurityGroupName>,
    /// The application security groups that it is a member of.
    pub application_security_groups: Vec<ApplicationSecurityGroupName>,
}

/// An Azure Firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureFirewall {
    /// The subscription that holds it.
    pub subscription: SubscriptionName,
    /// The network.
    pub network: NetworkName,
    /// The subnet, whose routes take the traffic on.
    pub subnet: SubnetName,
    /// Its private address.
    pub address: IpAddr,
    /// What changes in its life.
    pub state: FirewallState,
}

/// What changes in an Azure Firewall's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirewallState {
    /// Whether it runs.
    pub runs: bool,
    /// Whether its subscription's exemption reached it: its rules were updated, or it was stopped
    /// and started, since the grant.
    pub exempt: bool,
    /// Whether a revocation, which counts at once, took the exemption away again.
    pub cut_off: bool,
    /// The offer that it was programmed with, where its subscription's has been changed since.
    pub left: Option<Offer>,
}

impl FirewallState {
    /// A firewall that runs, and of which nothing has happened yet.
    #[must_use]
    pub const fn new(exempt: bool) -> Self {
        Self { runs: true, exempt, cut_off: false, left: None }
    }

    /// A revocation that counts at once reaches what was exempt.
    pub(crate) const fn revoke(&mut self) {
        self.cut_off |= self.exempt;
        self.exempt = false;
    }

    /// Its subscription leaves an offer: at once, a new type brings no exemption that it had not
    /// picked up, and takes one away that has ended.
    pub(crate) fn change_offer(&mut self, left: Offer, at_once: bool, granted: bool) {
        self.left = self.left.or(Some(left));
        if at_once {
            self.exempt &= granted;
            self.cut_off = false;
        }
    }
}

/// Who owns an address: a machine, and the interface by place.
pub(crate) type OwnerPlace = (MachineName, usize);

/// Everything that a decision looks at.
#[derive(Debug, Clone)]
pub struct World {
    /// The edition of the article.
    pub edition: Arc<Edition>,
    /// The settings.
    pub settings: Settings,
    /// The day that facts of the network are asked for; `None`: the edition's first.
    pub day: Option<Date>,
    /// The edition of the history, under which the events happened that name none: the one that
    /// judges, where nobody says otherwise.
    pub history: Arc<Edition>,
    pub(crate) subscriptions: BTreeMap<SubscriptionName, Subscription>,
    pub(crate) networks: BTreeMap<NetworkName, VirtualNetwork>,
    pub(crate) machines: BTreeMap<MachineName, Machine>,
    pub(crate) route_tables: BTreeMap<RouteTableName, RouteTable>,
    pub(crate) firewalls: BTreeMap<FirewallName, AzureFirewall>,
    pub(crate) nat_gateways: BTreeMap<NatGatewayName, NatGateway>,
    pub(crate) load_balancers: BTreeMap<LoadBalancerName, LoadBalancer>,
    pub(crate) security_groups: BTreeMap<SecurityGroupName, SecurityGroup>,
    pub(crate) admin_rules: BTreeMap<AdminRulesName, AdminRules>,
    /// What service tags stand for, by their names in small letters.
    service_tags: BTreeMap<String, Vec<IpNet>>,
    /// Derived from the security rules, when it is first asked for.
    pub(crate) source_bounds: OnceLock<[Vec<u128>; 2]>,
    /// Derived from the machines; deleted ones own nothing.
    pub(crate) owners: ByAddress<OwnerPlace>,
    /// Derived from the machines, as [`Self::owners`]: who is reached from outside by a public address.
    public_owners: BTreeMap<IpAddr, OwnerPlace>,
    /// Derived from the networks: whether some side of a peering lets in nothing that was forwarded,
    /// and whether one does not say.
    pub(crate) forwarded_refused: bool,
    pub(crate) forwarded_unsaid: bool,
    /// Derived from the networks.
    plots: HashMap<NetworkName, Plot>,
    /// Derived from the networks: whose sides of peerings with each are open.
    open_toward: HashMap<NetworkName, HashSet<NetworkName>>,
    /// Derived from the networks: whose address space each prefix is of.
    spaces: PrefixIndex<NetworkName>,
    /// Derived from the load balancers: those that each interface is behind.
    balancers_of: HashMap<OwnerPlace, Vec<LoadBalancerName>>,
    /// Derived from the internal load balancers.
    frontends: ByAddress<LoadBalancerName>,
    /// Derived from the firewalls.
    firewall_addresses: ByAddress<FirewallName>,
    /// Derived from the machines: those of each subscription.
    pub(crate) members: BTreeMap<SubscriptionName, BTreeSet<MachineName>>,
}

/// What a network has, by what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plot {
    space: PrefixSet,
    subnets: PrefixIndex<SubnetName>,
    /// The places of its sides of peerings.
    peerings: HashMap<NetworkName, usize>,
}

impl Plot {
    fn of(network: &VirtualNetwork) -> Self {
        let subnets = network.subnets.iter();
        let prefixes =
            subnets.flat_map(|(name, of)| of.prefixes.iter().map(|at| (*at, name.clone())));
        let sides = network.peerings.iter().enumerate();
        Self {
            space: PrefixSet::new(&network.address_space),
            subnets: PrefixIndex::new(prefixes),
            peerings: sides.map(|(place, side)| (side.network.clone(), place)).collect(),
        }
    }
}

impl World {
    /// Whether an address is of a network's address space.
    pub(crate) fn is_of_network(&self, network: &NetworkName, address: IpAddr) -> bool {
        self.plots.get(network).is_some_and(|plot| plot.space.contains(address))
    }

    /// The subnets of a network that hold an address, by name.
    pub(crate) fn subnets_holding(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> BTreeSet<&SubnetName> {
        let plot = self.plots.get(network).into_iter();
        plot.flat_map(|plot| plot.subnets.holding(address.into())).collect()
    }

    /// The first and the last by name of a network's subnets that hold a prefix.
    pub(crate) fn subnets_around(
        &self,
        network: &NetworkName,
        prefix: IpNet,
    ) -> Option<(&SubnetName, &SubnetName)> {
        // Each length's are in the order of names.
        let subnets = &self.plots.get(network)?.subnets;
        let first = subnets.around(prefix).filter_map(<[_]>::first).min()?;
        Some((first, subnets.around(prefix).filter_map(<[_]>::last).max()?))
    }

    /// An empty world under an edition.
    #[must_use]
    pub fn new(edition: Arc<Edition>, settings: Settings) -> Self {
        Self {
            history: edition.clone(),
            edition,
            settings,
            day: None,
            subscriptions: BTreeMap::new(),
            networks: BTreeMap::new(),
            machines: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            firewalls: BTreeMap::new(),
            nat_gateways: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            security_groups: BTreeMap::new(),
            admin_rules: BTreeMap::new(),
            service_tags: BTreeMap::new(),
            source_bounds: OnceLock::new(),
            owners: ByAddress::new(),
            public_owners: BTreeMap::new(),
            forwarded_refused: false,
            forwarded_unsaid: false,
            plots: HashMap::new(),
            open_toward: HashMap::new(),
            spaces: PrefixIndex::new([]),
            balancers_of: HashMap::new(),
            frontends: ByAddress::new(),
            firewall_addresses: ByAddress::new(),
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

    /// The Azure Firewalls, by name.
    #[must_use]
    pub const fn firewalls(&self) -> &BTreeMap<FirewallName, AzureFirewall> {
        &self.firewalls
    }

    /// Whether there are security rules at all.
    #[must_use]
    pub fn has_security_rules(&self) -> bool {
        !self.security_groups.is_empty() || !self.admin_rules.is_empty()
    }

    /// Whether some peering keeps out what was forwarded to it.
    pub(crate) fn restricts_forwarded_traffic(&self) -> bool {
        let let_in = self.settings.forwarded_traffic_when_unsaid == YesNo::Yes;
        self.forwarded_refused || self.forwarded_unsaid && !let_in
    }

    /// What a service tag stands for, where that has been told; its name in any casing.
    pub(crate) fn service_tag(&self, name: &str) -> Option<&[IpNet]> {
        self.service_tags.get(&name.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// Tells what a service tag stands for, instead of what was told of it before.
    pub fn tell_service_tag(&mut self, name: &str, prefixes: Vec<IpNet>) {
        self.source_bounds = OnceLock::new();
        self.service_tags.insert(name.to_ascii_lowercase(), prefixes);
    }

    /// The machine, with its interface, whose public address this is.
    #[must_use]
    pub fn public_owner(&self, address: IpAddr) -> Option<(&MachineName, &Machine, &Interface)> {
        self.of_place(self.public_owners.get(&address)?)
    }

    fn of_place(&self, (name, place): &OwnerPlace) -> Option<(&MachineName, &Machine, &Interface)> {
        let (name, machine) = self.machines.get_key_value(name)?;
        Some((name, machine, machine.interfaces.get(*place)?))
    }

    /// The machine and the interface that own an address in a network.
    #[must_use]
    pub fn owner(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> Option<(&MachineName, &Machine, &Interface)> {
        self.of_place(self.owners.get(network, address)?)
    }

    /// The machines, with an interface each, behind which an address is, in a network where one is
    /// given: containers and pods (N3).
    pub fn hosts<'a>(
        &'a self,
        network: Option<&'a NetworkName>,
        address: IpAddr,
    ) -> impl Iterator<Item = (&'a MachineName, &'a Machine, &'a Interface)> {
        let there = self.machines.iter().filter(move |(_, machine)| {
            machine.state.power != Power::Deleted
                && machine.behind.iter().any(|prefix| prefix.contains(&address))
        });
        there.filter_map(move |(name, machine)| {
            let here = |one: &&Interface| network.is_none_or(|network| one.network == *network);
            Some((name, machine, machine.interfaces.iter().find(here)?))
        })
    }

    /// Whether a machine is a container group of Azure Container Instances: it is said to be one, or
    /// stands in a subnet that is delegated to them.
    pub(crate) fn is_container_instance(&self, machine: &Machine) -> bool {
        let delegated = |interface: &Interface| {
            let subnet = self.subnet(&interface.network, &interface.subnet)?;
            let to = subnet.delegated_to.as_ref()?;
            Some(to.to_ascii_lowercase().starts_with("microsoft.containerinstance/"))
        };
        machine.kind == MachineKind::ContainerInstance
            || machine.interfaces.iter().any(|interface| delegated(interface) == Some(true))
    }

    /// The subnet that an interface stands in.
    #[must_use]
    pub fn subnet(&self, network: &NetworkName, subnet: &SubnetName) -> Option<&Subnet> {
        self.networks.get(network)?.subnets.get(subnet)
    }

    /// The day that facts of the network are asked for.
    #[must_use]
    pub fn network_day(&self) -> Date {
        self.day.unwrap_or(self.edition.from)
    }

    /// The firewall whose address in a network is this.
    pub(crate) fn firewall_at(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> Option<&FirewallName> {
        self.firewall_addresses.get(network, address)
    }

    /// The public addresses by which somebody of the world is reached from outside: those of machines
    /// that are there, and the frontends of public load balancers.
    pub fn public_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.public_owners.keys().copied().chain(self.public_frontends())
    }

    /// Whether an address is among them.
    pub(crate) fn is_public_address(&self, address: IpAddr) -> bool {
        self.public_owners.contains_key(&address)
            || self.public_frontends().any(|frontend| frontend == address)
    }

    fn public_frontends(&self) -> impl Iterator<Item = IpAddr> {
        let public = self.load_balancers.values().filter(|balancer| !balancer.is_internal());
        public.flat_map(|balancer| &balancer.addresses).copied()
    }

    /// The private addresses of internal load balancers and Azure Firewalls, in one network or in all.
    pub fn service_addresses<'a>(
        &'a self,
        network: Option<&'a NetworkName>,
    ) -> impl Iterator<Item = IpAddr> + 'a {
        let frontends = self.frontends.within(network).map(|(at, _)| at);
        frontends.chain(self.firewall_addresses.within(network).map(|(at, _)| at))
    }

    /// The load balancers that an interface of a machine, by its place, is behind.
    pub(crate) fn balancers_of(
        &self,
        machine: &MachineName,
        place: usize,
    ) -> impl Iterator<Item = &LoadBalancer> {
        let names = self.balancers_of.get(&(machine.clone(), place)).into_iter().flatten();
        names.filter_map(|name| self.load_balancers.get(name))
    }

    /// The internal load balancer whose frontend in a network has this address.
    pub(crate) fn frontend_at(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> Option<(&LoadBalancerName, &LoadBalancer)> {
        let name = self.frontends.get(network, address)?;
        self.load_balancers.get_key_value(name)
    }

    /// Who takes on what comes to an internal load balancer's frontend: any of its machines does, so
    /// the first that runs and forwards; where none does, the first (N11).
    #[must_use]
    pub fn behind_frontend(
        &self,
        network: &NetworkName,
        frontend: IpAddr,
    ) -> Option<(&MachineName, &Machine, &Interface)> {
        //= N11
        let (_, balancer) = self.frontend_at(network, frontend)?;
        let mut behind = balancer.machines.iter().filter_map(|backend| {
            let (name, place) = backend.at();
            let (name, machine) = self.machines.get_key_value(name)?;
            Some((name, machine, machine.interfaces.get(place)?))
        });
        let works = |(_, machine, interface): &(_, &Machine, &Interface)| {
            machine.state.power == Power::Running && interface.ip_forwarding
        };
        let first = behind.clone().next();
        behind.find(works).or(first)
    }

    pub(crate) fn claim_addresses(&mut self, name: &MachineName, machine: &Machine) {
        for (place, interface) in machine.interfaces.iter().enumerate() {
            for address in &interface.addresses {
                self.owners.insert(&interface.network, *address, (name.clone(), place));
            }
            for address in &interface.public_addresses {
                self.public_owners.insert(*address, (name.clone(), place));
            }
        }
    }

    pub(crate) fn release_addresses(&mut self, name: &MachineName, machine: &Machine) {
        for interface in &machine.interfaces {
            for address in &interface.addresses {
                let is_its = |(owner, _): &OwnerPlace| owner == name;
                self.owners.remove_if(&interface.network, *address, is_its);
            }
            for address in &interface.public_addresses {
                if self.public_owners.get(address).is_some_and(|(owner, _)| owner == name) {
                    self.public_owners.remove(address);
                }
            }
        }
    }
}
