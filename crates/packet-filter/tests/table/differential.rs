//! Random worlds, random events: after each event the patched table, a table that is compiled
//! anew, and the reference give the same verdict and reason for every question.

use std::net::IpAddr;

use egress25_packet_filter::table::{Patched, Table};
use egress25_policy::{
    Applied, Edition, Event, InventoryFile, NetworkName, Offer, Question, Source, World, decide,
    parse_events,
};
use proptest::prelude::*;

const ROUTES: [&str; 8] = [
    r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.2.4" }"#,
    r#"{ prefix = "203.0.113.0/24", next_hop = "virtual-appliance", address = "10.0.3.4" }"#,
    r#"{ prefix = "198.51.100.0/25", next_hop = "none" }"#,
    r#"{ prefix = "10.1.0.0/24", next_hop = "virtual-appliance", address = "10.0.2.4" }"#,
    r#"{ prefix = "192.0.2.0/24", next_hop = "internet" }"#,
    r#"{ prefix = "203.0.113.128/25", next_hop = "virtual-network-gateway" }"#,
    r#"{ prefix = "8.0.0.0/6", next_hop = "virtual-appliance", address = "10.0.2.99" }"#,
    r#"{ prefix = "::/0", next_hop = "virtual-appliance", address = "fd00:25::2:4" }"#,
];

const DESTINATIONS: [&str; 16] = [
    "203.0.113.5",
    "203.0.113.200",
    "198.51.100.5",
    "198.51.100.200",
    "192.0.2.5",
    "9.9.9.9",
    "10.0.0.9",
    "10.1.0.9",
    "10.1.9.9",
    "10.200.0.1",
    "192.168.3.3",
    "172.16.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "2001:db8::25",
    "fd00:25::9",
];

const SOURCES: [&str; 9] = [
    "10.0.0.4",
    "10.0.0.5",
    "10.0.2.4",
    "10.0.3.9",
    "10.1.0.4",
    "fd00:25::4",
    "fd00:25::2:4",
    "10.0.2.5",
    "10.9.9.9",
];

const EDITIONS: [&str; 9] = [
    "2018-11", "2019-08", "2020-11", "2020-12", "2021-03", "2021-04", "2021-08", "2022-11",
    "2023-12",
];

const SETTINGS: [(&str, &str); 15] = [
    ("block_form", "reject"),
    ("revocation_effect", "next-start"),
    ("exempt_via_appliance", "blocked"),
    ("internal_destination", "filtered"),
    ("on_premises_route", "filtered"),
    ("azure_firewall_subscription", "sender"),
    ("one_cycle_frees_all", "yes"),
    ("unknown_source", "pass"),
    ("ea_via_azure_firewall", "unrestricted"),
    ("azure_firewall_form", "drop"),
    ("unsupported_means_blocked", "no"),
    ("exemption_behind_azure_firewall", "does-not-cover"),
    ("azure_firewall_2022_11", "rejected"),
    ("never_granted_but_granted", "counts"),
    ("exemption_survives_offer_change", "yes"),
];

#[derive(Debug, Clone)]
struct Setup {
    offers: [Offer; 3],
    created: [&'static str; 3],
    routes: Vec<usize>,
    back: bool,
    edition: usize,
    settings: Vec<usize>,
}

fn world(setup: &Setup) -> World {
    let Setup { offers: [a, b, c], created: [x, y, z], .. } = setup;
    let routes: Vec<_> = setup.routes.iter().map(|place| ROUTES[*place]).collect();
    let back = if setup.back {
        r#"{ prefix = "203.0.113.64/26", next_hop = "virtual-appliance", address = "10.0.3.4" },
           { prefix = "192.0.2.128/25", next_hop = "none" }"#
    } else {
        ""
    };
    let text = format!(
        r#"
[subscription.a]
offer = "{a}"
created = "{x}"
[subscription.b]
offer = "{b}"
created = "{y}"
[subscription.c]
offer = "{c}"
created = "{z}"
[network.hub]
address_space = ["10.0.0.0/16", "fd00:25::/64"]
peerings = ["spoke"]
gateway = {{ kind = "vpn", routes = ["192.168.0.0/16", "10.0.0.0/24", "198.51.100.0/24"] }}
subnet.mail = {{ prefixes = ["10.0.0.0/24", "fd00:25::/112"], route_table = "out" }}
subnet.nva = {{ prefixes = ["10.0.2.0/24", "fd00:25::2:0/112"], route_table = "back" }}
subnet.fw = {{ prefixes = ["10.0.3.0/24"] }}
[network.spoke]
address_space = ["10.1.0.0/16"]
peerings = ["hub"]
subnet.all = {{ prefixes = ["10.1.0.0/16"], route_table = "out" }}
[network.twin]
address_space = ["10.0.0.0/16"]
[route-table.out]
routes = [{}]
[route-table.back]
routes = [{back}]
[firewall.af]
subscription = "c"
network = "hub"
subnet = "fw"
address = "10.0.3.4"
[machine]
a1 = {{ subscription = "a", network = "hub", subnet = "mail", addresses = ["10.0.0.4", "fd00:25::4"] }}
a2 = {{ subscription = "a", network = "spoke", addresses = ["10.1.0.4"] }}
b1 = {{ subscription = "b", network = "hub", subnet = "nva", addresses = ["10.0.2.4", "fd00:25::2:4"], ip_forwarding = true }}
b2 = {{ subscription = "b", network = "hub", subnet = "mail", addresses = ["10.0.0.5"] }}
c1 = {{ subscription = "c", network = "twin", addresses = ["10.0.0.4"] }}
c2 = {{ subscription = "c", network = "hub", subnet = "nva", addresses = ["10.0.2.5"], power = "not-deployed" }}
"#,
        routes.join(", ")
    );
    let settings: Vec<_> = setup
        .settings
        .iter()
        .map(|place| (SETTINGS[*place].0.to_owned(), SETTINGS[*place].1.to_owned()))
        .collect();
    let edition = Edition::named(EDITIONS[setup.edition]).unwrap();
    InventoryFile::parse(&text).unwrap().build(&edition, &settings).unwrap().world
}

fn offer() -> impl Strategy<Value = Offer> {
    (0..Offer::ALL.len()).prop_map(|place| Offer::ALL[place])
}

fn setup() -> impl Strategy<Value = Setup> {
    let created = || prop::sample::select(&["2017-11-14", "2017-11-15", "2019-03-01"][..]);
    (
        [offer(), offer(), offer()],
        [created(), created(), created()],
        prop::sample::subsequence((0..ROUTES.len()).collect::<Vec<_>>(), 0..6),
        any::<bool>(),
        0..EDITIONS.len(),
        prop::sample::subsequence((0..SETTINGS.len()).collect::<Vec<_>>(), 0..4),
    )
        .prop_map(|(offers, created, routes, back, edition, settings)| Setup {
            offers,
            created,
            routes,
            back,
            edition,
            settings,
        })
}

fn event() -> impl Strategy<Value = Event> {
    let subscription = prop::sample::select(&["a", "b", "c"][..]);
    let machine = prop::sample::select(&["a1", "a2", "b1", "b2", "c1", "c2"][..]);
    (0..17_u8, subscription, machine, offer()).prop_map(|(kind, s, m, offer)| {
        let of_subscription = format!("subscription = \"{s}\"");
        let of_machine = format!("machine = \"{m}\"");
        let (kind, rest) = match kind {
            0 | 1 => ("exemption-granted", of_subscription),
            2 => ("exemption-asked", format!("{of_subscription}\nwhy = \"appliance\"")),
            3 => ("exemption-refused", of_subscription),
            4 => ("exemption-revoked", of_subscription),
            5 => ("offer-changed", format!("{of_subscription}\noffer = \"{offer}\"")),
            6 => ("machine-stopped", of_machine),
            7 => ("machine-deallocated", of_machine),
            8 | 9 => ("machine-started", of_machine),
            10 => ("machine-redeployed", of_machine),
            11 => ("machine-deleted", of_machine),
            12 => ("machine-deployed", of_machine),
            13 => ("firewall-rules-updated", "firewall = \"af\"".to_owned()),
            14 => ("firewall-stopped", "firewall = \"af\"".to_owned()),
            15 => ("firewall-started", "firewall = \"af\"".to_owned()),
            _ => ("exemption-further-steps", of_subscription),
        };
        let text = format!("[[event]]\nat = \"2020-12-08T09:00:00Z\"\nkind = \"{kind}\"\n{rest}");
        parse_events(&text).unwrap().remove(0)
    })
}

/// Asks table and reference every question of the alphabet.
fn compare(table: &Table, world: &World) -> Result<(), TestCaseError> {
    let networks = [None, Some("hub"), Some("spoke"), Some("twin")];
    for network in networks.map(|name| name.map(NetworkName::from)) {
        let id = network.as_ref().and_then(|name| table.network(name));
        for source in SOURCES {
            let address: IpAddr = source.parse().unwrap();
            for destination in DESTINATIONS {
                let destination: IpAddr = destination.parse().unwrap();
                // No packet has addresses of two families.
                if address.is_ipv4() != destination.is_ipv4() {
                    continue;
                }
                let question = Question {
                    source: Source::Address { network: network.clone(), address },
                    destination,
                    port: 25,
                    source_port: None,
                };
                let expected = decide(world, &question);
                let found = table.answer(id, (address, 40_000), destination);
                prop_assert_eq!(
                    (found.verdict, found.reason),
                    (expected.verdict, expected.reason),
                    "{:?} {} -> {}",
                    network,
                    address,
                    destination
                );
                let owner = found.slot.and_then(|slot| table.owner(slot));
                prop_assert_eq!(owner.map(|owner| &owner.machine), expected.machine.as_ref());
            }
        }
    }
    Ok(())
}

/// The table after a change, patched where that is enough.
fn follow(table: Table, world: &World, applied: &Applied) -> Table {
    match table.patch(world, applied) {
        Patched::InPlace(_) => table,
        Patched::CompileAnew => Table::compile(world, table.epoch() + 1).unwrap(),
    }
}

/// How many worlds are tried: 400, or as many as `EGRESS25_LONG` says.
fn cases() -> u32 {
    std::env::var("EGRESS25_LONG").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_patched_table_the_compiled_table_and_the_reference_agree(
        setup in setup(),
        events in prop::collection::vec(event(), 0..12),
    ) {
        let mut world = world(&setup);
        let mut table = Table::compile(&world, 0).unwrap();
        compare(&table, &world)?;
        for event in &events {
            let Ok(applied) = world.apply(event) else { continue };
            table = follow(table, &world, &applied);
            compare(&table, &world)?;
        }
        compare(&Table::compile(&world, 99).unwrap(), &world)?;
    }
}
