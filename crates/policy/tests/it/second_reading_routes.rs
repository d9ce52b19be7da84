//! What a second reading found wrong of routes, appliances and firewalls, one test each.

use egress25_policy::{CellMap, LeadsTo, NextStep, Reason, SenderClass};

use crate::support::{INTERNET, ask, assumed, ids, short, steps, world, world_with};

fn network(name: &str, address_space: &str, peer: &str) -> String {
    let peerings = if peer.is_empty() { String::new() } else { format!("peerings = [\"{peer}\"]") };
    format!("[network.{name}]\naddress_space = [\"{address_space}\"]\n{peerings}\n")
}

#[test]
fn an_address_space_as_large_as_a_reserved_prefix_is_not_nowhere() {
    let lab = |address_space: &str, address: &str| {
        format!(
            "[subscription.s]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n{}{}\
             [machine.web]\nsubscription = \"s\"\nnetwork = \"hub\"\naddresses = [\"{address}\"]\n",
            network("hub", address_space, "spoke"),
            network("spoke", "172.16.0.0/12", "hub")
        )
    };
    let answer = |lab: &str, to: &str| short(&ask(&world(lab, ""), "web", to));
    let ten = lab("10.0.0.0/8", "10.0.0.4");
    assert_eq!(answer(&ten, "10.200.0.1"), "pass internal");
    assert_eq!(answer(&ten, "192.168.0.1"), "drop no-route");
    assert_eq!(answer(&ten, "172.20.0.1"), "pass internal", "the peered one's");
    let larger = lab("192.0.0.0/8", "192.0.2.4");
    assert_eq!(answer(&larger, "192.168.0.1"), "pass internal");
    assert_eq!(answer(&larger, "10.0.0.1"), "drop no-route");
}

/// The sender `web`, an appliance `nva`, perhaps another behind it, and a firewall.
fn lab(web: &str, nva: &str, routes: &str, nva_routes: &str) -> String {
    format!(
        r#"
[subscription.web]
{web}
[subscription.nva]
{nva}
[subscription.ea]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.hub]
address_space = ["10.0.0.0/16", "fd00:25::/64"]
[network.hub.subnet.mail]
prefixes = ["10.0.0.0/24", "fd00:25::/80"]
route_table = "out"
[network.hub.subnet.nva]
prefixes = ["10.0.1.0/24", "fd00:25:0:0:1::/80"]
route_table = "on"
[network.hub.subnet.last]
prefixes = ["10.0.2.0/24", "fd00:25:0:0:2::/80"]
[route-table.out]
routes = [{routes}]
[route-table.on]
routes = [{nva_routes}]
[firewall.af]
subscription = "nva"
network = "hub"
subnet = "last"
address = "10.0.2.9"
[firewall.af6]
subscription = "nva"
network = "hub"
subnet = "last"
address = "fd00:25:0:0:2::9"
[machine.nva]
subscription = "nva"
network = "hub"
subnet = "nva"
addresses = ["10.0.1.4"]
ip_forwarding = true
[machine.last]
subscription = "ea"
network = "hub"
subnet = "last"
addresses = ["10.0.2.4"]
ip_forwarding = true
[machine.web]
subscription = "web"
network = "hub"
subnet = "mail"
addresses = ["10.0.0.4", "fd00:25::4"]
"#
    )
}

fn to(prefix: &str, address: &str) -> String {
    format!(r#"{{ prefix = "{prefix}", next_hop = "virtual-appliance", address = "{address}" }}"#)
}

const PAYG: &str = "offer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n";
const GRANTED: &str =
    "offer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\nexemption = \"granted\"\n";
const EXEMPT: &str = "started_since_grant = true\n";

#[test]
fn an_outside_address_that_a_route_keeps_in_the_network_is_not_internal() {
    let kept = r#"{ prefix = "203.0.113.0/24", next_hop = "vnet-local" },
        { prefix = "10.0.7.0/24", next_hop = "vnet-local" }"#;
    let world = world(&lab(PAYG, PAYG, kept, ""), "");
    assert_eq!(short(&ask(&world, "web", INTERNET)), "drop no-route");
    assert_eq!(short(&ask(&world, "web", "10.0.7.7")), "pass internal");
    let (network, subnet) = ("hub".into(), "mail".into());
    let class = SenderClass {
        network,
        subnet,
        ways_out: [true, false],
        indirect: [false; 2],
        by_the_service: egress25_policy::ByTheService::Nothing,
        forwarder: None,
        screened: None,
    };
    let cells = CellMap::new(&world).cells(&class);
    let leads = |to: &str| cells.at(to.parse().unwrap()).map(|cell| cell.leads_to.clone());
    assert_eq!(leads(INTERNET), Some(LeadsTo::Reason(Reason::NoRoute)));
    assert_eq!(leads("10.0.7.7"), Some(LeadsTo::Reason(Reason::Internal)));
}

#[test]
fn an_exemption_that_nobody_needs_does_not_block_behind_an_appliance() {
    let open =
        "offer = \"enterprise-agreement\"\ncreated = \"2019-03-01\"\nexemption = \"granted\"\n";
    let route = to("0.0.0.0/0", "10.0.2.4");
    let set = [("exempt_via_appliance", "blocked")];
    let needless = format!("{}{EXEMPT}", lab(open, PAYG, &route, ""));
    let decision = ask(&world_with(&needless, &set, ""), "web", INTERNET);
    assert_eq!(short(&decision), "pass unrestricted-offer");
    let needed = format!("{}{EXEMPT}", lab(GRANTED, PAYG, &route, ""));
    let decision = ask(&world_with(&needed, &set, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop exemption-does-not-cover");
}

#[test]
fn exempt_traffic_blocked_behind_appliances_is_told_its_own_hop_and_the_relay() {
    let lab = format!(
        "{}{EXEMPT}",
        lab(GRANTED, PAYG, &to("0.0.0.0/0", "10.0.1.4"), &to("0.0.0.0/0", "10.0.2.4"))
    );
    let set = [("exempt_via_appliance", "blocked")];
    let decision = ask(&world_with(&lab, &set, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop exemption-does-not-cover");
    assert_eq!(decision.path.len(), 3);
    assert_eq!(steps(&decision), ["route-directly", "use-relay"]);
    let NextStep::RouteDirectly { instead_of, .. } = &decision.next_steps[0] else { panic!() };
    assert_eq!(instead_of.to_string(), "10.0.1.4");
}

#[test]
fn an_exemption_without_terms_of_its_own_does_not_cover_an_appliance_either() {
    let csp = GRANTED.replace("pay-as-you-go", "cloud-solution-provider");
    let lab = format!("{}{EXEMPT}", lab(&csp, PAYG, &to("0.0.0.0/0", "10.0.2.4"), ""));
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    //= PG8 type=test
    assert_eq!(ids(&decision), ["PG7", "PG8", "EA1"]);
    let ours = ["exempt_via_appliance", "exemption_terms_when_silent"];
    assert_eq!(assumed(&decision), [&ours[..], &["default_outbound_when_unsaid"]].concat());
}

#[test]
fn a_firewalls_subscription_that_has_asked_is_not_one_that_has_not() {
    let cases = [
        ("none", "drop not-granted", "ask-for-exemption"),
        ("requested", "drop request-pending", "await-answer"),
        ("further-steps", "drop further-steps", "take-further-steps"),
        ("granted", "drop waiting-for-stop-and-start", "renew-firewall"),
        ("refused", "drop request-refused", "ask-for-exemption"),
        ("revoked", "drop revoked", "ask-for-exemption"),
        ("lapsed", "drop exemption-lapsed", "ask-for-exemption"),
    ];
    for (exemption, answer, step) in cases {
        let firewalls = format!("{PAYG}exemption = \"{exemption}\"\n");
        let lab = lab(PAYG, &firewalls, &to("0.0.0.0/0", "10.0.2.9"), "");
        let decision = ask(&world(&format!("edition = \"2018-11\"\n{lab}"), ""), "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert_eq!(steps(&decision), [step, "use-relay"], "{exemption}");
    }
}

#[test]
fn an_exemption_that_does_not_cover_a_firewall_does_not_whichever_subscription_decides() {
    let granted = GRANTED.replace("pay-as-you-go", "enterprise-dev-test");
    let lab = lab(&granted, &granted, &to("0.0.0.0/0", "10.0.2.9"), "");
    let lab = format!("edition = \"2023-12\"\n{lab}{EXEMPT}");
    for subscription in ["firewall", "sender"] {
        let set = [
            ("azure_firewall_subscription", subscription),
            ("exemption_behind_azure_firewall", "does-not-cover"),
        ];
        let decision = ask(&world_with(&lab, &set, ""), "web", INTERNET);
        assert_eq!(short(&decision), "drop exemption-does-not-cover", "{subscription}");
        assert!(ids(&decision).contains(&"CV1"), "{subscription}");
        assert_eq!(steps(&decision), ["route-directly", "use-relay"], "{subscription}");
    }
}

#[test]
fn an_old_subscription_is_an_unrestricted_one_for_azure_firewall_too() {
    let old = PAYG.replace("2019", "2017");
    let lab = lab(&old, PAYG, &to("0.0.0.0/0", "10.0.2.9"), "");
    let by_default = ask(&world(&lab, ""), "web", INTERNET);
    //= RL1 type=test
    assert_eq!(short(&by_default), "reject azure-firewall-unsupported");
    assert!(assumed(&by_default).contains(&"ea_via_azure_firewall"));
    let set = [("ea_via_azure_firewall", "unrestricted")];
    let other = ask(&world_with(&lab, &set, ""), "web", INTERNET);
    assert_eq!(short(&other), "pass predates-restriction");
}

#[test]
fn behind_a_firewall_the_way_to_the_ipv6_internet_is_assumed_as_well() {
    let lab = lab(PAYG, PAYG, &to("::/0", "fd00:25:0:0:2::9"), "");
    // Azure Firewall carries no IPv6.
    let decision = ask(&world(&lab, ""), "web", "2001:db8::25");
    assert_eq!(short(&decision), "drop appliance-not-forwarding");
    assert_eq!(assumed(&decision), ["azure_firewall_ipv6"]);
    //= N4 type=test
    assert_eq!(ids(&decision), ["N4"]);
    let carried = ("azure_firewall_ipv6", "yes");
    let decision = ask(&world_with(&lab, &[carried], ""), "web", "2001:db8::25");
    assert_eq!(short(&decision), "reject azure-firewall-unsupported");
    assert!(assumed(&decision).contains(&"ipv6_default_route"));
    let none =
        ask(&world_with(&lab, &[carried, ("ipv6_default_route", "no")], ""), "web", "2001:db8::25");
    assert_eq!(short(&none), "drop no-route");
    assert!(assumed(&none).contains(&"ipv6_default_route"));
}
