//! One world in five spellings: Resource Graph, its table form, az in both casings, the raw API.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{built, gaps, imported, sample};

/// What az 2.91 printed of the world.
const AZ: [&str; 14] = [
    "account-show",
    "account-list",
    "graph-rest",
    "instance-view",
    "nat-gateway-list",
    "nic-list",
    "nsg-list",
    "public-ip-list",
    "rest-firewalls",
    "rest-route-tables",
    "rest-subscription",
    "vm-list-d",
    "vmss-list",
    "vnet-list",
];

fn read(file: &str) -> Option<Value> {
    Some(serde_json::from_str(&sample(file)?).expect("JSON"))
}

fn az() -> Option<Vec<Value>> {
    AZ.iter().map(|file| read(&format!("az-cli-2.91/{file}.json"))).collect()
}

fn graph() -> Option<Value> {
    read("resource-graph/own-world-rest.json")
}

fn inventory(values: &[Value]) -> String {
    let texts: Vec<_> = values.iter().map(ToString::to_string).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    imported(&texts).unwrap_or_else(|error| panic!("{error}")).inventory
}

/// A value with other keys.
fn renamed(value: &Value, rename: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| renamed(item, rename)).collect(),
        Value::Object(fields) => {
            let rename = |(key, value): (&String, &Value)| (rename(key), renamed(value, rename));
            Value::Object(fields.iter().map(rename).collect())
        }
        other => other.clone(),
    }
}

/// az before 2.41 and 2.46: `Ip` where it has been `IP` since.
fn old_key(key: &str) -> String {
    if key.starts_with("ip") { key.to_owned() } else { key.replace("IP", "Ip") }
}

/// The rows of Resource Graph as the API answers them: without the columns that it adds.
fn raw() -> Option<Vec<Value>> {
    let graph = graph()?;
    let rows = graph["data"].as_array().expect("rows");
    let own = ["subscriptionId", "tenantId", "resourceGroup", "kind"];
    let raw = rows.iter().map(|row| {
        let fields = row.as_object().expect("a row").iter();
        let kept = fields.filter(|(key, value)| !own.contains(&key.as_str()) && !value.is_null());
        let mut fields: Map<_, _> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        // Where Resource Graph has a power state, the API has an instance view.
        let code = row["properties"]["extended"]["instanceView"]["powerState"]["code"].clone();
        if code.is_string() {
            let provisioned = "ProvisioningState/succeeded";
            let view = json!({ "statuses": [{ "code": provisioned }, { "code": code }] });
            let properties = fields["properties"].as_object_mut().expect("properties");
            properties.remove("extended");
            properties.insert("instanceView".to_owned(), view);
        }
        if row["type"] == "microsoft.resources/subscriptions" {
            let policies = row["properties"]["subscriptionPolicies"].clone();
            let subscription = row["subscriptionId"].clone();
            fields = json!({
                "id": row["id"],
                "subscriptionId": subscription,
                "displayName": row["name"],
                "subscriptionPolicies": policies,
            })
            .as_object()
            .expect("fields")
            .clone();
        }
        Value::Object(fields)
    });
    Some(raw.collect())
}

/// The names of fields, each with the way to it.
fn fields(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| fields(item, at, found)),
        Value::Object(of) => of.iter().for_each(|(key, value)| {
            let at = format!("{at}.{key}");
            fields(value, &at, found);
            found.insert(at);
        }),
        _ => {}
    }
}

#[test]
fn what_az_prints_and_resource_graph_were_not_the_same_inventory() {
    let (Some(az), Some(graph)) = (az(), graph()) else { return };
    let of_graph = inventory(&[graph]);
    assert_eq!(inventory(&az), of_graph);
    let Some(other) = read("resource-graph/own-world-az-graph-query.json") else { return };
    assert_eq!(inventory(&[other]), of_graph);
}

#[test]
fn the_world_is_the_one_that_was_exported() {
    let Some(graph) = graph() else { return };
    let imported = imported(&[&graph.to_string()]).expect("imported");
    let world = built(&imported.inventory);
    let machines: Vec<_> = world.machines().keys().map(ToString::to_string).collect();
    assert_eq!(machines, ["app1", "mail1"]);
    let mail = &world.machines()["mail1"].interfaces[0];
    assert_eq!(mail.public_addresses, ["203.0.113.30".parse::<std::net::IpAddr>().expect("one")]);
    assert_eq!(mail.security_group, Some("app-nsg".into()));
    assert_eq!(world.peers(&"hub".into()).count(), 1);
    let places: Vec<_> = gaps(&imported).into_iter().map(|(kind, _)| kind).collect();
    let expected = [
        "created-unknown",
        "exemption-untold",
        "power-at-export",
        "power-at-export",
        "instances-missing",
        "service-endpoints",
        "admin-rules",
        "firewall-policy",
    ];
    assert_eq!(places, expected);
}

#[test]
fn azs_old_casing_is_the_one_of_its_release_notes_and_gives_the_same() {
    let (Some(az), Some(graph)) = (az(), graph()) else { return };
    let old: Vec<_> = az.iter().map(|value| renamed(value, &old_key)).collect();
    let nics = read("az-cli-old/nic-list.json").expect("the sample");
    let at = AZ.iter().position(|file| *file == "nic-list").expect("it is among them");
    assert_eq!(old[at], nics, "the renaming is that of the sample");
    assert_eq!(inventory(&old), inventory(&[graph]));
}

#[test]
fn the_raw_api_has_the_fields_of_recorded_answers_and_gives_the_same() {
    let (Some(raw), Some(graph)) = (raw(), graph()) else { return };
    let (mut ours, mut recorded) = (BTreeSet::new(), BTreeSet::new());
    for one in raw.iter().filter(|one| one["type"] == "microsoft.network/networkinterfaces") {
        fields(one, "", &mut ours);
    }
    for file in ["c7n-nics", "cli-nic-list-sub", "cpa-nic-list", "spec-NetworkInterfaceListAll"] {
        let Some(answer) = read(&format!("nic-arm/{file}.json")) else { return };
        fields(&answer["value"], "", &mut recorded);
    }
    let invented: Vec<_> = ours.difference(&recorded).collect();
    assert_eq!(invented, Vec::<&String>::new());
    assert_eq!(inventory(&[json!({ "value": raw })]), inventory(std::slice::from_ref(&graph)));
    assert_eq!(inventory(&[Value::Array(raw.clone())]), inventory(std::slice::from_ref(&graph)));
    assert_eq!(inventory(&raw), inventory(&[graph]), "a file a resource");
}

#[test]
fn the_table_form_and_pages_give_the_same() {
    let Some(graph) = graph() else { return };
    let rows = graph["data"].as_array().expect("rows");
    let mut columns = BTreeSet::new();
    rows.iter().for_each(|row| columns.extend(row.as_object().expect("a row").keys()));
    let cells =
        |row: &Value| columns.iter().map(|key| row[key.as_str()].clone()).collect::<Value>();
    let table = json!({
        "totalRecords": rows.len(),
        "count": rows.len(),
        "data": {
            "columns": columns.iter().map(|name| json!({ "name": name })).collect::<Value>(),
            "rows": rows.iter().map(cells).collect::<Value>(),
        },
    });
    assert_eq!(inventory(&[table]), inventory(std::slice::from_ref(&graph)));
    let page = |from: usize, to: usize, token: Value| {
        json!({
            "totalRecords": rows.len(), "count": to - from, "data": rows[from..to],
            "$skipToken": token, "resultTruncated": if token.is_null() { "false" } else { "true" },
        })
    };
    let pages = [page(0, 10, "abc".into()), page(10, rows.len(), Value::Null)];
    assert_eq!(inventory(&pages), inventory(&[graph]), "all pages are a whole");
    for page in &pages {
        let cut = imported(&[&page.to_string()]).expect_err("a page").to_string();
        assert!(cut.contains("is a part of an export"), "{cut}");
    }
}
