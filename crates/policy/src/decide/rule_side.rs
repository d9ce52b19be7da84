//! The sides of security rules: which addresses each names where it stands (N16).

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::rc::Rc;

use ipnet::IpNet;

use crate::article::settings::{Setting, Settings, YesNo};
use crate::decide::destination::PLATFORM;
use crate::world::World;
use crate::world::name::{ApplicationSecurityGroupName, NetworkName, SubnetName};
use crate::world::ranges::{PrefixSet, v4, v6};
use crate::world::route::{self, NextHop, RouteOrigin, effective_routes};
use crate::world::security::{Target, WorkedOut};

/// What a rule's side names.
#[derive(Debug)]
pub(super) enum Side {
    Any,
    Known {
        prefixes: Vec<IpNet>,
        set: PrefixSet,
    },
    /// By what the pages say, and by what is assumed on top of that.
    VirtualNetwork(Rc<Spaces>),
    Internet(Rc<Spaces>),
    /// A service tag that nobody has told the addresses of.
    Unknown(String),
    Members(Vec<ApplicationSecurityGroupName>),
}

/// What the tag `VirtualNetwork` covers in a subnet, and what is public.
#[derive(Debug)]
pub(super) struct Spaces {
    sure: PrefixSet,
    /// With what a setting adds.
    all: PrefixSet,
    not_public: PrefixSet,
}

/// Whether a packet fits, and the settings that this rests on.
pub(super) type Fit = (bool, Vec<Setting>);

impl Side {
    pub(super) fn known(prefixes: Vec<IpNet>) -> Self {
        Self::Known { set: PrefixSet::new(&prefixes), prefixes }
    }

    pub(super) fn fits(
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
            Side::Known { set, .. } => (set.contains(address), vec![]),
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
    pub(super) fn bounds(&self, v4: bool, found: &mut Vec<u128>) {
        match self {
            Side::Any | Side::Unknown(_) | Side::Members(_) => {}
            Side::Known { set, .. } => found.extend(set.bounds(v4)),
            Side::VirtualNetwork(spaces) | Side::Internet(spaces) => {
                for set in [&spaces.sure, &spaces.all, &spaces.not_public] {
                    found.extend(set.bounds(v4));
                }
            }
        }
    }
}

pub(super) fn sides(world: &World, targets: &[Target], around: &Rc<Spaces>) -> Vec<Side> {
    let mut known = Vec::new();
    let mut found = Vec::new();
    for target in targets {
        match target {
            Target::Any => found.push(Side::Any),
            Target::Prefix(prefix) => known.push(*prefix),
            Target::Tag(tag) => match WorkedOut::named(tag) {
                Some(WorkedOut::VirtualNetwork) => {
                    found.push(Side::VirtualNetwork(around.clone()));
                }
                Some(WorkedOut::Internet) => found.push(Side::Internet(around.clone())),
                Some(WorkedOut::LoadBalancer) => known.push(wire_server()),
                Some(WorkedOut::Platform(at)) => known.extend(at.map(IpNet::from)),
                None => match world.service_tag(tag) {
                    Some(prefixes) => known.extend(prefixes),
                    None => found.push(Side::Unknown(tag.clone())),
                },
            },
        }
    }
    if !known.is_empty() {
        found.insert(0, Side::known(known));
    }
    found
}

fn wire_server() -> IpNet {
    let [_, wire] = PLATFORM.map(|at| IpNet::from(IpAddr::V4(at)));
    wire
}

/// The addresses of the interfaces in each application security group, of those that a network
/// reaches.
pub(super) fn members<'a>(
    world: &'a World,
    network: &NetworkName,
) -> HashMap<&'a ApplicationSecurityGroupName, Vec<IpNet>> {
    let reached: HashSet<_> = world.in_reach(network).collect();
    let interfaces = world.machines.values().flat_map(|machine| &machine.interfaces);
    let mut found: HashMap<_, Vec<IpNet>> = HashMap::new();
    for interface in interfaces.filter(|interface| reached.contains(&interface.network)) {
        for group in &interface.application_security_groups {
            let addresses = interface.addresses.iter().map(|at| IpNet::from(*at));
            found.entry(group).or_default().extend(addresses);
        }
    }
    found
}

/// Addresses that the Internet does not lead to (RFC 1918, RFC 6598, RFC 4193, RFC 3927, RFC 4291).
pub(super) const NOT_PUBLIC: [IpNet; 11] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([224, 0, 0, 0], 3),
    v6(0xfc00, 0, 7),
    v6(0xfe80, 0, 10),
    v6(0xff00, 0, 8),
];

/// What the tag `VirtualNetwork` covers in a subnet (N16).
pub(super) fn spaces(world: &World, network: &NetworkName, subnet: &SubnetName) -> Spaces {
    let mut sure: Vec<IpNet> = route::spaces(world, network).copied().collect();
    sure.extend(PLATFORM.get(1).map(|wire| IpNet::from(IpAddr::V4(*wire))));
    let mut assumed = Vec::new();
    for prefix in world.gateway_of(network).map_or(&[][..], |gateway| &gateway.routes) {
        if prefix.prefix_len() == 0 { &mut assumed } else { &mut sure }.push(*prefix);
    }
    for route in effective_routes(world, network, subnet) {
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
