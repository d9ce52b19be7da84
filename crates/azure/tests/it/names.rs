//! Names of Azure that nothing in an inventory has.

use egress25_azure::{Imported, Of, Told};
use egress25_policy::{InventoryFile, Offer};
use serde_json::{Value, json};

use crate::{built, imported_as};

/// As the portal shows it: a woman at a computer, and a Persian word with a zero width non-joiner.
const TEAM: &str = "Team 👩\u{200d}💻 نامه\u{200c}رسان";

fn subscription(guid: &str, name: &str) -> Value {
    json!({ "id": format!("/subscriptions/{guid}"), "displayName": name })
}

fn read(values: &[Value], offers: &[(&str, Offer)]) -> Imported {
    let text = Value::from(values.to_vec()).to_string();
    let of = |name: &str| Some(name.to_owned());
    let offers = offers.iter().map(|(name, told)| Of { subscription: of(name), told: *told });
    let created = vec![Of { subscription: None, told: "2019-03-01".parse().expect("a day") }];
    let told = Told { offers: offers.collect(), created, ..Told::default() };
    imported_as(&[&text], &told).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_name_as_the_portal_shows_it_was_unknown_to_the_flags() {
    let offers = [(TEAM, Offer::EnterpriseAgreement), ("s2", Offer::PayAsYouGo)];
    let imported = read(&[subscription("s1", TEAM), subscription("s2", "shop")], &offers);
    let world = built(&imported.inventory);
    let (name, found) =
        world.subscriptions().iter().find(|(name, _)| name.as_str() != "shop").expect("the team's");
    assert_eq!((name.as_str(), found.offer), ("Team 👩💻 نامهرسان", Offer::EnterpriseAgreement));
    let said = "# Azure calls it `Team 👩\\u{200d}💻 نامه\\u{200c}رسان`.";
    assert!(imported.inventory.lines().any(|line| line == said), "{}", imported.inventory);
    assert_eq!(imported.inventory.matches("Azure calls").count(), 1, "`shop` is called so");
}

#[test]
fn a_name_of_nothing_that_is_seen_or_of_600_bytes_was_imported_and_did_not_load() {
    let long = "x".repeat(600);
    let net = |what: &str| {
        format!("/subscriptions/s1/resourceGroups/a/providers/Microsoft.Network/{what}")
    };
    let rule = json!({ "name": "r\u{200b}", "id": net("networkSecurityGroups/g/securityRules/r\u{200b}"),
        "properties": { "direction": "Outbound", "access": "Deny", "priority": 100,
            "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "sourcePortRange": "*",
            "destinationPortRange": "25", "protocol": "*" } });
    let all = [
        subscription("s1", "\u{202e}\u{200b}"),
        subscription("s2", &long),
        json!({ "id": net("virtualNetworks/n\u{200b}"), "name": "n\u{200b}", "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/8"] },
            "subnets": [{ "name": "a\u{ad}b", "properties": { "addressPrefix": "10.0.0.0/24" } }] } }),
        json!({ "id": net("networkSecurityGroups/g"), "name": "g",
            "properties": { "securityRules": [rule] } }),
    ];
    let offers = [("s1", Offer::PayAsYouGo), (&*long, Offer::FreeTrial)];
    let imported = read(&all, &offers);
    let inventory = &imported.inventory;
    let file = InventoryFile::parse(inventory).unwrap_or_else(|e| panic!("{e}\n{inventory}"));
    assert_eq!(file.check_what_begins(), Ok(()), "{inventory}");
    let world = built(inventory);
    let names: Vec<_> = world.subscriptions().keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["s1", &long[..512]]);
    let networks = world.networks();
    assert!(networks["n"].subnets.contains_key("ab"), "{inventory}");
    for said in [
        "# Azure calls it `\\u{202e}\\u{200b}`.",
        "# Azure calls it `n\\u{200b}`.",
        "# Azure calls it `a\\u{ad}b`.",
        "# Azure calls the rule `r` `r\\u{200b}`.",
    ] {
        assert!(inventory.lines().any(|line| line == said), "{said}: {inventory}");
    }
    assert!(!inventory.contains(['\u{200b}', '\u{202e}', '\u{ad}']), "{inventory}");
}
