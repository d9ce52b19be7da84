//! Batches whose packets were seen in a direction: the fast path and its second step answer as the
//! reference decides, over random worlds, and each packet is counted once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::{Direction, FrameOptions};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::FrameList;
use egress25_packet_filter::table::Table;
use egress25_policy::{NetworkName, Question, Reason, Source, World, decide_seen};

use crate::at_ports::syn;
use crate::forwarders::world;
use crate::worlds;

const SEEN: [Option<Direction>; 3] = [None, Some(Direction::Inbound), Some(Direction::Outbound)];

fn check(seed: u64, world: &World, table: &Arc<Table>, network: Option<&NetworkName>) -> usize {
    let interfaces = world.machines().values().flat_map(|machine| &machine.interfaces);
    let mut addresses: Vec<IpAddr> = interfaces.flat_map(|one| one.addresses.clone()).collect();
    addresses.extend(world.public_addresses());
    let outside = worlds::OUTSIDE.iter().chain(&["10.99.0.9", "fd00:99::9"]);
    addresses.extend(outside.map(|address| address.parse::<IpAddr>().unwrap()));
    let pairs = addresses.iter().flat_map(|from| addresses.iter().map(move |to| (*from, *to)));
    let pairs = pairs.filter(|(from, to)| from.is_ipv4() == to.is_ipv4());
    let cases: Vec<_> = pairs.flat_map(|pair| SEEN.map(|seen| (pair, seen))).collect();
    let (mut list, mut bytes) = (FrameList::default(), Vec::new());
    for ((from, to), _) in &cases {
        let packet = syn(*from, *to);
        let length = u32::try_from(packet.len()).unwrap();
        list.push(u32::try_from(bytes.len()).unwrap(), length, length);
        bytes.extend(packet);
    }
    let mut filter = Filter::new(table.clone(), FrameOptions::default());
    filter.set_network(network.and_then(|name| table.network(name)));
    let frames = list.frames(LinkType::Raw, None, &bytes);
    let mut rulings = Vec::new();
    filter.judge(&frames, &mut rulings);
    filter.heed_directions(&frames, &mut rulings, |at| cases[at].1);
    let mut told: BTreeMap<(Reason, _), u64> = BTreeMap::new();
    let mut changed = 0;
    for (((from, to), seen), ruling) in cases.iter().zip(&rulings) {
        let Some(reason) = ruling.reason() else { panic!("{from} {to} is not judged") };
        *told.entry((reason, table.subscription(*ruling).cloned())).or_default() += 1;
        let source = Source::Address { network: network.cloned(), address: *from };
        let question = Question { source_port: Some(40_000), ..Question::smtp(source, *to) };
        let expected = decide_seen(world, &question, *seen);
        let found = (ruling.verdict(), reason);
        let right = (expected.verdict, expected.reason);
        assert_eq!(found, right, "world {seed}: {network:?} {from} {to} {seen:?}");
        changed += usize::from(reason != decide_seen(world, &question, None).reason);
    }
    let counted: BTreeMap<_, _> = filter
        .counters()
        .met()
        .into_iter()
        .map(|met| ((met.reason, met.subscription), met.count))
        .collect();
    assert_eq!(counted, told, "world {seed}");
    assert_eq!(filter.counters().unjudged(), 0);
    changed
}

#[test]
fn a_packet_of_a_direction_was_counted_by_its_addresses_or_twice() {
    let mut changed = 0;
    for seed in 0..40 {
        let world = world(seed);
        let table = Arc::new(Table::compile(&world, 0).unwrap());
        for network in world.networks().keys().map(Some).chain([None]) {
            changed += check(seed, &world, &table, network);
        }
    }
    assert!(changed > 10_000, "{changed} answers hang on a direction");
}
