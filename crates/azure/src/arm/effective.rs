//! Effective routes, and effective rules of security groups.

use std::net::IpAddr;

use egress25_policy::toml_in_sight;
use ipnet::IpNet;
use serde_json::Value;

use crate::block::unread;
use crate::fields::{Fields, Look as _};
use crate::id::Id;
use crate::resource::{Kind, Resource};

/// The prefixes that an effective route is for.
pub(crate) fn prefixes(route: &Fields) -> Vec<IpNet> {
    let prefix = |text: &str| match text.parse() {
        Ok(prefix) => Some(prefix),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    };
    route.texts("addressprefix").filter_map(prefix).collect()
}

/// Whether it leads to a service.
pub(crate) fn is_endpoint(route: &Fields) -> bool {
    route
        .text("nexthoptype")
        .is_some_and(|hop| hop.eq_ignore_ascii_case("VirtualNetworkServiceEndpoint"))
}

/// The active ones as TOML writes them, with a line in the place of each that cannot be read, and
/// whether there are any of these.
pub(crate) fn routes(routes: &[Fields]) -> (Vec<String>, bool) {
    let active = |route: &&Fields| {
        route.text("state").is_none_or(|state| state.eq_ignore_ascii_case("active"))
    };
    let (mut written, mut is_unread) = (Vec::new(), false);
    for route in routes.iter().filter(active) {
        let all = prefixes(route);
        let hop = hop(route).filter(|_| {
            let said = route.get("addressprefix").and_then(Value::as_array).map_or(0, Vec::len);
            said == all.len() && said > 0
        });
        match hop {
            Some(hop) => written.extend(
                all.iter().map(|prefix| format!("{{ prefix = \"{prefix}\", {} }}", hop.join(", "))),
            ),
            None => {
                is_unread = true;
                let to: Vec<_> = route.texts("addressprefix").collect();
                written.push(unread("route", &to.join(", ")));
            }
        }
    }
    (written, is_unread)
}

/// Where a route leads, as TOML writes it.
fn hop(route: &Fields) -> Option<Vec<String>> {
    let hop = next_hop(route)?;
    let mut keys = vec![format!("next_hop = {}", toml_in_sight(hop))];
    if hop == "virtual-appliance" {
        let address: IpAddr = route.texts("nexthopipaddress").next()?.parse().ok()?;
        keys.push(format!("address = {}", toml_in_sight(&address.to_string())));
    }
    let source = route.text("source").and_then(source);
    keys.extend(source.map(|source| format!("source = {}", toml_in_sight(source))));
    Some(keys)
}

fn next_hop(route: &Fields) -> Option<&'static str> {
    Some(match route.text("nexthoptype")?.to_ascii_lowercase().as_str() {
        "vnetlocal" => "vnet-local",
        "vnetpeering" | "vnetglobalpeering" => "vnet-peering",
        "virtualnetworkserviceendpoint" => "virtual-network-service-endpoint",
        "internet" => "internet",
        "virtualnetworkgateway" => "virtual-network-gateway",
        "virtualappliance" => "virtual-appliance",
        "none" => "none",
        _ => return None,
    })
}

fn source(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "user" => Some("user"),
        "virtualnetworkgateway" => Some("virtual-network-gateway"),
        _ => None,
    }
}

/// The security group that effective rules are of, without the rules that every group has.
pub(crate) fn group(entry: &Fields) -> Option<Resource> {
    let id = entry.reference("networksecuritygroup")?;
    let all = entry.get("effectivesecurityrules").and_then(Value::as_array).into_iter().flatten();
    let rules = all.filter_map(|one| {
        // One without a name is kept: it is none that every group has.
        let named = one.as_object().and_then(|rule| Some((rule, rule.text("name")?)));
        let Some((rule, name)) = named else { return Some(one.clone()) };
        // Those that every group has are `defaultSecurityRules/NAME`, or `DefaultRule_NAME`.
        if name.to_ascii_lowercase().starts_with("default") {
            return None;
        }
        let name = name.rsplit('/').next()?;
        let mut rule = rule.clone();
        rule.insert("name".to_owned(), Value::from(name));
        Some(Value::Object(rule))
    });
    let mut fields = Fields::new();
    fields.insert("name".to_owned(), Value::from(id.name()));
    fields.insert("securityrules".to_owned(), Value::Array(rules.collect()));
    Some(Resource { id, kind: Kind::SecurityGroup, fields })
}

/// The subnet of an interface that effective routes are said to be of: it is named by its name or
/// its id.
pub(crate) fn subnet_of<'a>(
    mut interfaces: impl Iterator<Item = &'a Resource>,
    told: &str,
) -> Option<Id> {
    let id = Id::new(told);
    let is_it = |one: &&Resource| one.id == id || one.name().eq_ignore_ascii_case(told);
    let found = interfaces.find(is_it)?;
    if interfaces.any(|other| is_it(&other)) {
        return None;
    }
    found.fields.objects("ipconfigurations").find_map(|one| one.reference("subnet"))
}
