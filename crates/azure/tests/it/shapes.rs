//! What is refused, and what is said then.

use egress25_azure::{Input, NotAnExport, Told, import};
use serde_json::json;

use crate::imported;

fn said(text: &str) -> String {
    imported(&[text]).expect_err(text).to_string()
}

#[test]
fn what_is_no_export_is_called_by_its_name() {
    for (text, what) in [
        ("{\"$schema\": \"https://x/2019-04-01/deploymentTemplate.json#\"}", "is an ARM template"),
        ("{\"contentVersion\": \"1.0.0.0\", \"resources\": []}", "is an ARM template"),
        ("param location string = 'westeurope'\n", "is Bicep"),
        ("resource vm 'Microsoft.Compute/virtualMachines@2024-07-01' = {\n}\n", "is Bicep"),
        ("resource \"azurerm_subnet\" \"a\" {\n}\n", "is Terraform's source text"),
        ("[subscription.shop]\noffer = \"pay-as-you-go\"\n", "is TOML"),
        ("{\"records\": []}", "is a flow log"),
        ("{ \"records\": [", "is a flow log"),
        ("{\"networkInterfaces\": []}", "is an answer of Network Watcher"),
        ("{\"error\": {\"code\": \"AuthorizationFailed\"}}", "is an error that Azure answered"),
        ("{\"changeNumber\": 1, \"cloud\": \"Public\", \"values\": []}", "says what service tags"),
        ("To:", "is no JSON (line 1, column 1)"),
        ("{\"id\": ", "is no JSON (line 1, column 7)"),
        ("{\"name\": \"web\"}", "is no export of Azure that is known"),
        ("3", "is no export of Azure that is known"),
        ("[]", "0 resources, and none"),
        ("", "is empty"),
    ] {
        let said = said(text);
        assert!(said.contains(what), "{text}: {said}");
    }
}

#[test]
fn of_several_bad_files_only_the_first_was_named() {
    let said = imported(&["To:", "[]", "3"]).expect_err("two are bad").to_string();
    assert!(said.contains("`0.json` is no JSON") && said.contains("\n`2.json` is no"), "{said}");
}

#[test]
fn every_advice_says_what_to_do() {
    for what in <NotAnExport as strum::VariantArray>::VARIANTS {
        assert!(what.advice().starts_with(['i', 's']) && what.advice().len() > 40, "{what:?}");
    }
}

#[test]
fn a_part_of_an_export_is_refused() {
    let subnet = "/subscriptions/1/resourceGroups/a/providers/Microsoft.Network/virtualNetworks/n";
    let rows = json!([{ "id": subnet, "name": "n" }]);
    for (export, how) in [
        (json!({ "value": rows, "nextLink": "https://example.net/?token=abc" }), "(`nextLink`)"),
        (json!({ "value": rows, "@odata.nextLink": "abc" }), "(`@odata.nextLink`)"),
        (json!({ "value": rows, "odata.nextLink": "abc" }), "(`odata.nextLink`)"),
        (json!({ "value": rows, "nextMarker": "abc" }), "(`nextMarker`)"),
        (json!({ "value": rows, "skipToken": "abc" }), "(`skipToken`)"),
        (json!({ "value": rows, "$skipToken": "abc" }), "(`$skipToken`)"),
        (json!({ "totalRecords": 900.0, "count": 1, "data": rows }), "it has 1 of 900 rows"),
        (json!({ "totalRecords": 3, "count": 1, "data": rows }), "it has 1 of 3 rows"),
        (json!({ "totalRecords": 1, "count": 2, "data": rows }), "it has 1 of 2 rows"),
        (json!({ "count": 1, "data": rows, "$skipToken": "abc" }), "(`$skipToken`)"),
        (json!({ "count": 1, "data": rows, "skip_token": "abc" }), "(`$skipToken`)"),
        (json!({ "count": 1, "data": rows, "resultTruncated": "true" }), "it was cut"),
    ] {
        let said = said(&export.to_string());
        assert!(said.contains(how) && !said.contains("abc"), "{said}");
    }
    for whole in [
        json!({ "value": rows, "nextLink": null }),
        json!({ "count": 1, "data": rows, "skip_token": null, "total_records": 1 }),
    ] {
        assert!(imported(&[&whole.to_string()]).is_ok(), "{whole}");
    }
}

#[test]
fn a_byte_order_mark_and_several_documents_in_a_file_are_read() {
    let one = "{\"id\": \"/subscriptions/1\", \"displayName\": \"one\"}";
    let other = "{\"id\": \"/subscriptions/2\", \"displayName\": \"two\"}";
    let read = imported(&[&format!("\u{feff}{one}\n{other}\n")]).expect("read");
    assert_eq!(
        read.counts.iter().find(|(name, _)| *name == "subscription"),
        Some(("subscription", 2))
    );
}

#[test]
fn effective_routes_are_an_interfaces_and_say_not_whose() {
    let id = |what: &str| {
        format!("/subscriptions/1/resourceGroups/a/providers/Microsoft.Network/{what}")
    };
    let network = json!({
        "id": id("virtualNetworks/n"), "name": "n",
        "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
            "subnets": [{ "name": "s", "properties": {
                "addressPrefix": "10.0.0.0/24",
                "routeTable": { "id": id("routeTables/t") },
                "serviceEndpoints": [{ "service": "Microsoft.Storage" }],
            } }],
        },
    });
    let nic = json!({
        "id": id("networkInterfaces/nic"), "name": "nic",
        "properties": {
            "virtualMachine": { "id": "/subscriptions/1/providers/Microsoft.Compute/virtualMachines/web" },
            "ipConfigurations": [{ "properties": {
                "privateIPAddress": "10.0.0.4", "subnet": { "id": id("virtualNetworks/n/subnets/s") },
            } }],
        },
    });
    let route = |prefix: &str, hop: &str, at: &[&str], state: &str| {
        json!({ "source": "User", "state": state, "addressPrefix": [prefix], "nextHopType": hop,
                "nextHopIpAddress": at })
    };
    let routes = json!({ "value": [
        route("0.0.0.0/0", "VirtualAppliance", &["10.0.0.9"], "Active"),
        route("0.0.0.0/0", "Internet", &[], "Invalid"),
        route("20.60.0.0/24", "VirtualNetworkServiceEndpoint", &[], "Active"),
    ] });
    let texts = [network.to_string(), nic.to_string(), routes.to_string()];
    let read = |of: Option<&str>| {
        let input = |text, routes_of| Input { name: "f", text, routes_of };
        let inputs = [input(&texts[0], None), input(&texts[1], None), input(&texts[2], of)];
        import(&inputs, &Told::default())
    };
    let nobody = read(None).expect("read");
    assert!(nobody.gaps.iter().any(|gap| gap.kind.name() == "routes-of-nobody"));
    assert!(!nobody.inventory.contains("effective_routes"), "{}", nobody.inventory);
    for of in ["nic", &id("networkInterfaces/NIC")] {
        let read = read(Some(of)).expect("read").inventory;
        let expected = "effective_routes = [\n    { prefix = \"0.0.0.0/0\", next_hop = \
                        \"virtual-appliance\", address = \"10.0.0.9\", source = \"user\" },\n    { \
                        prefix = \"20.60.0.0/24\", next_hop = \"virtual-network-service-endpoint\"";
        assert!(read.contains(expected), "{read}");
        assert!(read.contains("service_endpoints = [\"20.60.0.0/24\"]"), "{read}");
        assert!(!read.contains("route_table"), "they are all the routes that there are: {read}");
    }
    let said = read(Some("other")).expect_err("no such interface").to_string();
    assert!(said.starts_with("there is no network interface `other` in the export"), "{said}");
}

#[test]
fn junk_of_millions_of_values_took_all_memory() {
    assert!(said(&format!("[{}1]", "1,".repeat(4_000_001))).contains("more than 4000000 values"));
}

#[test]
fn an_app_in_a_network_was_left_out_without_a_word() {
    let group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg";
    let network = format!("{group}/providers/Microsoft.Network/virtualNetworks/hub");
    let app = |name: &str, more: serde_json::Value| json!({ "id": format!("{group}/providers/Microsoft.Web/sites/{name}"), "properties": more });
    let inside = json!({ "virtualNetworkSubnetId": format!("{network}/subnets/apps") });
    let space = json!({ "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } });
    let all = json!([
        { "id": network, "properties": space },
        app("shop", inside),
        app("alone", json!({})),
    ]);
    let gaps = imported(&[&all.to_string()]).expect("it is read").gaps;
    let apps: Vec<_> = gaps.iter().filter(|gap| gap.kind.name() == "app-left-out").collect();
    assert_eq!(apps.len(), 1, "{apps:?}");
    assert_eq!(apps[0].place, "app shop");
}

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg";

fn network(name: &str) -> serde_json::Value {
    json!({
        "id": format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/{name}"),
        "type": "microsoft.network/virtualnetworks",
        "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } },
    })
}

#[test]
fn a_resource_that_nobody_needs_made_an_answer_of_network_watcher_of_the_whole() {
    let watcher = format!("{GROUP}/providers/Microsoft.Network/networkWatchers/w/flowLogs/f");
    let deployment = format!("{GROUP}/providers/Microsoft.Resources/deployments/d");
    let all = json!({ "totalRecords": 3, "count": 3, "data": [
        network("hub"),
        { "id": watcher, "properties": { "targetResourceId": "x" } },
        { "id": deployment, "properties": { "error": { "code": "Conflict" } } },
    ]});
    assert!(imported(&[&all.to_string()]).expect("it is read").inventory.contains("network.hub"));
}

#[test]
fn a_page_that_was_given_twice_stood_for_the_one_that_was_missing() {
    let page = |name: &str, token: Option<&str>| {
        let mut page = json!({ "totalRecords": 3, "count": 1, "data": [network(name)] });
        if let Some(token) = token {
            page["$skipToken"] = token.into();
        }
        page.to_string()
    };
    let [one, two, three] = [page("a", Some("1")), page("b", Some("2")), page("c", None)];
    assert!(imported(&[&one, &two, &three]).is_ok());
    let error = imported(&[&one, &one, &three]).expect_err("one is missing").to_string();
    assert!(error.contains("2 of 3"), "{error}");
}

/// The inventory of a group with rules.
fn rules(rules: &serde_json::Value) -> String {
    let group = json!({
        "id": format!("{GROUP}/providers/Microsoft.Network/networkSecurityGroups/out"),
        "properties": { "securityRules": rules },
    });
    imported(&[&json!([network("hub"), group]).to_string()]).expect("it is read").inventory
}

#[test]
fn a_rule_that_could_not_be_read_was_left_out_or_made_one_for_everything() {
    let rule = |key: &str, value: serde_json::Value| {
        let mut rule = json!({ "name": "named", "priority": 100, "direction": "Outbound",
            "access": "Deny", "protocol": "Tcp", "sourceAddressPrefix": "*", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "25" });
        rule[key] = value;
        rules(&json!([rule]))
    };
    assert!(rule("x", json!(1)).contains("destination_ports = [\"25\"]"));
    for (key, value) in [
        ("destinationPortRange", json!(587)),
        ("destinationPortRanges", json!([587])),
        ("destinationPortRange", json!("25,587")),
        ("destinationAddressPrefixes", json!("198.51.100.0/24")),
        ("destinationApplicationSecurityGroups", json!([{ "name": "x" }])),
        ("protocol", json!(17)),
        ("direction", json!(null)),
    ] {
        let inventory = rule(key, value.clone());
        assert!(inventory.contains("{ unread = \"rule `named`: "), "{key} {value}: {inventory}");
    }
    assert!(rules(&json!({ "named": {} })).contains("unread"), "no list of rules");
    let by_id = json!({ "id": "x/securityRules/by-id", "priority": 100, "direction": "Outbound",
        "access": "Deny", "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*" });
    assert!(rules(&json!([by_id])).contains("{ name = \"by-id\", priority"));
}

#[test]
fn files_of_two_moments_were_put_together_rule_by_rule() {
    let rule = |name: &str, access: &str| {
        json!({ "name": name, "priority": 100, "direction": "Outbound", "access": access,
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "25" })
    };
    let group = |rules: serde_json::Value| {
        json!({
            "id": format!("{GROUP}/providers/Microsoft.Network/networkSecurityGroups/out"),
            "properties": { "securityRules": rules, "etag": rules.to_string() },
        })
        .to_string()
    };
    let before = group(json!([rule("a", "Allow"), rule("b", "Deny")]));
    let mut again: serde_json::Value = serde_json::from_str(&before).expect("JSON");
    again["properties"]["securityRules"] = json!([rule("B", "deny"), rule("A", "allow")]);
    again["tags"] = json!({ "x": "y" });
    assert!(imported(&[&before, &again.to_string()]).is_ok(), "in other words");
    for after in [
        json!([rule("a", "Deny"), rule("b", "Deny")]),
        json!([rule("a", "Allow")]),
        json!([rule("a", "Allow"), rule("c", "Deny")]),
        json!([]),
    ] {
        let after = group(after);
        let said = imported(&[&before, &after]).expect_err("two moments").to_string();
        assert!(said.starts_with("`0.json` and `1.json` say different things of `"), "{said}");
        // In one file the first was believed without a word.
        let both = format!("[{before},{after}]");
        let said = imported(&[&both]).expect_err("two moments").to_string();
        let right = "`0.json` says, at two places, different things of `";
        assert!(said.starts_with(right), "{said}");
    }
    let machine = |power: &str| {
        let id = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/web");
        json!([{ "id": id, "powerState": power }]).to_string()
    };
    let said = imported(&[&machine("VM running"), &machine("VM deallocated")]);
    assert!(said.is_err_and(|error| error.to_string().contains("virtualmachines/web")));
}

#[test]
fn two_rules_whose_names_differ_in_casing_alone_became_one() {
    let rule = |name: &str, access: &str| {
        json!({ "name": name, "priority": 100, "direction": "Outbound", "access": access,
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "25" })
    };
    let inventory = rules(&json!([rule("d", "Deny"), rule("D", "Allow"), rule("d", "Deny")]));
    for line in [
        "{ name = \"d\", priority = 100, direction = \"outbound\", access = \"deny\"",
        "{ name = \"D-2\", priority = 100, direction = \"outbound\", access = \"allow\"",
    ] {
        assert_eq!(inventory.matches(line).count(), 1, "{inventory}");
    }
}

#[test]
fn a_subnet_that_says_another_name_than_its_id_was_not_found_by_those_in_it() {
    let mut hub = network("hub");
    let id = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/s");
    hub["properties"]["subnets"] = json!([{ "id": id, "name": "other",
        "properties": { "addressPrefix": "10.0.0.0/24" } }]);
    let nic = json!({ "id": format!("{GROUP}/providers/Microsoft.Network/networkInterfaces/nic"),
        "properties": {
            "virtualMachine": {
                "id": format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/w") },
            "ipConfigurations": [{ "properties": {
                "privateIPAddress": "10.0.0.4", "subnet": { "id": id } } }] } });
    let inventory = imported(&[&json!([hub, nic]).to_string()]).expect("it is read").inventory;
    assert!(inventory.contains("[network.hub.subnet.s]"), "{inventory}");
    assert!(inventory.contains("subnet = \"s\"\naddresses = [\"10.0.0.4\"]"), "{inventory}");
}

#[test]
fn a_day_before_azure_or_to_come_bounded_a_creation() {
    for day in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
        let mut one = network("hub");
        one["systemData"] = json!({ "createdAt": day });
        let inventory = imported(&[&one.to_string()]).expect("it is read").inventory;
        assert!(!inventory.contains("created_before"), "{inventory}");
    }
}
