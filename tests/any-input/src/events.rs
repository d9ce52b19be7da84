//! Events: what is read is the same when it is written and read again, and what happens can be
//! taken back.

use std::sync::OnceLock;

use egress25_packet_filter::table::Table;
use egress25_policy::{Edition, Event, InventoryFile, Timeline, World, parse_events};
use serde::Serialize;

use crate::told_apart::{compare, follow};

/// The world that the events happen to.
const INVENTORY: &str = r#"
[subscription.shop]
offer = "pay-as-you-go"
created = "2019-03-01"
[subscription.corp]
offer = "enterprise-agreement"
created = "2019-03-01"
[subscription.partner]
offer = "partner-network"
created = "2019-03-01"
[network.hub]
address_space = ["10.0.0.0/16", "fd00:25::/64"]
subnet.mail = { prefixes = ["10.0.0.0/24", "fd00:25::/112"], route_table = "out" }
subnet.nva = { prefixes = ["10.0.2.0/24"] }
subnet.fw = { prefixes = ["10.0.3.0/24"] }
[network.twin]
address_space = ["10.0.0.0/16"]
[route-table.out]
routes = [
    { prefix = "203.0.113.0/24", next_hop = "virtual-appliance", address = "10.0.2.4" },
    { prefix = "198.51.100.0/24", next_hop = "virtual-appliance", address = "10.0.3.4" },
]
[firewall.af]
subscription = "corp"
network = "hub"
subnet = "fw"
address = "10.0.3.4"
[machine]
web = { subscription = "shop", network = "hub", subnet = "mail", addresses = ["10.0.0.4", "fd00:25::4"] }
nva = { subscription = "corp", network = "hub", subnet = "nva", addresses = ["10.0.2.4"], ip_forwarding = true }
old = { subscription = "partner", network = "twin", addresses = ["10.0.0.4"], power = "deallocated" }
"#;

/// So many events are followed step by step.
const STEPS: usize = 8;

fn world() -> World {
    static WORLD: OnceLock<World> = OnceLock::new();
    let made = || {
        let edition = Edition::default_edition().expect("the default edition");
        let file = InventoryFile::parse(INVENTORY).expect("an inventory");
        file.build(&edition, &[]).expect("a world").world
    };
    WORLD.get_or_init(made).clone()
}

/// As a file has them.
#[derive(Serialize)]
struct EventsFile<'a> {
    event: &'a [Event],
}

/// Everything in a world that an event may change.
fn state(world: &World) -> impl PartialEq + std::fmt::Debug + use<> {
    let (subscriptions, networks) = (world.subscriptions().clone(), world.networks().clone());
    (subscriptions, networks, world.machines().clone(), world.firewalls().clone())
}

/// Events are refused, or they are written as they are read; those that can happen leave a world
/// that the table and the reference judge alike, and go back to where they began.
pub fn events(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(events) = parse_events(text) else { return };
    let written = toml::to_string(&EventsFile { event: &events }).expect("events are TOML");
    assert_eq!(parse_events(&written).as_ref(), Ok(&events), "{written}");
    for event in &events {
        let json = serde_json::to_string(event).expect("an event is JSON");
        assert_eq!(serde_json::from_str::<Event>(&json).ok().as_ref(), Some(event), "{json}");
    }
    let (world, mut followed) = (world(), world());
    let mut table = Table::compile(&followed, 0).ok();
    for event in events.iter().take(STEPS) {
        let Ok(applied) = followed.apply(event) else { continue };
        table = table.and_then(|table| follow(table, &followed, &applied));
        if let Some(table) = &table {
            compare(table, &followed);
        }
    }
    let before = state(&world);
    let Ok(mut timeline) = Timeline::new(world, events) else { return };
    assert!(state(timeline.world()) == before, "a new timeline is not at its beginning");
    let end = timeline.events().len();
    for to in [end, 0, end / 2, end, 0] {
        assert!(timeline.move_to(to, |_, _| {}).is_ok(), "what could happen once cannot again");
    }
    assert_eq!(state(timeline.world()), before, "what happened was not taken back");
}
