//! What is secret in an export reaches neither the inventory nor an error.

use serde_json::{Value, json};

use crate::{imported, sample};

const SECRET: &str = "Pl4nted+Secret=!";

/// Puts the secret below keys that hold some, and into whatever text is no name, id or prefix, in
/// every object.
fn planted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(planted).collect(),
        Value::Object(fields) => {
            let mut fields: serde_json::Map<_, _> =
                fields.iter().map(|(key, value)| (key.clone(), planted(value))).collect();
            for key in [
                "adminPassword",
                "customData",
                "userData",
                "connectionString",
                "sasUri",
                "description",
                "radiusServerSecret",
                "provisioningState",
                "etag",
            ] {
                fields.insert(key.to_owned(), SECRET.into());
            }
            fields.insert("tags".to_owned(), json!({ SECRET: SECRET, "owner": SECRET }));
            fields.insert("osProfile".to_owned(), json!({ "adminPassword": SECRET }));
            Value::Object(fields)
        }
        other => other.clone(),
    }
}

/// Puts the secret where something else is expected.
fn misplaced(value: &Value, key: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| misplaced(item, key)).collect(),
        Value::Object(fields) => {
            let place = |(name, value): (&String, &Value)| {
                let value = if name == key { SECRET.into() } else { misplaced(value, key) };
                (name.clone(), value)
            };
            Value::Object(fields.iter().map(place).collect())
        }
        other => other.clone(),
    }
}

fn shows_nothing(text: &str, why: &str) {
    let said = match imported(&[text]) {
        Ok(imported) => format!("{imported:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!said.contains(SECRET), "{why}: {said}");
}

#[test]
fn a_planted_secret_is_in_no_output() {
    for file in [
        "resource-graph/own-world-rest.json",
        "az-cli-2.91/nic-list.json",
        "az-cli-2.91/vm-list-d.json",
        "vm-arm/c7n-vm-instanceview.json",
        "vmss-arm/cli-vmss-instances.json",
        "gateway-arm/cli-vnet-gateway.json",
        "terraform/driftctl-nsg.tfstate",
        "terraform/infracost-firewall-plan.json",
        "arm-template/avm-network-nat-gateway.json",
        "flowlog-nsg/own-nsg-v1-smtp.json",
        "watcher-arm/spec-NetworkWatcherTopologyGet.json",
        "activity-log/own-power-events.json",
    ] {
        let Some(text) = sample(file) else { return };
        let value: Value = serde_json::from_str(&text).expect("JSON");
        shows_nothing(&planted(&value).to_string(), file);
    }
}

#[test]
fn what_stands_where_something_else_is_expected_is_not_repeated() {
    let Some(text) = sample("resource-graph/own-world-rest.json") else { return };
    let value: Value = serde_json::from_str(&text).expect("JSON");
    for key in [
        "privateIPAddress",
        "ipAddress",
        "addressPrefix",
        "addressPrefixes",
        "nextHopType",
        "nextHopIpAddress",
        "protocol",
        "access",
        "direction",
        "destinationAddressPrefix",
        "destinationPortRange",
        "code",
        "timeCreated",
        "quotaId",
        "peeringState",
        "orchestrationMode",
        "type",
        "properties",
    ] {
        shows_nothing(&misplaced(&value, key).to_string(), key);
    }
}

#[test]
fn an_error_of_the_syntax_repeats_nothing() {
    for text in [
        format!("{{\"adminPassword\": \"{SECRET}\""),
        format!("{{\"adminPassword\": {SECRET}}}"),
        format!("[{{\"password\": \"{SECRET}\"}}]"),
        format!("password = \"{SECRET}\""),
        format!("password = {SECRET}"),
        format!("resource \"azurerm_subnet\" \"x\" {{ password = \"{SECRET}\" }}"),
        format!("{{\"error\": {{\"code\": \"{SECRET}\", \"message\": \"{SECRET}\"}}}}"),
        format!("{{\"value\": [{{\"id\": \"/x\", \"password\": \"{SECRET}\"}}]}}"),
        format!("{{\"value\": [\"{SECRET}\"]}}"),
        format!("\"{SECRET}\""),
    ] {
        shows_nothing(&text, &text);
    }
}

#[test]
fn a_terraform_state_keeps_its_secrets() {
    let state = json!({
        "version": 4, "terraform_version": "1.9.0", "outputs": { "password": { "value": SECRET } },
        "resources": [{
            "mode": "managed", "type": "azurerm_linux_virtual_machine", "name": SECRET,
            "instances": [{ "private": SECRET, "attributes": {
                "id": "/subscriptions/1/providers/Microsoft.Compute/virtualMachines/web",
                "name": "web", "admin_password": SECRET, "custom_data": SECRET,
                "network_interface_ids": [], "tags": { "token": SECRET },
            } }],
        }, {
            "mode": "managed", "type": "azurerm_storage_account", "name": "store",
            "instances": [{ "attributes": { "id": SECRET, "primary_access_key": SECRET } }],
        }],
    });
    shows_nothing(&state.to_string(), "a state");
}
