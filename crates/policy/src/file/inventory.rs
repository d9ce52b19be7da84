//! The inventory: subscriptions, networks, machines, routes, firewalls and events in one TOML.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::article::edition::Edition;
use crate::article::settings::Settings;
use crate::file::error::{InventoryError, bad, syntax};
use crate::file::events::{check_events, numbered_events};
use crate::file::most::{self, at_most};
use crate::file::subscription::SubscriptionEntry;
use crate::life::event::{Event, EventKind, FlatEvent};
use crate::life::exemption::Exemption;
use crate::life::power::{MachineState, Power, ProgrammedBy};
use crate::life::timeline::Timeline;
use crate::shape::{Moment, Prefix};
use crate::world::address_space::fit_for_an_address_space;
use crate::world::build::numbered;
use crate::world::capture_ids::CaptureIds;
use crate::world::name::{
    AdminRulesName, ApplicationSecurityGroupName, FirewallName, LoadBalancerName, MachineName,
    NatGatewayName, NetworkName, RouteTableName, SecurityGroupName, SubnetName, SubscriptionName,
    fit_for_a_name,
};
use crate::world::outbound::{LoadBalancer, NatGateway};
use crate::world::security::{AdminRules, SecurityGroup, SecurityRule, Target, WorkedOut};
use crate::world::{
    AzureFirewall, DEFAULT_SUBNET, FirewallState, Gateway, Interface, Machine, MachineKind,
    Peering, RouteTable, Subnet, Subscription, UserNextHop, UserRoute, VirtualNetwork, World,
};

/// An inventory, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "egress25 inventory")]
pub struct InventoryFile {
    /// The edition of the article; the default edition where it is missing.
    #[serde(default)]
    edition: Option<String>,
    /// Settings, by name.
    #[serde(default)]
    settings: BTreeMap<String, SettingValue>,
    /// Subscriptions, by name.
    #[serde(default)]
    subscription: BTreeMap<SubscriptionName, SubscriptionEntry>,
    /// Virtual networks, by name.
    #[serde(default)]
    network: BTreeMap<NetworkName, NetworkEntry>,
    /// Route tables, by name.
    #[serde(default, rename = "route-table")]
    route_table: BTreeMap<RouteTableName, RouteTableEntry>,
    /// Azure Firewalls, by name.
    #[serde(default)]
    firewall: BTreeMap<FirewallName, FirewallEntry>,
    /// NAT gateways, by name; subnets and networks say which is theirs.
    #[serde(default, rename = "nat-gateway")]
    nat_gateway: BTreeMap<NatGatewayName, NatGateway>,
    /// Load balancers, by name.
    #[serde(default, rename = "load-balancer")]
    load_balancer: BTreeMap<LoadBalancerName, LoadBalancer>,
    /// Network security groups, by name; subnets and interfaces say which is theirs.
    #[serde(default, rename = "security-group")]
    security_group: BTreeMap<SecurityGroupName, SecurityGroup>,
    /// Collections of Virtual Network Manager's security admin rules, by name.
    #[serde(default, rename = "admin-rules")]
    admin_rules: BTreeMap<AdminRulesName, AdminRules>,
    /// The file with what service tags stand for, as Microsoft publishes it; beside the inventory.
    #[serde(default)]
    service_tag_file: Option<String>,
    /// What service tags stand for that security rules name, by their names.
    #[serde(default, rename = "service-tags")]
    #[schemars(with = "BTreeMap<String, Vec<Prefix>>")]
    service_tags: BTreeMap<String, Vec<IpNet>>,
    /// Machines, by name.
    #[serde(default)]
    machine: BTreeMap<MachineName, MachineEntry>,
    /// What happened, in any order.
    #[serde(default, deserialize_with = "numbered_events")]
    #[schemars(with = "Vec<FlatEvent>")]
    event: Vec<Event>,
}

/// A setting's value: a word, or true and false for yes and no.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum SettingValue {
    Word(String),
    Flag(bool),
}

/// A virtual network.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NetworkEntry {
    /// Its address space, IPv4 and IPv6 prefixes.
    #[schemars(with = "Vec<Prefix>")]
    address_space: Vec<IpNet>,
    /// Its side of its peerings: a network's name, or a table that says more. Both sides have to be
    /// written; one alone carries nothing.
    #[serde(default)]
    peerings: Vec<PeeringEntry>,
    /// Its VPN or ExpressRoute gateway.
    #[serde(default)]
    gateway: Option<Gateway>,
    /// The name of the NAT gateway of the whole network, one of StandardV2.
    #[serde(default)]
    nat_gateway: Option<NatGatewayName>,
    /// How a captured packet shows that it belongs here, where address spaces overlap.
    #[serde(default)]
    capture: CaptureIds,
    /// Its subnets, by name; without any, one named `default` spans the address space.
    #[serde(default)]
    subnet: BTreeMap<SubnetName, Subnet>,
}

/// One side of a peering, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a network's name, or a table with `network` and perhaps `use_remote_gateways`, \
                 `allow_gateway_transit` and `allow_virtual_network_access`"
)]
enum PeeringEntry {
    /// The network on the other side.
    With(NetworkName),
    /// With more than that.
    Side(Peering),
}

/// A route table.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RouteTableEntry {
    /// Its user-defined routes.
    routes: Vec<RouteEntry>,
    /// Whether the gateway's BGP routes are propagated.
    #[serde(default = "yes")]
    propagate_gateway_routes: bool,
}

const fn yes() -> bool {
    true
}

/// A user-defined route.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RouteEntry {
    /// The destinations that it is for.
    #[schemars(with = "Prefix")]
    prefix: IpNet,
    /// Where it leads.
    next_hop: NextHopEntry,
    /// The appliance's address, for `virtual-appliance` alone.
    #[serde(default)]
    address: Option<IpAddr>,
}

/// Where a user-defined route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum NextHopEntry {
    VirtualAppliance,
    VirtualNetworkGateway,
    VnetLocal,
    Internet,
    None,
}

/// An Azure Firewall.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FirewallEntry {
    /// The subscription that holds it.
    subscription: SubscriptionName,
    /// Its network.
    network: NetworkName,
    /// Its subnet; may be left out where the network has one only, or the addresses tell.
    #[serde(default)]
    subnet: Option<SubnetName>,
    /// Its private address, which routes lead to.
    address: IpAddr,
    /// Whether an exemption that was granted when the inventory began has reached it: its rules
    /// were updated since, or it was stopped and started.
    #[serde(default)]
    renewed_since_grant: bool,
}

/// A machine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MachineEntry {
    /// Its subscription.
    subscription: SubscriptionName,
    /// What it is.
    #[serde(default)]
    kind: MachineKind,
    /// Its network, where it has one interface.
    #[serde(default)]
    network: Option<NetworkName>,
    /// Its subnet; may be left out where the network has one only, or the addresses tell.
    #[serde(default)]
    subnet: Option<SubnetName>,
    /// Its addresses, where it has one interface.
    #[serde(default)]
    addresses: Vec<IpAddr>,
    /// Its public address, or a list with one of each family, where it has one interface.
    #[serde(default)]
    public_address: Option<PublicAddress>,
    /// Whether its interface forwards, where it has one.
    #[serde(default)]
    ip_forwarding: bool,
    /// Whether its interface has default outbound access now, where an export says so
    /// (`defaultOutboundConnectivityEnabled`), and it has one interface.
    #[serde(default)]
    default_outbound_connectivity: Option<bool>,
    /// The network security group of its interface, where it has one interface.
    #[serde(default)]
    security_group: Option<SecurityGroupName>,
    /// The application security groups of its interface, where it has one interface.
    #[serde(default)]
    application_security_groups: Vec<ApplicationSecurityGroupName>,
    /// Its interfaces, where it has several.
    #[serde(default)]
    interfaces: Vec<InterfaceEntry>,
    /// Whether everything that an App Service sends enters the network (`vnetRouteAllEnabled`); `false`:
    /// private destinations and service endpoints alone, and the rest leaves by the service itself.
    #[serde(default = "yes")]
    route_all: bool,
    /// The prefixes of containers and pods behind it, such as 172.17.0.0/16: what is from there is its
    /// own traffic.
    #[serde(default)]
    #[schemars(with = "Vec<Prefix>")]
    behind: Vec<IpNet>,
    /// The place of the interface by which it forwards, from 0, where it is an appliance.
    #[serde(default)]
    forwards_by: Option<usize>,
    /// When it was deployed, RFC 3339; left out: it was there when the inventory began. Beside `power`
    /// it was deployed before that.
    #[serde(default, deserialize_with = "crate::file::moment::optional_moment")]
    #[schemars(with = "Option<Moment>")]
    deployed: Option<Timestamp>,
    /// Its power state when the inventory begins.
    #[serde(default)]
    power: Option<Power>,
    /// Whether an exemption that was granted when the inventory began has reached it: it has been
    /// stopped (deallocated) and started since.
    #[serde(default)]
    started_since_grant: bool,
}

/// An interface of a machine with several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InterfaceEntry {
    /// Its network.
    network: NetworkName,
    /// Its subnet; may be left out where the network has one only, or the addresses tell.
    #[serde(default)]
    subnet: Option<SubnetName>,
    /// Its addresses.
    addresses: Vec<IpAddr>,
    /// Its public address, or a list with one of each family.
    #[serde(default)]
    public_address: Option<PublicAddress>,
    /// Whether it accepts packets that are not addressed to it.
    #[serde(default)]
    ip_forwarding: bool,
    /// Whether it has default outbound access now (`defaultOutboundConnectivityEnabled`).
    #[serde(default)]
    default_outbound_connectivity: Option<bool>,
    /// Its network security group.
    #[serde(default)]
    security_group: Option<SecurityGroupName>,
    /// The application security groups that it is a member of.
    #[serde(default)]
    application_security_groups: Vec<ApplicationSecurityGroupName>,
}

/// Public addresses of an interface.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "an address, or a list of addresses")]
enum PublicAddress {
    /// One.
    One(IpAddr),
    /// Several.
    Several(Vec<IpAddr>),
}

impl PublicAddress {
    fn all(&self) -> &[IpAddr] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::Several(addresses) => addresses,
        }
    }
}

/// The application security groups that a machine's interfaces are members of, with their keys.
fn named_groups<'a>(
    name: &'a MachineName,
    machine: &'a MachineEntry,
) -> impl Iterator<Item = (String, &'a str)> {
    let all = move |key: String, of: &'a [ApplicationSecurityGroupName]| {
        let key = format!("machine.{name}{key}.application_security_groups");
        numbered(key, of).map(|(key, name)| (key, name.as_str()))
    };
    let interfaces = machine.interfaces.iter().enumerate();
    let of_interfaces = interfaces.flat_map(move |(number, of)| {
        all(format!(".interfaces[{number}]"), &of.application_security_groups)
    });
    all(String::new(), &machine.application_security_groups).chain(of_interfaces)
}

/// An inventory: the world when it begins, and what happens then.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The world at the beginning.
    pub world: World,
    /// The events of the file, with the deployments that machines' `deployed` stands for.
    pub events: Vec<Event>,
}

impl InventoryFile {
    /// Reads the text of an inventory; unknown keys fail.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, InventoryError> {
        toml::from_str(text).map_err(|error| syntax(text, &error))
    }

    /// The edition that the file asks for.
    #[must_use]
    pub fn edition(&self) -> Option<&str> {
        self.edition.as_deref()
    }

    /// The file that tells what service tags stand for, where there is one whose tags have not been told.
    #[must_use]
    pub fn service_tag_file(&self) -> Option<&str> {
        self.service_tag_file.as_deref()
    }

    /// Tells what the tags of [`Self::service_tag_file`] stand for, of which the rules name some; what
    /// the inventory says of a tag itself stays.
    pub fn tell_service_tags(&mut self, all: impl IntoIterator<Item = (String, Vec<IpNet>)>) {
        self.service_tag_file = None;
        let targets =
            self.rules().flat_map(|(_, rule)| rule.source.0.iter().chain(&rule.destination.0));
        let named: BTreeSet<String> = targets
            .filter_map(|target| match target {
                Target::Tag(tag) => Some(tag.to_ascii_lowercase()),
                _ => None,
            })
            .collect();
        let own: BTreeSet<_> =
            self.service_tags.keys().map(|tag| tag.to_ascii_lowercase()).collect();
        let wanted = |tag: &str| named.contains(tag) && !own.contains(tag);
        let found = all.into_iter().filter(|(tag, _)| wanted(&tag.to_ascii_lowercase()));
        self.service_tags.extend(found);
    }

    /// Every name that the file calls something by, with its key; those of events are not among them.
    fn listed(&self) -> impl Iterator<Item = (String, &str)> {
        fn keys<'a>(
            table: &'static str,
            names: impl Iterator<Item = &'a str>,
        ) -> impl Iterator<Item = (String, &'a str)> {
            names.map(move |name| (format!("{table}.{name}"), name))
        }
        let subnets = self.network.iter().flat_map(|(network, of)| {
            let key = move |name| format!("network.{network}.subnet.{name}");
            of.subnet.keys().map(move |name| (key(name), name.as_str()))
        });
        let rules = self.rules().map(|(key, rule)| (format!("{key}.name"), rule.name.as_str()));
        keys("subscription", self.subscription.keys().map(SubscriptionName::as_str))
            .chain(keys("network", self.network.keys().map(NetworkName::as_str)))
            .chain(subnets)
            .chain(keys("route-table", self.route_table.keys().map(RouteTableName::as_str)))
            .chain(keys("firewall", self.firewall.keys().map(FirewallName::as_str)))
            .chain(keys("nat-gateway", self.nat_gateway.keys().map(NatGatewayName::as_str)))
            .chain(keys("load-balancer", self.load_balancer.keys().map(LoadBalancerName::as_str)))
            .chain(keys(
                "security-group",
                self.security_group.keys().map(SecurityGroupName::as_str),
            ))
            .chain(keys("admin-rules", self.admin_rules.keys().map(AdminRulesName::as_str)))
            .chain(rules)
            .chain(keys("machine", self.machine.keys().map(MachineName::as_str)))
            .chain(self.machine.iter().flat_map(|(name, of)| named_groups(name, of)))
    }

    /// Every security rule, with its key.
    fn rules(&self) -> impl Iterator<Item = (String, &SecurityRule)> {
        let of_groups = self.security_group.iter().flat_map(|(name, group)| {
            numbered(format!("security-group.{name}.rules"), &group.rules)
        });
        let of_admins = self
            .admin_rules
            .iter()
            .flat_map(|(name, of)| numbered(format!("admin-rules.{name}.rules"), &of.rules));
        of_groups.chain(of_admins)
    }

    /// Refuses names by which nothing new is called ([`fit_for_a_name`]), address spaces that no new
    /// network has ([`fit_for_an_address_space`]), and lists far beyond what Azure takes. Building takes
    /// them: a store may have begun with one.
    ///
    /// # Errors
    /// There is one, among what is listed or what the events begin.
    pub fn check_what_begins(&self) -> Result<(), InventoryError> {
        for (key, name) in self.listed() {
            fit_for_a_name(name).map_err(|unfit| bad(key, unfit.to_string()))?;
        }
        for (name, network) in &self.network {
            let key = |key: &str| format!("network.{name}.{key}");
            at_most(key("address_space"), network.address_space.len(), most::PREFIXES)?;
            at_most(key("peerings"), network.peerings.len(), most::PEERINGS)?;
            at_most(key("subnet"), network.subnet.len(), most::SUBNETS)?;
            for (subnet, of) in &network.subnet {
                let key = key(&format!("subnet.{subnet}.prefixes"));
                at_most(key, of.prefixes.len(), most::PREFIXES)?;
            }
            let mut peers = BTreeSet::new();
            for (key, side) in numbered(key("peerings"), &network.peerings) {
                let (PeeringEntry::With(peer) | PeeringEntry::Side(Peering { network: peer, .. })) =
                    side;
                if !peers.insert(peer) {
                    let what = format!("there are two peerings with `{peer}`");
                    return Err(bad(key, what));
                }
            }
            for (key, prefix) in numbered(key("address_space"), &network.address_space) {
                fit_for_an_address_space(prefix).map_err(|unfit| bad(key, unfit.to_string()))?;
            }
        }
        for (name, table) in &self.route_table {
            let key = format!("route-table.{name}.routes");
            at_most(key.clone(), table.routes.len(), most::ROUTES)?;
            let mut prefixes = BTreeSet::new();
            for (key, route) in numbered(key, &table.routes) {
                let prefix = route.prefix.trunc();
                if !prefixes.insert(prefix) {
                    return Err(bad(key, format!("there are two routes for `{prefix}`")));
                }
            }
        }
        for (key, rule) in self.rules() {
            at_most(format!("{key}.source"), rule.source.0.len(), most::PREFIXES)?;
            at_most(format!("{key}.destination"), rule.destination.0.len(), most::PREFIXES)?;
        }
        check_events(&self.event)
    }

    /// Builds the inventory that the file describes, under an edition; `set` overrides the file's
    /// settings, by name.
    ///
    /// # Errors
    /// What does not fit, with its key.
    pub fn build(
        &self,
        edition: &std::sync::Arc<Edition>,
        set: &[(String, String)],
    ) -> Result<Inventory, InventoryError> {
        if let Some(file) = &self.service_tag_file {
            let what = format!(
                "`{file}` is not read here; write what the tags that rules name stand for under \
                 `[service-tags]`"
            );
            return Err(bad("service_tag_file", what));
        }
        let settings = self.settings(edition, set)?;
        let mut world = World::new(edition.clone(), settings);
        let fits = |result: Result<(), crate::world::build::WorldError>| {
            result.map_err(|error| bad(error.place, error.what))
        };
        for (name, entry) in &self.subscription {
            let subscription = entry.subscription();
            let key = |key| format!("subscription.{name}.{key}");
            let subscription = subscription.map_err(|(place, what)| bad(key(place), what))?;
            fits(world.add_subscription(name.clone(), subscription))?;
        }
        for (name, entry) in &self.route_table {
            fits(world.add_route_table(name.clone(), route_table(name, entry)?))?;
        }
        for (name, entry) in &self.network {
            fits(world.add_network(name.clone(), network(entry)))?;
        }
        for (name, gateway) in &self.nat_gateway {
            fits(world.add_nat_gateway(name.clone(), gateway.clone()))?;
        }
        for (name, balancer) in &self.load_balancer {
            fits(world.add_load_balancer(name.clone(), balancer.clone()))?;
        }
        self.security(&mut world)?;
        for (name, entry) in &self.firewall {
            let place = format!("firewall.{name}");
            if entry.renewed_since_grant {
                was_granted(&world, &entry.subscription)
                    .map_err(|what| bad(format!("{place}.renewed_since_grant"), what))?;
            }
            let firewall = AzureFirewall {
                subscription: entry.subscription.clone(),
                network: entry.network.clone(),
                subnet: self.subnet(
                    &world,
                    &place,
                    &entry.network,
                    entry.subnet.as_ref(),
                    &[entry.address],
                )?,
                address: entry.address,
                state: FirewallState::new(entry.renewed_since_grant),
            };
            fits(world.add_firewall(name.clone(), firewall))?;
        }
        let mut events = Vec::new();
        for (name, entry) in &self.machine {
            let machine = self.machine(&world, name, entry)?;
            fits(world.add_machine(name.clone(), machine))?;
            if let Some(at) = entry.deployed.filter(|_| entry.power.is_none()) {
                let kind = EventKind::MachineDeployed { machine: name.clone(), placement: None };
                events.push(Event { at, edition: None, kind });
            }
        }
        fits(world.check())?;
        world.free_neighbours();
        events.extend(self.event.iter().cloned());
        Ok(Inventory { world, events })
    }

    /// Adds the security rules, and what the tags stand for that they name.
    fn security(&self, world: &mut World) -> Result<(), InventoryError> {
        let fits = |result: Result<(), crate::world::build::WorldError>| {
            result.map_err(|error| bad(error.place, error.what))
        };
        for (name, group) in &self.security_group {
            fits(world.add_security_group(name.clone(), group.clone()))?;
        }
        for (name, rules) in &self.admin_rules {
            fits(world.add_admin_rules(name.clone(), rules.clone()))?;
        }
        for (name, prefixes) in &self.service_tags {
            if WorkedOut::named(name).is_some() {
                let what = "this tag is worked out for each subnet; it cannot be told";
                return Err(bad(format!("service-tags.{name}"), what));
            }
            world.tell_service_tag(name, prefixes.clone());
        }
        Ok(())
    }

    fn settings(
        &self,
        edition: &Edition,
        set: &[(String, String)],
    ) -> Result<Settings, InventoryError> {
        let mut settings =
            edition.default_settings().map_err(|error| bad("edition", error.to_string()))?;
        for (name, value) in &self.settings {
            let value = match value {
                SettingValue::Word(word) => word.as_str(),
                SettingValue::Flag(true) => "yes",
                SettingValue::Flag(false) => "no",
            };
            settings
                .set(name, value)
                .map_err(|error| bad(format!("settings.{name}"), error.to_string()))?;
        }
        let set = set.iter().map(|(name, value)| (name, value));
        settings.with(set).map_err(|error| InventoryError {
            what: error.to_string(),
            key: None,
            span: None,
        })
    }

    /// The subnet that an entry means: the one it names, the only one of the network, or the one that
    /// its addresses lie in.
    fn subnet(
        &self,
        world: &World,
        place: &str,
        network: &NetworkName,
        subnet: Option<&SubnetName>,
        addresses: &[IpAddr],
    ) -> Result<SubnetName, InventoryError> {
        if let Some(subnet) = subnet {
            return Ok(subnet.clone());
        }
        let Some(entry) = self.network.get(network) else {
            return Err(bad(
                format!("{place}.network"),
                format!("there is no network `{network}`"),
            ));
        };
        let mut names = entry.subnet.keys();
        match (names.next(), names.next()) {
            (None, _) => return Ok(SubnetName::from(DEFAULT_SUBNET)),
            (Some(only), None) => return Ok(only.clone()),
            _ => {}
        }
        let holding = addresses.iter().map(|address| world.subnets_holding(network, *address));
        let hold_all = holding.reduce(|some, more| &some & &more).unwrap_or_default();
        let mut found = hold_all.into_iter();
        let what = match (found.next(), found.next()) {
            (Some(only), None) => return Ok(only.clone()),
            (Some(one), Some(other)) => format!(
                "the subnets `{one}` and `{other}` of network `{network}` hold its addresses: say which \
                 is meant with `subnet`"
            ),
            (None, _) => format!("no subnet of network `{network}` holds all its addresses"),
        };
        Err(bad(place, what))
    }

    fn machine(
        &self,
        world: &World,
        name: &MachineName,
        entry: &MachineEntry,
    ) -> Result<Machine, InventoryError> {
        let place = format!("machine.{name}");
        let Some(subscription) = world.subscriptions.get(&entry.subscription) else {
            return Err(bad(
                format!("{place}.subscription"),
                format!("there is no subscription `{}`", entry.subscription),
            ));
        };
        if !entry.route_all && entry.kind != MachineKind::AppService {
            let what = "is for `kind = \"app-service\"` alone";
            return Err(bad(format!("{place}.route_all"), what));
        }
        let interfaces = self.interfaces(world, &place, entry)?;
        if entry.forwards_by.is_some_and(|at| at >= interfaces.len()) {
            let what = format!("the machine has {} interfaces, counted from 0", interfaces.len());
            return Err(bad(format!("{place}.forwards_by"), what));
        }
        // Where the power is said, too, the machine was deployed before the inventory begins.
        let power = match (entry.power, entry.deployed) {
            (Some(power), _) => power,
            (None, Some(_)) => Power::NotDeployed,
            (None, None) => Power::Running,
        };
        if entry.started_since_grant {
            was_granted(world, &entry.subscription)
                .map_err(|what| bad(format!("{place}.started_since_grant"), what))?;
        }
        let (offer, exempt) = (subscription.offer, entry.started_since_grant);
        let mut state = MachineState::new(power, ProgrammedBy::Beginning, offer, exempt);
        state.deployed = entry.deployed.filter(|_| entry.power.is_some());
        Ok(Machine {
            subscription: entry.subscription.clone(),
            kind: entry.kind,
            interfaces,
            forwards_by: entry.forwards_by,
            route_all: entry.route_all,
            behind: entry.behind.clone(),
            state,
        })
    }

    fn interfaces(
        &self,
        world: &World,
        place: &str,
        entry: &MachineEntry,
    ) -> Result<Vec<Interface>, InventoryError> {
        let one = entry.network.is_some()
            || !entry.addresses.is_empty()
            || entry.public_address.is_some()
            || entry.security_group.is_some()
            || entry.default_outbound_connectivity.is_some()
            || !entry.application_security_groups.is_empty();
        if one && !entry.interfaces.is_empty() {
            return Err(bad(
                format!("{place}.interfaces"),
                "give `network` and `addresses`, or `interfaces`, not both",
            ));
        }
        if one && entry.network.is_none() {
            return Err(bad(format!("{place}.addresses"), "a machine needs a `network`"));
        }
        let one = entry.network.as_ref().map(|network| InterfaceEntry {
            network: network.clone(),
            subnet: entry.subnet.clone(),
            addresses: entry.addresses.clone(),
            public_address: entry.public_address.clone(),
            ip_forwarding: entry.ip_forwarding,
            default_outbound_connectivity: entry.default_outbound_connectivity,
            security_group: entry.security_group.clone(),
            application_security_groups: entry.application_security_groups.clone(),
        });
        let interface = |entry: &InterfaceEntry| {
            Ok(Interface {
                network: entry.network.clone(),
                subnet: self.subnet(
                    world,
                    place,
                    &entry.network,
                    entry.subnet.as_ref(),
                    &entry.addresses,
                )?,
                addresses: entry.addresses.clone(),
                public_addresses: entry
                    .public_address
                    .as_ref()
                    .map_or(&[][..], PublicAddress::all)
                    .to_vec(),
                ip_forwarding: entry.ip_forwarding,
                default_outbound_connectivity: entry.default_outbound_connectivity,
                security_group: entry.security_group.clone(),
                application_security_groups: entry.application_security_groups.clone(),
            })
        };
        one.iter().chain(&entry.interfaces).map(interface).collect()
    }
}

impl Inventory {
    /// The inventory's timeline, with more events from elsewhere.
    ///
    /// # Errors
    /// The first event that the state machines forbid.
    pub fn timeline(
        self,
        more: Vec<Event>,
    ) -> Result<Timeline, crate::life::timeline::TimelineError> {
        let mut events = self.events;
        events.extend(more);
        Timeline::new(self.world, events)
    }
}

/// Whether an exemption is granted when the inventory begins, or was until it was revoked; if not,
/// what to say of that.
fn was_granted(world: &World, name: &SubscriptionName) -> Result<(), String> {
    match world.subscriptions.get(name) {
        Some(Subscription { exemption: Exemption { grant: None, .. }, .. }) => {
            Err(format!("the exemption of `{name}` is neither `granted` nor `revoked`"))
        }
        _ => Ok(()),
    }
}

fn route_table(
    name: &RouteTableName,
    entry: &RouteTableEntry,
) -> Result<RouteTable, InventoryError> {
    let mut routes = Vec::with_capacity(entry.routes.len());
    let mut prefixes = BTreeSet::new();
    for (key, route) in numbered(format!("route-table.{name}.routes"), &entry.routes) {
        let next_hop = match (route.next_hop, route.address) {
            (NextHopEntry::VirtualAppliance, Some(address)) => {
                UserNextHop::VirtualAppliance(address)
            }
            (NextHopEntry::VirtualAppliance, None) => {
                let what =
                    format!("the route for `{}` needs the appliance's `address`", route.prefix);
                return Err(bad(key, what));
            }
            (_, Some(address)) => {
                let what = format!(
                    "the route for `{}` has the `address` {address}, which only \
                     `virtual-appliance` takes",
                    route.prefix
                );
                return Err(bad(key, what));
            }
            (NextHopEntry::VirtualNetworkGateway, None) => UserNextHop::VirtualNetworkGateway,
            (NextHopEntry::VnetLocal, None) => UserNextHop::VnetLocal,
            (NextHopEntry::Internet, None) => UserNextHop::Internet,
            (NextHopEntry::None, None) => UserNextHop::None,
        };
        if !prefixes.insert(route.prefix) {
            return Err(bad(key, format!("there are two routes for `{}`", route.prefix)));
        }
        routes.push(UserRoute { prefix: route.prefix, next_hop });
    }
    Ok(RouteTable { routes, propagate_gateway_routes: entry.propagate_gateway_routes })
}

impl PeeringEntry {
    fn side(self) -> Peering {
        match self {
            Self::With(network) => Peering::with(network),
            Self::Side(side) => side,
        }
    }
}

fn network(entry: &NetworkEntry) -> VirtualNetwork {
    let subnets = if entry.subnet.is_empty() {
        Subnet::over_all_of(&entry.address_space)
    } else {
        entry.subnet.clone()
    };
    VirtualNetwork {
        address_space: entry.address_space.clone(),
        subnets,
        peerings: entry.peerings.iter().cloned().map(PeeringEntry::side).collect(),
        gateway: entry.gateway.clone(),
        nat_gateway: entry.nat_gateway.clone(),
        capture: entry.capture.clone(),
    }
}
