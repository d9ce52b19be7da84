//! Random worlds with forwarders of every kind: the compiled table, and after events the patched
//! one, answer as the reference, for what machines send and for what forwarders send on.

use std::net::IpAddr;

use egress25_packet_filter::table::{Patched, Table};
use egress25_policy::{
    Edition, ForwardingPort, InventoryFile, Power, Question, Source, World, decide,
    decide_forwarded, parse_events,
};

use crate::worlds::{self, Dice};

pub(crate) fn world(seed: u64) -> World {
    let text = worlds::inventory(seed, true).replace("started_since_grant = true\n", "");
    let lab = InventoryFile::parse(&text).unwrap();
    lab.build(&Edition::default_edition().unwrap(), &[]).unwrap().world
}

const INSIDE: [&str; 6] =
    ["10.0.2.4", "10.1.1.4", "192.168.7.7", "168.63.129.16", "fd00:1:0:1::4", "172.16.0.1"];

fn compare(seed: u64, table: &Table, world: &World) {
    compare_inbound(seed, table, world);
    compare_behind(seed, table, world);
    let to = worlds::OUTSIDE.iter().chain(&INSIDE).map(|to| to.parse::<IpAddr>().unwrap());
    for to in to {
        for machine in world.machines().values() {
            for interface in &machine.interfaces {
                let Some(source) =
                    interface.addresses.iter().find(|from| from.is_ipv4() == to.is_ipv4())
                else {
                    continue;
                };
                let network = Some(interface.network.clone());
                let id = table.network(&interface.network);
                let source_of = Source::Address { network, address: *source };
                // Of the ports that rules tell apart, now from one side and now from the other.
                let from_port =
                    if (seed + u64::from(to.is_ipv4())).is_multiple_of(2) { 40_000 } else { 500 };
                let question =
                    Question { source_port: Some(from_port), ..Question::smtp(source_of, to) };
                let source = &(*source, from_port);
                let expected = decide(world, &question);
                let found = table.answer(id, *source, to);
                let both = (found.verdict, found.reason);
                assert_eq!(
                    both,
                    (expected.verdict, expected.reason),
                    "world {seed}: {source:?} to {to}"
                );
                for (port, at) in ports(world) {
                    let expected = decide_forwarded(world, &port, &question);
                    let found = table.answer_forwarded(&at, id, *source, to).unwrap();
                    assert_eq!(
                        (found.verdict, found.reason),
                        (expected.verdict, expected.reason),
                        "world {seed}: {source:?} by {port:?} to {to}"
                    );
                }
            }
        }
    }
}

/// What nobody of the world sends.
fn compare_inbound(seed: u64, table: &Table, world: &World) {
    let interfaces = world.machines().values().flat_map(|machine| &machine.interfaces);
    let inside: Vec<_> = interfaces.flat_map(|interface| interface.addresses.clone()).collect();
    let networks: Vec<_> = world.networks().keys().cloned().map(Some).chain([None]).collect();
    let services = world.service_addresses(None);
    for to in inside.into_iter().chain(world.public_addresses()).chain(services) {
        let from: IpAddr = if to.is_ipv4() { "9.9.9.9" } else { "2a00::25" }.parse().unwrap();
        for network in &networks {
            let id = network.as_ref().and_then(|name| table.network(name));
            let source = Source::Address { network: network.clone(), address: from };
            let expected = decide(world, &Question::smtp(source, to));
            let found = table.answer(id, (from, 40_000), to);
            let both = (found.verdict, found.reason);
            assert_eq!(both, (expected.verdict, expected.reason), "world {seed}: {network:?} {to}");
        }
    }
}

/// What comes from behind a machine, where several may have the same behind them, and what is seen
/// with a public address as its source.
fn compare_behind(seed: u64, table: &Table, world: &World) {
    let behind: IpAddr = "172.17.0.2".parse().unwrap();
    let sources = world.public_addresses().chain([behind]);
    sources.for_each(|from| compare_from(seed, table, world, from));
}

fn compare_from(seed: u64, table: &Table, world: &World, from: IpAddr) {
    let networks: Vec<_> = world.networks().keys().cloned().map(Some).chain([None]).collect();
    let to = worlds::OUTSIDE.iter().chain(&INSIDE).map(|to| to.parse::<IpAddr>().unwrap());
    for to in to.filter(|to| to.is_ipv4() == from.is_ipv4()) {
        for network in &networks {
            let id = network.as_ref().and_then(|name| table.network(name));
            let source = Source::Address { network: network.clone(), address: from };
            let question = Question { source_port: Some(40_000), ..Question::smtp(source, to) };
            let expected = decide(world, &question);
            let found = table.answer(id, (from, 40_000), to);
            let both = (found.verdict, found.reason);
            assert_eq!(both, (expected.verdict, expected.reason), "world {seed}: {network:?} {to}");
        }
    }
}

type At = (egress25_policy::NetworkName, IpAddr);

/// The ports of forwarders that run, each with an address by which the table knows it.
pub(crate) fn ports(world: &World) -> Vec<(ForwardingPort, At)> {
    let mut ports = Vec::new();
    for (name, machine) in world.machines() {
        for (place, interface) in machine.interfaces.iter().enumerate() {
            if interface.ip_forwarding && machine.state.power == Power::Running {
                let at = (interface.network.clone(), interface.addresses[0]);
                ports.push((ForwardingPort::Machine(name.clone(), place), at));
            }
        }
    }
    for (name, firewall) in world.firewalls() {
        let at = (firewall.network.clone(), firewall.address);
        ports.push((ForwardingPort::Firewall(name.clone()), at));
    }
    ports
}

#[test]
fn forwarders_are_judged_as_the_reference_judges_them() {
    let mut anew = 0;
    for seed in 0..60 {
        let mut world = world(seed);
        let mut dice = Dice::new(seed);
        let mut table = Table::compile(&world, 0).unwrap();
        compare(seed, &table, &world);
        for _ in 0..8 {
            let machines: Vec<_> = world.machines().keys().cloned().collect();
            let machine = format!("machine = \"{}\"", dice.one(&machines));
            let subscription = format!("subscription = \"s{}\"", dice.below(3));
            let (kind, rest) = match dice.below(6) {
                0 => ("machine-deallocated", machine),
                1 => ("machine-started", machine),
                2 => ("exemption-asked", subscription + "\nwhy = \"appliance\""),
                3 => ("exemption-granted", subscription),
                4 => ("exemption-revoked", subscription),
                _ => ("machine-redeployed", machine),
            };
            let event =
                format!("[[event]]\nat = \"2020-12-08T09:00:00Z\"\nkind = \"{kind}\"\n{rest}");
            let event = parse_events(&event).unwrap().remove(0);
            let Ok(applied) = world.apply(&event) else { continue };
            if table.patch(&world, &applied) == Patched::CompileAnew {
                table = Table::compile(&world, 1).unwrap();
                anew += 1;
            }
            compare(seed, &table, &world);
        }
    }
    assert!(anew > 0, "no event changed where destinations lead");
}
