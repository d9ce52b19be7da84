//! Route tables.

use std::net::IpAddr;

use egress25_policy::toml_in_sight;
use ipnet::IpNet;
use serde_json::Value;

use crate::block::{Block, unread};
use crate::export::Export;
use crate::fields::{Fields, Look as _};
use crate::gaps::{GapKind, Gaps};
use crate::resource::Kind;

/// The tables of route tables.
pub(crate) fn blocks(export: &Export, gaps: &mut Gaps) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (name, table) in export.named(Kind::RouteTable) {
        let mut block = export.block(&["route-table", name], &table.id);
        let mut routes = Vec::new();
        for route in export.resources.parts(&table.id, Kind::Route) {
            match written(&route.fields) {
                Some(route) => routes.push(route),
                None => {
                    block.gap(gaps, GapKind::RouteUnread);
                    routes.push(unread("route", route.name()));
                }
            }
        }
        if !table.fields.get("routes").is_some_and(Value::is_array) {
            block.gap(gaps, GapKind::RouteUnread);
            routes.push(unread("the routes of", table.name()));
        }
        block.lines("routes", &routes);
        if table.fields.flag("disablebgproutepropagation") == Some(true) {
            block.raw("propagate_gateway_routes", "false");
        }
        blocks.push(block);
    }
    for route in export.orphans(Kind::Route, Kind::RouteTable) {
        gaps.note(format!("route {}", route.name()), GapKind::RouteTableMissing);
    }
    blocks
}

/// A route as TOML writes it: a service tag in the place of its prefix cannot be written.
fn written(route: &Fields) -> Option<String> {
    let prefix: IpNet = route.text("addressprefix")?.parse().ok()?;
    let hop = match route.text("nexthoptype")?.to_ascii_lowercase().as_str() {
        "virtualappliance" => "virtual-appliance",
        "virtualnetworkgateway" => "virtual-network-gateway",
        "vnetlocal" => "vnet-local",
        "internet" => "internet",
        "none" => "none",
        _ => return None,
    };
    let mut keys = format!("prefix = \"{prefix}\", next_hop = \"{hop}\"");
    if hop == "virtual-appliance" {
        let address: IpAddr = route.address("nexthopipaddress")?;
        keys = format!("{keys}, address = {}", toml_in_sight(&address.to_string()));
    }
    Some(format!("{{ {keys} }}"))
}
