//! The way out: by what an interface's packets leave for the Internet, where a route sends them there.

use std::net::IpAddr;

use crate::article::network::NetworkFact;
use crate::article::settings::{Setting, YesNo};
use crate::decide::fault::RouteFault;
use crate::decide::grounds::{Grounds, ReasonAlone};
use crate::decide::sender::SendingPort;
use crate::world::outbound::{LoadBalancer, LoadBalancerSku, NatGatewaySku};
use crate::world::{Interface, MachineKind, Subnet, World};

/// A way out, in the order in which Azure takes them (N5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WayOut {
    /// That of the service itself, which needs none of the subnet's.
    OfTheService,
    NatGateway,
    PublicAddress,
    OutboundRules,
    /// A public load balancer's frontend without outbound rules.
    Frontend,
    /// Default outbound access.
    Default,
}

/// Whether packets of a family that a port sends find a way out.
///
/// # Errors
/// They find none.
pub(crate) fn leave(
    world: &World,
    at: SendingPort<'_>,
    v4: bool,
    grounds: &mut impl Grounds,
) -> Result<WayOut, RouteFault> {
    let mut rests_on = Vec::new();
    let way = way(world, at, v4, &mut rests_on);
    grounds.leave_by(&rests_on);
    if way == Some(WayOut::OutboundRules) && !v4 && has_v2_gateway(world, at) {
        grounds.warn(|| {
            format!(
                "`{}` leaves by a load balancer's IPv6 outbound rules beside a StandardV2 NAT gateway on \
                 its subnet, which breaks them (known issue)",
                at.name
            )
        });
    }
    //= N5
    //= N6
    //= N7
    if let Some(way) = way {
        return Ok(way);
    }
    let facts =
        if v4 { [NetworkFact::N5, NetworkFact::N6] } else { [NetworkFact::N5, NetworkFact::N7] };
    grounds.cite_way(&facts);
    let (machine, family) = (at.name.clone(), if v4 { "IPv4" } else { "IPv6" });
    Err(RouteFault::NoWayOut { machine, family })
}

/// Whether packets of a family that a port sends find a way out, and nothing else.
pub(crate) fn leaves(world: &World, at: SendingPort<'_>, v4: bool) -> bool {
    leave(world, at, v4, &mut ReasonAlone).is_ok()
}

impl WayOut {
    /// Whether a NAT gateway or a load balancer translates what leaves by it.
    pub(crate) const fn translates(self) -> bool {
        matches!(self, Self::NatGateway | Self::OutboundRules | Self::Frontend)
    }
}

/// Whether what leaves a port for the Internet is translated, and a setting says that it is not routed
/// directly then (N8).
pub(crate) fn is_indirect(world: &World, at: SendingPort<'_>, v4: bool) -> bool {
    world.settings.snat_is_direct == YesNo::No
        && leave(world, at, v4, &mut ReasonAlone).is_ok_and(WayOut::translates)
}

/// Whether IPv4 leaves a port by default outbound access alone, and nobody said that there is any.
pub(crate) fn leaves_by_default_unsaid(world: &World, at: SendingPort<'_>) -> bool {
    let mut rests_on = Vec::new();
    way(world, at, true, &mut rests_on) == Some(WayOut::Default)
        && rests_on.contains(&Setting::DefaultOutboundWhenUnsaid)
}

/// The way that a family takes out of a port, and the settings that this rests on.
fn way(
    world: &World,
    at: SendingPort<'_>,
    v4: bool,
    rests_on: &mut Vec<Setting>,
) -> Option<WayOut> {
    let subnet = world.subnet(&at.interface.network, &at.interface.subnet);
    explicit(world, at, subnet, v4, rests_on)
        .or_else(|| by_default(world, at, subnet, v4, rests_on).then_some(WayOut::Default))
}

/// A way that somebody set up.
fn explicit(
    world: &World,
    at: SendingPort<'_>,
    subnet: Option<&Subnet>,
    v4: bool,
    rests_on: &mut Vec<Setting>,
) -> Option<WayOut> {
    // Delegated subnets have no default outbound access, and do not need it (N6).
    if matches!(at.machine.kind, MachineKind::AppService | MachineKind::PlatformService) {
        return Some(WayOut::OfTheService);
    }
    let of_family = |address: &IpAddr| address.is_ipv4() == v4;
    let of_subnet = subnet.and_then(|subnet| subnet.nat_gateway.as_ref());
    let of_network = || world.networks.get(&at.interface.network)?.nat_gateway.as_ref();
    let gateway = of_subnet.or_else(of_network).and_then(|name| world.nat_gateways.get(name));
    if gateway.is_some_and(|gateway| gateway.carries(v4)) {
        return Some(WayOut::NatGateway);
    }
    if at.interface.public_addresses.iter().any(of_family) {
        return Some(WayOut::PublicAddress);
    }
    let public: Vec<_> = balancers(world, at).filter(|one| !one.is_internal()).collect();
    if public.iter().any(|one| one.outbound_rules.iter().any(of_family)) {
        return Some(WayOut::OutboundRules);
    }
    // Of IPv6 the pages know outbound rules alone (N7).
    let frontend = |one: &&LoadBalancer| {
        v4 && !one.disable_outbound_snat && one.addresses.iter().any(of_family)
    };
    if !public.into_iter().any(|one| frontend(&one)) {
        return None;
    }
    if !subnet.is_some_and(is_private) {
        return Some(WayOut::Frontend);
    }
    rests_on.push(Setting::ImplicitLbInPrivateSubnet);
    (world.settings.implicit_lb_in_private_subnet == YesNo::Yes).then_some(WayOut::Frontend)
}

/// Whether a NAT gateway of StandardV2 stands on a port's subnet.
fn has_v2_gateway(world: &World, at: SendingPort<'_>) -> bool {
    let subnet = world.subnet(&at.interface.network, &at.interface.subnet);
    let name = subnet.and_then(|subnet| subnet.nat_gateway.as_ref());
    let gateway = name.and_then(|name| world.nat_gateways.get(name));
    gateway.is_some_and(|gateway| gateway.sku == NatGatewaySku::StandardV2)
}

/// Whether a subnet is said to have no default outbound access.
fn is_private(subnet: &Subnet) -> bool {
    subnet.default_outbound_access == Some(false)
}

/// The load balancers that a port is behind.
fn balancers<'a>(world: &'a World, at: SendingPort<'a>) -> impl Iterator<Item = &'a LoadBalancer> {
    // An address is enough: a port of the lab can stand for several interfaces of one network.
    let key = |one: &'a Interface| (&one.network, one.addresses.first());
    let place = at.machine.interfaces.iter().position(|one| key(one) == key(at.interface));
    place.into_iter().flat_map(|place| world.balancers_of(at.name, place))
}

/// Whether default outbound access takes a family out.
fn by_default(
    world: &World,
    at: SendingPort<'_>,
    subnet: Option<&Subnet>,
    v4: bool,
    rests_on: &mut Vec<Setting>,
) -> bool {
    let takes_it = |one: &LoadBalancer| one.is_internal() && one.sku == LoadBalancerSku::Standard;
    let of_interface = at.interface.default_outbound_connectivity;
    let said = of_interface.or_else(|| subnet.and_then(|of| of.default_outbound_access));
    if !v4
        || said == Some(false)
        || at.machine.kind == MachineKind::FlexibleScaleSet
        || balancers(world, at).any(takes_it)
    {
        return false;
    }
    if said.is_none() {
        rests_on.push(Setting::DefaultOutboundWhenUnsaid);
        if world.settings.default_outbound_when_unsaid == YesNo::No {
            return false;
        }
    }
    let has_public =
        at.machine.interfaces.iter().any(|one| one.public_addresses.iter().any(IpAddr::is_ipv4));
    if has_public {
        rests_on.push(Setting::PublicAddressElsewhereStopsDefault);
    }
    !has_public || world.settings.public_address_elsewhere_stops_default == YesNo::No
}
