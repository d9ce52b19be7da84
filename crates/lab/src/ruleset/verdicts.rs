//! What the rules of a network have to say, before it is written in any syntax.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use egress25_policy::{
    NetworkName, Power, Question, Reason, Source, SubnetName, Way, World, cells, decide,
    edge_reason, way,
};
use ipnet::IpNet;

use super::{Senders, senders};

/// What a group of a subnet's destinations means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The same reason for every sender.
    Fixed(Reason),
    /// The sender's reason at the Internet's edge.
    Edge,
    /// A reason for each sender, because the route leads through an appliance or a firewall.
    Through(BTreeMap<IpAddr, Reason>),
}

/// A subnet's destinations, the longest prefix first.
pub(crate) type Destinations = Vec<(IpNet, Meaning)>;

/// Everything that the rules of one network say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Senders that do not run.
    pub(crate) down: BTreeSet<IpAddr>,
    /// Where each sender stands.
    pub(crate) subnet_of: Senders,
    /// The reason of each sender at the Internet's edge.
    pub(crate) edge: BTreeMap<IpAddr, Reason>,
    /// What the destinations of each subnet mean.
    pub(crate) subnets: BTreeMap<(NetworkName, SubnetName), Destinations>,
}

impl Content {
    pub(crate) fn of(world: &World, network: &NetworkName) -> Self {
        let subnet_of = senders(world, network);
        let mut content = Self {
            down: BTreeSet::new(),
            subnet_of,
            edge: BTreeMap::new(),
            subnets: BTreeMap::new(),
        };
        let mut by_subnet: BTreeMap<_, Vec<IpAddr>> = BTreeMap::new();
        for (address, place) in &content.subnet_of {
            let Some((name, machine, _)) = world.owner(&place.0, *address) else { continue };
            by_subnet.entry(place.clone()).or_default().push(*address);
            if machine.state.power == Power::Running {
                let reason = edge_reason(world, name).unwrap_or(Reason::UnknownSource);
                content.edge.insert(*address, reason);
            } else {
                content.down.insert(*address);
            }
        }
        for (place, members) in by_subnet {
            let destinations = destinations(world, &place.0, &place.1, &members);
            content.subnets.insert(place, destinations);
        }
        content
    }
}

fn destinations(
    world: &World,
    network: &NetworkName,
    subnet: &SubnetName,
    members: &[IpAddr],
) -> Destinations {
    let mut prefixes = cells(world, network, subnet);
    prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.prefix_len()));
    let all = prefixes.clone();
    prefixes
        .into_iter()
        .map(|prefix| {
            let to = sample(&prefix, &all);
            let meaning = match way(world, network, subnet, to) {
                Way::Fixed(reason) => Meaning::Fixed(reason),
                Way::Edge => Meaning::Edge,
                Way::Through => Meaning::Through(
                    members
                        .iter()
                        .filter(|address| address.is_ipv4() == to.is_ipv4())
                        .map(|address| (*address, reason(world, network, *address, to)))
                        .collect(),
                ),
            };
            (prefix, meaning)
        })
        .collect()
}

fn reason(world: &World, network: &NetworkName, address: IpAddr, to: IpAddr) -> Reason {
    let source = Source::Address { network: Some(network.clone()), address };
    decide(world, &Question { source, destination: to, port: egress25_policy::SMTP_PORT }).reason
}

/// An address of a prefix that is in no longer one of the list; where the longer ones cover
/// all of it, any.
fn sample(prefix: &IpNet, all: &[IpNet]) -> IpAddr {
    let inner: Vec<&IpNet> = all
        .iter()
        .filter(|p| p.prefix_len() > prefix.prefix_len() && prefix.contains(*p))
        .collect();
    let free = |address: &IpAddr| !inner.iter().any(|p| p.contains(address));
    let first = prefix.network();
    if free(&first) {
        return first;
    }
    // The first address behind each inner prefix is free if any is.
    inner
        .iter()
        .filter_map(|p| after(p.broadcast()))
        .find(|address| prefix.contains(address) && free(address))
        .unwrap_or(first)
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => u32::from(v4).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(v6) => u128::from(v6).checked_add(1).map(|next| IpAddr::V6(next.into())),
    }
}
