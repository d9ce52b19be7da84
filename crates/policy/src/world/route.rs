//! Routes: which one a subnet's traffic takes to an address.
//!
//! The longest prefix wins; at equal length a user-defined route beats BGP, and BGP beats the
//! system's. The system routes of the network, its peerings and its service endpoints win even
//! over a longer BGP prefix.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

use crate::article::network::reserved_on;
use crate::article::settings::{ReservedRoutes, YesNo};
use crate::world::listed_route::{ListedNextHop, ListedRoute, ListedSource};
use crate::world::name::{NetworkName, SubnetName};
use crate::world::{GatewayKind, UserNextHop, World};

/// Where a route comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteOrigin {
    /// The platform's own.
    System,
    /// Learned by the gateway.
    Bgp,
    /// Defined by the user.
    User,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NextHop {
    /// Inside the virtual network.
    VirtualNetwork,
    /// To a peered network.
    Peering(NetworkName),
    /// To a service, through a service endpoint.
    ServiceEndpoint,
    /// To the Internet.
    Internet,
    /// Through the network's VPN or ExpressRoute gateway; `None` where it has none.
    Gateway(Option<GatewayKind>),
    /// To an appliance, or an Azure Firewall, at an address.
    Appliance(IpAddr),
    /// Nowhere.
    None,
}

impl NextHop {
    /// The next hop as a person would print it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::VirtualNetwork => "virtual network".to_owned(),
            Self::Peering(network) => format!("peering with `{network}`"),
            Self::ServiceEndpoint => "service endpoint".to_owned(),
            Self::Internet => "Internet".to_owned(),
            Self::Gateway(Some(GatewayKind::Vpn)) => "VPN gateway".to_owned(),
            Self::Gateway(Some(GatewayKind::ExpressRoute)) => "ExpressRoute gateway".to_owned(),
            Self::Gateway(None) => "gateway (there is none)".to_owned(),
            Self::Appliance(address) => format!("virtual appliance {address}"),
            Self::None => "none".to_owned(),
        }
    }
}

/// A route of a subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The destinations that it is for.
    pub prefix: IpNet,
    /// Where it comes from.
    pub origin: RouteOrigin,
    /// Where it leads.
    pub next_hop: NextHop,
}

impl Route {
    const fn new(prefix: IpNet, origin: RouteOrigin, next_hop: NextHop) -> Self {
        Self { prefix, origin, next_hop }
    }

    /// Whether it is a system route that wins over any BGP route.
    pub(crate) const fn beats_bgp(&self) -> bool {
        matches!(self.origin, RouteOrigin::System)
            && matches!(
                self.next_hop,
                NextHop::VirtualNetwork | NextHop::Peering(_) | NextHop::ServiceEndpoint
            )
    }
}

/// Every route of a subnet: the system's, the gateway's and the user's.
///
/// An empty list where the network or the subnet does not exist.
#[must_use]
pub fn effective_routes(world: &World, network: &NetworkName, subnet: &SubnetName) -> Vec<Route> {
    let mut routes = Vec::new();
    let Some(virtual_network) = world.networks.get(network) else { return routes };
    let Some(found) = virtual_network.subnets.get(subnet) else { return routes };
    if !found.effective_routes.is_empty() {
        return found.effective_routes.iter().map(|route| listed(world, network, route)).collect();
    }
    let system = RouteOrigin::System;
    for prefix in &virtual_network.address_space {
        routes.push(Route::new(*prefix, system, NextHop::VirtualNetwork));
    }
    for peer in world.peers(network) {
        let Some(other) = world.networks.get(peer) else { continue };
        for prefix in &other.address_space {
            let next_hop = NextHop::Peering(peer.clone());
            routes.push(Route::new(*prefix, system, next_hop));
        }
    }
    let of_spaces = routes.len();
    for prefix in &found.service_endpoints {
        routes.push(Route::new(*prefix, system, NextHop::ServiceEndpoint));
    }
    routes.push(Route::new(IpNet::V4(Ipv4Net::default()), system, NextHop::Internet));
    if world.settings.ipv6_default_route == YesNo::Yes {
        routes.push(Route::new(IpNet::V6(Ipv6Net::default()), system, NextHop::Internet));
    }
    let table = found.route_table.as_ref().and_then(|name| world.route_tables.get(name));
    let gateway = world.gateway_of(network);
    if let Some(gateway) = gateway
        && table.is_none_or(|table| table.propagate_gateway_routes)
    {
        for prefix in &gateway.routes {
            let next_hop = NextHop::Gateway(Some(gateway.kind));
            routes.push(Route::new(*prefix, RouteOrigin::Bgp, next_hop));
        }
    }
    for route in table.map_or(&[][..], |table| &table.routes) {
        let next_hop = match route.next_hop {
            UserNextHop::VirtualAppliance(address) => NextHop::Appliance(address),
            UserNextHop::VirtualNetworkGateway => {
                NextHop::Gateway(gateway.map(|gateway| gateway.kind))
            }
            UserNextHop::VnetLocal => NextHop::VirtualNetwork,
            UserNextHop::Internet => NextHop::Internet,
            UserNextHop::None => NextHop::None,
        };
        routes.push(Route::new(route.prefix, RouteOrigin::User, next_hop));
    }
    //= N9
    //= N10
    if keeps_reserved(world, &routes) {
        // An address space that holds the whole of one takes its place.
        let reserved = reserved_on(world.network_day());
        let is_in_one = |prefix: &IpNet| {
            routes.iter().take(of_spaces).any(|of_space| of_space.prefix.contains(prefix))
        };
        let left: Vec<_> = reserved.filter(|prefix| !is_in_one(prefix)).collect();
        routes.extend(left.into_iter().map(|prefix| Route::new(prefix, system, NextHop::None)));
    }
    routes
}

/// A route that an export lists.
fn listed(world: &World, network: &NetworkName, route: &ListedRoute) -> Route {
    let origin = match route.source {
        ListedSource::Default => RouteOrigin::System,
        ListedSource::User => RouteOrigin::User,
        ListedSource::VirtualNetworkGateway => RouteOrigin::Bgp,
    };
    let next_hop = match (route.next_hop, route.address) {
        (ListedNextHop::VnetLocal, _) => NextHop::VirtualNetwork,
        (ListedNextHop::VnetPeering, _) => {
            let peer = world.holder(network, route.prefix.network()).unwrap_or(network);
            NextHop::Peering(peer.clone())
        }
        (ListedNextHop::VirtualNetworkServiceEndpoint, _) => NextHop::ServiceEndpoint,
        (ListedNextHop::Internet, _) => NextHop::Internet,
        (ListedNextHop::VirtualNetworkGateway, _) => {
            let kind = world.gateway_of(network).map_or(GatewayKind::Vpn, |gateway| gateway.kind);
            NextHop::Gateway(Some(kind))
        }
        (ListedNextHop::VirtualAppliance, Some(address)) => NextHop::Appliance(address),
        // An appliance without an address is refused when a world is checked.
        (ListedNextHop::VirtualAppliance, None) | (ListedNextHop::None, _) => NextHop::None,
    };
    Route::new(route.prefix, origin, next_hop)
}

/// The default route of IPv4 that is not the system's own, where there is one: what it says of the
/// reserved routes.
pub(crate) fn other_default(routes: &[Route]) -> Option<&Route> {
    let all = IpNet::V4(Ipv4Net::default());
    let others = |route: &&Route| route.prefix == all && route.origin != RouteOrigin::System;
    routes.iter().filter(others).max_by_key(|route| route.origin)
}

/// Whether the reserved routes stay beside the others (N9).
fn keeps_reserved(world: &World, routes: &[Route]) -> bool {
    match other_default(routes) {
        None => true,
        Some(route) if takes_reserved_out(route) => false,
        Some(_) => world.settings.reserved_routes_under_other_default == ReservedRoutes::Kept,
    }
}

/// Whether the pages say of a default route that it takes the reserved routes out (N9).
pub(crate) fn takes_reserved_out(route: &Route) -> bool {
    route.origin == RouteOrigin::Bgp
        || matches!(route.next_hop, NextHop::Appliance(_) | NextHop::Gateway(_))
}

/// The address spaces of a network and of those that it is peered with.
pub(crate) fn spaces<'a>(
    world: &'a World,
    network: &'a NetworkName,
) -> impl Iterator<Item = &'a IpNet> + 'a {
    let reached = world.in_reach(network).filter_map(|name| world.networks.get(name));
    reached.flat_map(|found| &found.address_space)
}

/// The route that wins for a destination; `None` where no route is for it.
#[must_use]
pub fn resolve(routes: &[Route], destination: IpAddr) -> Option<&Route> {
    let fits = |route: &&Route| route.prefix.contains(&destination);
    let no_bgp = routes.iter().filter(fits).any(Route::beats_bgp);
    routes
        .iter()
        .filter(fits)
        .filter(|route| !(no_bgp && route.origin == RouteOrigin::Bgp))
        .max_by_key(|route| (route.prefix.prefix_len(), route.origin))
}
