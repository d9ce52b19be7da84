//! Every offer × date × exemption × history × route, enumerated whole.
//!
//! Two things decide: an oracle that is written from the statements and not from the code, and
//! a golden file with verdict, reason, statements and assumed settings of every case.

use std::fmt::Write as _;

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

/// What the statements of edition 2020-12 say, with the settings as they come.
fn oracle(offer: Offer, date: &str, exemption: &str, history: &str, route: &str) -> &'static str {
    match route {
        //= RL1 type=test
        "azure-firewall" => return "reject azure-firewall-unsupported",
        "gateway" => return "pass on-premises",
        "none" => return "drop no-route",
        //= PG8 type=test
        //= PN6 type=test
        "appliance-open" => return "pass unrestricted-offer",
        "appliance-blocked" => return "drop not-granted",
        _ => {}
    }
    use Offer as O;
    //= EA1 type=test
    if offer == O::EnterpriseAgreement {
        return "pass unrestricted-offer";
    }
    //= G2 type=test
    //= PG1 type=test
    if date == "before" {
        return "pass predates-restriction";
    }
    //= PG6 type=test
    //= PN5 type=test
    let reached = matches!(history, "stopped-started" | "redeployed" | "new");
    match exemption {
        "granted" if reached => return "pass exempt",
        "granted" => return "drop waiting-for-stop-and-start",
        //= PG9 type=test
        "revoked" | "revoked-later" => return "drop revoked",
        _ => {}
    }
    //= DV1 type=test
    //= DV2 type=test
    let never = matches!(
        offer,
        O::Msdn
            | O::AzurePass
            | O::AzureInOpen
            | O::Education
            | O::AzureForStudents
            | O::FreeTrial
            | O::VisualStudio
    );
    if never {
        return "drop offer-never-exempt";
    }
    match exemption {
        //= PG3 type=test
        //= CS1 type=test
        //= PN1 type=test
        "none" => "drop not-granted",
        //= PG5 type=test
        "requested" => "drop request-pending",
        "further-steps" => "drop further-steps",
        "refused" => "drop request-refused",
        //= PG7 type=test
        _ => "drop exemption-lapsed",
    }
}

#[test]
fn every_case_of_the_alphabet_has_the_answer_of_the_statements() {
    let edition = Edition::default_edition().unwrap();
    let mut golden = String::from(
        "# offer-row\tcreated\texemption\thistory\troute\tverdict reason\tstatements\tassumed\n",
    );
    let mut cases = 0;
    for rule in edition.rules.iter().chain([&edition.unnamed]) {
        let mut first: Option<String> = None;
        for offer in &rule.offers {
            let rows = row(*offer, &mut cases);
            match &first {
                None => {
                    golden.push_str(&rows);
                    first = Some(rows);
                }
                // The offers of one row are told apart by nothing.
                Some(first) => assert_eq!(
                    first.replace(rule.offers[0].name(), offer.name()),
                    rows,
                    "{offer} differs from its row"
                ),
            }
        }
    }
    assert_eq!(cases, Offer::ALL.len() * 3 * 8 * 6 * 6);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/matrix-2020-12.tsv");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &golden).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap();
    for (line, (found, expected)) in golden.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {} of {file}", line + 1);
    }
    assert_eq!(golden.lines().count(), expected.lines().count());
}

/// Whether a case stands in the golden file: with a route that leads elsewhere, the exemption's
/// state and the machine's history mostly change nothing.
fn telling(exemption: &str, history: &str, route: &str) -> bool {
    route == "direct"
        || matches!(exemption, "none" | "granted")
            && matches!(history, "untouched" | "stopped-started")
}

fn row(offer: Offer, cases: &mut usize) -> String {
    let mut rows = String::new();
    for (date, created) in DATES {
        for (exemption, state, later) in EXEMPTIONS {
            for (history, events) in HISTORIES {
                for (route, next_hop) in ROUTES {
                    let lab = lab(offer.name(), created, state, history, next_hop);
                    let world = world(&lab, &format!("{events}\n{later}"));
                    let decision = ask(&world, "web", INTERNET);
                    let case = format!("{offer}\t{date}\t{exemption}\t{history}\t{route}");
                    let expected = oracle(offer, date, exemption, history, route);
                    assert_eq!(short(&decision), expected, "{case}");
                    *cases += 1;
                    if !telling(exemption, history, route) {
                        continue;
                    }
                    writeln!(
                        rows,
                        "{case}\t{expected}\t{}\t{}",
                        ids(&decision).join(" "),
                        assumed(&decision).join(" ")
                    )
                    .unwrap();
                }
            }
        }
    }
    rows
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
            assert_eq!(short(&ask(&world, "web", "172.20.0.1")), "drop no-route", "{case}");
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
            }
        }
    }
}
