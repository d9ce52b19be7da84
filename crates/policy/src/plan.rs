//! What a compiler of the policy needs to know of routes: which destinations are told apart.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::decide::{
    Grounds, PLATFORM, Place, Toward, firewall_at, forwarder, is_platform, pass_or_drop, toward,
};
use crate::decision::Verdict;
use crate::edge::at_the_edge;
use crate::life::Power;
use crate::name::{MachineName, NetworkName, SubnetName};
use crate::reason::Reason;
use crate::route::{NextHop, effective_routes, resolve};
use crate::settings::{BlockForm, PassOrFiltered};
use crate::world::World;

/// Where the first route of a subnet takes a SYN to port 25, as far as the filter cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The route alone decides, the same for every machine of the subnet.
    Fixed(Reason),
    /// To the Internet's edge: the machine's own programming decides, for every destination
    /// that goes this way alike.
    Edge,
    /// To an appliance or a firewall: what is behind it decides, too.
    Through,
}

/// Where a subnet's first route takes a SYN to port 25 to a destination.
#[must_use]
pub fn way(world: &World, network: &NetworkName, subnet: &SubnetName, to: IpAddr) -> Way {
    if is_platform(to) && world.settings.platform_addresses == PassOrFiltered::Pass {
        return Way::Fixed(Reason::PlatformAddress);
    }
    let routes = effective_routes(world, network, subnet);
    let Some(route) = resolve(&routes, to) else { return Way::Fixed(Reason::NoRoute) };
    match toward(world, network, to, &route.next_hop, &mut Grounds::default()) {
        Toward::Edge => Way::Edge,
        Toward::Appliance(_) => Way::Through,
        Toward::Done(edge) => Way::Fixed(edge.reason),
    }
}

/// What a machine meets at the Internet's edge when it sends there directly: the reason alone.
///
/// `sender-not-running` where it does not run; `None` where there is no such machine.
#[must_use]
pub fn edge_reason(world: &World, name: &MachineName) -> Option<Reason> {
    let (name, machine) = world.machines.get_key_value(name)?;
    let interface = machine.interfaces.first()?;
    if machine.state.power != Power::Running {
        return Some(Reason::SenderNotRunning);
    }
    let mut grounds = Grounds { mute: true, ..Grounds::default() };
    Some(at_the_edge(world, Place { name, machine, interface }, &mut grounds).reason)
}

/// The verdict that goes with a reason under a world's settings.
#[must_use]
pub fn verdict_of(world: &World, reason: Reason) -> Verdict {
    let settings = &world.settings;
    match reason {
        Reason::UnknownSource | Reason::AmbiguousNetwork => pass_or_drop(settings.unknown_source),
        Reason::SenderNotRunning => pass_or_drop(settings.sender_not_running),
        _ if reason.is_platform_block() && settings.block_form == BlockForm::Reject => {
            Verdict::Reject
        }
        _ => reason.usual_verdict(),
    }
}

/// The prefixes by which a subnet's destinations are told apart, on all the hops that its
/// traffic can take: two destinations with the same longest prefix of this set get the same
/// decision. In order, without repetition.
#[must_use]
pub fn cells(world: &World, network: &NetworkName, subnet: &SubnetName) -> Vec<IpNet> {
    let mut cells: BTreeSet<IpNet> =
        PLATFORM.iter().map(|address| IpNet::from(IpAddr::V4(*address))).collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![(network.clone(), subnet.clone())];
    while let Some(place) = open.pop() {
        if !seen.insert(place.clone()) {
            continue;
        }
        let (network, subnet) = place;
        for route in effective_routes(world, &network, &subnet) {
            cells.insert(route.prefix.trunc());
            let NextHop::Appliance(address) = route.next_hop else { continue };
            if let Some(firewall) =
                firewall_at(world, &network, address).and_then(|name| world.firewalls.get(name))
            {
                open.push((firewall.network.clone(), firewall.subnet.clone()));
            } else if let Some(interface) = forwarder(world, &network, address) {
                open.push((interface.network.clone(), interface.subnet.clone()));
            }
        }
    }
    cells.into_iter().collect()
}
