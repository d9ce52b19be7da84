//! What stands in an export and cannot be read: the inventory does not load until somebody has written
//! it, because without it the answers would be others.

use egress25_azure::{Input, Told, import};
use egress25_policy::InventoryFile;
use serde_json::{Value, json};

use crate::imported;

const GROUP: &str = "/subscriptions/1/resourceGroups/a/providers/Microsoft.Network";

fn network(subnet: &Value) -> Value {
    json!({ "id": format!("{GROUP}/virtualNetworks/n"), "name": "n", "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "subnets": [subnet] } })
}

fn subnet(key: &str, value: &Value) -> Value {
    json!({ "name": "s", "properties": { "addressPrefix": "10.0.0.0/24", key: value } })
}

fn nic(key: &str, value: &Value) -> Value {
    let subnet = format!("{GROUP}/virtualNetworks/n/subnets/s");
    json!({ "id": format!("{GROUP}/networkInterfaces/nic"), "name": "nic", "properties": {
        "virtualMachine": { "id": "/subscriptions/1/providers/Microsoft.Compute/virtualMachines/w" },
        "ipConfigurations": [{ "properties": {
            "privateIPAddress": "10.0.0.4", "subnet": { "id": subnet } } }],
        key: value,
    } })
}

/// The inventory of resources.
fn read(resources: &[Value]) -> String {
    let text = Value::from(resources).to_string();
    imported(&[&text]).unwrap_or_else(|error| panic!("{error}")).inventory
}

/// Makes sure that an inventory has a line, and does not load for it.
fn stops(inventory: &str, line: &str) {
    assert!(inventory.contains(line), "{line}: {inventory}");
    let error = InventoryFile::parse(inventory).expect_err(inventory).to_string();
    assert!(error.contains("unread"), "{error}");
}

#[test]
fn a_route_that_could_not_be_read_was_left_out() {
    let table = |routes: Value| {
        json!({ "id": format!("{GROUP}/routeTables/t"), "name": "t",
                "properties": { "routes": routes } })
    };
    let route = |key: &str, value: Value| {
        let mut route = json!({ "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance",
                                "nextHopIpAddress": "10.0.0.9" });
        route[key] = value;
        json!([{ "name": "out", "properties": route }])
    };
    let at_first = subnet("x", &json!(1));
    for (key, value) in [
        ("addressPrefix", json!("AzureCloud")),
        ("nextHopType", json!("Elsewhere")),
        ("nextHopIpAddress", json!(null)),
    ] {
        let read = read(&[network(&at_first), table(route(key, value))]);
        stops(&read, "{ unread = \"route `out`: ");
    }
    let junk = read(&[network(&at_first), table(json!(["x"]))]);
    stops(&junk, "{ unread = \"route `unnamed-1`: ");
    let no_list = read(&[network(&at_first), table(json!({ "x": 1 }))]);
    stops(&no_list, "{ unread = \"the routes of `t`: ");
    let good = read(&[network(&at_first), table(route("x", json!(1)))]);
    assert!(!good.contains("unread"), "{good}");
}

#[test]
fn an_effective_route_that_could_not_be_read_was_left_out() {
    let all = json!([network(&subnet("x", &json!(1))), nic("x", &json!(1))]).to_string();
    for (key, value) in [
        ("addressPrefix", json!(["0.0.0.0/0", "AzureCloud"])),
        ("addressPrefix", json!([])),
        ("nextHopType", json!("Elsewhere")),
        ("nextHopIpAddress", json!([])),
    ] {
        let mut route = json!({ "state": "Active", "addressPrefix": ["0.0.0.0/0"],
            "nextHopType": "VirtualAppliance", "nextHopIpAddress": ["10.0.0.9"] });
        route[key] = value;
        let routes = json!({ "value": [route] }).to_string();
        let input = |text, routes_of| Input { name: "f", text, routes_of };
        let inputs = [input(&*all, None), input(&*routes, Some("nic"))];
        let read = import(&inputs, &Told::default()).expect("read").inventory;
        stops(&read, "effective_routes = [\n    { unread = \"route `");
    }
}

#[test]
fn a_rule_that_was_no_object_or_said_no_addresses_was_none_or_one_for_all() {
    let group = |rules: Value| {
        json!({ "id": format!("{GROUP}/networkSecurityGroups/g"), "name": "g",
                "properties": { "securityRules": rules } })
    };
    let rule = |key: &str, value: Value| {
        let mut rule = json!({ "name": "smtp", "priority": 100, "direction": "Outbound",
            "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*",
            "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "25" });
        rule[key] = value;
        json!([rule])
    };
    assert!(!read(&[group(rule("x", json!(1)))]).contains("unread"));
    for key in ["sourceAddressPrefix", "destinationAddressPrefix", "destinationPortRange"] {
        for nothing in [json!(null), json!(" ")] {
            stops(&read(&[group(rule(key, nothing))]), "{ unread = \"rule `smtp`: ");
        }
    }
    for junk in [json!(["x"]), json!([null])] {
        stops(&read(&[group(junk)]), "{ unread = \"rule `unnamed-1`: ");
    }
}

#[test]
fn a_reference_that_is_no_id_was_taken_for_none() {
    for value in [json!({ "id": null }), json!({ "name": "x" }), json!("x"), json!(7)] {
        for (key, line) in [
            ("networkSecurityGroup", "unread_security_group"),
            ("routeTable", "unread_route_table"),
            ("natGateway", "unread_nat_gateway"),
        ] {
            stops(&read(&[network(&subnet(key, &value))]), line);
        }
        let interface = nic("networkSecurityGroup", &value);
        stops(&read(&[network(&subnet("x", &json!(1))), interface]), "unread_security_group");
    }
    for nothing in [json!(null), json!({}), json!(""), json!({ "id": "" })] {
        let read = read(&[network(&subnet("networkSecurityGroup", &nothing))]);
        assert!(!read.contains("unread"), "{read}");
    }
}
