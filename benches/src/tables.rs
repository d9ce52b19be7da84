//! Tables of any size, without a world of that size.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use egress25_packet_filter::table::{Leaf, RouteSet, Table, TableBuilder, TooLarge};
use egress25_policy::{NetworkName, Reason};
use ipnet::{IpNet, Ipv4Net};

use crate::sets::FIRST_SENDER;

/// The routes of a subnet without user-defined ones: what the platform gives every network.
#[must_use]
pub fn system_routes() -> RouteSet {
    let net = |a: u8, b: u8, c: u8, d: u8, len: u8, leaf: Leaf| {
        (IpNet::V4(Ipv4Net::new(Ipv4Addr::new(a, b, c, d), len).unwrap_or_default()), leaf)
    };
    RouteSet::new(vec![
        net(0, 0, 0, 0, 0, Leaf::Edge),
        net(10, 0, 0, 0, 8, Leaf::Fixed(Reason::Internal)),
        net(172, 16, 0, 0, 12, Leaf::Fixed(Reason::NoRoute)),
        net(192, 168, 0, 0, 16, Leaf::Fixed(Reason::NoRoute)),
        net(100, 64, 0, 0, 10, Leaf::Fixed(Reason::NoRoute)),
        net(168, 63, 129, 16, 32, Leaf::Fixed(Reason::PlatformAddress)),
        net(169, 254, 169, 254, 32, Leaf::Fixed(Reason::PlatformAddress)),
    ])
}

/// The system's routes and so many user-defined ones, spread over the Internet.
#[must_use]
pub fn with_user_routes(count: u32) -> RouteSet {
    let own = (0..count).map(|number| {
        let address = Ipv4Addr::from(0x0b00_0000 + number.wrapping_mul(0x0100_4d00) % 0x6000_0000);
        let net = Ipv4Net::new(address, 24).unwrap_or_default().trunc();
        (IpNet::V4(net), Leaf::Fixed(Reason::OnPremises))
    });
    RouteSet::new(system_routes().leaves().copied().chain(own).collect())
}

/// The reason at the edge of the sender with a number: a third may send.
#[must_use]
pub const fn edge_of(number: u32) -> Reason {
    match number % 3 {
        0 => Reason::Exempt,
        1 => Reason::NotGranted,
        _ => Reason::WaitingForStopStart,
    }
}

/// A table of so many machines with one address each, in one network.
///
/// # Errors
/// More than a table can hold.
pub fn of_machines(machines: u32) -> Result<Arc<Table>, TooLarge> {
    let mut builder = TableBuilder::default();
    let network = builder.network(&NetworkName::from("bench"));
    let place = builder.place(network, &system_routes())?;
    for number in 0..machines {
        let address = IpAddr::V4(Ipv4Addr::from(FIRST_SENDER + number));
        builder.address(place, address, None, edge_of(number))?;
    }
    Ok(Arc::new(builder.build(1)?))
}
