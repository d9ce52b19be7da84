//! Virtual networks, their subnets and their peerings.

use std::collections::{BTreeMap, BTreeSet};

use egress25_policy::toml_in_sight;
use ipnet::IpNet;

use crate::arm::{effective, gateway, nat_gateway};
use crate::block::Block;
use crate::export::{Export, REMOTE, prefixes, space};
use crate::fields::{Look as _, NoId};
use crate::gaps::{GapKind, Gaps};
use crate::id::Id;
use crate::resource::{Kind, Resource};

/// A network that is in the export on the other side of a peering alone.
#[derive(Debug, Default)]
struct Remote {
    space: BTreeSet<String>,
    /// The networks that are peered with it.
    peers: BTreeSet<String>,
}

/// The tables of networks and subnets.
pub(crate) fn blocks(export: &Export, gaps: &mut Gaps) -> Vec<Block> {
    let mut remotes: BTreeMap<Id, Remote> = BTreeMap::new();
    let mut blocks = Vec::new();
    for (name, network) in export.named(Kind::Network) {
        let mut block = export.block(&["network", name], &network.id);
        let spaces: Vec<&str> = readable(space(&network.fields)).collect();
        block.list("address_space", &spaces);
        if !spaces.is_empty() && spaces.len() < space(&network.fields).count() {
            block.gap(gaps, GapKind::NoPrefix);
        }
        if spaces.is_empty() {
            block.off(gaps, GapKind::NoPrefix);
            blocks.push(block);
            continue;
        }
        let mut sides = Vec::new();
        for peering in export.resources.parts(&network.id, Kind::Peering) {
            if let Some(side) = side(export, peering, &mut block, gaps) {
                sides.push(side);
                remember(export, name, peering, &mut remotes);
            }
        }
        if !sides.is_empty() {
            block.lines("peerings", &sides);
        }
        gateway::write(export, &network.id, &mut block, gaps);
        if let Some(gateway) = nat_gateway::of_network(export, network) {
            block.text("nat_gateway", gateway);
        }
        blocks.push(block);
        for subnet in export.resources.parts(&network.id, Kind::Subnet) {
            blocks.push(self::subnet(export, name, subnet, gaps));
        }
    }
    if !blocks.is_empty() {
        gaps.note("network", GapKind::AdminRules);
    }
    for (id, remote) in &remotes {
        let name = export.name(Kind::Network, id);
        let block = |name| export.block(&["network", name], id);
        blocks.extend(name.map(|name| stub(block(name), remote, gaps)));
    }
    for part in export.orphans(Kind::Subnet, Kind::Network) {
        gaps.note(format!("subnet {}", part.name()), GapKind::NetworkMissing);
    }
    for part in export.orphans(Kind::Peering, Kind::Network) {
        gaps.note(format!("peering {}", part.name()), GapKind::NetworkMissing);
    }
    blocks
}

fn readable<'a>(texts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    texts.filter(|text| text.parse::<IpNet>().is_ok())
}

/// A side of a peering as TOML writes it; none where it carries nothing.
fn side(export: &Export, peering: &Resource, block: &mut Block, gaps: &mut Gaps) -> Option<String> {
    let fields = &peering.fields;
    let state = fields.text("peeringstate").unwrap_or("Connected");
    if !state.eq_ignore_ascii_case("connected") {
        block.remark(
            "A peering that is not in the state Connected carries nothing; it is left out.",
        );
        return None;
    }
    let Some(remote) = peering.fields.reference(REMOTE) else {
        block.gap(gaps, GapKind::PeerLeftOut);
        return None;
    };
    if !export.has_network(&remote) && remote_space(peering).next().is_none() {
        block.gap(gaps, GapKind::PeerLeftOut);
        return None;
    }
    let name = export.name(Kind::Network, &remote)?;
    let mut keys = vec![format!("network = {}", toml_in_sight(name))];
    let told = |key: &str| fields.flag(key);
    if told("useremotegateways") == Some(true) {
        keys.push("use_remote_gateways = true".to_owned());
    }
    if told("allowgatewaytransit") == Some(true) {
        keys.push("allow_gateway_transit = true".to_owned());
    }
    if let Some(forwarded) = told("allowforwardedtraffic") {
        keys.push(format!("allow_forwarded_traffic = {forwarded}"));
    }
    if told("allowvirtualnetworkaccess") == Some(false) {
        keys.push("allow_virtual_network_access = false".to_owned());
    }
    Some(format!("{{ {} }}", keys.join(", ")))
}

fn remote_space(peering: &Resource) -> impl Iterator<Item = &str> {
    let fields = &peering.fields;
    let now = fields.object("remotevirtualnetworkaddressspace");
    let space = now.or_else(|| fields.object("remoteaddressspace"));
    readable(space.into_iter().flat_map(|space| space.texts("addressprefixes")))
}

fn remember(export: &Export, name: &str, peering: &Resource, remotes: &mut BTreeMap<Id, Remote>) {
    let Some(id) = peering.fields.reference(REMOTE) else { return };
    if !export.has_network(&id) {
        let known = remotes.entry(id).or_default();
        known.space.extend(remote_space(peering).map(str::to_owned));
        known.peers.insert(name.to_owned());
    }
}

fn stub(mut block: Block, remote: &Remote, gaps: &mut Gaps) -> Block {
    block.gap(gaps, GapKind::PeerMissing);
    block.list("address_space", &remote.space);
    block.list("peerings", &remote.peers);
    block
}

fn subnet(export: &Export, network: &str, subnet: &Resource, gaps: &mut Gaps) -> Block {
    let fields = &subnet.fields;
    let path = ["network", network, "subnet", export.part_name(subnet)];
    let mut block = export.block(&path, &subnet.id);
    let all: Vec<&str> = readable(prefixes(fields)).collect();
    block.list("prefixes", &all);
    if !all.is_empty() && all.len() < prefixes(fields).count() {
        block.gap(gaps, GapKind::NoPrefix);
    }
    if all.is_empty() {
        block.off(gaps, GapKind::NoPrefix);
        return block;
    }
    let listed = export.effective.get(&subnet.id);
    match fields.refers("routetable").filter(|_| listed.is_none()) {
        Some(Ok(table)) => match export.name(Kind::RouteTable, &table) {
            Some(name) => block.text("route_table", name),
            None => block.gap(gaps, GapKind::RouteTableMissing),
        },
        Some(Err(NoId)) => {
            block.gap(gaps, GapKind::RouteTableMissing);
            block.unread("route_table");
        }
        None => {}
    }
    let delegated = fields.objects("delegations").find_map(|one| one.text("servicename"));
    if let Some(service) = delegated {
        block.text("delegated_to", service);
    }
    if fields.objects("serviceendpoints").next().is_some() {
        let reached = listed.into_iter().flatten().filter(|route| effective::is_endpoint(route));
        let reached: Vec<_> = reached.flat_map(effective::prefixes).collect();
        if listed.is_none() {
            block.gap(gaps, GapKind::ServiceEndpoints);
        }
        block.list("service_endpoints", reached);
    }
    if let Some(given) = fields.flag("defaultoutboundaccess") {
        block.raw("default_outbound_access", &given.to_string());
    }
    match (nat_gateway::of_subnet(export, subnet), fields.refers("natgateway")) {
        (Some(Ok(name)), _) => block.text("nat_gateway", name),
        (None, Some(Err(NoId))) => {
            block.gap(gaps, GapKind::NatGatewayMissing);
            block.unread("nat_gateway");
        }
        (Some(Err(gap)), _) => block.gap(gaps, gap),
        (None, _) => {}
    }
    let (group, missing) = export.security_group(subnet);
    missing.into_iter().for_each(|gap| block.gap(gaps, gap));
    match group {
        Some(Ok(name)) => block.text("security_group", name),
        Some(Err(NoId)) => block.unread("security_group"),
        None => {}
    }
    if let Some(routes) = listed {
        let (routes, is_unread) = effective::routes(routes);
        if is_unread {
            block.gap(gaps, GapKind::RouteUnread);
        }
        block.lines("effective_routes", &routes);
    }
    block
}
