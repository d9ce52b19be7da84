//! Blocks that are full of candidates, and batches whose lists promise more than there is.

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::{FrameOptions, Kind, Wanted};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::FrameList;
use egress25_policy::Reason;

use crate::build::{Random, frame, table};
use crate::compare::{levels, one_by_one, told};

/// An Ethernet frame with a packet of some protocol and port, 60 bytes long.
fn plain(source: [u8; 4], to: [u8; 4], protocol: u8, port: u8) -> [u8; 60] {
    let mut bytes = [0; 60];
    bytes[12] = 8;
    bytes[14] = 0x45;
    bytes[17] = 40;
    bytes[20] = 0x40;
    bytes[22..24].copy_from_slice(&[64, protocol]);
    bytes[26..30].copy_from_slice(&source);
    bytes[30..34].copy_from_slice(&to);
    bytes[37] = port;
    bytes[46..48].copy_from_slice(&[0x50, 2]);
    bytes
}

/// Judges a batch on every level, and holds each against what the reference says of the frames
/// that the batch is said to consist of.
fn check(list: &FrameList, bytes: &[u8], options: FrameOptions, what: &str) -> usize {
    let table = table();
    let network = table.network(&"one".into());
    let frames = list.frames(LinkType::Ethernet, None, bytes);
    let mut reference = Filter::new(table.clone(), options);
    reference.set_network(network);
    let expected = one_by_one(&mut reference, &frames, &options);
    for level in levels() {
        let mut filter = Filter::new(table.clone(), options);
        filter.set_network(network);
        filter.set_vectors(level);
        let mut rulings = Vec::new();
        filter.judge(&frames, &mut rulings);
        assert_eq!(rulings.len(), expected.len());
        for (at, (ruling, expected)) in rulings.iter().zip(&expected).enumerate() {
            assert_eq!(
                told(*ruling),
                *expected,
                "{what}, {level}, frame {at}: {:?}",
                frames.get(at)
            );
        }
        assert_eq!(filter.counters(), reference.counters(), "{what}, {level}");
    }
    expected.iter().filter(|(_, reason, ..)| reason.is_some()).count()
}

#[test]
fn full_blocks_are_judged_and_counted_as_one_by_one() {
    let mut random = Random::new(7);
    for blanks in [0, 1, 3, 30, 60] {
        for count in [64, 128, 129, 700, 64 * 20] {
            let (mut list, mut bytes) = (FrameList::default(), Vec::new());
            for _ in 0..count {
                let source = [10, random.pick(&[0, 0, 1, 2]), 0, random.pick(&[4, 5, 6, 7, 9])];
                let to = [random.pick(&[203, 10, 168, 198, 8]), 51, 100, random.byte()];
                let port = if random.below(64) < blanks { 24 } else { 25 };
                let offset = u32::try_from(bytes.len()).unwrap();
                list.push(offset, 60, 60);
                bytes.extend(plain(source, to, 6, port));
            }
            let judged = check(&list, &bytes, FrameOptions::default(), "full blocks");
            assert!(blanks > 0 || judged == count, "{judged} of {count}");
        }
    }
}

#[test]
fn a_frame_that_is_not_whole_in_the_bytes_is_judged_as_an_empty_one_on_every_level() {
    for (protocol, port) in [(6, 25), (6, 24), (17, 53), (1, 0)] {
        for captured in [60, 61, 100, u32::MAX - 14, u32::MAX] {
            let (mut list, mut bytes) = (FrameList::default(), Vec::new());
            for number in 0..130_u32 {
                // ThreadedWrite the last frame's 60 bytes nothing follows.
                let len = if number % 5 == 4 || number > 120 { captured } else { 60 };
                list.push(number * 60, len, len);
                bytes.extend(plain([10, 0, 0, 4], [203, 0, 113, 5], protocol, port));
            }
            let what = format!("protocol {protocol}, port {port}, {captured} captured");
            check(&list, &bytes, FrameOptions::default(), &what);
        }
    }
}

#[test]
fn places_and_lengths_that_lie_are_judged_alike_on_every_level() {
    let mut random = Random::new(11);
    for round in 0..600 {
        let (mut list, mut bytes) = (FrameList::default(), Vec::new());
        let count = random.pick(&[1, 64, 65, 192, 300]);
        for _ in 0..count {
            let made = frame(&mut random, LinkType::Ethernet);
            let (offset, len) = (bytes.len(), made.bytes.len());
            let [offset, len] = [offset, len].map(|number| u32::try_from(number).unwrap());
            let lie = random.below(40) == 0 && round % 3 != 0;
            let offset = match random.below(6) {
                0 if lie => u32::MAX,
                1 if lie => u32::MAX - 53,
                2 if lie => offset.wrapping_sub(17),
                _ => offset,
            };
            let len = match random.below(6) {
                0 | 1 if lie => u32::MAX,
                2 if lie => len + 900,
                3 if lie => u32::MAX - offset,
                _ => len,
            };
            let wire = if random.below(50) == 0 { random.pick(&[0, u32::MAX]) } else { made.wire };
            list.push(offset, len, wire);
            bytes.extend(made.bytes);
        }
        let look_inside = round % 2 == 0;
        let wanted = if round % 5 == 0 { Wanted::EVERYTHING } else { Wanted::NOTHING };
        let options = FrameOptions { look_inside, wanted, ..FrameOptions::default() };
        check(&list, &bytes, options, "lies");
    }
}

#[test]
fn replaced_reasons_are_seen_by_every_level() {
    let table = table();
    let network = table.network(&"one".into());
    let source = "10.0.0.4".parse().unwrap();
    let slot = table.slot(network, source).unwrap();
    let (mut list, mut bytes) = (FrameList::default(), Vec::new());
    for to in 0..100 {
        list.push(u32::from(to) * 60, 60, 60);
        bytes.extend(plain([10, 0, 0, 4], [203, 0, 113, to], 6, 25));
    }
    for reason in Reason::ALL {
        assert!(table.replace(slot, *reason));
        let expected = table.answer(network, (source, 40_000), "203.0.113.9".parse().unwrap());
        for level in levels() {
            let mut filter = Filter::new(table.clone(), FrameOptions::default());
            filter.set_network(network);
            filter.set_vectors(level);
            let mut rulings = Vec::new();
            filter.judge(&list.frames(LinkType::Ethernet, None, &bytes), &mut rulings);
            for ruling in &rulings {
                let expected = (expected.verdict, Some(*reason), false, Kind::Nothing);
                assert_eq!(told(*ruling), expected);
            }
        }
    }
}
