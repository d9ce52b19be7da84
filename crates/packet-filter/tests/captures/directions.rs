//! The direction in which a packet was seen, as a capture says it.

use std::io::Cursor;

use egress25_packet_filter::capture::{ByteOrder, CaptureReader};
use egress25_packet_filter::frame::Direction::{self, Inbound, Outbound};

use crate::build::{
    BE, Bytes, LE, MICROS, block, epb_of, idb, old_pb, options, pcap_header, pcap_record, shb, spb,
};

const FLAGS: u16 = 2;

/// What the packets of a capture say, read one by one and in batches.
fn directions(bytes: &[u8]) -> Vec<Option<Direction>> {
    let open = || CaptureReader::from_read(Cursor::new(bytes.to_vec()), "test").unwrap();
    let (mut reader, mut one_by_one) = (open(), Vec::new());
    while let Some(record) = reader.next_record().unwrap() {
        one_by_one.push(record.sighting().direction);
    }
    let (mut reader, mut in_batches) = (open(), Vec::new());
    while let Some(batch) = reader.next_batch().unwrap() {
        in_batches.extend((0..batch.len()).map(|place| batch.direction(place)));
    }
    assert_eq!(in_batches, one_by_one);
    one_by_one
}

fn flagged(order: ByteOrder, value: &[u8]) -> Vec<u8> {
    epb_of(order, 0, 1, 5, 5, b"12345", &[(1, b"a comment"), (FLAGS, value)])
}

fn word(order: ByteOrder, word: u32) -> Vec<u8> {
    Bytes::new(order).u32(word).bytes
}

#[test]
fn flags_are_read_in_the_byte_order_of_their_section() {
    let section = |order| {
        let flags = [0, 1, 2, 3, 0xffff_fffd, 0xffff_fffe, 0x0100_0000, 0x0200_0000];
        let packets = flags.map(|flags| flagged(order, &word(order, flags))).concat();
        [shb(order), idb(order, 1, 0, &[]), packets].concat()
    };
    let expected =
        [None, Some(Inbound), Some(Outbound), None, Some(Inbound), Some(Outbound), None, None];
    for order in [LE, BE] {
        assert_eq!(directions(&section(order)), expected, "{order}");
    }
    let both = [section(LE), section(BE)].concat();
    assert_eq!(directions(&both), expected.repeat(2));
}

#[test]
fn what_is_no_flags_of_an_enhanced_packet_block_says_nothing() {
    for order in [LE, BE] {
        let inbound = word(order, 1);
        // Of another length, broken off, or behind the end of the options.
        let long = [&inbound[..], &[0; 4]].concat();
        let mut odd = vec![flagged(order, &inbound[..2]), flagged(order, &long)];
        let head = Bytes::new(order).u32(0).u32(0).u32(1).u32(0).u32(0);
        let broken = head.u16(FLAGS).u16(64).raw(&inbound).bytes;
        odd.push(block(order, 6, &broken));
        let head = Bytes::new(order).u32(0).u32(0).u32(1).u32(0).u32(0);
        let behind = head.u16(0).u16(0).u16(FLAGS).u16(4).raw(&inbound).bytes;
        odd.push(block(order, 6, &behind));
        // The flags of an obsolete packet block, and a simple one, which has none.
        let old = old_pb(order, 0, 1, b"1234");
        let body = [&old[8..old.len() - 4], &options(order, &[(FLAGS, &inbound)])].concat();
        odd.push(block(order, 2, &body));
        odd.push(spb(order, 4, &inbound));
        let packets = odd.len();
        let file = [shb(order), idb(order, 1, 0, &[]), odd.concat()].concat();
        assert_eq!(directions(&file), vec![None; packets], "{order}");
    }
}

/// Cooked headers of every packet type, in a pcap file.
fn cooked(order: ByteOrder, link: u16, header: impl Fn(u8) -> Vec<u8>) -> Vec<Option<Direction>> {
    let mut file = pcap_header(order, MICROS, u32::from(link));
    for kind in 0..8 {
        file.extend(pcap_record(order, (1, 0), 20, &header(kind)));
    }
    directions(&file)
}

#[test]
fn a_cooked_header_tells_what_comes_to_us_and_what_goes_from_us_alone() {
    let expected = [Some(Inbound), None, None, None, Some(Outbound), None, None, None];
    for order in [LE, BE] {
        let sll = |kind| {
            let mut header = vec![0; 20];
            header[1] = kind;
            header
        };
        assert_eq!(cooked(order, 113, sll), expected, "SLL");
        let sll2 = |kind| {
            let mut header = vec![4; 20];
            header[10] = kind;
            header
        };
        assert_eq!(cooked(order, 276, sll2), expected, "SLL2");
        // Both bytes of the older one's type count; the newer one's may be cut off.
        assert_eq!(
            cooked(order, 113, |kind| vec![kind, kind]),
            [&expected[..1], &[None; 7]].concat()
        );
        assert_eq!(cooked(order, 276, |_| vec![0; 10]), [None; 8]);
        // No other link type has one.
        for link in [0, 1, 9, 101, 108, 228, 229] {
            assert_eq!(cooked(order, link, sll), [None; 8], "{link}");
        }
    }
}

#[test]
fn flags_count_before_a_cooked_header() {
    let frame = |kind| [&[0, kind, 0, 1, 0, 6][..], &[0; 8], &[8, 0]].concat();
    let packet =
        |kind, flags: u32| epb_of(LE, 0, 1, 16, 16, &frame(kind), &[(FLAGS, &flags.to_le_bytes())]);
    let packets = [packet(0, 2), packet(4, 1), packet(0, 0), packet(4, 0)].concat();
    let file = [shb(LE), idb(LE, 113, 0, &[]), packets].concat();
    let expected = [Outbound, Inbound, Inbound, Outbound];
    assert_eq!(directions(&file), expected.map(Some));
}
