//! Ways out: what a route sends to the Internet finds one, or does not leave.

use crate::support::{INTERNET, ask, ask_port, assumed, ids, short, world, world_with};
use egress25_policy::InventoryFile;

const V6: &str = "2001:db8::25";

/// A machine of an Enterprise Agreement in a subnet, with more keys of the subnet, of the machine,
/// and more of the inventory.
fn lab(subnet: &str, machine: &str, more: &str) -> String {
    format!(
        r#"
[subscription.mail]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.vnet]
address_space = ["10.0.0.0/16", "fd00:25::/64"]
[network.vnet.subnet.default]
prefixes = ["10.0.1.0/24", "fd00:25::/80"]
{subnet}
[machine.mailbox]
subscription = "mail"
network = "vnet"
addresses = ["10.0.1.4", "fd00:25::4"]
{machine}
{more}"#
    )
}

const PRIVATE: &str = "default_outbound_access = false";
const BY_NAT: &str = "default_outbound_access = false\nnat_gateway = \"nat\"";
const NAT: &str = "[nat-gateway.nat]";

/// What becomes of port 25 to the IPv4 and to the IPv6 Internet.
fn both(subnet: &str, machine: &str, more: &str) -> [String; 2] {
    let world = world(&lab(subnet, machine, more), "");
    [INTERNET, V6].map(|to| short(&ask(&world, "mailbox", to)))
}

const PASS: &str = "pass unrestricted-offer";
const NONE: &str = "drop no-outbound-access";

#[test]
fn a_private_subnet_let_mail_out() {
    let world = world(&lab(PRIVATE, "", ""), "");
    let decision = ask(&world, "mailbox", INTERNET);
    assert_eq!(short(&decision), NONE);
    //= N5 type=test
    //= N6 type=test
    assert_eq!(ids(&decision), ["N5", "N6"]);
    assert!(assumed(&decision).is_empty());
    assert!(decision.next_steps[0].to_string().contains("NAT gateway"));
    // Not the platform's filter: it meets every port.
    assert_eq!(short(&ask_port(&world, "mailbox", INTERNET, 587)), NONE);
    assert_eq!(short(&ask(&world, "mailbox", "10.0.1.9")), "pass internal");
}

#[test]
fn each_way_out_takes_the_families_that_it_carries() {
    let balancer = |keys: &str| {
        format!("[load-balancer.front]\nmachines = [\"mailbox\"]\naddresses = {keys}\n")
    };
    let rules = balancer("[\"198.51.100.7\"]\noutbound_rules = [\"198.51.100.7\"]");
    let v6_rules = balancer("[\"2001:db8::7\"]\noutbound_rules = [\"2001:db8::7\"]");
    let frontend = balancer("[\"198.51.100.7\", \"2001:db8::7\"]");
    let without_snat = balancer("[\"198.51.100.7\"]\ndisable_outbound_snat = true");
    let internal = balancer("[\"10.0.1.7\"]\nnetwork = \"vnet\"");
    let basic = balancer("[\"10.0.1.7\"]\nnetwork = \"vnet\"\nsku = \"basic\"");
    let public = "public_address = \"198.51.100.4\"";
    let two = "public_address = [\"198.51.100.4\", \"2001:db8::4\"]";
    let v2 = "[nat-gateway.nat]\nsku = \"standard-v2\"";
    let v2_both = "[nat-gateway.nat]\nsku = \"standard-v2\"\naddresses = [\"2001:db8::9\"]";
    for (subnet, machine, more, v4, v6) in [
        ("", "", "", PASS, NONE),
        ("default_outbound_access = true", "", "", PASS, NONE),
        (PRIVATE, "", "", NONE, NONE),
        (PRIVATE, public, "", PASS, NONE),
        (PRIVATE, two, "", PASS, PASS),
        (BY_NAT, "", NAT, PASS, NONE),
        (BY_NAT, "", v2, PASS, NONE),
        (BY_NAT, "", v2_both, PASS, PASS),
        (PRIVATE, "", &rules, PASS, NONE),
        (PRIVATE, "", &v6_rules, NONE, PASS),
        //= N7 type=test
        (PRIVATE, "", &frontend, PASS, NONE),
        (PRIVATE, "", &without_snat, NONE, NONE),
        ("", "", &internal, NONE, NONE),
        ("", "", &basic, PASS, NONE),
        ("", public, &internal, PASS, NONE),
        ("", "kind = \"flexible-scale-set\"", "", NONE, NONE),
        ("", "kind = \"scale-set\"", "", PASS, NONE),
    ] {
        assert_eq!(both(subnet, machine, more), [v4, v6], "{subnet} {machine} {more}");
    }
}

#[test]
fn a_pass_that_rests_on_a_reading_of_the_way_out_names_it() {
    let named = |subnet: &str, machine: &str, more: &str| {
        let world = world(&lab(subnet, machine, more), "");
        let decision = ask(&world, "mailbox", INTERNET);
        assert_eq!(short(&decision), PASS);
        assumed(&decision).iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named("", "", ""), ["default_outbound_when_unsaid"]);
    assert!(named("default_outbound_access = true", "", "").is_empty());
    assert!(named(BY_NAT, "", NAT).is_empty());
    let frontend = "[load-balancer.a]\naddresses = [\"198.51.100.7\"]\nmachines = [\"mailbox\"]";
    assert_eq!(named(PRIVATE, "", frontend), ["implicit_lb_in_private_subnet"]);
    let blocked = lab("", "", "").replace("enterprise-agreement", "pay-as-you-go");
    let blocked = ask(&world(&blocked, ""), "mailbox", INTERNET);
    assert_eq!(
        (short(&blocked).as_str(), assumed(&blocked)),
        ("drop not-granted", vec!["block_form"])
    );
    let none = [("default_outbound_when_unsaid", "no")];
    let none = ask(&world_with(&lab("", "", ""), &none, ""), "mailbox", INTERNET);
    assert_eq!(short(&none), NONE);
    assert_eq!(assumed(&none), ["default_outbound_when_unsaid"]);
}

#[test]
fn what_a_setting_filters_like_the_internet_needs_no_way_out_to_it() {
    let world = world_with(&lab(PRIVATE, "", ""), &[("internal_destination", "filtered")], "");
    assert_eq!(short(&ask(&world, "mailbox", "10.0.1.9")), PASS);
}

#[test]
fn the_way_out_is_that_of_the_hop_that_sends_to_the_internet() {
    let nva = |keys: &str| {
        format!(
            r#"
[machine.nva]
subscription = "mail"
network = "hub"
addresses = ["10.1.0.4"]
ip_forwarding = true
{keys}
[network.hub]
address_space = ["10.1.0.0/16"]
peerings = ["vnet"]
[network.hub.subnet.default]
prefixes = ["10.1.0.0/24"]
default_outbound_access = false
[route-table.out]
routes = [{{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.1.0.4" }}]"#
        )
    };
    let answer = |keys: &str| {
        let lab = lab("default_outbound_access = false\nroute_table = \"out\"", "", &nva(keys));
        let lab = lab.replacen("[network.vnet]", "[network.vnet]\npeerings = [\"hub\"]", 1);
        ask(&world(&lab, ""), "mailbox", INTERNET)
    };
    assert_eq!(short(&answer("public_address = \"198.51.100.9\"")), PASS);
    let none = answer("");
    assert_eq!(short(&none), NONE);
    assert!(none.next_steps[0].to_string().contains("`nva` has no way out"));
}

#[test]
fn a_machine_that_leaves_by_what_nobody_said_is_told() {
    let surprises = |subnet: &str, machine: &str, more: &str| {
        world(&lab(subnet, machine, more), "").surprises().join("\n")
    };
    let unsaid = surprises("", "", "");
    assert!(
        unsaid.contains("`vnet/default`")
            && unsaid.contains("the only way to the Internet of mailbox"),
        "{unsaid}"
    );
    for (subnet, machine, more) in [
        ("default_outbound_access = true", "", ""),
        (PRIVATE, "", ""),
        ("nat_gateway = \"nat\"", "", NAT),
        ("", "public_address = \"198.51.100.4\"", ""),
    ] {
        assert_eq!(surprises(subnet, machine, more), "", "{subnet} {machine}");
    }
}

#[test]
fn what_cannot_be_a_way_out_is_refused_with_its_key() {
    let refused = |lab: &str| {
        let file = InventoryFile::parse(lab).map_err(|error| error.what);
        let edition = egress25_policy::Edition::default_edition().unwrap();
        match file {
            Ok(file) => {
                let error = file.build(&edition, &[]).unwrap_err();
                format!("{}: {}", error.key.unwrap_or_default(), error.what)
            }
            Err(what) => what,
        }
    };
    let balancer = |keys: &str| lab("", "", &format!("[load-balancer.a]\n{keys}"));
    for (lab, expected) in [
        (lab("nat_gateway = \"nat\"", "", ""), "there is no NAT gateway `nat`"),
        (
            lab("", "", "[nat-gateway.nat]\naddresses = [\"2001:db8::9\"]"),
            "an IPv6 address, which a `standard-v2` alone has",
        ),
        (
            lab("", "", NAT).replacen("[network.vnet]", "[network.vnet]\nnat_gateway = \"nat\"", 1),
            "a `standard-v2` alone is for a whole network",
        ),
        (
            lab("", "public_address = \"10.0.1.9\"", ""),
            "machine.mailbox.public_address: 10.0.1.9 is a private address",
        ),
        (
            lab(
                "",
                "public_address = \"198.51.100.7\"",
                "[nat-gateway.n]\naddresses = [\"198.51.100.7\"]",
            ),
            "198.51.100.7 stands in `machine.mailbox.public_address`, too",
        ),
        (balancer("addresses = [\"169.254.1.1\"]\nmachines = []"), "not a public one"),
        (balancer("addresses = []\nmachines = []"), "needs at least one frontend's"),
        (
            balancer("addresses = [\"198.51.100.7\"]\nmachines = [\"other\"]"),
            "there is no machine `other`",
        ),
        (
            balancer(
                "addresses = [\"198.51.100.7\"]\nmachines = [{ machine = \"mailbox\", interface = 1 }]",
            ),
            "`mailbox` has 1 interfaces",
        ),
        (
            balancer(
                "addresses = [\"198.51.100.7\"]\nmachines = []\noutbound_rules = [\"198.51.100.8\"]",
            ),
            "none of the balancer's `addresses`",
        ),
        (
            balancer("network = \"vnet\"\naddresses = [\"198.51.100.7\"]\nmachines = []"),
            "lies outside network `vnet`",
        ),
        (lab("", "public_address = \"here\"", ""), "an address, or a list of addresses"),
    ] {
        let what = refused(&lab);
        assert!(what.contains(expected), "{what}\n{expected}");
    }
}

/// A subnet whose default route leads to a load balancer before two appliances, with keys of the
/// balancer and of each appliance.
fn behind_a_balancer(balancer: &str, appliances: [&str; 2]) -> String {
    let appliance = |name: &str, host: u8, keys: &str| {
        format!(
            "[machine.{name}]\nsubscription = \"mail\"\nnetwork = \"vnet\"\nsubnet = \"hub\"\n\
             addresses = [\"10.0.2.{host}\"]\npublic_address = \"198.51.100.{host}\"\n{keys}\n"
        )
    };
    let [first, second] = appliances;
    let more = format!(
        r#"{}{}
[network.vnet.subnet.hub]
prefixes = ["10.0.2.0/24"]
[load-balancer.inner]
network = "vnet"
addresses = ["10.0.2.10"]
machines = ["nva-1", "nva-2"]
{balancer}
[route-table.out]
routes = [{{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.2.10" }}]"#,
        appliance("nva-1", 4, first),
        appliance("nva-2", 5, second)
    );
    lab("route_table = \"out\"", "", &more)
}

#[test]
fn a_next_hop_that_is_a_load_balancers_frontend_belonged_to_nobody() {
    const FORWARDS: &str = "ip_forwarding = true";
    let ask_of = |balancer: &str, appliances: [&str; 2]| {
        ask(&world(&behind_a_balancer(balancer, appliances), ""), "mailbox", INTERNET)
    };
    let decision = ask_of("", [FORWARDS, FORWARDS]);
    //= N11 type=test
    assert_eq!(short(&decision), PASS);
    assert!(ids(&decision).contains(&"N11"), "{:?}", ids(&decision));
    assert_eq!(assumed(&decision), ["load_balancer_ports_when_unsaid"]);
    assert_eq!(decision.path.len(), 2);
    // Any of them takes it on; where none does, the first says why.
    let stopped = "ip_forwarding = true\npower = \"deallocated\"";
    assert_eq!(short(&ask_of("", [stopped, FORWARDS])), PASS);
    assert_eq!(short(&ask_of("", ["", FORWARDS])), PASS);
    let none = ask_of("", [stopped, ""]);
    assert_eq!(short(&none), "drop appliance-not-forwarding");
    assert!(none.next_steps[0].to_string().contains("`nva-1` is `deallocated`"));
    let world_of = world(&behind_a_balancer("", [FORWARDS, FORWARDS]), "");
    let relay = ask_port(&world_of, "mailbox", INTERNET, 587);
    assert_eq!(assumed(&relay), ["load_balancer_ports_when_unsaid"]);
    // It passes on what its rules cover.
    for (ports, to_25, to_587) in [
        ("ports = \"all\"", PASS, "pass relay-port"),
        ("ports = [25]", PASS, "drop no-route"),
        ("ports = [587]", "drop no-route", "pass relay-port"),
    ] {
        let world = world(&behind_a_balancer(ports, [FORWARDS, FORWARDS]), "");
        assert_eq!(short(&ask(&world, "mailbox", INTERNET)), to_25, "{ports}");
        assert_eq!(short(&ask_port(&world, "mailbox", INTERNET, 587)), to_587, "{ports}");
    }
}

/// No page says whether an exemption covers what a NAT gateway or a load balancer takes out.
#[test]
fn an_exempt_machine_behind_a_nat_gateway_said_nothing_of_what_that_rests_on() {
    let exempt = |subnet: &str, machine: &str, more: &str, set: &[(&str, &str)]| {
        let text = lab(subnet, &format!("started_since_grant = true\n{machine}"), more)
            .replace("\"enterprise-agreement\"", "\"pay-as-you-go\"\nexemption = \"granted\"");
        ask(&world_with(&text, set, ""), "mailbox", INTERNET)
    };
    let decision = exempt(BY_NAT, "", NAT, &[]);
    assert_eq!(short(&decision), "pass exempt");
    assert!(assumed(&decision).contains(&"snat_is_direct"));
    let decision = exempt(BY_NAT, "", NAT, &[("snat_is_direct", "no")]);
    assert_eq!(short(&decision), "drop exemption-does-not-cover");
    //= N8 type=test
    assert!(ids(&decision).contains(&"N8"));
    // An address of its own translates nothing that others share.
    let public =
        exempt(PRIVATE, "public_address = \"198.51.100.4\"", "", &[("snat_is_direct", "no")]);
    assert_eq!(short(&public), "pass exempt");
    assert!(!assumed(&public).contains(&"snat_is_direct"));
}

#[test]
fn what_an_export_says_of_an_interface_holds_before_its_subnet() {
    for (subnet, said, expected) in
        [("", "false", NONE), (PRIVATE, "true", PASS), ("", "true", PASS), (PRIVATE, "false", NONE)]
    {
        let machine = format!("default_outbound_connectivity = {said}");
        assert_eq!(both(subnet, &machine, "")[0], expected, "{subnet} {said}");
    }
}

#[test]
fn ipv6_outbound_rules_beside_a_standard_v2_gateway_were_told_to_work() {
    let rules = "[load-balancer.front]\nmachines = [\"mailbox\"]\naddresses = [\"2001:db8::7\"]\n\
                 outbound_rules = [\"2001:db8::7\"]\n[nat-gateway.nat]\nsku = \"standard-v2\"\n";
    let decision = ask(&world(&lab("nat_gateway = \"nat\"", "", rules), ""), "mailbox", V6);
    assert_eq!(short(&decision), PASS);
    assert!(decision.warnings[0].contains("known issue"), "{:?}", decision.warnings);
}
