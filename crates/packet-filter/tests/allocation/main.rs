//! The fast path allocates nothing, neither per packet nor per batch: shown by counting.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::alloc::System;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Sieve, Vectors};
use egress25_packet_filter::table::{Leaf, RouteSet, Table, TableBuilder};
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

/// A table of six machines.
fn table() -> Arc<Table> {
    let mut builder = TableBuilder::default();
    let network = builder.network(&NetworkName::from("one"));
    let routes = RouteSet::new(vec![("0.0.0.0/0".parse().unwrap(), Leaf::Edge)]);
    let place = builder.place(network, &routes).unwrap();
    for host in 0..6_u8 {
        let address = std::net::Ipv4Addr::new(10, 0, 0, host).into();
        builder.address(place, address, None, Reason::NotGranted).unwrap();
    }
    Arc::new(builder.build(1).unwrap())
}

/// A capture of so many frames.
fn capture(count: usize) -> Vec<u8> {
    let (bytes, list) = frames(count);
    let mut capture = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
    capture.extend(1_u32.to_le_bytes());
    for (second, frame) in (0_u32..).zip(list.frames(LinkType::Ethernet, None, &bytes).iter()) {
        let len = u32::try_from(frame.bytes.len()).unwrap();
        for word in [second, 0, len, frame.wire_len] {
            capture.extend(word.to_le_bytes());
        }
        capture.extend(frame.bytes);
    }
    capture
}

/// What is counted is what the whole process allocates, so no harness runs beside it.
fn main() {
    reading_and_judging_a_file_or_a_pipe_allocates_nothing_behind_its_beginning();
    judging_and_sieving_allocate_nothing_once_their_room_is_there();
}

fn reading_and_judging_a_file_or_a_pipe_allocates_nothing_behind_its_beginning() {
    let bytes = capture(150_000);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    for source in ["file", "pipe"] {
        let mut reader = match source {
            "pipe" => {
                let (read, mut write) = std::io::pipe().unwrap();
                let bytes = bytes.clone();
                std::thread::spawn(move || std::io::Write::write_all(&mut write, &bytes));
                CaptureReader::from_file(File::from(OwnedFd::from(read)), source).unwrap()
            }
            _ => {
                let file = File::open(file.path()).unwrap();
                CaptureReader::from_file(file, source).unwrap()
            }
        };
        let mut filter = Filter::new(table(), FrameOptions::default());
        let (mut rulings, mut packets) = (Vec::new(), 0);
        let mut region = None;
        let change = loop {
            let Some(batch) = reader.next_batch().unwrap() else {
                break region.map(|region: Region<'_, System>| region.change()).unwrap();
            };
            filter.judge(&batch.frames(), &mut rulings);
            packets += batch.len();
            // The largest batch has been there by then, and every piece that goes round.
            if packets > 100_000 {
                region.get_or_insert_with(|| Region::new(ALLOCATOR));
            }
        };
        assert_eq!(packets, 150_000);
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{source}: {change:?}");
    }
}

fn judging_and_sieving_allocate_nothing_once_their_room_is_there() {
    let table = table();
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
