//! Effective routes and rules: of worlds of ours against rows written by hand from Microsoft's
//! articles on routing and on security groups, and of exports of Azure.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use egress25_policy::{
    Edition, InventoryFile, MachineName, NextHop, Question, RouteOrigin, Source, World, decide,
    effective_routes,
};
use serde_json::Value;

use crate::program::repository;

fn world(text: &str) -> World {
    let file = InventoryFile::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let edition = Edition::named(file.edition().unwrap_or("2020-12")).expect("an edition");
    file.build(&edition, &[]).unwrap_or_else(|error| panic!("{error:?}\n{text}")).world
}

/// The routes of a subnet, a line each, in the order in which they are worked out.
fn routes(world: &World, network: &str, subnet: &str) -> String {
    let mut text = String::new();
    for route in effective_routes(world, &network.into(), &subnet.into()) {
        let origin = match route.origin {
            RouteOrigin::System => "default",
            RouteOrigin::Bgp => "gateway",
            RouteOrigin::User => "user",
        };
        let _ = writeln!(text, "{} {origin} {}", route.prefix, route.next_hop.text());
    }
    text
}

fn fixture(name: &str) -> World {
    let path = repository().join(format!("fixtures/inventories/{name}.toml"));
    world(&std::fs::read_to_string(path).expect("a fixture"))
}

/// "Virtual network traffic routing", default and custom routes: what a subnet has by itself, what a
/// peering adds, and what a default route of the user's takes out.
#[test]
fn the_routes_of_three_worlds_are_those_of_the_article_on_routing() {
    let cases = [
        // A network by itself: its space, the Internet, and the reserved prefixes but that which holds
        // the space is longer; 172.16.0.0/12 was none in 2020.
        (
            fixture("free-trial"),
            ("lab", "default"),
            "10.70.0.0/16 default virtual network\n0.0.0.0/0 default Internet\n\
             ::/0 default Internet\n10.0.0.0/8 default none\n192.168.0.0/16 default none\n\
             100.64.0.0/10 default none\n",
        ),
        // A spoke whose default route leads to the hub's appliance: no reserved prefix is left.
        (
            world(SPOKE),
            ("spoke", "default"),
            "10.1.0.0/16 default virtual network\n10.0.0.0/16 default peering with `hub`\n\
             0.0.0.0/0 default Internet\n::/0 default Internet\n\
             0.0.0.0/0 user virtual appliance 10.0.2.4\n",
        ),
        // The hub, with its gateway: what that learned stands beside the system's.
        (
            world(SPOKE),
            ("hub", "default"),
            "10.0.0.0/16 default virtual network\n10.1.0.0/16 default peering with `spoke`\n\
             0.0.0.0/0 default Internet\n::/0 default Internet\n\
             192.168.10.0/24 gateway VPN gateway\n10.0.0.0/8 default none\n\
             192.168.0.0/16 default none\n100.64.0.0/10 default none\n",
        ),
    ];
    for (world, (network, subnet), expected) in cases {
        assert_eq!(routes(&world, network, subnet), expected, "{network}/{subnet}");
    }
}

const SPOKE: &str = r#"
[subscription.ea]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.hub]
address_space = ["10.0.0.0/16"]
peerings = ["spoke"]
gateway = { kind = "vpn", routes = ["192.168.10.0/24"] }
[network.hub.subnet.default]
prefixes = ["10.0.2.0/24"]
security_group = "hub"
[network.spoke]
address_space = ["10.1.0.0/16"]
peerings = ["hub"]
[network.spoke.subnet.default]
prefixes = ["10.1.1.0/24"]
route_table = "out"
security_group = "spoke"
[route-table.out]
routes = [{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.2.4" }]
[security-group.spoke]
[[security-group.spoke.rules]]
name = "DenyPartner"
priority = 200
direction = "outbound"
access = "deny"
destination = "203.0.113.0/24"
destination_ports = 25
[security-group.hub]
[[security-group.hub.rules]]
name = "AllowSpokeOut"
priority = 100
direction = "inbound"
access = "allow"
source = "10.1.0.0/16"
destination = "Internet"
[machine.web]
subscription = "ea"
network = "spoke"
addresses = ["10.1.1.4"]
[machine.nva]
subscription = "ea"
network = "hub"
addresses = ["10.0.2.4"]
ip_forwarding = true
[machine.db]
subscription = "ea"
network = "hub"
addresses = ["10.0.2.5"]
"#;

/// The rules that a packet of a machine to port 25 fits first, one after another.
fn rules(world: &World, machine: &str, to: &str) -> String {
    let source = Source::Machine(MachineName::from(machine));
    let decision = decide(world, &Question::smtp(source, to.parse().expect("an address")));
    let rules = decision.rules.iter().map(|rule| format!("{} {}", rule.priority, rule.rule));
    rules.collect::<Vec<_>>().join(", ")
}

/// "Network security groups", how rules are processed, and the default rules: the spoke's default
/// route makes the tag VirtualNetwork everything there, so that 65000 and not 65001 lets it out.
#[test]
fn the_rules_that_fit_are_those_of_the_article_on_security_groups() {
    let spoke = world(SPOKE);
    for (machine, to, expected) in [
        (
            "web",
            "198.51.100.9",
            "65000 AllowVnetOutBound, 100 AllowSpokeOut, 65001 AllowInternetOutBound",
        ),
        ("web", "203.0.113.9", "200 DenyPartner"),
        ("web", "10.0.2.5", "65000 AllowVnetOutBound, 65000 AllowVnetInBound"),
        ("db", "198.51.100.9", "65001 AllowInternetOutBound"),
        ("db", "10.1.1.4", "65000 AllowVnetOutBound, 65000 AllowVnetInBound"),
        ("db", "192.168.10.7", "65000 AllowVnetOutBound"),
        // Not public, and of no network.
        ("db", "10.77.0.1", "65500 DenyAllOutBound"),
    ] {
        assert_eq!(rules(&spoke, machine, to), expected, "{machine} to {to}");
    }
}

fn exported(file: &str) -> Option<Value> {
    let shared = repository().join("../shared/azure-samples/effective-arm");
    let path: PathBuf = shared.join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("SKIPPED: there is no {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// The effective routes of an export, by the inventory's words.
fn listed(read: &Value) -> String {
    let word = |word: &str| match word {
        "VnetLocal" => "vnet-local",
        "Internet" => "internet",
        "None" => "none",
        other => panic!("{other}"),
    };
    let mut rows = Vec::new();
    for route in read["value"].as_array().expect("routes") {
        assert_eq!((&route["state"], &route["source"]), (&"Active".into(), &"Default".into()));
        for prefix in route["addressPrefix"].as_array().expect("prefixes") {
            let next_hop = word(route["nextHopType"].as_str().expect("a word"));
            rows.push(format!("{{ prefix = {prefix}, next_hop = \"{next_hop}\" }}"));
        }
    }
    format!("effective_routes = [{}]", rows.join(", "))
}

/// A network with one subnet, which has some keys more.
fn plain(edition: &str, space: &str, subnet: &str, more: &str) -> World {
    world(&format!(
        "edition = \"{edition}\"\n[subscription.ea]\noffer = \"enterprise-agreement\"\n\
         created = \"2019-03-01\"\n[network.net]\naddress_space = [\"{space}\"]\n\
         [network.net.subnet.default]\nprefixes = [\"{space}\"]\n{subnet}\n{more}"
    ))
}

#[test]
fn the_routes_that_an_export_lists_are_taken_as_they_are() {
    for (file, space, edition, alone) in [
        // Recorded, and in no page (N10).
        ("cli-routetable.json", "10.0.0.0/16", "2020-12", vec!["25.33.80.0/20", "25.41.3.0/25"]),
        ("spec-NetworkInterfaceEffectiveRouteTableList.json", "172.20.2.0/24", "2022-11", vec![]),
    ] {
        let Some(read) = exported(file) else { return };
        let of = |more: &str| {
            effective_routes(&plain(edition, space, more, ""), &"net".into(), &"default".into())
        };
        let (exported, computed) = (of(&listed(&read)), of(""));
        let only = exported.iter().filter(|one| !computed.contains(one));
        let only: Vec<_> = only.map(|one| one.prefix.to_string()).collect();
        assert_eq!(only, alone, "{file}");
        let missing = computed.iter().filter(|one| !exported.contains(one));
        let missing: Vec<_> = missing.map(|one| one.prefix.to_string()).collect();
        assert_eq!(missing, ["::/0"], "{file}: an export lists IPv4");
        let to: IpAddr = "25.33.80.9".parse().expect("an address");
        let route = egress25_policy::resolve(&exported, to).expect("a route");
        assert_eq!(route.next_hop == NextHop::None, !alone.is_empty(), "{file}");
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}"))
}

/// The first and the last address of a prefix, and those beside it.
fn samples(prefix: &str) -> Vec<IpAddr> {
    let prefix: ipnet::Ipv4Net = prefix.parse().expect("a prefix");
    let (first, last) = (u32::from(prefix.network()), u32::from(prefix.broadcast()));
    let around = [first.checked_sub(1), Some(first), Some(last), last.checked_add(1)];
    around.into_iter().flatten().map(|at| IpAddr::V4(at.into())).collect()
}

/// What Azure expands the tags of the default rules to, against what is worked out for them.
#[test]
fn tags_that_are_worked_out_cover_what_azure_expands_them_to() {
    let Some(read) = exported("cli-nsg.json") else { return };
    let group = "security_group = \"nsg\"";
    let machine = "[security-group.nsg]\n[machine.vm]\nsubscription = \"ea\"\nnetwork = \"net\"\n\
                   addresses = [\"10.0.0.4\"]\n";
    let world = plain("2020-12", "10.0.0.0/16", group, machine);
    let (mut asked, mut expansions, mut kept) = (0, 0, 0);
    for rule in read["value"][0]["effectiveSecurityRules"].as_array().expect("rules") {
        let (name, tag) = (text(rule, "name"), text(rule, "destinationAddressPrefix"));
        let Some(expanded) = rule["expandedDestinationAddressPrefix"].as_array() else { continue };
        if text(rule, "direction") != "Outbound" {
            continue;
        }
        expansions += 1;
        let expanded: Vec<ipnet::Ipv4Net> = expanded
            .iter()
            .map(|prefix| prefix.as_str().expect("a text").parse().expect("a prefix"))
            .collect();
        for prefix in &expanded {
            for to in samples(&prefix.to_string()) {
                let IpAddr::V4(v4) = to else { continue };
                // What nothing is delivered to is decided before any rule, and the platform's own
                // addresses are outside of the groups.
                let platform = v4.octets() == [168, 63, 129, 16];
                if platform
                    || v4.is_multicast()
                    || v4.is_loopback()
                    || v4.is_unspecified()
                    || v4.is_link_local()
                    || v4.is_broadcast()
                {
                    continue;
                }
                let found = rules(&world, "vm", &to.to_string());
                let holds = expanded.iter().any(|of| of.contains(&v4));
                let fits = found.contains(name.rsplit('/').next().expect("a name"));
                assert!(fits || !holds, "{tag} does not cover {to} here ({found})");
                // The Internet leaves out ranges that Microsoft keeps for itself and no page names.
                assert!(holds || !fits || tag == "Internet", "{tag} covers {to} here");
                kept += usize::from(holds != fits);
                asked += 1;
            }
        }
    }
    println!("{asked} asked, {kept} of them in ranges that Azure keeps");
    assert!(asked > 500 && expansions == 2, "{asked} asked of {expansions}");
}

/// The custom rules of an export, read as rules of a group.
#[test]
fn the_rules_that_an_export_lists_are_read() {
    let Some(read) = exported("spec-NetworkInterfaceEffectiveNSGList.json") else { return };
    let mut rows = String::from("[security-group.nsg]\n");
    for rule in read["value"][0]["effectiveSecurityRules"].as_array().expect("rules") {
        if text(rule, "name").starts_with("defaultSecurityRules/") {
            continue;
        }
        let _ = writeln!(
            rows,
            "[[security-group.nsg.rules]]\nname = \"{}\"\npriority = {}\ndirection = \"{}\"\n\
             access = \"{}\"\nprotocol = \"{}\"\nsource = \"{}\"\nsource_ports = \"{}\"\n\
             destination = \"{}\"\ndestination_ports = \"{}\"",
            text(rule, "name"),
            rule["priority"],
            text(rule, "direction").to_lowercase(),
            text(rule, "access").to_lowercase(),
            text(rule, "protocol"),
            text(rule, "sourceAddressPrefix"),
            text(rule, "sourcePortRange"),
            text(rule, "destinationAddressPrefix"),
            text(rule, "destinationPortRange"),
        );
    }
    let machines = "[machine.a]\nsubscription = \"ea\"\nnetwork = \"net\"\naddresses = [\"10.0.0.4\"]\n\
                    [machine.b]\nsubscription = \"ea\"\nnetwork = \"net\"\naddresses = [\"10.0.0.5\"]\n";
    let world =
        plain("2020-12", "10.0.0.0/16", "security_group = \"nsg\"", &format!("{rows}{machines}"));
    // Neither of the export's rules is for it.
    assert_eq!(rules(&world, "a", "10.0.0.5"), "65000 AllowVnetOutBound, 65000 AllowVnetInBound");
}
