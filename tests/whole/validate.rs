//! `validate`: errors say what is wrong, where, and what was expected.

use std::path::PathBuf;

use crate::program::{self, egress25, failure, json, stdout, words};

/// Writes a file and validates it: exit code and what stands on stderr.
fn validate(text: &str, more: &str) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("file.toml");
    std::fs::write(&path, text).expect("written");
    failure(&format!("validate {} {more}", path.display()))
}

const LAB: &str = r#"
[subscription.shop]
offer = "pay-as-you-go"
created = "2019-03-01"

[network.net]
address_space = ["10.0.0.0/16"]

[machine.web]
subscription = "shop"
network = "net"
addresses = ["10.0.0.4"]
"#;

#[test]
fn every_kind_of_file_is_recognised_by_its_content() {
    assert!(
        stdout("validate fixtures/inventories/revoked.toml")
            .contains("ok, inventory: edition 2020-12")
    );
    let text = stdout("validate crates/policy/editions/2019-08.toml");
    assert!(text.contains("ok, edition: 2019-08"), "{text}");
    let events = "[[event]]\nat = \"2020-01-01T00:00:00Z\"\nkind = \"machine-stopped\"\n\
                  machine = \"web\"\n";
    let output = egress25(["validate", "-"]).write_stdin(events).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("<stdin>: ok, events: 1 event;"), "{text}");
}

#[test]
fn the_events_of_the_how_to_could_not_happen_to_its_inventory() {
    let page = program::repository().join("docs/how-to/describe-a-deployment.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let (code, text) = validate(&blocks.collect::<String>(), "");
    assert_eq!(code, 0, "{text}");
}

#[test]
fn errors_say_what_is_wrong_and_point_at_it() {
    for (from, to, part) in [
        ("[network.net]", "[netwrok.net]", "unknown field `netwrok`"),
        ("offer = \"pay-as-you-go\"", "offer = \"gold\"", "`gold` is no offer"),
        ("subscription = \"shop\"", "subscription = \"ship\"", "there is no subscription `ship`"),
        ("network = \"net\"", "network = \"nat\"", "there is no network `nat`"),
        ("10.0.0.4", "10.9.0.4", "lies outside subnet"),
        ("2019-03-01", "2019-02-30", "2019-02-30"),
        ("addresses = [\"10.0.0.4\"]", "addresses = [", "array"),
    ] {
        let (code, text) = validate(&LAB.replace(from, to), "");
        assert_eq!(code, 2, "{to}");
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
        assert!(text.contains("here"), "it points at the place:\n{text}");
        assert!(text.contains("file.toml"), "{text}");
    }
}

#[test]
fn an_event_that_cannot_happen_is_found_and_pointed_at() {
    let event = "\n[[event]]\nat = \"2020-01-01T00:00:00Z\"\nkind = \"exemption-granted\"\n\
                 subscription = \"shop\"\n";
    let (code, text) = validate(&format!("{LAB}{event}"), "");
    assert_eq!(code, 2);
    assert!(text.contains("is refused"), "{text}");
    assert!(text.contains("kind = \"exemption-granted\""), "{text}");
    let (code, text) = validate(event, "");
    assert_eq!((code, text.as_str()), (0, ""), "by themselves they may be right");
    let (code, text) = validate(event, "--inventory fixtures/inventories/free-trial.toml");
    assert_eq!(code, 2);
    assert!(text.contains("there is no subscription `shop`"), "{text}");
}

#[test]
fn a_bad_edition_is_named_with_what_it_lacks() {
    let path = program::repository().join("crates/policy/editions/2020-12.toml");
    let text = std::fs::read_to_string(path).expect("the edition");
    for (from, to, part) in [
        ("    \"free-trial\",\n", "", "offer `free-trial` is not covered"),
        ("request = [\"PG4\"]", "request = [\"PG44\"]", "`PG44` is cited"),
        ("relay_ports = [587, 443]", "relay_ports = [25]", "relay_ports"),
        ("schema = 1", "schema = 2", "this program reads 1"),
    ] {
        assert!(text.contains(from), "{from}");
        let (code, error) = validate(&text.replace(from, to), "");
        assert_eq!(code, 2, "{part}");
        assert!(error.contains(part), "`{part}` is missing in\n{error}");
    }
}

#[test]
fn an_empty_file_is_no_inventory() {
    let (code, text) = validate("", "");
    assert_eq!(code, 2);
    assert!(text.contains("there is no machine in it"), "{text}");
}

#[test]
fn the_good_and_the_bad_are_told_apart_in_json() {
    let line = "validate fixtures/inventories/revoked.toml fixtures/README.md --format json";
    let output = egress25(words(line)).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["files"][0]["ok"], true);
    assert_eq!(report["files"][0]["kind"], "inventory");
    assert_eq!(report["files"][1]["ok"], false);
}

#[test]
fn an_event_of_a_kind_that_the_verb_suggests_was_answered_with_all_kinds() {
    let event = "[[event]]\nat = \"2020-12-08\"\nkind = \"exemption-requested\"\n";
    let (code, said) = validate(&format!("{LAB}{event}subscription = \"shop\"\n"), "");
    assert!(code == 2 && said.contains("did you mean `exemption-asked`?"), "{said}");
}

#[test]
fn an_error_in_a_list_was_marked_at_its_first_entry() {
    let table = |routes: &str| format!("{LAB}[route-table.t]\nroutes = [\n{routes}]\n");
    let route = |prefix: &str| format!("  {{ prefix = \"{prefix}\", next_hop = \"internet\" }},\n");
    let (code, said) = validate(&table(&(route("10.0.0.0/8") + &route("10.1.0.0/8"))), "");
    assert!(code == 2 && said.contains("there are two routes for `10.0.0.0/8`"), "{said}");
    assert!(said.contains("file.toml:16:"), "{said}");
    let event = |kind: &str, key: &str| {
        format!("[[event]]\nat = \"2021-01-01\"\nkind = \"{kind}\"\n{key}\n")
    };
    let events = event("machine-started", "machine = \"web\"") + &event("machine-stopped", "");
    let (code, said) = validate(&events, "");
    assert!(code == 2 && said.contains("event[1]") && said.contains("file.toml:5:"), "{said}");
}

#[test]
fn an_address_where_a_prefix_belongs_was_called_invalid_syntax() {
    for (from, to, expected) in [
        ("10.0.0.0/16", "10.0.0.0", "10.0.0.0/32 is this one"),
        ("10.0.0.4", "10.0.0.4/24", "an address is expected"),
        ("\"10.0.0.4\"", "'10.0.0.4/24'", "`10.0.0.4/24` is a prefix"),
        ("10.0.0.4", "10.0.0", "neither an address nor a prefix"),
    ] {
        let (code, said) = validate(&LAB.replace(from, to), "");
        assert!(code == 2 && said.contains(expected), "{said}");
    }
}

#[test]
fn an_inventory_that_will_surprise_was_called_ok_without_a_word() {
    let text = r#"
[subscription.mail]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.hub]
address_space = ["10.0.0.0/16"]
peerings = ["spoke", "right"]
[network.hub.subnet.mail]
prefixes = ["10.0.1.0/24"]
route_table = "out"
[network.hub.subnet.rest]
prefixes = ["10.0.2.0/24"]
[network.hub.subnet.within]
prefixes = ["10.0.2.128/25"]
[network.spoke]
address_space = ["10.1.0.0/16"]
[network.right]
address_space = ["10.2.0.0/16"]
peerings = [{ network = "hub", use_remote_gateways = true }]
[route-table.out]
routes = [
    { prefix = "10.3.0.0/16", next_hop = "virtual-appliance", address = "10.2.0.4" },
    { prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.4" },
    { prefix = "10.1.0.0/16", next_hop = "virtual-appliance", address = "10.1.0.9" },
]
# Its address tells its subnet.
[machine.mailbox]
subscription = "mail"
network = "hub"
addresses = ["10.0.1.4"]
ip_forwarding = true
power = "running"
deployed = "2020-01-01"
[machine.idle]
subscription = "mail"
network = "right"
addresses = ["10.2.0.4"]
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("inventory.toml");
    std::fs::write(&path, text).expect("written");
    let report = json(&format!("validate {} --format json", path.display()));
    let warnings = report["files"][0]["warnings"].to_string();
    for part in [
        "`hub` has a peering with `spoke`, and `spoke` none with `hub`: nothing flows",
        "leads to 10.1.0.9, which belongs to nobody that `hub` reaches",
        "leads `mailbox`, which is in the subnet `hub/mail` of that route, to itself",
        "leads to 10.2.0.4, where `idle` takes nothing on: its interface is without `ip_forwarding`",
        "`right` has `use_remote_gateways` toward `hub` and gets no gateway: `hub` has no `gateway`",
        "`hub/rest` and `hub/within` have 10.0.2.128/25 in common",
    ] {
        assert!(warnings.contains(part), "{warnings}");
    }
}
