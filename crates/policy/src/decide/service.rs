//! What leaves by a service of the platform itself, and never enters a network (N18).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use jiff::civil::{Date, date};

use crate::article::network::NetworkFact;
use crate::article::reason::Reason;
use crate::article::settings::{PassOrDrop, Setting};
use crate::decide::advice::relay;
use crate::decide::conclusion::Conclusion;
use crate::decide::grounds::{Grounds, ReasonAlone};
use crate::decide::sender::SendingPort;
use crate::world::name::{NetworkName, SubnetName};
use crate::world::ranges::PrefixSet;
use crate::world::{Machine, MachineKind, World};

/// What of a sender's traffic leaves by the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByTheService {
    /// Nothing: all of it enters the network.
    Nothing,
    /// What is neither private nor behind a service endpoint of the subnet.
    PublicDestinations,
    /// Everything.
    Everything,
}

/// From this day on a text names such services as unsupported.
const NAMED_SINCE: Date = date(2022, 2, 1);

/// RFC 1918.
const PRIVATE: [IpNet; 3] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16)),
];

/// What of a machine's traffic leaves by the service.
pub(crate) const fn by_the_service(machine: &Machine) -> ByTheService {
    match machine.kind {
        MachineKind::PlatformService => ByTheService::Everything,
        MachineKind::AppService if !machine.route_all => ByTheService::PublicDestinations,
        _ => ByTheService::Nothing,
    }
}

/// The destinations that enter the network all the same.
pub(crate) fn that_enter(
    world: &World,
    of: ByTheService,
    (network, subnet): (&NetworkName, &SubnetName),
) -> PrefixSet {
    let subnet = world.subnet(network, subnet);
    let endpoints = subnet.map_or(&[][..], |subnet| &subnet.service_endpoints);
    match of {
        ByTheService::Everything => PrefixSet::default(),
        _ => PrefixSet::new(PRIVATE.iter().chain(endpoints)),
    }
}

/// What becomes of a packet that leaves by the service itself; `None` where it enters the network.
pub(crate) fn platform_egress(
    world: &World,
    sender: SendingPort<'_>,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) -> Option<Conclusion> {
    let of = by_the_service(sender.machine);
    let place = (&sender.interface.network, &sender.interface.subnet);
    if of == ByTheService::Nothing || that_enter(world, of, place).contains(destination) {
        return None;
    }
    //= N18
    grounds.cite(&[NetworkFact::N18.id()]);
    let reason = egress_reason(world, grounds);
    if reason != Reason::PlatformEgress {
        grounds.advise(|| [relay(world)]);
    }
    Some(Conclusion::of(reason))
}

fn egress_reason(world: &World, grounds: &mut impl Grounds) -> Reason {
    if world.network_day() >= NAMED_SINCE {
        return Reason::PlatformServiceUnsupported;
    }
    grounds.assume(world, Setting::PlatformEgressWhenSilent);
    match world.settings.platform_egress_when_silent {
        PassOrDrop::Pass => Reason::PlatformEgress,
        PassOrDrop::Drop => Reason::PlatformServiceUnsupported,
    }
}

/// The reason for whatever leaves by the service.
pub(crate) fn of_all_egress(world: &World) -> Reason {
    egress_reason(world, &mut ReasonAlone)
}
