//! Security admin rules and security groups: what they let out of an interface, and into one (N15 to
//! N17).

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use ipnet::{IpNet, Ipv4Subnets};

use crate::article::network::NetworkFact;
use crate::article::settings::{Setting, Settings, YesNo};
use crate::decide::applied_rule::{AppliedRule, RuleSet};
use crate::decide::destination::PLATFORM;
use crate::decide::fault::RouteFault;
use crate::decide::grounds::Grounds;
use crate::decide::question::{Question, Source};
use crate::decide::rule_side::{Fit, NOT_PUBLIC, Side, Spaces, members, sides, spaces};
use crate::decide::sender::SendingPort;
use crate::file::near::first_few;
use crate::world::name::{
    ApplicationSecurityGroupName, NetworkName, SecurityGroupName, SubnetName,
};
use crate::world::prefix_index::PrefixIndex;
use crate::world::ranges::{self, PrefixSet, bounds_of_each, v4, v6};
use crate::world::security::{
    Access, Direction, PortRanges, SecurityRule, Target, Targets, WorkedOut,
};
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
    /// The rules that were worked out so far, for all packets that are asked about together.
    pub(crate) screens: &'a Screens,
}

impl<'a> Crossing<'a> {
    /// The packet of a question, from a port where one is known.
    pub(crate) fn of(
        question: &Question,
        sender: Option<SendingPort<'a>>,
        screens: &'a Screens,
    ) -> Self {
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
        Self { source, origin, of_groups, source_port, destination, port, screens }
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
        let (subnet, _) = world.subnets_around(network, destination.into())?;
        Some(Self { network, subnet, group: None })
    }
}

/// A rule as it works where it stands.
#[derive(Debug)]
struct Resolved {
    set: RuleSet,
    rule: SecurityRule,
    /// Its source ports in order, none twice.
    source_ports: Vec<(u128, u128)>,
    source: Vec<Side>,
    destination: Vec<Side>,
}

impl Resolved {
    fn fits(&self, settings: &Settings, packet: &Crossing<'_>) -> Fit {
        let rule = &self.rule;
        let from_port = rule.source_ports.is_any()
            || packet.source_port.map(u128::from).is_some_and(|port| {
                let at = self.source_ports.partition_point(|(_, last)| *last < port);
                self.source_ports.get(at).is_some_and(|(first, _)| *first <= port)
            });
        if !rule.protocol.covers_tcp()
            || !from_port
            || !rule.destination_ports.contain(packet.port)
            || PLATFORM.iter().any(|at| IpAddr::V4(*at) == packet.destination)
                && !names_the_platform(rule)
        {
            return (false, vec![]);
        }
        let any = |sides: &[Side], address| {
            let mut rests_on = Vec::new();
            let fits = sides.iter().any(|side| {
                let (fits, on) = side.fits(settings, address, packet.of_groups);
                rests_on.extend(on);
                fits
            });
            (fits, rests_on)
        };
        // A side that does not fit whatever is assumed leaves nothing to rest on to the other.
        let (to, on_destination) = any(&self.destination, packet.destination);
        if !to && on_destination.is_empty() {
            return (false, vec![]);
        }
        let (from, mut rests_on) = any(&self.source, packet.source);
        if !from && rests_on.is_empty() {
            return (false, vec![]);
        }
        rests_on.extend(on_destination);
        (from && to, rests_on)
    }

    /// The prefixes that its destination lies in: all, where there is something else in it.
    fn destination_prefixes(&self) -> Vec<IpNet> {
        let of = |side: &Side| match side {
            Side::Known { prefixes, .. } => Some(prefixes.clone()),
            _ => None,
        };
        let known = self.destination.iter().map(of).collect::<Option<Vec<_>>>();
        known.map_or_else(|| vec![v4([0; 4], 0), v6(0, 0, 0)], |known| known.concat())
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
pub(crate) struct Screen {
    network: NetworkName,
    subnet: SubnetName,
    direction: Direction,
    layers: Vec<Layer>,
}

/// As [`Stand`], to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RuleStand {
    pub(crate) network: NetworkName,
    pub(crate) subnet: SubnetName,
    pub(crate) group: Option<SecurityGroupName>,
}

impl RuleStand {
    pub(crate) fn of(stand: Stand<'_>) -> Self {
        let Stand { network, subnet, group } = stand;
        Self { network: network.clone(), subnet: subnet.clone(), group: group.cloned() }
    }

    pub(crate) const fn stand(&self) -> Stand<'_> {
        let Self { network, subnet, group } = self;
        Stand { network, subnet, group: group.as_ref() }
    }
}

/// The rules of a world by where they stand, worked out when they are first asked. For one state of the
/// world: whoever changes it begins anew.
#[derive(Debug, Default)]
pub(crate) struct Screens {
    known: RefCell<HashMap<(RuleStand, Direction), Known>>,
}

/// What is known of a place; `None`: no rule stands there.
type Known = Option<Rc<Screen>>;

impl Screens {
    /// The rules at a place; `None` where there are none.
    pub(crate) fn at(
        &self,
        world: &World,
        stand: Stand<'_>,
        direction: Direction,
    ) -> Option<Rc<Screen>> {
        if !world.has_security_rules() {
            return None;
        }
        let place = (RuleStand::of(stand), direction);
        let mut known = self.known.borrow_mut();
        let found = || Screen::of(world, stand, direction).map(Rc::new);
        known.entry(place).or_insert_with(found).clone()
    }
}

impl Screen {
    fn of(world: &World, stand: Stand<'_>, direction: Direction) -> Option<Self> {
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
        let around = Rc::new(spaces(world, stand.network, stand.subnet));
        let resolved = |rules| Layer::of(in_order(world, stand, direction, rules, &around));
        let layers = layers.into_iter().map(resolved).collect();
        let (network, subnet) = (stand.network.clone(), stand.subnet.clone());
        Some(Self { network, subnet, direction, layers })
    }

    /// Whether a packet crosses.
    ///
    /// # Errors
    /// A rule denies it.
    pub(crate) fn ask(
        &self,
        world: &World,
        packet: &Crossing<'_>,
        grounds: &mut impl Grounds,
    ) -> Result<(), RouteFault> {
        for layer in &self.layers {
            let (first, rests_on) = layer.first(&world.settings, packet);
            let access = first.map(|found| found.rule.access);
            for setting in rests_on {
                //= N16
                grounds.cite_way(&[NetworkFact::N16]);
                if setting == Setting::ServiceTagWhenUnknown {
                    grounds.warn(|| untold(&layer.asked(&world.settings, packet, first)));
                }
                grounds.assume_if(world, setting, || {
                    setting.values().iter().any(|value| {
                        let mut other = world.settings.clone();
                        other.put(setting, value);
                        let (other, _) = layer.first(&other, packet);
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

    /// Where a family's destinations begin or cease to be named by a rule that may be for a source port.
    pub(crate) fn bounds(&self, v4: bool, source_port: Option<u16>, found: &mut Vec<u128>) {
        let rules = self.layers.iter().flat_map(|layer| layer.for_source_port(source_port));
        let sides = rules.flat_map(|rule| &rule.destination);
        sides.for_each(|side| side.bounds(v4, found));
        if v4 {
            let platform = PrefixSet::new(&PLATFORM.map(|at| IpNet::from(IpAddr::V4(at))));
            found.extend(platform.bounds(true));
        }
    }
}

/// What is to be said of the tags in rules that nobody has told.
fn untold(asked: &[&Resolved]) -> String {
    let of_rule = |rule: &&Resolved| {
        let sides = rule.source.iter().chain(&rule.destination);
        let tags = sides.filter_map(|side| match side {
            Side::Unknown(tag) => Some(format!("`{tag}` (rule `{}`)", rule.rule.name)),
            _ => None,
        });
        tags.collect::<Vec<_>>()
    };
    let tags: Vec<_> = asked.iter().flat_map(of_rule).collect();
    let tags = first_few(tags.iter().map(String::as_str));
    format!("nobody has told which addresses these service tags stand for: {tags}")
}

/// Rules of which the first that fits counts.
#[derive(Debug)]
struct Layer {
    rules: Vec<Resolved>,
    /// By their places, each in one of two: those that are looked up by the source ports that they
    /// name, and those that are by the prefixes that their destination lies in.
    by_source_port: PrefixIndex<usize>,
    by_destination: PrefixIndex<usize>,
    /// The places in the second.
    elsewhere: Vec<usize>,
}

/// Ports as addresses, 0.0.0.0 the first: what finds prefixes finds ranges of them.
fn as_prefixes(ports: &PortRanges) -> impl Iterator<Item = IpNet> {
    let address = |port: u16| Ipv4Addr::from(u32::from(port));
    let ranges = ports.0.iter();
    let nets =
        ranges.flat_map(move |(first, last)| Ipv4Subnets::new(address(*first), address(*last), 0));
    nets.map(IpNet::V4)
}

/// How many of some rules share each of what they are looked up by.
fn crowds<'a>(keys: impl Iterator<Item = &'a IpNet>) -> HashMap<IpNet, usize> {
    let mut found = HashMap::new();
    for key in keys {
        let crowd: &mut usize = found.entry(*key).or_default();
        *crowd = crowd.saturating_add(1);
    }
    found
}

impl Layer {
    fn of(rules: Vec<Resolved>) -> Self {
        let ports_of = |rule: &Resolved| {
            let ports = &rule.rule.source_ports;
            (!ports.is_any()).then(|| as_prefixes(ports).collect())
        };
        let ports: Vec<Option<Vec<IpNet>>> = rules.iter().map(ports_of).collect();
        let destinations: Vec<_> = rules.iter().map(Resolved::destination_prefixes).collect();
        let at_port = crowds(ports.iter().flatten().flatten());
        let at_destination = crowds(destinations.iter().flatten());
        let most = |crowds: &HashMap<IpNet, usize>, keys: &[IpNet]| {
            keys.iter().filter_map(|key| crowds.get(key)).max().copied()
        };
        let (mut of_ports, mut of_prefixes) = (Vec::new(), Vec::new());
        let mut elsewhere = Vec::new();
        for (place, (ports, prefixes)) in ports.into_iter().zip(destinations).enumerate() {
            // Where the fewer stand beside it.
            let fewer = |ports: &Vec<_>| most(&at_port, ports) <= most(&at_destination, &prefixes);
            if let Some(ports) = ports.filter(fewer) {
                of_ports.extend(ports.into_iter().map(|at| (at, place)));
            } else {
                elsewhere.push(place);
                of_prefixes.extend(prefixes.into_iter().map(|at| (at, place)));
            }
        }
        let by_source_port = PrefixIndex::new(of_ports);
        let by_destination = PrefixIndex::new(of_prefixes);
        Self { rules, by_source_port, by_destination, elsewhere }
    }

    /// The rules that a packet would fit or not by what an untold service tag stands for, up to the
    /// first that it fits.
    fn asked(
        &self,
        settings: &Settings,
        packet: &Crossing<'_>,
        first: Option<&Resolved>,
    ) -> Vec<&Resolved> {
        let last = first.map_or(u16::MAX, |rule| rule.rule.priority);
        let rules = self.looked_up(packet).filter(|rule| rule.rule.priority <= last);
        let rests = |rule: &&Resolved| {
            rule.fits(settings, packet).1.contains(&Setting::ServiceTagWhenUnknown)
        };
        rules.filter(rests).collect()
    }

    /// The first rule that a packet fits, and the settings that this rests on.
    fn first(
        &self,
        settings: &Settings,
        packet: &Crossing<'_>,
    ) -> (Option<&Resolved>, Vec<Setting>) {
        let mut rests_on: Vec<Setting> = Vec::new();
        let found = self.looked_up(packet).find(|rule| {
            let (fits, on) = rule.fits(settings, packet);
            for setting in on {
                if !rests_on.contains(&setting) {
                    rests_on.push(setting);
                }
            }
            fits
        });
        (found, rests_on)
    }

    /// Those that a packet may fit, in their order.
    fn looked_up(&self, packet: &Crossing<'_>) -> impl Iterator<Item = &Resolved> {
        let listed = self.by_destination.holding(packet.destination.into());
        let of_port = self.of_source_port(packet.source_port);
        let places = ranges::in_order(listed.chain(of_port).copied().collect());
        places.into_iter().filter_map(|place| self.rules.get(place))
    }

    /// Those that are looked up by a source port.
    fn of_source_port(&self, port: Option<u16>) -> impl Iterator<Item = &usize> {
        let as_address = port.map(|port| IpNet::from(IpAddr::V4(u32::from(port).into())));
        as_address.into_iter().flat_map(|at| self.by_source_port.holding(at))
    }

    /// Those that may be for packets from a source port.
    fn for_source_port(&self, port: Option<u16>) -> impl Iterator<Item = &Resolved> {
        let places = self.of_source_port(port).chain(&self.elsewhere);
        places.filter_map(|place| self.rules.get(*place))
    }
}

/// Rules of a direction, in the order in which they are asked.
fn in_order(
    world: &World,
    stand: Stand<'_>,
    direction: Direction,
    rules: Vec<(RuleSet, &SecurityRule)>,
    around: &Rc<Spaces>,
) -> Vec<Resolved> {
    let mut rules: Vec<_> =
        rules.into_iter().filter(|(_, rule)| rule.direction == direction).collect();
    rules.sort_by_key(|(_, rule)| rule.priority);
    let of_groups = OnceCell::new();
    let members = |groups: &[ApplicationSecurityGroupName]| {
        let of_groups = of_groups.get_or_init(|| members(world, stand.network));
        groups.iter().filter_map(|group| of_groups.get(group)).flatten().copied().collect()
    };
    let resolved = |(set, rule): (RuleSet, &SecurityRule)| {
        let groups = &rule.source_application_security_groups;
        let source = if groups.is_empty() {
            sides(world, &rule.source.0, around)
        } else {
            vec![Side::Members(groups.clone())]
        };
        let groups = &rule.destination_application_security_groups;
        let destination = if groups.is_empty() {
            sides(world, &rule.destination.0, around)
        } else {
            vec![Side::known(members(groups))]
        };
        let ports = rule.source_ports.0.iter();
        let ports = ports.map(|(first, last)| (u128::from(*first), u128::from(*last)));
        let source_ports = ranges::merged(ports.collect());
        Resolved { set, rule: rule.clone(), source_ports, source, destination }
    };
    rules.into_iter().map(resolved).collect()
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
    match packet.screens.at(world, stand, direction) {
        Some(screen) => screen.ask(world, packet, grounds),
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
    ranges::in_order(ends.flatten().chain([0]).collect())
}

fn rules(world: &World) -> impl Iterator<Item = &SecurityRule> {
    let groups = world.security_groups.values().flat_map(|group| &group.rules);
    groups.chain(world.admin_rules.values().flat_map(|of| &of.rules))
}
