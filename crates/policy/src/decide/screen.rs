//! Security admin rules and security groups: what they let out of an interface, and into one (N15 to
//! N17).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::article::network::NetworkFact;
use crate::article::settings::Settings;
use crate::article::settings::{Setting, YesNo};
use crate::decide::applied_rule::{AppliedRule, RuleSet};
use crate::decide::destination::PLATFORM;
use crate::decide::fault::RouteFault;
use crate::decide::grounds::Grounds;
use crate::decide::question::{Question, Source};
use crate::decide::sender::SendingPort;
use crate::world::name::{
    ApplicationSecurityGroupName, NetworkName, SecurityGroupName, SubnetName,
};
use crate::world::ranges::{PrefixSet, bounds_of_each};
use crate::world::route::{self, NextHop, RouteOrigin, effective_routes};
use crate::world::security::{Access, Direction, SecurityRule, Target, Targets, WorkedOut};
use crate::world::{Interface, World};

/// A packet as security rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crossing<'a> {
    pub(crate) source: IpAddr,
    /// The network that it is from, where that counts and is known.
    pub(crate) origin: Option<&'a NetworkName>,
    /// The application security groups of the interface that it is from.
    pub(crate) of_groups: &'a [ApplicationSecurityGroupName],
    /// Its source port; not known: no rule that names one is for it.
    pub(crate) source_port: Option<u16>,
    pub(crate) destination: IpAddr,
    pub(crate) port: u16,
}

impl<'a> Crossing<'a> {
    /// The packet of a question, from a port where one is known.
    pub(crate) fn of(question: &Question, sender: Option<SendingPort<'a>>) -> Self {
        let source = match (&question.source, sender) {
            // What is from behind a machine leaves by the machine's own address (N3).
            (Source::Address { address, .. }, Some(sender))
                if !sender.interface.addresses.contains(address) =>
            {
                sender.address_toward(question.destination)
            }
            (Source::Address { address, .. }, _) => *address,
            (Source::Machine(_), Some(sender)) => sender.address_toward(question.destination),
            (Source::Machine(_), None) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let origin = sender.map(|sender| &sender.interface.network);
        let groups = sender.map(|sender| &*sender.interface.application_security_groups);
        let Question { source_port, destination, port, .. } = *question;
        let of_groups = groups.unwrap_or_default();
        Self { source, origin, of_groups, source_port, destination, port }
    }
}

/// Where rules stand: a subnet, and perhaps an interface in it with a group of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand<'a> {
    pub(crate) network: &'a NetworkName,
    pub(crate) subnet: &'a SubnetName,
    pub(crate) group: Option<&'a SecurityGroupName>,
}

impl<'a> Stand<'a> {
    pub(crate) const fn of(interface: &'a Interface) -> Self {
        let group = interface.security_group.as_ref();
        Self { network: &interface.network, subnet: &interface.subnet, group }
    }

    /// Where an internal destination is: its owner's interface, or at least its subnet.
    pub(crate) fn holding(
        world: &'a World,
        network: &'a NetworkName,
        destination: IpAddr,
    ) -> Option<Self> {
        let balanced = world.behind_frontend(network, destination);
        if let Some((.., interface)) = balanced.or_else(|| world.owner(network, destination)) {
            return Some(Self::of(interface));
        }
        let subnets = &world.networks.get_key_value(network)?.1.subnets;
        let (subnet, _) = subnets
            .iter()
            .find(|(_, of)| of.prefixes.iter().any(|prefix| prefix.contains(&destination)))?;
        Some(Self { network, subnet, group: None })
    }
}

/// What a rule's side names.
#[derive(Debug)]
enum Side<'a> {
    Any,
    Known(PrefixSet),
    /// By what the pages say, and by what is assumed on top of that.
    VirtualNetwork(Rc<Spaces>),
    Internet(Rc<Spaces>),
    /// A service tag that nobody has told the addresses of.
    Unknown(String),
    Members(&'a [ApplicationSecurityGroupName]),
}

/// What the tag `VirtualNetwork` covers in a subnet, and what is public.
#[derive(Debug)]
struct Spaces {
    sure: PrefixSet,
    /// With what a setting adds.
    all: PrefixSet,
    not_public: PrefixSet,
}

/// Whether a packet fits, and the settings that this rests on.
type Fit = (bool, Vec<Setting>);

impl Side<'_> {
    fn fits(
        &self,
        settings: &Settings,
        address: IpAddr,
        groups: &[ApplicationSecurityGroupName],
    ) -> Fit {
        let tag = |spaces: &Spaces| {
            let sure = spaces.sure.contains(address);
            let doubtful = !sure && spaces.all.contains(address);
            let yes = settings.virtual_network_tag_by_any_default == YesNo::Yes;
            let rests_on = doubtful.then_some(Setting::VirtualNetworkTagByAnyDefault);
            (sure || doubtful && yes, rests_on.into_iter().collect::<Vec<_>>())
        };
        match self {
            Side::Any => (true, vec![]),
            Side::Known(prefixes) => (prefixes.contains(address), vec![]),
            Side::VirtualNetwork(spaces) => tag(spaces),
            Side::Internet(spaces) => {
                let (inside, rests_on) = tag(spaces);
                (!inside && !spaces.not_public.contains(address), rests_on)
            }
            Side::Unknown(_) => {
                let fits = settings.service_tag_when_unknown == YesNo::Yes;
                (fits, vec![Setting::ServiceTagWhenUnknown])
            }
            Side::Members(of) => (of.iter().any(|group| groups.contains(group)), vec![]),
        }
    }

    /// Where a family's addresses begin or cease to be named.
    fn bounds(&self, v4: bool, found: &mut Vec<u128>) {
        match self {
            Side::Any | Side::Unknown(_) | Side::Members(_) => {}
            Side::Known(prefixes) => found.extend(prefixes.bounds(v4)),
            Side::VirtualNetwork(spaces) | Side::Internet(spaces) => {
                for set in [&spaces.sure, &spaces.all, &spaces.not_public] {
                    found.extend(set.bounds(v4));
                }
            }
        }
    }
}

/// A rule as it works where it stands.
#[derive(Debug)]
struct Resolved<'a> {
    set: RuleSet,
    rule: &'a SecurityRule,
    source: Vec<Side<'a>>,
    destination: Vec<Side<'a>>,
}

impl Resolved<'_> {
    fn fits(&self, settings: &Settings, packet: &Crossing<'_>) -> Fit {
        let rule = self.rule;
        let from_port = rule.source_ports.is_any()
            || packet.source_port.is_some_and(|port| rule.source_ports.contain(port));
        if !rule.protocol.covers_tcp()
            || !from_port
            || !rule.destination_ports.contain(packet.port)
            || PLATFORM.iter().any(|at| IpAddr::V4(*at) == packet.destination)
                && !names_the_platform(rule)
        {
            return (false, vec![]);
        }
        let any = |sides: &[Side<'_>], address| {
            let mut rests_on = Vec::new();
            let fits = sides.iter().any(|side| {
                let (fits, on) = side.fits(settings, address, packet.of_groups);
                rests_on.extend(on);
                fits
            });
            (fits, rests_on)
        };
        let (from, mut rests_on) = any(&self.source, packet.source);
        let (to, on) = any(&self.destination, packet.destination);
        rests_on.extend(on);
        (from && to, rests_on)
    }
}

/// The platform's addresses are outside the groups unless a rule names them (N16).
fn names_the_platform(rule: &SecurityRule) -> bool {
    let platform = |target: &Target| matches!(target, Target::Tag(tag) if matches!(WorkedOut::named(tag), Some(WorkedOut::Platform(_))));
    rule.destination.0.iter().any(platform)
}

/// What all rules of a direction say where they stand: one after another, the first that fits counts
/// in each.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    world: &'a World,
    network: NetworkName,
    subnet: SubnetName,
    direction: Direction,
    layers: Vec<Vec<Resolved<'a>>>,
}

impl<'a> Screen<'a> {
    /// The rules at a place; `None` where there are none.
    pub(crate) fn of(world: &'a World, stand: Stand<'_>, direction: Direction) -> Option<Self> {
        let collections = world.admin_rules.iter();
        let deployed = collections.filter(|(_, of)| of.networks.contains(stand.network));
        let admin: Vec<_> = deployed
            .flat_map(|(name, of)| {
                let set = RuleSet::AdminRules { collection: name.clone() };
                of.rules.iter().map(move |rule| (set.clone(), rule))
            })
            .collect();
        let admin = (!admin.is_empty()).then_some(admin);
        let layer = |named: Option<(&SecurityGroupName, RuleSet)>| {
            let (name, set) = named?;
            let group = world.security_groups.get(name)?;
            let rules = group.rules.iter().chain(SecurityRule::defaults());
            Some(rules.map(|rule| (set.clone(), rule)).collect::<Vec<_>>())
        };
        let of_interface =
            stand.group.map(|group| (group, RuleSet::Interface { group: group.clone() }));
        let subnet = world.subnet(stand.network, stand.subnet);
        let of_subnet = subnet.and_then(|subnet| subnet.security_group.as_ref());
        let of_subnet = of_subnet.map(|group| (group, RuleSet::Subnet { group: group.clone() }));
        let mut groups = [layer(of_interface), layer(of_subnet)];
        if direction == Direction::Inbound {
            groups.reverse();
        }
        let layers: Vec<_> = admin.into_iter().chain(groups.into_iter().flatten()).collect();
        if layers.is_empty() {
            return None;
        }
        let around = Rc::new(spaces(world, stand));
        let resolved = |rules| in_order(world, stand, direction, rules, &around);
        let layers = layers.into_iter().map(resolved).collect();
        let (network, subnet) = (stand.network.clone(), stand.subnet.clone());
        Some(Self { world, network, subnet, direction, layers })
    }

    /// Whether a packet crosses.
    ///
    /// # Errors
    /// A rule denies it.
    pub(crate) fn ask(
        &self,
        packet: &Crossing<'_>,
        grounds: &mut impl Grounds,
    ) -> Result<(), RouteFault> {
        for layer in &self.layers {
            let (first, rests_on) = first(&self.world.settings, layer, packet);
            let access = first.map(|found| found.rule.access);
            for setting in rests_on {
                //= N16
                grounds.cite_way(&[NetworkFact::N16]);
                if setting == Setting::ServiceTagWhenUnknown {
                    grounds.warn(|| untold(layer));
                }
                grounds.assume_if(self.world, setting, || {
                    setting.values().iter().any(|value| {
                        let mut other = self.world.settings.clone();
                        other.put(setting, value);
                        let (other, _) = self::first(&other, layer, packet);
                        other.map(|found| found.rule.access) != access
                    })
                });
            }
            let Some(found) = first else { continue };
            let applied = || AppliedRule {
                set: found.set.clone(),
                rule: found.rule.name.clone(),
                priority: found.rule.priority,
                direction: self.direction,
                access: found.rule.access,
                network: self.network.clone(),
                subnet: self.subnet.clone(),
            };
            grounds.apply(applied);
            match found.rule.access {
                //= N15
                //= N17
                Access::Deny => {
                    grounds.cite_way(&[NetworkFact::N15, NetworkFact::N17]);
                    return Err(RouteFault::Denied { by: Box::new(applied()) });
                }
                Access::AlwaysAllow => return Ok(()),
                Access::Allow => {}
            }
        }
        Ok(())
    }

    /// Where a family's destinations begin or cease to be named by a rule.
    pub(crate) fn bounds(&self, v4: bool, found: &mut Vec<u128>) {
        let sides = self.layers.iter().flatten().flat_map(|rule| &rule.destination);
        sides.for_each(|side| side.bounds(v4, found));
        if v4 {
            let platform = PrefixSet::new(&PLATFORM.map(|at| IpNet::from(IpAddr::V4(at))));
            found.extend(platform.bounds(true));
        }
    }
}

/// What is to be said of the tags in rules that nobody has told.
fn untold(layer: &[Resolved<'_>]) -> String {
    let of_rule = |rule: &Resolved<'_>| {
        let sides = rule.source.iter().chain(&rule.destination);
        let tags = sides.filter_map(|side| match side {
            Side::Unknown(tag) => Some(format!("`{tag}` (rule `{}`)", rule.rule.name)),
            _ => None,
        });
        tags.collect::<Vec<_>>()
    };
    let tags: Vec<_> = layer.iter().flat_map(of_rule).collect();
    format!("nobody has told which addresses these service tags stand for: {}", tags.join(", "))
}

/// The first rule of a layer that a packet fits, and the settings that this rests on.
fn first<'r, 'a>(
    settings: &Settings,
    layer: &'r [Resolved<'a>],
    packet: &Crossing<'_>,
) -> (Option<&'r Resolved<'a>>, Vec<Setting>) {
    let mut rests_on = Vec::new();
    let found = layer.iter().find(|rule| {
        let (fits, on) = rule.fits(settings, packet);
        rests_on.extend(on);
        fits
    });
    (found, rests_on)
}

/// Rules of a direction, in the order in which they are asked.
fn in_order<'a>(
    world: &'a World,
    stand: Stand<'_>,
    direction: Direction,
    rules: Vec<(RuleSet, &'a SecurityRule)>,
    around: &Rc<Spaces>,
) -> Vec<Resolved<'a>> {
    let mut rules: Vec<_> =
        rules.into_iter().filter(|(_, rule)| rule.direction == direction).collect();
    rules.sort_by_key(|(_, rule)| rule.priority);
    let resolved = |(set, rule): (RuleSet, &'a SecurityRule)| {
        let groups = &rule.source_application_security_groups;
        let source = if groups.is_empty() {
            sides(world, &rule.source.0, around)
        } else {
            vec![Side::Members(groups)]
        };
        let groups = &rule.destination_application_security_groups;
        let destination = if groups.is_empty() {
            sides(world, &rule.destination.0, around)
        } else {
            vec![Side::Known(members(world, stand.network, groups))]
        };
        Resolved { set, rule, source, destination }
    };
    rules.into_iter().map(resolved).collect()
}

fn sides<'a>(world: &World, targets: &[Target], around: &Rc<Spaces>) -> Vec<Side<'a>> {
    let side = |target: &Target| match target {
        Target::Any => Side::Any,
        Target::Prefix(prefix) => Side::Known(PrefixSet::new([prefix])),
        Target::Tag(tag) => match WorkedOut::named(tag) {
            Some(WorkedOut::VirtualNetwork) => Side::VirtualNetwork(around.clone()),
            Some(WorkedOut::Internet) => Side::Internet(around.clone()),
            Some(WorkedOut::LoadBalancer) => Side::Known(wire_server()),
            Some(WorkedOut::Platform(at)) => {
                let prefixes: Vec<_> = at.map(IpNet::from).into_iter().collect();
                Side::Known(PrefixSet::new(&prefixes))
            }
            None => match world.service_tag(tag) {
                Some(prefixes) => Side::Known(PrefixSet::new(prefixes)),
                None => Side::Unknown(tag.clone()),
            },
        },
    };
    targets.iter().map(side).collect()
}

fn wire_server() -> PrefixSet {
    let [_, wire] = PLATFORM.map(|at| IpNet::from(IpAddr::V4(at)));
    PrefixSet::new([&wire])
}

/// The addresses of the interfaces in application security groups that a network reaches.
fn members(
    world: &World,
    network: &NetworkName,
    groups: &[ApplicationSecurityGroupName],
) -> PrefixSet {
    let reached: Vec<_> = world.in_reach(network).collect();
    let interfaces = world.machines.values().flat_map(|machine| &machine.interfaces);
    let is_member = |interface: &&Interface| {
        reached.contains(&&interface.network)
            && interface.application_security_groups.iter().any(|one| groups.contains(one))
    };
    let addresses = interfaces.filter(is_member).flat_map(|interface| &interface.addresses);
    let prefixes: Vec<_> = addresses.map(|at| IpNet::from(*at)).collect();
    PrefixSet::new(&prefixes)
}

/// Addresses that the Internet does not lead to (RFC 1918, RFC 6598, RFC 4193, RFC 3927, RFC 4291).
const NOT_PUBLIC: [IpNet; 11] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([224, 0, 0, 0], 3),
    v6(0xfc00, 7),
    v6(0xfe80, 10),
    v6(0xff00, 8),
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(first: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0), length))
}

/// What the tag `VirtualNetwork` covers in a subnet (N16).
fn spaces(world: &World, stand: Stand<'_>) -> Spaces {
    let mut sure: Vec<IpNet> = route::spaces(world, stand.network).copied().collect();
    sure.extend(PLATFORM.get(1).map(|wire| IpNet::from(IpAddr::V4(*wire))));
    let mut assumed = Vec::new();
    for prefix in world.gateway_of(stand.network).map_or(&[][..], |gateway| &gateway.routes) {
        if prefix.prefix_len() == 0 { &mut assumed } else { &mut sure }.push(*prefix);
    }
    for route in effective_routes(world, stand.network, stand.subnet) {
        let is_default = route.prefix.prefix_len() == 0;
        match (route.origin, route.next_hop) {
            (RouteOrigin::User, NextHop::None) => assumed.push(route.prefix),
            (RouteOrigin::Bgp, _) if is_default => assumed.push(route.prefix),
            (RouteOrigin::User | RouteOrigin::Bgp, _) | (_, NextHop::Peering(_)) => {
                sure.push(route.prefix);
            }
            (RouteOrigin::System, _) => {}
        }
    }
    let all = PrefixSet::new(sure.iter().chain(&assumed));
    Spaces { sure: PrefixSet::new(&sure), all, not_public: PrefixSet::new(&NOT_PUBLIC) }
}

/// Whether a packet comes from a network to another one, over their peering.
///
/// # Errors
/// It was only forwarded in the network that it comes from, and the other lets in no such thing (N12).
pub(crate) fn over_peering(
    world: &World,
    (from, network): (&NetworkName, &NetworkName),
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<(), RouteFault> {
    let is_forwarded = packet.origin.is_some_and(|origin| origin != from && origin != network);
    if from == network || !is_forwarded {
        return Ok(());
    }
    //= N12
    let said = world.peering(network, from).and_then(|side| side.allow_forwarded_traffic);
    let allowed = said.unwrap_or_else(|| {
        grounds.assume(world, Setting::ForwardedTrafficWhenUnsaid);
        world.settings.forwarded_traffic_when_unsaid == YesNo::Yes
    });
    if allowed {
        return Ok(());
    }
    grounds.cite_way(&[NetworkFact::N12]);
    Err(RouteFault::NotForwarded { network: network.clone(), with: from.clone() })
}

/// Whether a packet enters where its internal destination is, in a network.
///
/// # Errors
/// A rule denies it.
pub(crate) fn entering(
    world: &World,
    (from, network): (&NetworkName, &NetworkName),
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<(), RouteFault> {
    over_peering(world, (from, network), packet, grounds)?;
    match Stand::holding(world, network, packet.destination) {
        Some(stand) => cross(world, stand, Direction::Inbound, packet, grounds),
        None => Ok(()),
    }
}

/// Whether a packet crosses where rules stand.
///
/// # Errors
/// A rule denies it.
pub(crate) fn cross(
    world: &World,
    stand: Stand<'_>,
    direction: Direction,
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<(), RouteFault> {
    if !world.has_security_rules() {
        return Ok(());
    }
    match Screen::of(world, stand, direction) {
        Some(screen) => screen.ask(packet, grounds),
        None => Ok(()),
    }
}

/// Where sources begin or cease to be told apart by any rule, for each family: between two of these
/// all are alike wherever a rule stands.
pub(crate) fn source_bounds(world: &World) -> [Vec<u128>; 2] {
    let prefixes = told_apart(world, |rule| &rule.source);
    [true, false].map(|v4| bounds_of_each(&prefixes, v4))
}

/// What rules and routes tell addresses apart by, wherever they stand; of rules by one side.
pub(crate) fn told_apart(world: &World, side: fn(&SecurityRule) -> &Targets) -> Vec<IpNet> {
    let mut prefixes = NOT_PUBLIC.to_vec();
    prefixes.extend(PLATFORM.map(|at| IpNet::from(IpAddr::V4(at))));
    for network in world.networks.values() {
        prefixes.extend(&network.address_space);
        prefixes.extend(network.gateway.iter().flat_map(|gateway| &gateway.routes));
        let listed = network.subnets.values().flat_map(|subnet| &subnet.effective_routes);
        prefixes.extend(listed.map(|route| route.prefix));
    }
    let tables = world.route_tables.values();
    prefixes.extend(tables.flat_map(|table| &table.routes).map(|route| route.prefix));
    for target in rules(world).flat_map(|rule| &side(rule).0) {
        match target {
            Target::Any => {}
            Target::Prefix(prefix) => prefixes.push(*prefix),
            Target::Tag(tag) => prefixes.extend(world.service_tag(tag).unwrap_or_default()),
        }
    }
    prefixes
}

/// The first of each range of source ports that rules for a port tell apart, in order.
pub(crate) fn source_ports(world: &World, port: u16) -> Vec<u16> {
    let for_it =
        |rule: &&SecurityRule| rule.protocol.covers_tcp() && rule.destination_ports.contain(port);
    let named = rules(world).filter(for_it).flat_map(|rule| &rule.source_ports.0);
    let ends = named.flat_map(|(first, last)| [Some(*first), last.checked_add(1)]);
    let mut found: Vec<_> = ends.flatten().chain([0]).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn rules(world: &World) -> impl Iterator<Item = &SecurityRule> {
    let groups = world.security_groups.values().flat_map(|group| &group.rules);
    groups.chain(world.admin_rules.values().flat_map(|of| &of.rules))
}
