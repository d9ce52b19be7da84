//! Every offer × date × exemption × history × route, enumerated whole.
//!
//! An oracle decides that is written from the statements and not from the code; a short golden file
//! shows its answers to people.

use std::fmt::Write as _;

use crate::oracle::Case;
use crate::support::{INTERNET, ask, ask_port, assumed, ids, short, world};
use egress25_policy::{Edition, Offer};

const DATES: [(&str, &str); 3] =
    [("before", "2017-11-14"), ("on", "2017-11-15"), ("after", "2019-03-01")];

/// Where the exemption stands, and what is still to happen after the machine's history.
const EXEMPTIONS: [(&str, &str, &str); 8] = [
    ("none", "none", ""),
    ("requested", "requested", ""),
    ("further-steps", "further-steps", ""),
    ("granted", "granted", ""),
    ("refused", "refused", ""),
    ("revoked", "revoked", ""),
    ("revoked-later", "granted", "2020-12-10T00:00:00Z exemption-revoked subscription=contoso"),
    ("lapsed", "lapsed", ""),
];

const HISTORIES: [(&str, &str); 6] = [
    ("untouched", ""),
    (
        "stopped-started",
        "2020-12-09T01:00:00Z machine-deallocated machine=web
         2020-12-09T02:00:00Z machine-started machine=web",
    ),
    ("restarted", "2020-12-09T01:00:00Z machine-restarted machine=web"),
    (
        "guest-shutdown",
        "2020-12-09T01:00:00Z guest-shutdown machine=web
         2020-12-09T02:00:00Z machine-started machine=web",
    ),
    ("redeployed", "2020-12-09T01:00:00Z machine-redeployed machine=web"),
    ("new", "2020-12-09T01:00:00Z machine-deployed machine=web"),
];

const ROUTES: [(&str, &str); 6] = [
    ("direct", ""),
    ("appliance-open", "next_hop = \"virtual-appliance\"\naddress = \"10.0.1.4\""),
    ("appliance-blocked", "next_hop = \"virtual-appliance\"\naddress = \"10.0.1.5\""),
    ("azure-firewall", "next_hop = \"virtual-appliance\"\naddress = \"10.0.2.4\""),
    ("gateway", "next_hop = \"virtual-network-gateway\""),
    ("none", "next_hop = \"none\""),
];

fn lab(offer: &str, created: &str, exemption: &str, history: &str, route: &str) -> String {
    let table = if route.is_empty() {
        String::new()
    } else {
        format!("[[route-table.out.routes]]\nprefix = \"0.0.0.0/0\"\n{route}\n")
    };
    let uses = if route.is_empty() { "" } else { "route_table = \"out\"" };
    let power = if history == "new" { "power = \"not-deployed\"" } else { "" };
    format!(
        r#"
[subscription.contoso]
offer = "{offer}"
created = "{created}"
exemption = "{exemption}"

[subscription.open]
offer = "enterprise-agreement"
created = "2019-01-01"

[subscription.blocked]
offer = "pay-as-you-go"
created = "2019-01-01"

[network.hub]
address_space = ["10.0.0.0/16"]
peerings = ["spoke"]
gateway = {{ kind = "vpn", routes = ["192.168.0.0/16"] }}

[network.hub.subnet.mail]
prefixes = ["10.0.0.0/24"]
{uses}

[network.hub.subnet.appliances]
prefixes = ["10.0.1.0/24"]

[network.hub.subnet.firewalls]
prefixes = ["10.0.2.0/24"]

[network.spoke]
address_space = ["10.1.0.0/16"]
peerings = ["hub"]

{table}
[firewall.af]
subscription = "blocked"
network = "hub"
subnet = "firewalls"
address = "10.0.2.4"

[machine.web]
subscription = "contoso"
network = "hub"
subnet = "mail"
addresses = ["10.0.0.4"]
{power}

[machine.nva-open]
subscription = "open"
network = "hub"
subnet = "appliances"
addresses = ["10.0.1.4"]
ip_forwarding = true

[machine.nva-blocked]
subscription = "blocked"
network = "hub"
subnet = "appliances"
addresses = ["10.0.1.5"]
ip_forwarding = true
"#
    )
}

#[test]
fn every_case_of_the_alphabet_has_the_answer_of_the_statements() {
    let edition = Edition::default_edition().unwrap();
    let mut golden =
        String::from("# offer\tcreated\texemption\thistory\troute\tverdict reason\tstatements\n");
    let mut cases = 0;
    for rule in edition.rules.iter().chain([&edition.unnamed]) {
        let mut first: Option<Vec<String>> = None;
        for offer in &rule.offers {
            let grounds = answers(*offer, *offer == rule.offers[0], &mut cases, &mut golden);
            // The offers of one row are told apart by nothing, not even by what is assumed.
            assert!(*first.get_or_insert_with(|| grounds.clone()) == grounds, "{offer}");
        }
    }
    assert_eq!(cases, Offer::ALL.len() * 3 * 8 * 6 * 6);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/matrix-2020-12.tsv");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &golden).unwrap();
    }
    assert_eq!(golden, std::fs::read_to_string(file).unwrap(), "{file}");
}

/// Whether a case stands in the golden file, which a person reads: pay-as-you-go in each state,
/// after each history and by each route, and the first offer of every other row.
fn shown(case: Case) -> bool {
    let Case { offer, date, exemption, history, route } = case;
    let plain = (exemption, history, route) == ("none", "untouched", "direct");
    if offer != Offer::PayAsYouGo || date != "after" {
        return plain && date == if offer == Offer::PayAsYouGo { "before" } else { "after" };
    }
    let differs = usize::from(exemption != "granted")
        + usize::from(history != "stopped-started")
        + usize::from(route != "direct");
    differs < 2
}

/// What is assumed in each case of an offer; verdict, reason and statements are the oracle's.
fn answers(offer: Offer, is_first: bool, cases: &mut usize, golden: &mut String) -> Vec<String> {
    let mut grounds = Vec::new();
    for (date, created) in DATES {
        for (exemption, state, later) in EXEMPTIONS {
            for (history, events) in HISTORIES {
                for (route, next_hop) in ROUTES {
                    let lab = lab(offer.name(), created, state, history, next_hop);
                    let world = world(&lab, &format!("{events}\n{later}"));
                    let decision = ask(&world, "web", INTERNET);
                    let case = Case { offer, date, exemption, history, route };
                    let found = format!("{}\t{}", short(&decision), ids(&decision).join(" "));
                    let (answer, statements) = (case.answer(), case.statements());
                    assert_eq!(found, format!("{answer}\t{statements}"), "{case}");
                    *cases += 1;
                    grounds.push(assumed(&decision).join(" "));
                    if is_first && shown(case) {
                        writeln!(golden, "{case}\t{found}").unwrap();
                    }
                }
            }
        }
    }
    grounds
}

#[test]
fn inside_and_relay_traffic_passes_whatever_the_subscription() {
    for offer in Offer::ALL {
        for (exemption, state, _) in EXEMPTIONS {
            let world = world(&lab(offer.name(), "2019-03-01", state, "", ""), "");
            let case = format!("{offer} {exemption}");
            assert_eq!(short(&ask(&world, "web", "10.0.1.4")), "pass internal", "{case}");
            assert_eq!(short(&ask(&world, "web", "10.1.0.9")), "pass internal", "{case}");
            assert_eq!(short(&ask(&world, "web", "192.168.7.7")), "pass on-premises", "{case}");
            for platform in ["169.254.169.254", "168.63.129.16"] {
                assert_eq!(short(&ask(&world, "web", platform)), "pass platform-address", "{case}");
            }
            assert_eq!(short(&ask(&world, "web", "100.64.0.1")), "drop no-route", "{case}");
            //= G4 type=test
            for port in [587, 443] {
                let decision = ask_port(&world, "web", INTERNET, port);
                assert_eq!(short(&decision), "pass relay-port", "{case} {port}");
                assert_eq!(ids(&decision), ["G3", "G4"]);
            }
            //= G1 type=test
            for port in [24, 26, 465, 2525, 0x1900] {
                let decision = ask_port(&world, "web", INTERNET, port);
                assert_eq!(short(&decision), "pass other-port", "{case} {port}");
                assert_eq!(ids(&decision), ["G3", "G4"]);
            }
        }
    }
}
