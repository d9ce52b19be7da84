//! Captures that are written again.

use std::io::Cursor;

use egress25_packet_filter::capture::{ByteOrder, CaptureCopy, CaptureReader, Item};

use crate::build::{
    BE, Bytes, LE, MICROS, block, epb, epb_of, idb, old_pb, options, pcap_header, pcap_record, shb,
    spb,
};
use crate::read::{nanos, read};

/// A capture written again, each packet with the comments, and how many could not have them.
fn copy(bytes: &[u8], comments: &[&str]) -> (Vec<u8>, u64) {
    let mut reader = CaptureReader::from_read(Cursor::new(bytes.to_vec()), "test").unwrap();
    let container = reader.format().container;
    let mut copy = CaptureCopy::new(Vec::new(), container, "copied").unwrap();
    while let Some(batch) = reader.next_batch().unwrap() {
        for item in batch.items() {
            match item {
                Item::Packet(place) => {
                    copy.write_packet(&batch.record(place).unwrap(), comments).unwrap();
                }
                Item::Block(block) | Item::Unread(block, _) => copy.write_block(&block).unwrap(),
            }
        }
    }
    let left = copy.without_comments();
    (copy.finish().unwrap(), left)
}

/// A section header whose length is known, with options.
fn section(order: ByteOrder, length: u64, list: &[(u16, &[u8])]) -> Vec<u8> {
    let body = Bytes::new(order).u32(0x1a2b_3c4d).u16(1).u16(0);
    let length = match order {
        LE => length.to_le_bytes(),
        BE => length.to_be_bytes(),
    };
    block(order, 0x0a0d_0d0a, &body.raw(&length).raw(&options(order, list)).bytes)
}

const UNKNOWN_LINK: u16 = 127;

/// Every kind of block, of a byte order.
fn every_block(order: ByteOrder) -> Vec<Vec<u8>> {
    vec![
        section(order, 4711, &[(2, b"hardware"), (4, b"dumpcap")]),
        // Filter, speed, system, check sequence.
        idb(order, 1, 96, &[(2, b"eth0"), (11, b"\0tcp"), (8, &[7; 8]), (12, b"x"), (13, &[4])]),
        idb(order, UNKNOWN_LINK, 0, &[(2, b"radio")]),
        // Decryption secrets, name resolution, a custom block, one of the future.
        block(order, 10, b"TLSK....secret"),
        block(order, 4, &[0; 8]),
        block(order, 0xbad, b"\0\0\0\x19custom"),
        block(order, 0x7777, &[9; 400]),
        // Flags and a foreign comment.
        epb_of(order, 0, 5, 3, 60, b"abc", &[(2, &[1; 4]), (1, b"by the user")]),
        epb(order, 1, 6, b"not understood"),
        epb(order, 0, 7, b""),
        old_pb(order, 0, 8, b"old"),
        spb(order, 4, b"none"),
        // Interface statistics.
        block(order, 5, &[1; 12]),
    ]
}

#[test]
fn a_copy_without_comments_is_the_capture_but_for_the_section_header() {
    let mut blocks = every_block(LE);
    blocks.extend(every_block(BE));
    let (copied, _) = copy(&blocks.concat(), &[]);
    let with_title: &[(u16, &[u8])] = &[(2, b"hardware"), (4, b"dumpcap"), (1, b"copied")];
    let unknown = u64::MAX;
    blocks[0] = section(LE, unknown, with_title);
    blocks[13] = section(BE, unknown, with_title);
    assert_eq!(copied, blocks.concat());
}

#[test]
fn sections_without_packets_were_all_copied_in_the_byte_order_of_the_last() {
    let list: &[(u16, &[u8])] = &[(2, b"hardware"), (4, b"dumpcap")];
    let of = |order, length, list| [section(order, length, list), idb(order, 1, 96, &[])].concat();
    let (copied, _) = copy(&[of(LE, 4711, list), of(BE, 4711, list)].concat(), &[]);
    let list: &[(u16, &[u8])] = &[(2, b"hardware"), (4, b"dumpcap"), (1, b"copied")];
    assert_eq!(copied, [of(LE, u64::MAX, list), of(BE, u64::MAX, list)].concat());
}

#[test]
fn comments_are_all_that_a_copy_changes_of_a_packet() {
    for order in [LE, BE] {
        let blocks = every_block(order);
        let (copied, left) = copy(&blocks.concat(), &["verdict", "why"]);
        assert_eq!(left, 1, "the simple packet block");
        let expected: Vec<Vec<u8>> = blocks
            .iter()
            .enumerate()
            .map(|(at, block)| match at {
                0 => {
                    let list: &[(u16, &[u8])] =
                        &[(2, b"hardware"), (4, b"dumpcap"), (1, b"copied")];
                    section(order, u64::MAX, list)
                }
                7 => {
                    let list: &[(u16, &[u8])] =
                        &[(2, &[1; 4]), (1, b"by the user"), (1, b"verdict"), (1, b"why")];
                    epb_of(order, 0, 5, 3, 60, b"abc", list)
                }
                9 => epb_of(order, 0, 7, 0, 0, b"", &[(1, b"verdict"), (1, b"why")]),
                10 => {
                    let head = Bytes::new(order).u16(0).u16(7).u32(0).u32(8).u32(3).u32(3);
                    let added = options(order, &[(1, b"verdict"), (1, b"why")]);
                    crate::build::block(order, 2, &head.raw(b"old").pad().raw(&added).bytes)
                }
                _ => block.clone(),
            })
            .collect();
        assert_eq!(copied, expected.concat());
    }
}

/// The comments of the packets of a capture that has one interface and one packet, copied with a
/// verdict and without.
fn comments_of_copies(section: &[(u16, &[u8])], packet: &[(u16, &[u8])]) -> [Vec<String>; 2] {
    let shb = self::section(LE, 0, section);
    let bytes = [shb, idb(LE, 101, 0, &[]), epb_of(LE, 0, 5, 4, 4, b"data", packet)].concat();
    [&["egress25: drop revoked"][..], &[]].map(|comments| {
        let (copied, _) = copy(&bytes, comments);
        read(&copied).whole()[0].comments.clone()
    })
}

#[test]
fn a_verdict_of_an_earlier_copy_stood_beside_the_new_one() {
    let old: &[(u16, &[u8])] = &[(1, b"by the user"), (1, b"egress25: pass exempt"), (2, &[1; 4])];
    let title = b"egress25 replay of `day.pcapng` by `day.toml`, edition 2020-12";
    for section in [(1, &title[..]), (4, b"egress25")] {
        let [with, without] = comments_of_copies(&[section], old);
        assert_eq!(with, ["by the user", "egress25: drop revoked"]);
        assert_eq!(without, ["by the user"]);
    }
    let section: &[(u16, &[u8])] = &[(1, title), (2, b"hardware")];
    let (copied, _) = copy(&self::section(LE, 0, section), &[]);
    assert_eq!(copied, self::section(LE, u64::MAX, &[(2, b"hardware"), (1, b"copied")]));
}

#[test]
fn a_comment_of_somebody_else_passed_for_a_verdict() {
    let [with, without] = comments_of_copies(&[(4, b"dumpcap")], &[(1, b"egress25: pass exempt")]);
    assert_eq!(with, ["not by egress25: egress25: pass exempt", "egress25: drop revoked"]);
    assert_eq!(without, ["not by egress25: egress25: pass exempt"]);
}

#[test]
fn a_packet_whose_only_option_was_a_verdict_has_none_left() {
    let [with, without] = comments_of_copies(&[(4, b"egress25")], &[(1, b"egress25: pass exempt")]);
    assert_eq!(with, ["egress25: drop revoked"]);
    assert!(without.is_empty());
}

#[test]
fn a_packet_without_a_time_has_none_in_the_copy() {
    let bytes = [shb(LE), idb(LE, 101, 0, &[]), spb(LE, 4, b"none")].concat();
    let (copied, left) = copy(&bytes, &["verdict"]);
    assert_eq!(left, 1);
    assert_eq!(read(&copied).whole()[0].time, None);
}

#[test]
fn broken_options_stay_and_comments_come_in_front_of_them() {
    let broken = Bytes::new(LE).u32(0).u32(0).u32(5).u32(4).u32(4).raw(b"data");
    // A comment, then an option that is longer than its block.
    let broken = broken.u16(1).u16(3).raw(b"old\0").u16(2).u16(900).raw(b"....");
    let bytes = [shb(LE), idb(LE, 101, 0, &[]), block(LE, 6, &broken.bytes)].concat();
    let (copied, _) = copy(&bytes, &["verdict"]);
    assert_eq!(read(&copied).whole()[0].comments, ["old", "verdict"]);
    assert!(copied.windows(8).any(|part| part == b"\x02\0\x84\x03...."));
}

#[test]
fn a_pcap_file_becomes_pcapng_of_one_interface() {
    let bytes = [
        pcap_header(BE, MICROS, 1),
        pcap_record(BE, (1, 2), 60, b"first"),
        pcap_record(BE, (3, 4), 6, b"second"),
    ];
    let (copied, left) = copy(&bytes.concat(), &["verdict"]);
    let records = read(&copied).whole();
    let times: Vec<_> = records.iter().map(|record| record.time).collect();
    assert_eq!((left, times), (0, vec![nanos(1_000_002_000), nanos(3_000_004_000)]));
    assert_eq!((records[0].wire_len, records[1].wire_len), (60, 6));
    assert!(records.iter().all(|record| record.comments == ["verdict"]));
    let (none, _) = copy(&bytes[0], &[]);
    assert!(read(&none).whole().is_empty(), "a capture without packets is one");
}

#[test]
fn verdicts_of_our_own_in_a_second_section_were_taken_for_foreign_ones_and_piled_up() {
    let one = [section(LE, u64::MAX, &[]), idb(LE, 1, 96, &[]), epb(LE, 0, 5, b"abc")].concat();
    let mut bytes = [one.clone(), one].concat();
    let reader = CaptureReader::from_read(Cursor::new(bytes.clone()), "test").unwrap();
    let container = reader.format().container;
    let mut again = Vec::new();
    for _ in 0..3 {
        let title = "egress25 replay of `two` by `inventory`, edition 2020-12";
        let mut copy = CaptureCopy::new(Vec::new(), container, title).unwrap();
        let mut reader = CaptureReader::from_read(Cursor::new(bytes), "test").unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            for item in batch.items() {
                match item {
                    Item::Packet(place) => copy
                        .write_packet(
                            &batch.record(place).unwrap(),
                            &["egress25: drop not-granted"],
                        )
                        .unwrap(),
                    Item::Block(block) | Item::Unread(block, _) => {
                        copy.write_block(&block).unwrap();
                    }
                }
            }
        }
        bytes = copy.finish().unwrap();
        again.push(bytes.clone());
    }
    assert_eq!(again[0], again[1]);
    assert_eq!(again[1], again[2]);
}
