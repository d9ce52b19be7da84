//! Which route wins, and what is met on the way.

use egress25_policy::{Edition, HopKind, InventoryFile, NextHop, NextStep, effective_routes};

use crate::support::{INTERNET, ask, ask_port, assumed, ids, short, world, world_with};

fn lab(routes: &str, gateway: &str, rest: &str) -> String {
    format!(
        r#"
[subscription.payg]
offer = "pay-as-you-go"
created = "2019-03-01"
[subscription.ea]
offer = "enterprise-agreement"
created = "2019-03-01"

[network.hub]
address_space = ["10.0.0.0/16"]
peerings = ["spoke"]
{gateway}
[network.hub.subnet.mail]
prefixes = ["10.0.0.0/24"]
route_table = "out"
[network.hub.subnet.nva]
prefixes = ["10.0.1.0/24"]
[network.spoke]
address_space = ["10.1.0.0/16"]
peerings = ["hub"]

[route-table.out]
routes = [{routes}]

[machine.web]
subscription = "payg"
network = "hub"
subnet = "mail"
addresses = ["10.0.0.4"]
[machine.nva]
subscription = "ea"
network = "hub"
subnet = "nva"
addresses = ["10.0.1.4"]
ip_forwarding = true
{rest}"#
    )
}

fn answer(lab: &str, to: &str) -> String {
    short(&ask(&world(lab, ""), "web", to))
}

const NVA: &str =
    r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.4" }"#;

#[test]
fn the_longest_prefix_wins() {
    let routes = format!(r#"{NVA}, {{ prefix = "203.0.113.0/24", next_hop = "none" }}"#);
    let lab = lab(&routes, "", "");
    assert_eq!(answer(&lab, "203.0.113.5"), "drop no-route");
    assert_eq!(answer(&lab, "198.51.100.5"), "pass unrestricted-offer");
}

#[test]
fn at_equal_length_a_user_defined_route_beats_bgp_and_bgp_beats_the_system() {
    let gateway = r#"gateway = { kind = "express-route", routes = ["0.0.0.0/0"] }"#;
    assert_eq!(answer(&lab("", gateway, ""), INTERNET), "pass on-premises");
    let internet = r#"{ prefix = "0.0.0.0/0", next_hop = "internet" }"#;
    assert_eq!(answer(&lab(internet, gateway, ""), INTERNET), "drop not-granted");
}

#[test]
fn the_system_routes_of_network_and_peering_win_over_a_longer_bgp_prefix() {
    let gateway = r#"gateway = { kind = "vpn", routes = ["10.0.7.0/24", "10.1.7.0/24"] }"#;
    let lab = lab("", gateway, "");
    assert_eq!(answer(&lab, "10.0.7.7"), "pass internal");
    assert_eq!(answer(&lab, "10.1.7.7"), "pass internal");
}

#[test]
fn a_longer_user_defined_route_wins_over_the_network_itself() {
    let lab = lab(r#"{ prefix = "10.1.7.0/24", next_hop = "none" }"#, "", "");
    assert_eq!(answer(&lab, "10.1.7.7"), "drop no-route");
    assert_eq!(answer(&lab, "10.1.8.8"), "pass internal");
}

#[test]
fn the_reserved_prefixes_lead_nowhere_outside_the_address_space() {
    let lab = lab("", "", "");
    for address in ["10.200.0.1", "192.168.0.1", "100.64.0.1"] {
        let decision = ask(&world(&lab, ""), "web", address);
        assert_eq!(short(&decision), "drop no-route", "{address}");
        assert_eq!(ids(&decision), ["N10"], "{address}");
    }
}

#[test]
fn a_table_can_stop_the_propagation_of_bgp_routes() {
    let gateway = r#"gateway = { kind = "vpn", routes = ["192.168.0.0/16"] }"#;
    assert_eq!(answer(&lab("", gateway, ""), "192.168.1.1"), "pass on-premises");
    let stopped = lab("", gateway, "")
        .replace("[route-table.out]", "[route-table.out]\npropagate_gateway_routes = false");
    assert_eq!(answer(&stopped, "192.168.1.1"), "drop no-route");
}

#[test]
fn an_appliances_own_subscription_decides_for_what_it_forwards() {
    let decision = ask(&world(&lab(NVA, "", ""), ""), "web", INTERNET);
    assert_eq!(short(&decision), "pass unrestricted-offer");
    assert_eq!(decision.subscription.unwrap().as_str(), "ea");
    assert_eq!(decision.machine.unwrap().as_str(), "web");
    let hops: Vec<_> = decision
        .path
        .iter()
        .map(|hop| match &hop.at {
            HopKind::Machine { machine, .. } => machine.as_str().to_owned(),
            HopKind::Firewall { firewall } => firewall.to_string(),
        })
        .collect();
    assert_eq!(hops, ["web", "nva"]);
    let blocked = lab(NVA, "", "").replace("subscription = \"ea\"", "subscription = \"payg\"");
    let decision = ask(&world(&blocked, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop not-granted");
}

#[test]
fn an_appliance_that_is_down_or_does_not_forward_loses_the_packet() {
    let still = lab(NVA, "", "").replace("ip_forwarding = true", "ip_forwarding = false");
    assert_eq!(answer(&still, INTERNET), "drop appliance-not-forwarding");
    let down = world(&lab(NVA, "", ""), "2020-12-08T09:00:00Z machine-deallocated machine=nva");
    let decision = ask(&down, "web", INTERNET);
    assert_eq!(short(&decision), "drop appliance-not-forwarding");
    assert_eq!(decision.next_steps[0].name(), "mend-route");
}

#[test]
fn an_address_that_is_nobodys_loses_the_packet() {
    assert_eq!(answer(&lab(&NVA.replace("1.4", "1.9"), "", ""), INTERNET), "drop next-hop-unknown");
}

#[test]
fn appliances_that_send_to_each_other_are_a_loop() {
    let rest = r#"
[machine.other]
subscription = "ea"
network = "hub"
subnet = "other"
addresses = ["10.0.2.4"]
ip_forwarding = true
[network.hub.subnet.other]
prefixes = ["10.0.2.0/24"]
route_table = "out"
[route-table.back]
routes = [{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.2.4" }]
"#;
    let lab = lab(NVA, "", rest).replace(
        "[network.hub.subnet.nva]\nprefixes = [\"10.0.1.0/24\"]",
        "[network.hub.subnet.nva]\nprefixes = [\"10.0.1.0/24\"]\nroute_table = \"back\"",
    );
    assert_eq!(answer(&lab, INTERNET), "drop routing-loop");
}

#[test]
fn a_gateway_that_is_not_there_loses_the_packet() {
    let route = r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-network-gateway" }"#;
    assert_eq!(answer(&lab(route, "", ""), INTERNET), "drop no-route");
}

const FIREWALL: &str = r#"
[firewall.af]
subscription = "ea"
network = "hub"
subnet = "nva"
address = "10.0.1.9"
"#;

#[test]
fn azure_firewall_is_unsupported_for_every_subscription_but_only_to_the_internet() {
    let route = r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" },
        { prefix = "10.1.0.0/16", next_hop = "virtual-appliance", address = "10.0.1.9" }"#;
    let lab = lab(route, "", FIREWALL);
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    //= RL1 type=test
    assert_eq!(short(&decision), "reject azure-firewall-unsupported");
    assert_eq!(ids(&decision), ["RL1"]);
    assert_eq!(decision.next_steps[0].name(), "route-directly");
    assert_eq!(answer(&lab, "10.1.0.9"), "pass internal");
}

#[test]
fn in_the_edition_in_force_the_firewalls_own_subscription_decides() {
    let route = r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" }"#;
    let lab = format!("edition = \"2023-12\"\n{}", lab(route, "", FIREWALL));
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&decision), "pass unrestricted-offer");
    assert_eq!(ids(&decision), ["AF1", "EA1c"]);
    // For an open offer that is the text's own word.
    assert_eq!(assumed(&decision), [""; 0]);
    let sender = world_with(&lab, &[("azure_firewall_subscription", "sender")], "");
    assert_eq!(short(&ask(&sender, "web", INTERNET)), "pass unrestricted-offer");
}

#[test]
fn what_the_firewalls_page_does_not_promise_was_told_of_what_passes_alone() {
    let route = r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" }"#;
    let updated = "2024-01-01T00:00:00Z firewall-rules-updated firewall=af";
    for (exemption, answer) in [("granted", "pass exempt"), ("none", "drop not-granted")] {
        let owner = format!("offer = \"enterprise-dev-test\"\nexemption = \"{exemption}\"");
        let lab = lab(route, "", FIREWALL).replace("offer = \"enterprise-agreement\"", &owner);
        let decision =
            ask(&world(&format!("edition = \"2023-12\"\n{lab}"), updated), "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert!(ids(&decision).contains(&"FW2c"), "{exemption}");
        // The article speaks of open types alone.
        assert!(!ids(&decision).contains(&"AF1"), "{exemption}");
    }
}

#[test]
fn an_exemption_reaches_a_firewall_when_its_rules_are_updated_or_it_is_stopped_and_started() {
    let route = r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" }"#;
    let lab = lab(route, "", &FIREWALL.replace("\"ea\"", "\"payg\"")).replace(
        "created = \"2019-03-01\"\n[subscription.ea]",
        "created = \"2019-03-01\"\nexemption = \"granted\"\n[subscription.ea]",
    );
    let lab = format!("edition = \"2018-11\"\n{lab}");
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop waiting-for-stop-and-start");
    assert!(assumed(&decision).contains(&"azure_firewall_when_silent"));
    assert!(assumed(&decision).contains(&"exemption_behind_azure_firewall"));
    assert_eq!(decision.next_steps[0].name(), "renew-firewall");
    let updated = "2019-01-01T00:00:00Z firewall-rules-updated firewall=af";
    let stopped = "2019-01-01T00:00:00Z firewall-stopped firewall=af";
    let started = format!("{stopped}\n2019-01-01T01:00:00Z firewall-started firewall=af");
    for renewed in [updated, &started] {
        let exempt = ask(&world(&lab, renewed), "web", INTERNET);
        assert_eq!(short(&exempt), "pass exempt", "{renewed}");
        assert!(!assumed(&exempt).contains(&"revocation_effect"));
        // What a change of type ended is kept until the firewall is renewed.
        let partner = "subscription=payg offer=microsoft-partner-network";
        let changed = format!("{renewed}\n2019-01-02T00:00:00Z offer-changed {partner}");
        assert_eq!(short(&ask(&world(&lab, &changed), "web", INTERNET)), "pass exempt");
        let again = format!("{changed}\n2019-01-03T00:00:00Z firewall-rules-updated firewall=af");
        assert_eq!(short(&ask(&world(&lab, &again), "web", INTERNET)), "drop exemption-lapsed");
        let revoked =
            format!("{renewed}\n2019-01-02T00:00:00Z exemption-revoked subscription=payg");
        let revoked = ask(&world(&lab, &revoked), "web", INTERNET);
        assert_eq!(short(&revoked), "drop revoked", "{renewed}");
        assert!(assumed(&revoked).contains(&"revocation_effect"));
    }
    let off = ask(&world(&lab, stopped), "web", INTERNET);
    assert_eq!(short(&off), "drop appliance-not-forwarding");
    assert!(off.next_steps[0].to_string().contains("is stopped; start it"));
}

#[test]
fn ipv6_goes_the_same_way() {
    let lab = crate::support::one("pay-as-you-go", "2019-03-01", "none");
    let lab = format!("{lab}public_address = \"2001:db8::4\"\n");
    let decision = ask(&world(&lab, ""), "web", "2001:db8::25");
    assert_eq!(short(&decision), "drop not-granted");
    let HopKind::Machine { address, .. } = &decision.path[0].at else { panic!("no machine") };
    assert_eq!(address.to_string(), "fd00:25::4");
    assert!(assumed(&decision).contains(&"ipv6_default_route"));
    let inside = ask(&world(&lab, ""), "web", "fd00:25::9");
    assert_eq!(short(&inside), "pass internal");
    assert_eq!(assumed(&inside), ["internal_destination"]);
}

#[test]
fn a_sender_by_name_leaves_by_the_interface_of_the_destinations_family() {
    let both = "network = \"hub\"\naddresses = [\"10.0.0.4\", \"fd00:25::4\"]\n";
    let one_each = ["10.0.0.4", "fd00:25::4"].map(|address| {
        format!("[[machine.web.interfaces]]\nnetwork = \"hub\"\naddresses = [\"{address}\"]\n")
    });
    let lab = crate::support::one("pay-as-you-go", "2019-03-01", "none");
    let world = world(&lab.replace(both, &one_each.concat()), "");
    for (to, from) in [(INTERNET, "10.0.0.4"), ("2001:db8::25", "fd00:25::4")] {
        let HopKind::Machine { address, .. } = &ask(&world, "web", to).path[0].at else { panic!() };
        assert_eq!(address.to_string(), from);
    }
}

#[test]
fn an_appliance_that_forwards_by_another_interface_takes_that_ones_route() {
    let one =
        "network = \"hub\"\nsubnet = \"nva\"\naddresses = [\"10.0.1.4\"]\nip_forwarding = true";
    let two = format!(
        "forwards_by = 1\n[[machine.nva.interfaces]]\n{one}\n[[machine.nva.interfaces]]\n\
         network = \"hub\"\nsubnet = \"last\"\naddresses = [\"10.0.2.4\"]\n\
         [network.hub.subnet.last]\nprefixes = [\"10.0.2.0/24\"]"
    );
    let nva = "prefixes = [\"10.0.1.0/24\"]";
    let lab = lab(NVA, "", "").replace(nva, &format!("{nva}\nroute_table = \"out\""));
    assert_eq!(answer(&lab, INTERNET), "drop routing-loop");
    assert_eq!(answer(&lab.replace(one, &two), INTERNET), "pass unrestricted-offer");
}

#[test]
fn a_destination_that_nothing_is_delivered_to_passed_for_one_that_has_a_route() {
    let world = world(&crate::support::one("enterprise-agreement", "2019-03-01", "none"), "");
    let unfit = [
        ("martian-destination", "multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"][..]),
        ("martian-destination", "broadcast", &["255.255.255.255"]),
        ("martian-destination", "loopback", &["127.0.0.1", "::1"]),
        ("martian-destination", "unspecified", &["0.0.0.0", "::"]),
        ("martian-destination", "link-local", &["169.254.7.7", "fe80::1"]),
        ("malformed", "IPv4-mapped", &["::ffff:203.0.113.5"]),
    ];
    for (reason, kind, destinations) in unfit {
        for to in destinations {
            let decision = ask(&world, "web", to);
            assert_eq!(short(&decision), format!("drop {reason}"), "{to}");
            assert!(decision.next_steps[0].to_string().contains(kind), "{to}");
        }
    }
}

#[test]
fn a_default_route_to_an_appliance_left_the_reserved_routes_in_place() {
    //= N9 type=test
    // Case 4: the way to a private address that nobody is peered with, by the hub's appliance.
    for to in ["10.200.0.1", "192.168.7.25"] {
        let decision = ask(&world(&lab(NVA, "", ""), ""), "web", to);
        assert_eq!(decision.path.len(), 2, "{to}: {decision:?}");
        assert!(ids(&decision).contains(&"N9"), "{to}");
    }
    let by_bgp = r#"gateway = { kind = "vpn", routes = ["0.0.0.0/0"] }"#;
    assert_eq!(answer(&lab("", by_bgp, ""), "192.168.7.25"), "pass on-premises");
    // A route of exactly a reserved prefix takes its place alone.
    let ten = r#"{ prefix = "10.0.0.0/8", next_hop = "virtual-appliance", address = "10.0.1.4" }"#;
    assert_eq!(ask(&world(&lab(ten, "", ""), ""), "web", "10.200.0.1").path.len(), 2);
    assert_eq!(answer(&lab(ten, "", ""), "192.168.7.25"), "drop no-route");
}

#[test]
fn a_prefix_was_reserved_in_years_in_which_it_was_not() {
    //= N10 type=test
    let of = |edition: &str, to: &str| {
        answer(&format!("edition = \"{edition}\"\n{}", lab("", "", "")), to)
    };
    for (edition, reserved) in [
        ("2018-11", true),
        ("2019-08", true),
        ("2020-12", false),
        ("2021-04", false),
        ("2022-11", true),
        ("2023-12", true),
    ] {
        let answer = of(edition, "172.16.5.5");
        assert_eq!(answer == "drop no-route", reserved, "{edition}: {answer}");
        assert_eq!(of(edition, "10.200.0.1"), "drop no-route", "{edition}");
        let answer = of(edition, "104.146.9.9");
        assert_eq!(answer == "drop no-route", edition == "2023-12", "{edition}: {answer}");
    }
}

/// A hub with a gateway, and a spoke with a machine.
fn transit(hub: &str, spoke: &str) -> String {
    format!(
        r#"
[subscription.payg]
offer = "pay-as-you-go"
created = "2019-03-01"
[network.hub]
address_space = ["10.0.0.0/16"]
peerings = [{hub}]
gateway = {{ kind = "vpn", routes = ["192.168.10.0/24"] }}
[network.spoke]
address_space = ["10.1.0.0/16"]
peerings = [{spoke}]
[machine.web]
subscription = "payg"
network = "spoke"
addresses = ["10.1.0.4"]
"#
    )
}

#[test]
fn a_spoke_could_not_use_the_hubs_gateway() {
    let hub = r#"{ network = "spoke", allow_gateway_transit = true }"#;
    let spoke = r#"{ network = "hub", use_remote_gateways = true }"#;
    let to = "192.168.10.25";
    assert_eq!(answer(&transit(hub, spoke), to), "pass on-premises");
    assert_eq!(answer(&transit(hub, "\"hub\""), to), "drop no-route");
    assert_eq!(answer(&transit("\"spoke\"", spoke), to), "drop no-route");
    let own = transit(hub, spoke)
        .replace("[network.spoke]", "[network.spoke]\ngateway = { kind = \"vpn\", routes = [] }");
    let refused = InventoryFile::parse(&own).unwrap();
    let edition = Edition::default_edition().unwrap();
    let refused = refused.build(&edition, &[]).unwrap_err().to_string();
    assert!(refused.contains("a gateway of its own"), "{refused}");
}

#[test]
fn a_peering_that_one_side_alone_has_carried_packets() {
    //= N12 type=test
    let (both, none) = ("\"spoke\"", "");
    assert_eq!(answer(&transit(both, "\"hub\""), "10.0.0.9"), "pass internal");
    for (hub, spoke) in [
        (both, none),
        (none, "\"hub\""),
        (both, r#"{ network = "hub", allow_virtual_network_access = false }"#),
    ] {
        assert_eq!(answer(&transit(hub, spoke), "10.0.0.9"), "drop no-route", "{hub} {spoke}");
    }
}

#[test]
fn another_port_passed_where_no_route_leads() {
    let none = lab(r#"{ prefix = "0.0.0.0/0", next_hop = "none" }"#, "", "");
    let decision = ask_port(&world(&none, ""), "web", INTERNET, 587);
    assert_eq!(short(&decision), "drop no-route");
    assert_eq!(decision.next_steps[0].name(), "mend-route");
    // What the filter says of the way's end is no ground of it.
    let passes = ask_port(&world(&lab(NVA, "", ""), ""), "web", INTERNET, 587);
    assert_eq!((short(&passes).as_str(), passes.path.len()), ("pass relay-port", 2));
    assert_eq!(
        (ids(&passes), assumed(&passes)),
        (vec!["G3", "G4"], vec!["default_outbound_when_unsaid"])
    );
}

#[test]
fn behind_the_hubs_firewall_the_advice_was_a_relay_and_the_hubs_exemption_counted_for_nothing() {
    let lab = r#"
edition = "2021-08"
[subscription.hub]
offer = "pay-as-you-go"
created = "2019-03-01"
[subscription.spoke]
offer = "pay-as-you-go"
created = "2019-03-01"
exemption = "granted"
[network.hub]
address_space = ["10.0.0.0/16"]
peerings = ["spoke"]
[network.spoke]
address_space = ["10.1.0.0/16"]
peerings = ["hub"]
[network.spoke.subnet.mail]
prefixes = ["10.1.0.0/24"]
route_table = "out"
[route-table.out]
routes = [{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.4" }]
[firewall.af]
subscription = "hub"
network = "hub"
address = "10.0.1.4"
[machine.web]
subscription = "spoke"
network = "spoke"
addresses = ["10.1.0.4"]
started_since_grant = true
"#;

    let at = |events: &str| ask(&world(lab, events), "web", INTERNET);
    let before = at("");
    assert_eq!(short(&before), "drop not-granted");
    assert!(before.next_steps.iter().any(|step| {
        matches!(step, NextStep::AskForExemption { subscription, .. } if subscription.as_str() == "hub")
    }));
    let granted = "2021-09-05T00:00:00Z exemption-asked subscription=hub
                   2021-09-06T00:00:00Z exemption-granted subscription=hub";
    let waiting = at(granted);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
    assert!(waiting.next_steps.iter().any(|step| step.name() == "renew-firewall"));
    let renewed =
        at(&format!("{granted}\n2021-09-07T00:00:00Z firewall-rules-updated firewall=af"));
    assert_eq!(short(&renewed), "pass exempt");
    assert!(assumed(&renewed).contains(&"exemption_behind_azure_firewall"));
}

/// Spokes that reach each other by a hub's appliance.
fn spokes(side: &str) -> String {
    format!(
        r#"
[subscription.ea]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.one]
address_space = ["10.1.0.0/16"]
peerings = ["hub"]
[network.one.subnet.default]
prefixes = ["10.1.1.0/24"]
route_table = "hub"
[network.hub]
address_space = ["10.0.0.0/16"]
peerings = ["one", "two"]
[network.two]
address_space = ["10.2.0.0/16"]
peerings = [{side}]
[route-table.hub]
routes = [{{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.2.4" }}]
[machine.web]
subscription = "ea"
network = "one"
addresses = ["10.1.1.4"]
[machine.nva]
subscription = "ea"
network = "hub"
addresses = ["10.0.2.4"]
ip_forwarding = true
"#
    )
}

#[test]
fn a_spoke_that_lets_in_no_forwarded_traffic_was_reached_by_an_appliance() {
    let unsaid = ask(&world(&spokes("\"hub\""), ""), "web", "10.2.0.4");
    assert_eq!(short(&unsaid), "pass internal");
    assert!(assumed(&unsaid).contains(&"forwarded_traffic_when_unsaid"));
    let side = |said: bool| format!("{{ network = \"hub\", allow_forwarded_traffic = {said} }}");
    let said = ask(&world(&spokes(&side(true)), ""), "web", "10.2.0.4");
    assert_eq!(
        (short(&said), assumed(&said)),
        ("pass internal".to_owned(), vec!["internal_destination"])
    );
    let kept_out = world(&spokes(&side(false)), "");
    let decision = ask(&kept_out, "web", "10.2.0.4");
    assert_eq!(short(&decision), "drop no-route");
    assert!(ids(&decision).contains(&"N12"));
    // What the hub's own machine sends is not forwarded.
    assert_eq!(short(&ask(&kept_out, "nva", "10.2.0.4")), "pass internal");
}

/// A hub with three peers, of which two have the same addresses, and networks that it does not reach
/// with those addresses, too.
fn same_addresses(strangers: usize) -> String {
    let network = |name: &str, prefix: &str, peerings: &str, address: &str| {
        format!(
            "[network.{name}]\naddress_space = [\"{prefix}\"]\npeerings = [{peerings}]\n\
             [machine.{name}]\nsubscription = \"s\"\nnetwork = \"{name}\"\naddresses = [\"{address}\"]\n"
        )
    };
    let same = |name: &str, peerings: &str| network(name, "10.1.0.0/16", peerings, "10.1.0.4");
    let strangers: String = (0..strangers).map(|at| same(&format!("a{at}"), "")).collect();
    format!(
        "[subscription.s]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n{strangers}{}{}{}{}{}",
        network("hub", "10.0.0.0/16", r#""none", "far", "first", "c""#, "10.0.0.4"),
        same("none", r#"{ network = "hub", allow_virtual_network_access = false }"#),
        network("far", "10.2.0.0/16", "\"hub\"", "10.2.0.4"),
        same("first", "\"hub\""),
        same("c", "\"hub\""),
    )
}

#[test]
fn whoever_reaches_several_with_one_address_asks_the_first_however_many_others_have_it() {
    //= N12 type=test
    for strangers in 0..6 {
        let listed = "[network.hub.subnet.default]\nprefixes = [\"10.0.0.0/16\"]\neffective_routes = \
                      [{ prefix = \"10.1.0.0/16\", next_hop = \"vnet-peering\" }]\n";
        let services = "[load-balancer.in]\nnetwork = \"far\"\naddresses = [\"10.2.0.9\"]\nmachines = \
                        [\"far\"]\n[firewall.af]\nsubscription = \"s\"\nnetwork = \"c\"\naddress = \
                        \"10.1.0.9\"\n[machine.at_its_address]\nsubscription = \"s\"\nnetwork = \
                        \"first\"\naddresses = [\"10.1.0.9\"]\n";
        let world = world(&(same_addresses(strangers) + listed + services), "");
        for (to, expected) in [
            ("10.1.0.4", "first"),
            ("10.2.0.4", "far"),
            ("10.0.0.4", "hub"),
            ("10.2.0.9", "far"),
            // A firewall before a machine, whichever network comes first.
            ("10.1.0.9", "c"),
        ] {
            let hub = "hub".into();
            let found = world.network_of_appliance(&hub, to.parse().unwrap()).unwrap();
            assert_eq!(found.as_str(), expected, "{strangers} strangers");
        }
        let routes = effective_routes(&world, &"hub".into(), &"default".into());
        assert_eq!(routes[0].next_hop, NextHop::Peering("first".into()), "{strangers} strangers");
    }
}

#[test]
fn of_two_sides_with_one_network_the_open_one_counted() {
    // New files are refused; a store can have begun with one.
    let closed = r#"{ network = "spoke", allow_virtual_network_access = false }"#;
    for (sides, expected) in [
        (format!("{closed}, \"spoke\""), "drop no-route"),
        (format!("\"spoke\", {closed}"), "pass internal"),
    ] {
        assert_eq!(answer(&transit(&sides, "\"hub\""), "10.0.0.9"), expected, "{sides}");
    }
}
