//! Every reason is one that a decision had, and no other reason comes up.

use std::collections::BTreeSet;
use std::net::IpAddr;

use egress25_policy::{
    Edition, InventoryFile, NetworkName, Question, Reason, Source, Timeline, World, decide,
};
use serde_json::Value;

use crate::program::json;
use crate::replay::{odd_packets, reasons, replay};

/// What no decision says, and why.
const NOT_DECIDED: &[(Reason, &str)] = &[(
    Reason::SpoofedSource,
    "a question names no port; the lab and exported rules, which know it, say so \
     (crates/cli/tests/lab: `attacks` and `worlds`)",
)];

/// Where packets go: the Internet, the platform, what is on no route, what a gateway may reach.
const DESTINATIONS: [&str; 6] = [
    "203.0.113.25",
    "2001:db8::25",
    "169.254.169.254",
    "172.20.0.1",
    "192.168.10.25",
    "10.99.99.99",
];

const PORTS: [u16; 3] = [25, 587, 26];

/// The settings under which a world is asked: as they come, and one that the default keeps from
/// view.
const SETTINGS: [Option<(&str, &str)>; 2] = [None, Some(("exempt_via_appliance", "blocked"))];

fn timeline(inventory: &str, setting: Option<(&str, &str)>) -> Timeline {
    let file = InventoryFile::parse(inventory).expect("an inventory");
    let edition = match file.edition() {
        Some(id) => Edition::named(id).expect("an edition"),
        None => Edition::default_edition().expect("an edition"),
    };
    let set: Vec<_> =
        setting.map(|(name, value)| (name.into(), value.into())).into_iter().collect();
    let inventory = file.build(&edition, &set).expect("an inventory that fits");
    inventory.timeline(Vec::new()).expect("events that can happen")
}

/// Every machine, every address with and without its network, and an address of nobody.
fn sources(world: &World) -> Vec<Source> {
    let stranger = IpAddr::from([10, 9, 9, 9]);
    let mut sources = vec![Source::Address { network: None, address: stranger }];
    for (name, machine) in world.machines() {
        sources.push(Source::Machine(name.clone()));
        for interface in &machine.interfaces {
            for network in [None, Some(NetworkName::clone(&interface.network))] {
                let of = |address: &IpAddr| Source::Address {
                    network: network.clone(),
                    address: *address,
                };
                sources.extend(interface.addresses.iter().map(of));
            }
        }
    }
    sources
}

fn decided(world: &World, found: &mut BTreeSet<Reason>) {
    let fixed = DESTINATIONS.map(|to| to.parse().expect("an address"));
    let machines = world.machines().values().flat_map(|machine| &machine.interfaces);
    let inside = machines.flat_map(|interface| interface.addresses.clone());
    let destinations: BTreeSet<IpAddr> = inside.chain(fixed).collect();
    for source in sources(world) {
        for (destination, port) in destinations.iter().flat_map(|to| PORTS.map(|port| (*to, port)))
        {
            let question = Question { port, ..Question::smtp(source.clone(), destination) };
            found.insert(decide(world, &question).reason);
        }
    }
}

fn named<'a>(reasons: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Reason> {
    let parse = |name: &str| name.parse().expect("a reason");
    reasons.into_iter().map(parse).collect::<Vec<_>>().into_iter()
}

#[test]
fn every_reason_is_had_by_a_decision() {
    let mut found = BTreeSet::new();
    let editions = json("policy list --format json");
    for edition in editions["editions"].as_array().expect("a list") {
        let id = edition["id"].as_str().expect("an id");
        let matrix = json(&format!("matrix --edition {id} --format json"));
        let cells = matrix["cells"].as_array().expect("cells");
        found.extend(named(cells.iter().filter_map(|cell| cell["reason"].as_str())));
    }
    for inventory in crate::expectations::inventories() {
        let text = std::fs::read_to_string(&inventory.file).expect("an inventory");
        for setting in SETTINGS {
            let mut timeline = timeline(&text, setting);
            for happened in 0..=timeline.events().len() {
                timeline.move_to(happened, |_, _| {}).expect("they can happen");
                decided(timeline.world(), &mut found);
            }
        }
    }
    let odd: Value = replay(&odd_packets(), "day-of-mail", "");
    found.extend(named(reasons(&odd)));
    let excused: BTreeSet<_> = NOT_DECIDED.iter().map(|(reason, _)| *reason).collect();
    let expected: BTreeSet<_> = Reason::ALL.iter().copied().collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    assert_eq!(missing, excused.iter().collect::<Vec<_>>(), "no decision has these");
}
