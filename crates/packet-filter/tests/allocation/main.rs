//! The fast path allocates nothing, neither per packet nor per batch: shown by counting.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::alloc::System;
use std::sync::Arc;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Sieve, Vectors};
use egress25_packet_filter::table::{Leaf, RouteSet, TableBuilder};
use egress25_policy::{NetworkName, Reason};
use egress25_skipped::skipped;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Plain SYNs, other TCP, fragments, VLAN tags, IPv6 and broken frames in turn.
fn frames(count: usize) -> (Vec<u8>, FrameList) {
    let (mut bytes, mut list) = (Vec::new(), FrameList::default());
    for at in 0..count {
        let mut frame = vec![0_u8; 74];
        frame[12] = 8;
        frame[14..24].copy_from_slice(&[0x45, 0, 0, 60, 0, 0, 0x40, 0, 64, 6]);
        frame[26..30].copy_from_slice(&[10, 0, 0, u8::try_from(at % 9).unwrap()]);
        frame[30..34].copy_from_slice(&[203, 0, 113, 5]);
        frame[34..48].copy_from_slice(&[0x9c, 0x40, 0, 25, 0, 0, 0, 1, 0, 0, 0, 0, 0xa0, 2]);
        match at % 8 {
            0 => frame[37] = 80,
            1 => frame[20] = 0x20,
            2 => frame[14] = 0x46,
            3 => frame.splice(12..12, [0x81, 0, 0, 10]).for_each(drop),
            4 => frame[12..15].copy_from_slice(&[0x86, 0xdd, 0x60]),
            5 => frame.truncate(40),
            _ => {}
        }
        let offset = u32::try_from(bytes.len()).unwrap();
        list.push(offset, u32::try_from(frame.len()).unwrap(), 74);
        bytes.extend_from_slice(&frame);
    }
    (bytes, list)
}

#[test]
fn judging_and_sieving_allocate_nothing_once_their_room_is_there() {
    let mut builder = TableBuilder::default();
    let network = builder.network(&NetworkName::from("one"));
    let routes = RouteSet::new(vec![("0.0.0.0/0".parse().unwrap(), Leaf::Edge)]);
    let place = builder.place(network, &routes).unwrap();
    for host in 0..6_u8 {
        let address = std::net::Ipv4Addr::new(10, 0, 0, host).into();
        builder.address(place, address, None, Reason::NotGranted).unwrap();
    }
    let table = Arc::new(builder.build(1).unwrap());
    let (bytes, list) = frames(10_000);
    let batch = list.frames(LinkType::Ethernet, Some("eth0"), &bytes);
    for level in Vectors::ALL {
        if !level.is_here() {
            skipped(format_args!("this processor has no {level}"));
            continue;
        }
        let mut filter = Filter::new(Arc::clone(&table), FrameOptions::default());
        filter.set_vectors(*level);
        let mut sieve = Sieve::new(FrameOptions::default());
        sieve.set_vectors(*level);
        let (mut rulings, mut kept) = (Vec::new(), Vec::new());
        filter.judge(&batch, &mut rulings);
        sieve.keep(&batch, &mut kept);
        assert!(rulings.iter().any(|ruling| ruling.is_judged()) && !kept.is_empty());
        let region = Region::new(ALLOCATOR);
        for _ in 0..20 {
            filter.judge(&batch, &mut rulings);
            kept.clear();
            sieve.keep(&batch, &mut kept);
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{level}: {change:?}");
    }
}
