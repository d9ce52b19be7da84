//! Security groups and admin rules: they decide before the platform's filter.

use std::net::IpAddr;

use egress25_policy::{Decision, InventoryFile, MachineName, Question, Source, World, decide};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::support::{INTERNET, ask, ask_port, assumed, ids, short, steps, world, world_with};

/// A machine of an Enterprise Agreement behind an appliance or not, with more keys of its subnet, of
/// the appliance's, and more tables.
fn lab(subnet: &str, hub: &str, routes: &str, more: &str) -> String {
    format!(
        r#"
[subscription.mail]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.spoke]
address_space = ["10.1.0.0/16"]
peerings = ["hub"]
[network.spoke.subnet.default]
prefixes = ["10.1.1.0/24"]
route_table = "out"
{subnet}
[network.hub]
address_space = ["10.0.0.0/16"]
peerings = ["spoke"]
[network.hub.subnet.default]
prefixes = ["10.0.1.0/24"]
{hub}
[route-table.out]
routes = [{routes}]
[machine.mailbox]
subscription = "mail"
network = "spoke"
addresses = ["10.1.1.4"]
[machine.nva]
subscription = "mail"
network = "hub"
addresses = ["10.0.1.4"]
ip_forwarding = true
[machine.relay]
subscription = "mail"
network = "hub"
addresses = ["10.0.1.9"]
{more}"#
    )
}

/// A rule of the group `g`.
fn rule(name: &str, priority: u16, keys: &str) -> String {
    format!("[[security-group.g.rules]]\nname = \"{name}\"\npriority = {priority}\n{keys}\n")
}

const OUT: &str = "direction = \"outbound\"";
const IN: &str = "direction = \"inbound\"";
const DENY: &str = "access = \"deny\"";
const ALLOW: &str = "access = \"allow\"";
const GROUP: &str = "security_group = \"g\"";
const BY_NVA: &str =
    "{ prefix = \"0.0.0.0/0\", next_hop = \"virtual-appliance\", address = \"10.0.1.4\" }";

fn rules(decision: &Decision) -> Vec<&str> {
    decision.rules.iter().map(|rule| rule.rule.as_str()).collect()
}

#[test]
fn a_rule_that_denies_port_25_let_mail_out() {
    let smtp = rule("NoMail", 100, &format!("{OUT}\n{DENY}\ndestination_ports = 25"));
    let world = world(&lab(GROUP, "", "", &smtp), "");
    let denied = ask(&world, "mailbox", INTERNET);
    assert_eq!(short(&denied), "drop security-group-denies");
    //= N15 type=test
    //= N17 type=test
    assert_eq!(ids(&denied), ["N15", "N17"]);
    assert_eq!((rules(&denied), steps(&denied)), (vec!["NoMail"], vec!["change-rule"]));
    let text = denied.next_steps[0].to_string();
    assert!(text.contains("group `g` of the subnet in `spoke/default`"), "{text}");
    // Another port goes on to the default rule.
    let other = ask_port(&world, "mailbox", INTERNET, 587);
    assert_eq!(
        (short(&other), rules(&other)),
        ("pass relay-port".to_owned(), vec!["AllowInternetOutBound"])
    );
}

#[test]
fn both_groups_have_to_let_it_out_and_an_admin_rule_may_end_it() {
    let of_both = |more: &str| {
        let on_interface = lab(GROUP, "", "", more).replace(
            "addresses = [\"10.1.1.4\"]",
            "addresses = [\"10.1.1.4\"]\nsecurity_group = \"own\"",
        );
        ask(&world(&on_interface, ""), "mailbox", INTERNET)
    };
    let own = "[security-group.own]\n";
    let denies = rule("No", 100, &format!("{OUT}\n{DENY}"));
    let decision = of_both(&format!("{own}{denies}"));
    assert_eq!(rules(&decision), ["AllowInternetOutBound", "No"]);
    assert_eq!(short(&decision), "drop security-group-denies");
    for (access, verdict, asked) in [
        ("deny", "drop admin-rule-denies", vec!["central"]),
        ("always-allow", "pass unrestricted-offer", vec!["central"]),
        ("allow", "drop security-group-denies", vec!["central", "AllowInternetOutBound", "No"]),
    ] {
        let admin = format!(
            "[admin-rules.all]\nnetworks = [\"spoke\"]\n[[admin-rules.all.rules]]\nname = \
             \"central\"\npriority = 1\n{OUT}\naccess = \"{access}\"\n"
        );
        let decision = of_both(&format!("{own}{denies}{admin}"));
        assert_eq!((short(&decision).as_str(), rules(&decision)), (verdict, asked));
    }
}

/// Reported of hubs whose appliance got a security group (azure-docs issue 124192).
#[test]
fn an_appliance_with_a_group_takes_nothing_to_the_internet_unless_a_rule_lets_it_in() {
    let bare = world(&lab("", GROUP, BY_NVA, "[security-group.g]\n"), "");
    let denied = ask(&bare, "mailbox", INTERNET);
    assert_eq!(
        (short(&denied).as_str(), rules(&denied)),
        ("drop security-group-denies", vec!["DenyAllInBound"])
    );
    assert!(denied.next_steps[0].to_string().contains("`hub/default`"));
    // What stays inside is of the virtual network.
    assert_eq!(short(&ask(&bare, "mailbox", "10.0.1.9")), "pass internal");
    let allowed = rule("FromSpoke", 200, &format!("{IN}\n{ALLOW}\nsource = \"10.1.0.0/16\""));
    let allowed = world(&lab("", GROUP, BY_NVA, &allowed), "");
    assert_eq!(short(&ask(&allowed, "mailbox", INTERNET)), "pass unrestricted-offer");
}

#[test]
fn what_enters_a_machine_inside_is_asked_too() {
    let smtp = rule(
        "NoMail",
        100,
        &format!("{IN}\n{DENY}\nsource = \"10.1.1.4\"\ndestination_ports = \"20-30\""),
    );
    let world = world(&lab("", GROUP, "", &smtp), "");
    assert_eq!(short(&ask(&world, "mailbox", "10.0.1.9")), "drop security-group-denies");
    assert_eq!(short(&ask(&world, "nva", "10.0.1.9")), "pass internal");
    assert_eq!(short(&ask_port(&world, "mailbox", "10.0.1.9", 587)), "pass relay-port");
}

/// azure-docs issue 22178: the tag covers what the subnet's own routes are for.
#[test]
fn with_a_default_route_the_tag_virtual_network_is_everything() {
    let only_internal =
        rule("Inside", 100, &format!("{OUT}\n{ALLOW}\ndestination = \"VirtualNetwork\""))
            + &rule("Rest", 200, &format!("{OUT}\n{DENY}"));
    let plain = world(&lab(GROUP, "", "", &only_internal), "");
    assert_eq!(short(&ask(&plain, "mailbox", INTERNET)), "drop security-group-denies");
    let routed = world(&lab(GROUP, "", BY_NVA, &only_internal), "");
    assert_eq!(short(&ask(&routed, "mailbox", INTERNET)), "pass unrestricted-offer");
    // A route to nowhere: no page speaks of it.
    let nowhere = BY_NVA.replace("\"virtual-appliance\", address = \"10.0.1.4\"", "\"none\"");
    let nowhere = world(&lab(GROUP, "", &nowhere, &only_internal), "");
    let decision = ask(&nowhere, "mailbox", INTERNET);
    assert_eq!(short(&decision), "drop no-route");
    assert_eq!(assumed(&decision), ["virtual_network_tag_by_any_default"]);
    //= N16 type=test
    assert!(ids(&decision).contains(&"N16"));
}

#[test]
fn a_tag_that_nobody_told_is_said_to_be_assumed() {
    let tagged = rule("ToStorage", 100, &format!("{OUT}\n{DENY}\ndestination = \"Storage\""));
    let untold = lab(GROUP, "", "", &tagged);
    let decision = ask(&world(&untold, ""), "mailbox", INTERNET);
    assert_eq!(short(&decision), "pass unrestricted-offer");
    assert!(assumed(&decision).contains(&"service_tag_when_unknown"));
    assert!(
        decision.warnings[0].contains("`Storage` (rule `ToStorage`)"),
        "{:?}",
        decision.warnings
    );
    let matches = [("service_tag_when_unknown", "yes")];
    let decision = ask(&world_with(&untold, &matches, ""), "mailbox", INTERNET);
    assert_eq!(short(&decision), "drop security-group-denies");
    // Told, in any casing, nothing is assumed of it.
    let told = format!("{untold}[service-tags]\nstorage = [\"203.0.113.0/24\"]\n");
    let decision = ask(&world(&told, ""), "mailbox", INTERNET);
    assert_eq!(
        (short(&decision).as_str(), assumed(&decision)),
        ("drop security-group-denies", vec![])
    );
}

#[test]
fn members_of_an_application_security_group_are_meant_and_nobody_else() {
    let smtp = rule(
        "Apps",
        100,
        &format!("{OUT}\n{DENY}\nsource_application_security_groups = [\"apps\"]"),
    );
    let text = lab(GROUP, "", "", &smtp).replace(
        "addresses = [\"10.1.1.4\"]",
        "addresses = [\"10.1.1.4\"]\napplication_security_groups = [\"apps\"]\n[machine.other]\n\
         subscription = \"mail\"\nnetwork = \"spoke\"\naddresses = [\"10.1.1.5\"]",
    );
    let world = world(&text, "");
    assert_eq!(short(&ask(&world, "mailbox", INTERNET)), "drop security-group-denies");
    assert_eq!(short(&ask(&world, "other", INTERNET)), "pass unrestricted-offer");
}

fn from_port(world: &World, port: Option<u16>) -> String {
    let source = Source::Machine(MachineName::from("mailbox"));
    let question = Question::smtp(source, INTERNET.parse().unwrap());
    short(&decide(world, &Question { source_port: port, ..question }))
}

#[test]
fn a_rule_for_source_ports_is_for_packets_from_there() {
    let low = rule("Low", 100, &format!("{OUT}\n{DENY}\nsource_ports = \"0-1023\""));
    let world = world(&lab(GROUP, "", "", &low), "");
    assert_eq!(from_port(&world, Some(1023)), "drop security-group-denies");
    assert_eq!(from_port(&world, Some(1024)), "pass unrestricted-offer");
    let source = Source::Machine(MachineName::from("mailbox"));
    let all =
        egress25_policy::by_source_port(&world, &Question::smtp(source, INTERNET.parse().unwrap()));
    let all: Vec<_> =
        all.iter().map(|(ports, decision)| (ports.clone(), short(decision))).collect();
    assert_eq!(
        all,
        [
            (0..=1023, "drop security-group-denies".to_owned()),
            (1024..=65535, "pass unrestricted-offer".to_owned())
        ]
    );
}

/// Ranges of source ports, and destinations, that a rule may name.
const RANGES: [(u16, u16); 7] =
    [(0, 0), (1, 1023), (25, 25), (20, 30), (0, 65_534), (1024, 65_535), (65_535, 65_535)];
const NAMED: [(&str, &[&str]); 6] = [
    ("*", &["203.0.113.5", "203.0.113.200", "198.51.100.9"]),
    ("203.0.113.0/24", &["203.0.113.5", "203.0.113.200"]),
    ("203.0.113.0/25", &["203.0.113.5"]),
    ("203.0.113.5", &["203.0.113.5"]),
    ("198.51.100.0/24", &["198.51.100.9"]),
    ("Internet", &["203.0.113.5", "203.0.113.200", "198.51.100.9"]),
];

proptest! {
    /// Rules are looked up by ports or addresses, never asked one by one as here.
    #[test]
    fn the_first_rule_that_fits_counts(
        all in vec((any::<bool>(), subsequence(&RANGES[..], 0..4), subsequence(&NAMED[..], 1..3)), 1..14),
        port in prop_oneof![Just(None), select(vec![0, 1, 24, 25, 30, 31, 1024, 65_534, 65_535]).prop_map(Some)],
        to in select(vec!["203.0.113.5", "203.0.113.200", "198.51.100.9"]),
    ) {
        let mut text = String::new();
        for (place, (denies, ranges, named)) in all.iter().enumerate() {
            let ranges: Vec<_> = ranges.iter().map(|(a, b)| format!("\"{a}-{b}\"")).collect();
            let ports = match ranges.as_slice() {
                [] => String::new(),
                some => format!("source_ports = [{}]", some.join(", ")),
            };
            let named: Vec<_> = named.iter().map(|(text, _)| format!("\"{text}\"")).collect();
            let keys = format!(
                "{OUT}\n{}\n{ports}\ndestination = [{}]",
                if *denies { DENY } else { ALLOW },
                named.join(", ")
            );
            text += &rule(&format!("r{place}"), 4_000 - u16::try_from(place).unwrap(), &keys);
        }
        // The last one written is asked first.
        let first = all.iter().enumerate().rev().find(|(_, (_, ranges, named))| {
            let from = ranges.is_empty()
                || port.is_some_and(|port| ranges.iter().any(|(a, b)| (*a..=*b).contains(&port)));
            from && named.iter().any(|(_, holds)| holds.contains(&to))
        });
        let expected = first.map_or("AllowInternetOutBound".to_owned(), |(place, _)| format!("r{place}"));
        let source = Source::Machine(MachineName::from("mailbox"));
        let question = Question::smtp(source, to.parse::<IpAddr>().unwrap());
        let world = world(&lab(GROUP, "", "", &text), "");
        let decision = decide(&world, &Question { source_port: port, ..question });
        prop_assert_eq!(rules(&decision), vec![expected.as_str()]);
    }
}

#[test]
fn rules_that_cannot_be_are_refused_with_their_place() {
    let udp = format!("{OUT}\n{DENY}");
    for (number, rules, expected) in [
        (0, rule("a", 99, &udp), "go from 100 to 4096"),
        (
            1,
            rule("a", 100, &udp) + &rule("b", 100, &udp),
            "the outbound rule `a` has priority 100, too",
        ),
        (1, rule("a", 100, &udp) + &rule("a", 101, &udp), "two rules `a`"),
        (0, rule("a", 100, &format!("{OUT}\naccess = \"always-allow\"")), "admin rules alone"),
        (
            0,
            rule(
                "a",
                100,
                &format!(
                    "{udp}\nsource = \"10.0.0.0/8\"\nsource_application_security_groups = [\"x\"]"
                ),
            ),
            "one of both",
        ),
    ] {
        let file = InventoryFile::parse(&lab(GROUP, "", "", &rules)).unwrap();
        let edition = egress25_policy::Edition::default_edition().unwrap();
        let error = file.build(&edition, &[]).unwrap_err();
        assert!(error.what.contains(expected), "{}", error.what);
        assert_eq!(error.key, Some(format!("security-group.g.rules[{number}]")));
    }
    for (keys, expected) in [
        ("destination_ports = \"30-20\"", "backwards"),
        ("destination_ports = [65536]", "65536 is no port"),
        ("destination_ports = \"25,587\"", "as a list"),
        ("destination_ports = []", "names no port"),
        ("source = \"10.0.0.0/33\"", "none of `*`"),
        ("source = []", "names no address"),
        ("sources = \"*\"", "unknown field"),
    ] {
        let error =
            InventoryFile::parse(&lab(GROUP, "", "", &rule("a", 100, &format!("{udp}\n{keys}"))));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_listed_routes_lead_to_was_outside_of_the_virtual_network() {
    let routes = "effective_routes = [{ prefix = \"10.1.0.0/16\", next_hop = \"vnet-local\" }, \
                  { prefix = \"10.5.0.0/16\", next_hop = \"vnet-peering\" }, \
                  { prefix = \"192.168.10.0/24\", next_hop = \"virtual-network-gateway\", \
                  source = \"virtual-network-gateway\" }]";
    let text = lab(&format!("{GROUP}\n{routes}"), "", "", "[security-group.g]\n")
        .replace("route_table = \"out\"\n", "");
    let world = world(&text, "");
    assert_eq!(short(&ask(&world, "mailbox", "192.168.10.5")), "pass on-premises");
    assert_eq!(short(&ask(&world, "mailbox", "10.5.0.5")), "pass internal");
}

#[test]
fn a_load_balancer_let_mail_into_a_machine_whose_group_denies_it() {
    let smtp = rule("NoMail", 100, &format!("{IN}\n{DENY}\ndestination_ports = 25"));
    let balancer = "[load-balancer.inner]\nnetwork = \"hub\"\naddresses = [\"10.0.1.100\"]\n\
                    machines = [\"relay\"]\n";
    let text = lab("", "", "", &format!("{smtp}{balancer}")).replace(
        "addresses = [\"10.0.1.9\"]",
        "addresses = [\"10.0.1.9\"]\nsecurity_group = \"g\"",
    );
    let world = world(&text, "");
    for to in ["10.0.1.9", "10.0.1.100"] {
        assert_eq!(short(&ask(&world, "mailbox", to)), "drop security-group-denies", "{to}");
    }
}
