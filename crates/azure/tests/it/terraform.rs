//! A small world as Terraform keeps it: a state, and what `show -json` prints of one and of a plan.

use egress25_policy::InventoryFile;
use serde_json::{Value, json};

use crate::{built, gaps, imported};

fn id(what: &str) -> String {
    format!("/subscriptions/1/resourceGroups/a/providers/{what}")
}

/// The resources: their types and attributes.
fn resources() -> Vec<(&'static str, Value)> {
    let network = |what: &str| id(&format!("Microsoft.Network/{what}"));
    let subnet = network("virtualNetworks/n/subnets/s");
    vec![
        (
            "azurerm_subscription",
            json!({ "id": "/providers/Microsoft.Subscription/aliases/x",
            "subscription_id": "1", "display_name": "shop", "quota_id": "PayAsYouGo_2014-09-01" }),
        ),
        (
            "azurerm_virtual_network",
            json!({ "id": network("virtualNetworks/n"), "name": "n",
            "address_space": ["10.0.0.0/16"], "subnet": [] }),
        ),
        (
            "azurerm_subnet",
            json!({ "id": subnet, "name": "s", "address_prefixes": ["10.0.0.0/24"],
            "default_outbound_access_enabled": false, "service_endpoints": ["Microsoft.Storage"],
            "delegation": [] }),
        ),
        (
            "azurerm_network_security_group",
            json!({ "id": network("networkSecurityGroups/g"),
            "name": "g", "security_rule": [{ "name": "smtp", "priority": 200, "direction": "Outbound",
            "access": "Deny", "protocol": "Tcp", "source_address_prefix": "*",
            "source_port_range": "*", "destination_address_prefix": "Internet",
            "destination_port_range": "25", "source_application_security_group_ids": [] }] }),
        ),
        (
            "azurerm_network_security_rule",
            json!({ "id": network("networkSecurityGroups/g/securityRules/more"),
            "name": "more", "priority": 300, "direction": "Outbound", "access": "Allow",
            "protocol": "*", "source_address_prefix": "*", "source_port_range": "*",
            "destination_address_prefixes": ["10.0.0.0/8"], "destination_port_ranges": ["80", "443"] }),
        ),
        (
            "azurerm_subnet_network_security_group_association",
            json!({ "id": subnet,
            "subnet_id": subnet, "network_security_group_id": network("networkSecurityGroups/g") }),
        ),
        (
            "azurerm_route_table",
            json!({ "id": network("routeTables/t"), "name": "t",
            "bgp_route_propagation_enabled": false, "route": [{ "name": "r",
            "address_prefix": "0.0.0.0/0", "next_hop_type": "VirtualAppliance",
            "next_hop_in_ip_address": "10.0.0.9" }] }),
        ),
        (
            "azurerm_subnet_route_table_association",
            json!({ "id": subnet, "subnet_id": subnet,
            "route_table_id": network("routeTables/t") }),
        ),
    ]
}

/// Those of a machine, and of its ways out.
fn more_resources() -> Vec<(&'static str, Value)> {
    let network = |what: &str| id(&format!("Microsoft.Network/{what}"));
    let subnet = network("virtualNetworks/n/subnets/s");
    let nic = network("networkInterfaces/nic");
    vec![
        (
            "azurerm_public_ip",
            json!({ "id": network("publicIPAddresses/p"), "name": "p",
            "ip_address": "203.0.113.4", "sku": "Standard" }),
        ),
        (
            "azurerm_public_ip",
            json!({ "id": network("publicIPAddresses/q"), "name": "q",
            "ip_address": "203.0.113.5", "sku": "Standard" }),
        ),
        (
            "azurerm_nat_gateway",
            json!({ "id": network("natGateways/nat"), "name": "nat",
            "sku_name": "Standard" }),
        ),
        (
            "azurerm_nat_gateway_public_ip_association",
            json!({ "id": "x",
            "nat_gateway_id": network("natGateways/nat"),
            "public_ip_address_id": network("publicIPAddresses/q") }),
        ),
        (
            "azurerm_subnet_nat_gateway_association",
            json!({ "id": subnet, "subnet_id": subnet,
            "nat_gateway_id": network("natGateways/nat") }),
        ),
        (
            "azurerm_network_interface",
            json!({ "id": nic, "name": "nic",
            "ip_forwarding_enabled": true, "ip_configuration": [{ "name": "c",
            "private_ip_address": "10.0.0.4", "subnet_id": subnet, "primary": true,
            "public_ip_address_id": network("publicIPAddresses/p") }] }),
        ),
        (
            "azurerm_linux_virtual_machine",
            json!({ "id": id("Microsoft.Compute/virtualMachines/web"),
            "name": "web", "network_interface_ids": [nic] }),
        ),
        ("azurerm_storage_account", json!({ "id": id("Microsoft.Storage/storageAccounts/x") })),
    ]
}

fn state() -> Value {
    let one = |(kind, attributes): (&str, Value)| {
        json!({ "mode": "managed", "type": kind, "name": "x",
                "instances": [{ "attributes": attributes }] })
    };
    let resources: Value = resources().into_iter().chain(more_resources()).map(one).collect();
    json!({ "version": 4, "terraform_version": "1.9.0", "resources": resources })
}

fn shown(key: &str) -> Value {
    let one = |(kind, values): (&str, Value)| json!({ "type": kind, "values": values });
    let resources: Vec<_> = resources().into_iter().map(one).collect();
    let below: Vec<_> = more_resources().into_iter().map(one).collect();
    json!({ "format_version": "1.0", "terraform_version": "1.9.0", key: { "root_module": {
        "resources": resources, "child_modules": [{ "resources": below }] } } })
}

#[test]
fn state_and_show_and_plan_give_the_same() {
    let read = imported(&[&state().to_string()]).expect("read");
    for expected in [
        "[subscription.shop]\nid = \"1\"\noffer = \"pay-as-you-go\"\n",
        "prefixes = [\"10.0.0.0/24\"]\nroute_table = \"t\"\n",
        "default_outbound_access = false\nnat_gateway = \"nat\"\nsecurity_group = \"g\"\n",
        "[nat-gateway.nat]\naddresses = [\"203.0.113.5\"]\n",
        "    { prefix = \"0.0.0.0/0\", next_hop = \"virtual-appliance\", address = \"10.0.0.9\" },\n]\n\
         propagate_gateway_routes = false\n",
        "{ name = \"smtp\", priority = 200, direction = \"outbound\", access = \"deny\", protocol = \
         \"tcp\", destination = [\"Internet\"], destination_ports = [\"25\"] }",
        "{ name = \"more\", priority = 300, direction = \"outbound\", access = \"allow\", destination = \
         [\"10.0.0.0/8\"], destination_ports = [\"80\", \"443\"] }",
        "[machine.web]\nsubscription = \"shop\"\nnetwork = \"n\"\nsubnet = \"s\"\naddresses = \
         [\"10.0.0.4\"]\npublic_address = \"203.0.113.4\"\nip_forwarding = true\n",
    ] {
        assert!(read.inventory.contains(expected), "{expected}: {}", read.inventory);
    }
    assert!(gaps(&read).contains(&("power-unknown", "machine.web")));
    let told = read.inventory.replace("# created = \"YYYY-MM-DD\"", "created = \"2019-03-01\"");
    assert_eq!(built(&told).machines().len(), 1);
    for key in ["values", "planned_values"] {
        let other = imported(&[&shown(key).to_string()]).expect("read");
        assert_eq!(other, read, "{key}");
    }
}

#[test]
fn a_plan_without_ids_is_joined_by_names() {
    let plan = json!({ "format_version": "1.0", "terraform_version": "1.9.0", "planned_values": {
        "root_module": { "resources": [
            { "type": "azurerm_virtual_network", "values": { "name": "n", "resource_group_name": "a",
              "address_space": ["10.0.0.0/16"] } },
            { "type": "azurerm_subnet", "values": { "name": "s", "resource_group_name": "a",
              "virtual_network_name": "n", "address_prefixes": ["10.0.0.0/24"] } },
        ] } } });
    let read = imported(&[&plan.to_string()]).expect("read");
    assert!(
        read.inventory.contains("[network.n.subnet.s]\nprefixes = [\"10.0.0.0/24\"]"),
        "{}",
        read.inventory
    );
}

#[test]
fn subnets_in_a_network_itself_are_read() {
    let group = id("Microsoft.Network/networkSecurityGroups/g");
    let resources = json!([
        { "type": "azurerm_virtual_network", "values": {
            "id": id("Microsoft.Network/virtualNetworks/n"), "name": "n",
            "address_space": ["10.0.0.0/16"],
            "subnet": [{ "name": "s", "address_prefix": "10.0.0.0/24", "security_group": group }] } },
        { "type": "azurerm_network_security_group", "values": { "id": group, "name": "g" } },
    ]);
    let shown = json!({ "format_version": "1.0", "terraform_version": "1.9.0",
                        "values": { "root_module": { "resources": resources } } });
    let read = imported(&[&shown.to_string()]).expect("read").inventory;
    let expected = "[network.n.subnet.s]\nprefixes = [\"10.0.0.0/24\"]\nsecurity_group = \"g\"\n";
    assert!(read.contains(expected), "{read}");
}

fn plan(resources: &Value) -> egress25_azure::Imported {
    let plan = json!({ "format_version": "1.0", "terraform_version": "1.9.0",
                       "planned_values": { "root_module": { "resources": resources } } });
    imported(&[&plan.to_string()]).expect("read")
}

#[test]
fn an_association_of_a_plan_that_does_not_know_its_ids_vanished() {
    let subnet = id("Microsoft.Network/virtualNetworks/n/subnets/s");
    let kind = "azurerm_subnet_network_security_group_association";
    let with = |values: Value| {
        plan(&json!([
            { "type": "azurerm_virtual_network", "values": {
                "id": id("Microsoft.Network/virtualNetworks/n"), "name": "n",
                "address_space": ["10.0.0.0/16"] } },
            { "type": "azurerm_subnet", "values": {
                "id": subnet, "name": "s", "address_prefixes": ["10.0.0.0/24"] } },
            { "type": kind, "address": format!("{kind}.out"), "values": values },
        ]))
    };
    let new_group = with(json!({ "subnet_id": subnet }));
    assert!(new_group.inventory.contains("\nunread_security_group = "), "{}", new_group.inventory);
    assert!(gaps(&new_group).contains(&("security-group-missing", "network.n.subnet.s")));
    let new_subnet = with(json!({}));
    let line = format!("\nunread = [\"{kind}.out\"]\n\n[");
    assert!(new_subnet.inventory.contains(&line), "{}", new_subnet.inventory);
    let place = format!("{kind}.out");
    assert!(gaps(&new_subnet).contains(&("join-unread", place.as_str())));
    for read in [new_group, new_subnet] {
        let told = read.inventory.replace("# offer = \"...\"", "offer = \"pay-as-you-go\"");
        let error = InventoryFile::parse(&told).expect_err("it is unread").to_string();
        assert!(error.contains("unread"), "{error}");
    }
}

#[test]
fn a_new_rule_of_a_group_that_is_there_was_nobodys_and_brought_a_subscription() {
    let rule = json!({ "name": "smtp", "resource_group_name": "A",
        "network_security_group_name": "g", "priority": 200, "direction": "Outbound",
        "access": "Deny", "protocol": "Tcp", "source_address_prefix": "*",
        "source_port_range": "*", "destination_address_prefix": "Internet",
        "destination_port_range": "25" });
    let rule = json!({ "type": "azurerm_network_security_rule", "values": rule });
    let group = json!({ "type": "azurerm_network_security_group", "values": {
        "id": id("Microsoft.Network/networkSecurityGroups/g"), "name": "g", "security_rule": [] } });
    let network = json!({ "type": "azurerm_virtual_network", "values": {
        "id": id("Microsoft.Network/virtualNetworks/n"), "name": "n",
        "address_space": ["10.0.0.0/16"] } });
    let read = plan(&json!([rule, group, network]));
    assert!(read.inventory.contains("{ name = \"smtp\", priority = 200"), "{}", read.inventory);
    let alone = plan(&json!([rule, network]));
    assert!(gaps(&alone).contains(&("security-group-missing", "rule smtp")), "{:?}", alone.gaps);
    assert!(alone.inventory.contains("\n# GAP: rule smtp: "), "{}", alone.inventory);
    for read in [read, alone] {
        assert!(!read.inventory.contains("[subscription.subscription]"), "{}", read.inventory);
    }
}

#[test]
fn an_address_that_a_plan_does_not_know_made_a_route_vanish() {
    let read = plan(&json!([{ "type": "azurerm_route_table", "values": {
        "id": id("Microsoft.Network/routeTables/t"), "name": "t", "route": [{ "name": "out",
            "address_prefix": "0.0.0.0/0", "next_hop_type": "VirtualAppliance" }] } }]));
    assert!(read.inventory.contains("{ unread = \"route `out`: "), "{}", read.inventory);
}
