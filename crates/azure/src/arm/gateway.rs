//! VPN and ExpressRoute gateways, with what their connections lead to.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::block::{Block, list};
use crate::export::Export;
use crate::fields::Look as _;
use crate::gaps::{GapKind, Gaps};
use crate::id::Id;
use crate::resource::{Kind, Resource};

/// Writes the gateway of a network, if it has one.
pub(crate) fn write(export: &Export, network: &Id, block: &mut Block, gaps: &mut Gaps) {
    let stands_in = |gateway: &&Resource| {
        let mut subnets =
            gateway.fields.objects("ipconfigurations").filter_map(|one| one.reference("subnet"));
        subnets.any(|subnet| subnet.is_below(network))
    };
    let found: Vec<_> = export.resources.of(Kind::Gateway).filter(stands_in).collect();
    let Some(first) = found.first() else { return };
    let is_express = |gateway: &&Resource| {
        gateway
            .fields
            .text("gatewaytype")
            .is_some_and(|told| told.eq_ignore_ascii_case("expressroute"))
    };
    let kind = if is_express(first) { "express-route" } else { "vpn" };
    let prefixes: BTreeSet<IpNet> =
        found.iter().flat_map(|gateway| behind(export, &gateway.id)).collect();
    let mut keys = format!("kind = \"{kind}\"");
    if !prefixes.is_empty() {
        keys = format!("{keys}, routes = {}", list(prefixes));
    }
    if found.len() > 1 {
        block.gap(gaps, GapKind::SecondGateway);
    }
    block.gap(gaps, GapKind::LearnedRoutes);
    block.raw("gateway", &format!("{{ {keys} }}"));
}

/// The prefixes of the local network gateways that a gateway is connected with.
fn behind(export: &Export, gateway: &Id) -> Vec<IpNet> {
    let connections = export.resources.of(Kind::Connection);
    let of_it = connections.filter(|connection| {
        connection.fields.reference("virtualnetworkgateway1").as_ref() == Some(gateway)
    });
    let local = of_it.filter_map(|connection| {
        let id = connection.fields.reference("localnetworkgateway2")?;
        export.resources.get(&id, Kind::LocalGateway)?.fields.object("localnetworkaddressspace")
    });
    local
        .flat_map(|space| space.texts("addressprefixes"))
        .filter_map(|prefix| prefix.parse().ok())
        .collect()
}
