//! Look-ups in large tables, and changes while others read.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::FrameList;
use egress25_packet_filter::table::{Leaf, NetworkId, RouteSet, Slot, Table, TableBuilder};
use egress25_policy::{NetworkName, Reason, Verdict};

use crate::build::Random;
use crate::compare::{levels, one_by_one, told};

const REASONS: [Reason; 4] =
    [Reason::NotGranted, Reason::Exempt, Reason::Revoked, Reason::PredatesRestriction];

type Model = HashMap<(NetworkId, IpAddr), (Slot, Reason)>;

fn to_edge() -> RouteSet {
    let everywhere = ["0.0.0.0/0", "::/0"].map(|net| (net.parse().unwrap(), Leaf::Edge));
    RouteSet::new(everywhere.to_vec())
}

/// Addresses that overlap in several networks, of both families.
fn build(count: usize, networks: usize) -> (Table, Model) {
    let mut random = Random::new(count as u64);
    let mut builder = TableBuilder::default();
    let mut model = Model::new();
    for number in 0..networks {
        let network = builder.network(&NetworkName::from(format!("n{number}").as_str()));
        let place = builder.place(network, &to_edge()).unwrap();
        for _ in 0..count / networks {
            let host = u32::try_from(random.below(count)).unwrap();
            let address = if random.below(3) == 0 {
                IpAddr::V6(Ipv6Addr::from(0xfd00_u128 << 112 | u128::from(host)))
            } else {
                IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host))
            };
            let reason = random.pick(&REASONS);
            let slot = builder.address(place, address, None, reason).unwrap();
            model.entry((network, address)).or_insert((slot, reason));
        }
    }
    (builder.build(7).unwrap(), model)
}

#[test]
fn every_address_of_every_network_is_found_and_no_other() {
    let to = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5));
    let to_6 = IpAddr::V6("2001:db8::1".parse().unwrap());
    for (count, networks) in [(10, 1), (1_000, 1), (1_000, 7), (100_000, 50)] {
        let (table, model) = build(count, networks);
        let mut anywhere: HashMap<IpAddr, Vec<NetworkId>> = HashMap::new();
        for ((network, address), (slot, reason)) in &model {
            let to = if address.is_ipv4() { to } else { to_6 };
            let answer = table.answer(Some(*network), (*address, 40_000), to);
            assert_eq!((answer.slot, answer.reason), (Some(*slot), *reason));
            anywhere.entry(*address).or_default().push(*network);
        }
        for number in 0..networks {
            let network = table.network(&NetworkName::from(format!("n{number}").as_str()));
            for address in anywhere.keys().take(2_000) {
                let known = model.get(&(network.unwrap(), *address)).map(|(slot, _)| *slot);
                assert_eq!(table.slot(network, *address).ok(), known);
            }
        }
        for (address, owners) in &anywhere {
            let expected = match owners[..] {
                [one] => Ok(model[&(one, *address)].0),
                _ => Err(Reason::AmbiguousNetwork),
            };
            assert_eq!(table.slot(None, *address), expected);
        }
        let stranger = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));
        assert_eq!(table.slot(None, stranger), Err(Reason::UnknownSource));
    }
}

#[test]
fn many_answers_are_those_of_one_by_one() {
    for (count, networks) in [(0, 1), (1_000, 1), (20_000, 7)] {
        let (table, model) = build(count, networks);
        let known = model.keys().filter_map(|(_, address)| match address {
            IpAddr::V4(address) => Some(u32::from(*address)),
            IpAddr::V6(_) => None,
        });
        let pairs: Vec<(u32, u32)> =
            known.chain(0..500).map(|source| (source, 0xcb00_7105)).collect();
        let one = table.network(&NetworkName::from("n0"));
        let table = Arc::new(table);
        for network in [None, one] {
            check(&table, network, &pairs);
        }
    }
}

/// Forty subnets of a network, each with routes of its own: senders of different subnets stand
/// side by side, and the first byte of a destination means something else for each.
#[test]
fn neighbours_of_different_subnets_get_the_answers_of_their_own_routes() {
    let mut random = Random::new(40);
    let mut builder = TableBuilder::default();
    let [one, other] = ["one", "other"].map(|name| builder.network(&NetworkName::from(name)));
    for number in 0..40_u8 {
        let routes = [
            (format!("{}.0.0.0/{}", number * 5, 1 + number % 8), Leaf::Fixed(Reason::OnPremises)),
            (format!("{}.7.0.0/16", 255 - number), Leaf::Fixed(Reason::NoRoute)),
            ("0.0.0.0/0".to_owned(), Leaf::Edge),
        ];
        let routes = routes.map(|(net, leaf)| (net.parse::<ipnet::IpNet>().unwrap().trunc(), leaf));
        let network = if number < 30 { one } else { other };
        let place = builder.place(network, &RouteSet::new(routes.to_vec())).unwrap();
        for _ in 0..200 {
            let host = u32::try_from(random.below(9_000)).unwrap();
            let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
            builder.address(place, address, None, random.pick(&REASONS)).unwrap();
        }
    }
    let table = builder.build(1).unwrap();
    let pairs: Vec<(u32, u32)> = (0..20_000)
        .map(|_| {
            let host = u32::try_from(random.below(9_000)).unwrap();
            let to = u32::try_from(random.next() & 0xffff_ffff).unwrap();
            (0x0a00_0000 + host, to)
        })
        .collect();
    let table = Arc::new(table);
    for network in [one, other] {
        for pairs in [&pairs[..], &pairs[..63], &pairs[..1], &pairs[7..7 + 129]] {
            check(&table, Some(network), pairs);
        }
    }
}

/// Judges a SYN of each pair of source and destination on every level, and holds the rulings
/// against what the reference says of them one by one.
fn check(table: &Arc<Table>, network: Option<NetworkId>, pairs: &[(u32, u32)]) {
    let options = FrameOptions::default();
    let (mut list, mut bytes) = (FrameList::default(), Vec::new());
    for (source, to) in pairs {
        list.push(u32::try_from(bytes.len()).unwrap(), 60, 60);
        let mut frame = syn(source.to_be_bytes());
        frame[30..34].copy_from_slice(&to.to_be_bytes());
        bytes.extend(frame);
    }
    let frames = list.frames(LinkType::Ethernet, None, &bytes);
    let mut reference = Filter::new(Arc::clone(table), options);
    reference.set_network(network);
    let expected = one_by_one(&mut reference, &frames, &options);
    for level in levels() {
        let mut filter = Filter::new(Arc::clone(table), options);
        filter.set_network(network);
        filter.set_vectors(level);
        let mut rulings = Vec::new();
        filter.judge(&frames, &mut rulings);
        assert_eq!(rulings.len(), pairs.len());
        for ((ruling, expected), pair) in rulings.iter().zip(&expected).zip(pairs) {
            assert_eq!(told(*ruling), *expected, "{level}: {pair:x?}");
        }
    }
}

#[test]
fn a_machine_takes_at_most_12_bytes_of_the_buckets() {
    let mut builder = TableBuilder::default();
    let network = builder.network(&NetworkName::from("one"));
    let place = builder.place(network, &to_edge()).unwrap();
    for host in 0..1_000_000_u32 {
        let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
        builder.address(place, address, None, Reason::Exempt).unwrap();
    }
    let bytes = builder.build(1).unwrap().v4_bucket_bytes();
    assert!(bytes <= 12_000_000, "{bytes}");
}

/// A plain SYN to port 25 over Ethernet.
fn syn(source: [u8; 4]) -> [u8; 60] {
    let mut frame = [0; 60];
    frame[12] = 8;
    frame[14..24].copy_from_slice(&[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6]);
    frame[26..30].copy_from_slice(&source);
    frame[30..34].copy_from_slice(&[203, 0, 113, 5]);
    frame[34..48].copy_from_slice(&[0x9c, 0x40, 0, 25, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2]);
    frame
}

/// A table of one machine, and the slot of its address.
fn one(epoch: u64, edge: Reason) -> (Table, Slot) {
    let mut builder = TableBuilder::default();
    let network = builder.network(&NetworkName::from("one"));
    let place = builder.place(network, &to_edge()).unwrap();
    let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 4));
    let slot = builder.address(place, address, None, edge).unwrap();
    (builder.build(epoch).unwrap(), slot)
}

#[test]
fn a_replaced_reason_counts_from_the_next_batch_on() {
    let (table, slot) = one(1, Reason::NotGranted);
    let table = Arc::new(table);
    let mut list = FrameList::default();
    list.push(0, 60, 60);
    let bytes = syn([10, 0, 0, 4]);
    let mut rulings = Vec::new();
    for level in levels() {
        let mut filter = Filter::new(Arc::clone(&table), FrameOptions::default());
        filter.set_vectors(level);
        for reason in [Reason::Exempt, Reason::SenderNotRunning, Reason::NotGranted] {
            let patches = table.patches();
            assert!(table.replace(slot, reason));
            assert_eq!(table.patches(), patches + 1);
            filter.judge(&list.frames(LinkType::Ethernet, None, &bytes), &mut rulings);
            assert_eq!(rulings[0].reason(), Some(reason));
            assert_eq!(rulings[0].verdict(), reason.usual_verdict());
        }
    }
}

#[test]
fn readers_see_only_whole_answers_while_entries_and_tables_are_replaced() {
    let (table, slot) = one(1, Reason::NotGranted);
    let in_force = RwLock::new(Arc::new(table));
    let load = || Arc::clone(&in_force.read().unwrap());
    let done = AtomicBool::new(false);
    let mut list = FrameList::default();
    for _ in 0..100 {
        list.push(0, 60, 60);
    }
    let bytes = syn([10, 0, 0, 4]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..2_000_u64 {
                let table = load();
                let reason = if round % 2 == 0 { Reason::Exempt } else { Reason::NotGranted };
                table.replace(slot, reason);
                if round % 50 == 0 {
                    let (table, _) = one(table.epoch() + 1, Reason::Revoked);
                    *in_force.write().unwrap() = Arc::new(table);
                }
            }
            done.store(true, Ordering::Release);
        });
        let mut filter = Filter::new(load(), FrameOptions::default());
        let mut rulings = Vec::new();
        let mut last = 0;
        while !done.load(Ordering::Acquire) {
            filter.set_table(load());
            assert!(filter.table().epoch() >= last, "an older table came back");
            last = filter.table().epoch();
            filter.judge(&list.frames(LinkType::Ethernet, None, &bytes), &mut rulings);
            for ruling in &rulings {
                let reason = ruling.reason().unwrap();
                let known = [Reason::Exempt, Reason::NotGranted, Reason::Revoked];
                assert!(known.contains(&reason), "{reason}");
                let passes = reason == Reason::Exempt;
                assert_eq!(ruling.verdict() == Verdict::Pass, passes);
            }
        }
    });
}
