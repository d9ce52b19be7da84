//! Terraform: a state (version 4), or what `terraform show -json` prints of a state or a plan. Its
//! resources become Azure's in the normal form.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fields::{Fields, Look as _};
use crate::id::Id;

/// The types that are known, and what they are in Azure.
const TYPES: &[(&str, &str)] = &[
    ("azurerm_subscription", "Microsoft.Resources/subscriptions"),
    ("azurerm_virtual_network", "Microsoft.Network/virtualNetworks"),
    ("azurerm_subnet", "Microsoft.Network/virtualNetworks/subnets"),
    ("azurerm_virtual_network_peering", "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"),
    ("azurerm_network_interface", "Microsoft.Network/networkInterfaces"),
    ("azurerm_virtual_machine", "Microsoft.Compute/virtualMachines"),
    ("azurerm_linux_virtual_machine", "Microsoft.Compute/virtualMachines"),
    ("azurerm_windows_virtual_machine", "Microsoft.Compute/virtualMachines"),
    ("azurerm_virtual_machine_scale_set", "Microsoft.Compute/virtualMachineScaleSets"),
    ("azurerm_linux_virtual_machine_scale_set", "Microsoft.Compute/virtualMachineScaleSets"),
    ("azurerm_windows_virtual_machine_scale_set", "Microsoft.Compute/virtualMachineScaleSets"),
    ("azurerm_orchestrated_virtual_machine_scale_set", "Microsoft.Compute/virtualMachineScaleSets"),
    ("azurerm_network_security_group", "Microsoft.Network/networkSecurityGroups"),
    ("azurerm_network_security_rule", "Microsoft.Network/networkSecurityGroups/securityRules"),
    ("azurerm_route_table", "Microsoft.Network/routeTables"),
    ("azurerm_route", "Microsoft.Network/routeTables/routes"),
    ("azurerm_public_ip", "Microsoft.Network/publicIPAddresses"),
    ("azurerm_public_ip_prefix", "Microsoft.Network/publicIPPrefixes"),
    ("azurerm_nat_gateway", "Microsoft.Network/natGateways"),
    ("azurerm_virtual_network_gateway", "Microsoft.Network/virtualNetworkGateways"),
    ("azurerm_local_network_gateway", "Microsoft.Network/localNetworkGateways"),
    ("azurerm_virtual_network_gateway_connection", "Microsoft.Network/connections"),
    ("azurerm_firewall", "Microsoft.Network/azureFirewalls"),
    ("azurerm_lb", "Microsoft.Network/loadBalancers"),
];

/// Keys that Azure calls otherwise, beside underscores and `_id`.
const RENAMED: &[(&str, &str)] = &[
    ("ip_configuration", "ipconfigurations"),
    ("frontend_ip_configuration", "frontendipconfigurations"),
    ("security_rule", "securityrules"),
    ("route", "routes"),
    ("next_hop_in_ip_address", "nexthopipaddress"),
    ("enable_ip_forwarding", "enableipforwarding"),
    ("ip_forwarding_enabled", "enableipforwarding"),
    ("default_outbound_access_enabled", "defaultoutboundaccess"),
    ("public_ip_address_ids", "publicipaddresses"),
    ("virtual_network_gateway_id", "virtualnetworkgateway1"),
    ("local_network_gateway_id", "localnetworkgateway2"),
];

/// Two resources that are joined by a third: whose it is, which other it names, and below which key
/// Azure keeps that, in a list where it is one of several.
const JOINED: &[(&str, &str, &str, Kept)] = &[
    (
        "azurerm_subnet_network_security_group_association",
        "subnet",
        "networksecuritygroup",
        Kept::Alone("networksecuritygroup"),
    ),
    ("azurerm_subnet_route_table_association", "subnet", "routetable", Kept::Alone("routetable")),
    ("azurerm_subnet_nat_gateway_association", "subnet", "natgateway", Kept::Alone("natgateway")),
    (
        "azurerm_network_interface_security_group_association",
        "networkinterface",
        "networksecuritygroup",
        Kept::Alone("networksecuritygroup"),
    ),
    (
        "azurerm_nat_gateway_public_ip_association",
        "natgateway",
        "publicipaddress",
        Kept::Among("publicipaddresses"),
    ),
    (
        "azurerm_nat_gateway_public_ip_prefix_association",
        "natgateway",
        "publicipprefix",
        Kept::Among("publicipprefixes"),
    ),
    // A rule of a load balancer stands there itself.
    ("azurerm_lb_rule", "loadbalancer", "", Kept::Among("loadbalancingrules")),
    ("azurerm_lb_outbound_rule", "loadbalancer", "", Kept::Among("outboundrules")),
];

/// Where something is kept.
#[derive(Debug, Clone, Copy)]
enum Kept {
    Alone(&'static str),
    Among(&'static str),
}

/// A resource of Terraform: its type, its attributes, and its address where that is said.
type Managed<'a> = (&'a str, &'a Fields, Option<&'a str>);

/// What a value holds.
#[derive(Debug)]
pub(crate) struct Found {
    /// The resources, in the normal form; those of types that no inventory has anything of are only
    /// counted: they have an id and nothing else.
    pub(crate) all: Vec<Fields>,
    /// What joins two resources whose ids are not known yet, by its address.
    pub(crate) unplaced: Vec<String>,
}

/// The resources that a value holds, where it is Terraform's.
pub(crate) fn resources(value: &Value) -> Option<Found> {
    let mut managed = managed(value)?;
    // What is only planned is told by names what it is a part of: that is there first.
    let is_planned = |attributes: &Fields| attributes.text("id").is_none();
    managed.sort_by_key(|(_, attributes, _)| is_planned(attributes));
    let mut all: BTreeMap<Id, Fields> = BTreeMap::new();
    let mut other = Vec::new();
    let mut joined = Vec::new();
    for (kind, attributes, address) in managed {
        let fields = tidy(attributes);
        if TYPES.iter().any(|(known, _)| *known == kind) {
            let fields = shaped(kind, fields, &all);
            all.insert(Id::new(fields.text("id").unwrap_or_default()), fields);
        } else if JOINED.iter().any(|(known, ..)| *known == kind)
            || kind.starts_with("azurerm_network_interface_")
        {
            joined.push((kind, fields, address.unwrap_or(kind)));
        } else {
            let id = fields.text("id").unwrap_or("unknown").to_owned();
            other.push(Fields::from_iter([("id".to_owned(), Value::from(id))]));
        }
    }
    let mut unplaced = Vec::new();
    for (kind, fields, address) in joined {
        if join(&mut all, kind, &fields).is_none() {
            unplaced.push(address.to_owned());
        }
    }
    Some(Found { all: all.into_values().chain(other).collect(), unplaced })
}

/// The resources of a state, of a plan, or of a list with types and attributes.
fn managed(value: &Value) -> Option<Vec<Managed<'_>>> {
    if let Value::Array(items) = value {
        let listed: Option<Vec<_>> = items.iter().map(|item| with(item, "Type", "Attrs")).collect();
        return listed.filter(|items| !items.is_empty());
    }
    value.get("terraform_version")?;
    let mut found = Vec::new();
    if let Some(resources) = value.get("resources").and_then(Value::as_array) {
        // What is only looked up comes first: what is managed counts where both have a thing.
        let is_managed = |one: &&Value| one.get("mode").is_none_or(|mode| mode != "data");
        let looked_up = resources.iter().filter(|one| !is_managed(one));
        for resource in looked_up.chain(resources.iter().filter(is_managed)) {
            let Some(kind) = resource.get("type").and_then(Value::as_str) else { continue };
            let instances = resource.get("instances").and_then(Value::as_array);
            // A deposed one is what was there before, and is about to go.
            let stands = |one: &&Value| one.get("deposed").is_none();
            for instance in instances.into_iter().flatten().filter(stands) {
                let attributes = instance.get("attributes").and_then(Value::as_object);
                found.extend(attributes.map(|attributes| (kind, attributes, None)));
            }
        }
        return Some(found);
    }
    let mut modules: Vec<&Value> = ["values", "planned_values"]
        .iter()
        .filter_map(|key| value.get(*key)?.get("root_module"))
        .collect();
    while let Some(module) = modules.pop() {
        let below = |key: &str| module.get(key).and_then(Value::as_array).into_iter().flatten();
        found.extend(below("resources").filter_map(|one| with(one, "type", "values")));
        modules.extend(below("child_modules"));
    }
    Some(found)
}

fn with<'a>(item: &'a Value, kind: &str, attributes: &str) -> Option<Managed<'a>> {
    let address = item.get("address").and_then(Value::as_str);
    Some((item.get(kind)?.as_str()?, item.get(attributes)?.as_object()?, address))
}

/// Attributes with Azure's keys: `subnet_id` is `subnet`, an object with an id.
fn tidy(attributes: &Fields) -> Fields {
    let mut tidied = Fields::new();
    for (key, value) in attributes {
        let lower = key.to_ascii_lowercase();
        let renamed = RENAMED.iter().find(|(from, _)| *from == lower).map(|(_, to)| *to);
        let id = |value: &Value| value.as_str().map(|id| json!({ "id": id }));
        let bare = |key: &str| key.replace('_', "");
        let (key, value) = match (lower.strip_suffix("_id"), lower.strip_suffix("_ids"), value) {
            (Some(stem), _, Value::String(_))
                if !["subscription", "tenant", "quota"].contains(&stem) =>
            {
                (renamed.map_or_else(|| bare(stem), str::to_owned), id(value).unwrap_or_default())
            }
            (_, Some(stem), Value::Array(ids)) => {
                let key = renamed.map_or_else(|| format!("{}s", bare(stem)), str::to_owned);
                (key, ids.iter().filter_map(id).collect())
            }
            _ => (renamed.map_or_else(|| bare(&lower), str::to_owned), below(value)),
        };
        tidied.insert(key, value);
    }
    tidied
}

fn below(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(below).collect(),
        Value::Object(fields) => Value::Object(tidy(fields)),
        other => other.clone(),
    }
}

/// The resource as Azure shapes it.
fn shaped(kind: &str, mut fields: Fields, known: &BTreeMap<Id, Fields>) -> Fields {
    let path = TYPES.iter().find(|(known, _)| *known == kind).map_or("", |(_, path)| *path);
    if let Some(gateway) = fields.insert("type".to_owned(), Value::from(path)) {
        fields.insert("gatewaytype".to_owned(), gateway);
    }
    if fields.text("id").is_none() {
        let id = planned_id(path, &fields, known);
        fields.insert("id".to_owned(), Value::from(id));
    }
    let sku = fields.remove("sku").filter(Value::is_string).or_else(|| fields.remove("skuname"));
    let mut put = Vec::new();
    let space = fields.get("addressspace").filter(|space| space.is_array()).cloned();
    match kind {
        "azurerm_virtual_network" => {
            put.push(("addressspace", json!({ "addressprefixes": space })));
            put.push(("subnets", inline_subnets(&fields)));
        }
        "azurerm_subnet" => {
            let services: Vec<_> = fields.texts("serviceendpoints").collect();
            let services: Vec<_> =
                services.iter().map(|service| json!({ "service": service })).collect();
            put.push(("serviceendpoints", services.into()));
            let to = fields
                .objects("delegation")
                .find_map(|one| one.objects("servicedelegation").find_map(|of| of.text("name")));
            put.extend(to.map(|to| ("delegations", json!([{ "servicename": to }]))));
        }
        "azurerm_local_network_gateway" => {
            put.push(("localnetworkaddressspace", json!({ "addressprefixes": space })));
        }
        "azurerm_subscription" => {
            let (quota, name) = (fields.text("quotaid"), fields.text("displayname"));
            put.push(("subscriptionpolicies", json!({ "quotaid": quota })));
            put.push(("displayname", json!(name)));
            let guid = fields.text("subscriptionid").unwrap_or_default();
            put.push(("id", format!("/subscriptions/{guid}").into()));
        }
        "azurerm_firewall" => {
            let hub = fields.objects("virtualhub").next().is_some();
            put.push(("virtualhub", if hub { json!({}) } else { Value::Null }));
        }
        "azurerm_route_table" => {
            let kept = fields.flag("bgproutepropagationenabled");
            put.extend(kept.map(|kept| ("disablebgproutepropagation", json!(!kept))));
        }
        "azurerm_orchestrated_virtual_machine_scale_set" => {
            put.push(("orchestrationmode", json!("Flexible")));
        }
        _ if path == "Microsoft.Compute/virtualMachines" => {
            let ids: Vec<_> = fields.references("networkinterfaces").collect();
            let ids: Vec<_> = ids.iter().map(|id| json!({ "id": id.text() })).collect();
            put.push(("networkprofile", json!({ "networkinterfaces": ids })));
        }
        _ => {}
    }
    let capacity = fields.number("instances");
    put.push(("sku", json!({ "name": sku, "capacity": capacity })));
    fields.extend(put.into_iter().map(|(key, value)| (key.to_owned(), value)));
    fields
}

/// The subnets that a network has in itself: their security groups are ids there.
fn inline_subnets(network: &Fields) -> Value {
    let subnet = |subnet: &Fields| {
        let mut subnet = subnet.clone();
        if let Some(group) = subnet.text("securitygroup").map(|id| json!({ "id": id })) {
            subnet.insert("networksecuritygroup".to_owned(), group);
        }
        Value::Object(subnet)
    };
    network.objects("subnet").map(subnet).collect()
}

/// The id of what is only planned, by its names: a plan has none. A part of something that is there
/// stands below that.
fn planned_id(path: &str, fields: &Fields, known: &BTreeMap<Id, Fields>) -> String {
    let group = fields.text("resourcegroupname").unwrap_or("planned");
    let name = fields.text("name").unwrap_or("unnamed");
    let above = ["virtualnetworkname", "networksecuritygroupname", "routetablename"];
    let above = above.iter().find_map(|key| fields.text(key));
    if let (Some(above), Some((whole, part))) = (above, path.rsplit_once('/')) {
        let is_it = |id: &&Id| {
            id.name().eq_ignore_ascii_case(above)
                && id.kind().is_some_and(|kind| kind.eq_ignore_ascii_case(whole))
                && id.group().is_some_and(|of| of.eq_ignore_ascii_case(group))
        };
        if let Some(whole) = known.keys().find(is_it) {
            return whole.below(part, name).text().to_owned();
        }
    }
    let mut parts = path.split('/');
    let provider = parts.next().unwrap_or_default();
    let mut id = format!("resourceGroups/{group}/providers/{provider}");
    let parts: Vec<_> = parts.collect();
    match (parts.as_slice(), above) {
        ([outer, inner], Some(above)) => id.push_str(&format!("/{outer}/{above}/{inner}/{name}")),
        (parts, _) => {
            for part in parts {
                id.push_str(&format!("/{part}/{name}"));
            }
        }
    }
    id
}

/// Puts what joins two resources into the one of them that Azure keeps it in; none where it is not
/// known which that is.
fn join(all: &mut BTreeMap<Id, Fields>, kind: &str, fields: &Fields) -> Option<()> {
    let mut set = |id: Id, kept: Kept, value: Value| {
        let of = all
            .entry(id.clone())
            .or_insert_with(|| Fields::from_iter([("id".to_owned(), Value::from(id.text()))]));
        match kept {
            Kept::Alone(key) => {
                of.insert(key.to_owned(), value);
            }
            Kept::Among(key) => match of.entry(key).or_insert(Value::Null) {
                Value::Array(items) => items.push(value),
                place => *place = Value::Array(vec![value]),
            },
        }
    };
    if let Some((_, owner, other, kept)) = JOINED.iter().find(|(known, ..)| *known == kind) {
        let joined = match *other {
            "" => Value::Object(fields.clone()),
            // One that is not known yet is something all the same.
            other => fields.get(other).cloned().unwrap_or_else(|| json!({ "id": null })),
        };
        set(fields.reference(owner)?, *kept, joined);
        return Some(());
    }
    // Interfaces in pools, which the balancer lists by configurations, and in application groups.
    if !kind.contains("pool") && !kind.contains("application_security_group") {
        return Some(());
    }
    let interface = fields.reference("networkinterface")?;
    if let Some(pool) = fields.reference("backendaddresspool")
        && let Some(balancer) = pool.parent()
    {
        let name = fields.text("ipconfigurationname").unwrap_or("configuration");
        let member = interface.below("ipConfigurations", name);
        let pool = json!({ "backendipconfigurations": [{ "id": member.text() }] });
        set(balancer, Kept::Among("backendaddresspools"), pool);
        return Some(());
    }
    let group = fields.get("applicationsecuritygroup")?;
    set(interface, Kept::Among("applicationsecuritygroups"), group.clone());
    Some(())
}
