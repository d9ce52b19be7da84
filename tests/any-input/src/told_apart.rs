//! Worlds that were made of any input: the compiled table is asked what the reference is asked.

use std::net::IpAddr;

use egress25_packet_filter::table::{Patched, Table};
use egress25_policy::{Applied, NetworkName, Question, Source, World, decide};

/// Where the questions go to, beside the machines.
const DESTINATIONS: [&str; 8] = [
    "203.0.113.5",
    "198.51.100.200",
    "10.0.0.9",
    "10.1.0.9",
    "192.168.3.3",
    "168.63.129.16",
    "2001:db8::25",
    "fd00:25::9",
];

/// So many machines are asked about.
const MACHINES: usize = 4;

/// Compares the answers of a table with those of the reference, which has to name statements that
/// the edition has.
pub(crate) fn compare(table: &Table, world: &World) {
    let own = world.machines().values().flat_map(|machine| &machine.interfaces);
    let own = own.flat_map(|interface| {
        interface.addresses.iter().map(|address| (Some(interface.network.clone()), *address))
    });
    let mut sources: Vec<(Option<NetworkName>, IpAddr)> = own.take(MACHINES).collect();
    let mut destinations: Vec<IpAddr> = sources.iter().map(|(_, address)| *address).collect();
    destinations.extend(DESTINATIONS.iter().map(|text| text.parse::<IpAddr>().expect("one")));
    let anywhere: Vec<_> = sources.iter().map(|(_, address)| (None, *address)).collect();
    sources.extend(anywhere);
    sources.push((None, IpAddr::from([10, 9, 9, 9])));
    for (network, address) in &sources {
        for destination in &destinations {
            // No packet has addresses of two families.
            if address.is_ipv4() == destination.is_ipv4() {
                ask(table, world, (network.as_ref(), *address), *destination);
            }
        }
    }
    for machine in world.machines().keys().take(MACHINES) {
        let source = Source::Machine(machine.clone());
        stands_on_its_edition(world, &Question::smtp(source, destinations[0]));
    }
}

fn ask(table: &Table, world: &World, source: (Option<&NetworkName>, IpAddr), to: IpAddr) {
    const SOURCE_PORT: u16 = 40_000;
    let (network, address) = source;
    let id = network.and_then(|name| table.network(name));
    let question = Question {
        source: Source::Address { network: network.cloned(), address },
        destination: to,
        port: 25,
        source_port: Some(SOURCE_PORT),
    };
    let expected = decide(world, &question);
    let found = table.answer(id, (address, SOURCE_PORT), to);
    assert_eq!(
        (found.verdict, found.reason),
        (expected.verdict, expected.reason),
        "{network:?} {address} -> {to}"
    );
    stands_on_its_edition(world, &question);
}

fn stands_on_its_edition(world: &World, question: &Question) {
    let decision = decide(world, question);
    for id in &decision.statements {
        assert!(world.edition.statement(id.as_str()).is_some(), "{id} is not of the edition");
    }
    assert!(serde_json::to_string(&decision).is_ok(), "{decision:?}");
}

/// The table after a change: patched where that is enough, otherwise compiled anew.
pub(crate) fn follow(table: Table, world: &World, applied: &Applied) -> Option<Table> {
    match table.patch(world, applied) {
        Patched::InPlace(_) => Some(table),
        Patched::CompileAnew => Table::compile(world, table.epoch() + 1).ok(),
    }
}
