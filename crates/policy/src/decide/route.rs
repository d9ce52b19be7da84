//! Where a port's or a firewall's routes take a packet.

use std::net::IpAddr;

use crate::article::network::{NetworkFact, reserved_on};
use crate::article::reason::Reason;
use crate::article::settings::{AzurePublicDestination, PassOrFiltered, Setting};
use crate::decide::decision::{Hop, HopKind};
use crate::decide::destination::{PLATFORM, UnfitDestination};
use crate::decide::fault::{InputFault, RouteFault};
use crate::decide::grounds::Grounds;
use crate::world::World;
use crate::world::name::{NetworkName, SubnetName};
use crate::world::route::{
    NextHop, Route, RouteOrigin, effective_routes, other_default, resolve, takes_reserved_out,
};

/// Whether a destination is the platform's own and not filtered, which a setting says.
///
/// # Errors
/// It is none that anything is delivered to.
pub(crate) fn is_platform(
    world: &World,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) -> Result<bool, InputFault> {
    if let Some(unfit) = UnfitDestination::of(destination) {
        return Err(InputFault::Destination { address: destination, unfit });
    }
    if !PLATFORM.iter().any(|platform| IpAddr::V4(*platform) == destination) {
        return Ok(false);
    }
    grounds.assume(world, Setting::PlatformAddresses);
    Ok(world.settings.platform_addresses == PassOrFiltered::Pass)
}

/// Whether a destination is a public address of the world's own that a setting says is inside (N2).
pub(crate) fn is_own_public(
    world: &World,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) -> bool {
    let internal = world.settings.azure_public_destination == AzurePublicDestination::Internal;
    let is_own = || world.is_public_address(destination);
    grounds.assume_if(world, Setting::AzurePublicDestination, is_own);
    internal && is_own()
}

/// Where a next hop leads, as far as the filter cares.
#[derive(PartialEq, Eq)]
pub(crate) enum Toward {
    /// To the Internet.
    Internet,
    /// To what a setting treats like the Internet.
    Edge,
    /// To an appliance or a firewall.
    Forwarder(IpAddr),
    /// To an address of a network; a setting says whether that is filtered like the Internet.
    Inside { network: NetworkName, filtered: bool },
    /// It is decided already.
    Done(Reason),
}

/// Where the routes of a subnet take a packet that has come to a port in it.
pub(crate) fn onward(
    world: &World,
    (network, subnet): (&NetworkName, &SubnetName),
    at: HopKind,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) -> Result<Toward, RouteFault> {
    let routes = effective_routes(world, network, subnet);
    let route = resolve(&routes, destination);
    grounds.meet(|| Hop {
        at,
        route: route.map(|route| route.prefix),
        origin: route.map(|route| route.origin),
        next_hop: route.map(|route| route.next_hop.text()),
    });
    // The setting that gives a subnet a way to the IPv6 Internet counts where the packet takes that
    // way, or misses it.
    grounds.assume_if(world, Setting::Ipv6DefaultRoute, || {
        destination.is_ipv6()
            && route.is_none_or(|route| {
                route.origin == RouteOrigin::System && route.next_hop == NextHop::Internet
            })
    });
    cite_network(world, &routes, route, destination, grounds);
    let next_hop = &route.ok_or(RouteFault::NoRoute)?.next_hop;
    toward(world, network, destination, next_hop, grounds)
}

/// What the pages on the network say of the route that won, where it is not for the system's
/// ordinary routes alone.
fn cite_network(
    world: &World,
    routes: &[Route],
    won: Option<&Route>,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) {
    let is_reserved = || {
        reserved_on(world.network_day()).any(|prefix| {
            let longer = |route: &Route| route.prefix.prefix_len() > prefix.prefix_len();
            prefix.contains(&destination) && !won.is_some_and(longer)
        })
    };
    if let Some(other) = other_default(routes)
        && is_reserved()
    {
        if takes_reserved_out(other) {
            grounds.cite_way(&[NetworkFact::N9]);
        } else {
            grounds.assume(world, Setting::ReservedRoutesUnderOtherDefault);
        }
    }
    let to_none =
        |route: &Route| route.origin == RouteOrigin::System && route.next_hop == NextHop::None;
    if won.is_some_and(to_none) {
        grounds.cite_way(&[NetworkFact::N10]);
    }
    if matches!(won.map(|route| &route.next_hop), Some(NextHop::Peering(_))) {
        grounds.cite_way(&[NetworkFact::N12]);
    }
}

/// To an address of a network.
fn inside(world: &World, network: &NetworkName, grounds: &mut impl Grounds) -> Toward {
    grounds.assume(world, Setting::InternalDestination);
    let filtered = world.settings.internal_destination == PassOrFiltered::Filtered;
    Toward::Inside { network: network.clone(), filtered }
}

/// Where a next hop of a network's route takes a packet.
pub(crate) fn toward(
    world: &World,
    network: &NetworkName,
    destination: IpAddr,
    next_hop: &NextHop,
    grounds: &mut impl Grounds,
) -> Result<Toward, RouteFault> {
    let (setting, choice, reason) = match next_hop {
        NextHop::Internet => return Ok(Toward::Internet),
        NextHop::Appliance(address) => return Ok(Toward::Forwarder(*address)),
        NextHop::None => return Err(RouteFault::NextHopNone),
        NextHop::Gateway(None) => return Err(RouteFault::NoGateway),
        // A user-defined route can keep any address in the network, also one that is not there.
        NextHop::VirtualNetwork => {
            let network = world.holder(network, destination).ok_or(RouteFault::NotInside)?;
            return Ok(inside(world, network, grounds));
        }
        NextHop::Peering(network) => return Ok(inside(world, network, grounds)),
        NextHop::Gateway(Some(_)) => {
            (Setting::OnPremisesRoute, world.settings.on_premises_route, Reason::OnPremises)
        }
        NextHop::ServiceEndpoint => (
            Setting::ServiceEndpointRoute,
            world.settings.service_endpoint_route,
            Reason::PlatformAddress,
        ),
    };
    grounds.assume(world, setting);
    Ok(match choice {
        PassOrFiltered::Pass => Toward::Done(reason),
        PassOrFiltered::Filtered => Toward::Edge,
    })
}
