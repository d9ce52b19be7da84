//! pcapng, byte by byte.

use std::io::Cursor;

use egress25_packet_filter::capture::{
    ByteOrder, CaptureError, CaptureReader, RecordFault, Warning,
};
use egress25_packet_filter::link::LinkType;

use crate::build::{
    BE, Bytes, LE, block, epb, epb_of, gzip, idb, old_pb, options, shb, shb_of, spb, zstd,
};
use crate::read::{nanos, read};

const NAME: u16 = 2;
const DESCRIPTION: u16 = 3;
const TSRESOL: u16 = 9;
const TSOFFSET: u16 = 14;

/// 2023-11-14T22:13:20Z.
const SECOND: u64 = 1_700_000_000;

fn one_interface(order: ByteOrder, packets: &[Vec<u8>]) -> Vec<u8> {
    [shb(order), idb(order, 1, 0, &[]), packets.concat()].concat()
}

#[test]
fn packets_of_every_block_type_are_read_in_both_orders_plain_and_compressed() {
    for order in [LE, BE] {
        let time = SECOND * 1_000_000 + 7;
        let bytes = one_interface(
            order,
            &[
                epb_of(order, 0, time, 5, 60, b"first", &[]),
                spb(order, 6, b"second"),
                old_pb(order, 0, time + 1, b"the third"),
            ],
        );
        for bytes in [bytes.clone(), gzip(&bytes), zstd(&bytes)] {
            let records = read(&bytes).whole();
            let times: Vec<_> = records.iter().map(|r| r.time).collect();
            let first = i128::from(SECOND) * 1_000_000_000 + 7_000;
            assert_eq!(times, [nanos(first), None, nanos(first + 1_000)]);
            let data: Vec<_> = records.iter().map(|r| &r.data[..]).collect();
            assert_eq!(data, [&b"first"[..], b"second", b"the third"]);
            assert_eq!(records.iter().map(|r| r.wire_len).collect::<Vec<_>>(), [60, 6, 9]);
            assert_eq!(records[0].offset, 28 + 24);
        }
    }
}

#[test]
fn a_simple_packet_is_cut_at_the_snapshot_length_of_the_first_interface() {
    let bytes = [shb(LE), idb(LE, 1, 3, &[]), idb(LE, 101, 0, &[]), spb(LE, 100, b"abc")].concat();
    let records = read(&bytes).whole();
    assert_eq!((&records[0].data[..], records[0].wire_len), (&b"abc"[..], 100));
    assert_eq!(records[0].link, LinkType::Ethernet);
}

#[test]
fn sections_have_their_own_interfaces_and_byte_order() {
    let named = |order, link, name: &[u8]| idb(order, link, 96, &[(NAME, name)]);
    let bytes = [
        shb(LE),
        named(LE, 1, b"eth0"),
        idb(LE, 101, 0, &[(NAME, b"tun0\0"), (DESCRIPTION, b"a tunnel")]),
        epb(LE, 1, 1, b"one"),
        epb(LE, 0, 2, b"two"),
        shb(BE),
        named(BE, 276, b"any"),
        epb(BE, 0, 3, b"three"),
        shb(LE),
        named(LE, 1, b"caf\xe9"),
        epb(LE, 0, 4, b"four"),
    ]
    .concat();
    let records = read(&bytes).whole();
    let text = |t: &str| Some(t.to_owned());
    let seen: Vec<_> = records.into_iter().map(|r| (r.link, r.interface.unwrap())).collect();
    assert_eq!(
        seen,
        [
            (LinkType::Raw, (0, 1, text("tun0"), text("a tunnel"), 0)),
            (LinkType::Ethernet, (0, 0, text("eth0"), None, 96)),
            (LinkType::LinuxSll2, (1, 0, text("any"), None, 96)),
            (LinkType::Ethernet, (2, 0, text("caf\u{fffd}"), None, 96)),
        ]
    );
}

#[test]
fn an_interface_may_be_described_between_packets() {
    let bytes =
        [one_interface(LE, &[epb(LE, 0, 1, b"x")]), idb(LE, 228, 0, &[]), epb(LE, 1, 1, b"y")]
            .concat();
    assert_eq!(read(&bytes).whole()[1].link, LinkType::Ipv4);
}

#[test]
fn blocks_that_are_not_ours_are_passed_over() {
    let statistics = block(LE, 5, &[0; 12]);
    let names = block(LE, 4, &[0; 4]);
    let custom = block(LE, 0x0bad, &[1, 2, 3, 4, 5, 6, 7, 8]);
    let secrets = block(LE, 10, &vec![b'k'; 300_000]);
    let unknown = block(LE, 0x8000_0001, &[]);
    let bytes = [
        shb(LE),
        names,
        idb(LE, 1, 0, &[]),
        custom,
        epb(LE, 0, 1, b"x"),
        secrets,
        unknown,
        epb(LE, 0, 2, b"y"),
        statistics,
    ]
    .concat();
    assert_eq!(read(&bytes).whole().len(), 2);
}

/// The time that `raw` means with such options.
fn time(raw: u64, list: &[(u16, &[u8])]) -> Option<jiff::Timestamp> {
    let bytes = [shb(BE), idb(BE, 1, 0, list), epb(BE, 0, raw, b"x")].concat();
    read(&bytes).whole()[0].time
}

#[test]
fn time_stamps_count_microseconds_unless_told_otherwise() {
    assert_eq!(time(SECOND * 1_000_000 + 123_456, &[]), nanos(1_700_000_000_123_456_000));
}

#[test]
fn every_power_of_ten_is_a_resolution() {
    for power in 0..=9_u8 {
        let raw = SECOND * 10_u64.pow(u32::from(power)) + 1;
        let want = i128::from(SECOND) * 1_000_000_000 + 10_i128.pow(9 - u32::from(power));
        assert_eq!(time(raw, &[(TSRESOL, &[power])]), nanos(want), "10^-{power}");
    }
    // Finer than nanoseconds: rounded down.
    assert_eq!(time(1_999, &[(TSRESOL, &[12])]), nanos(1));
    assert_eq!(time(u64::MAX, &[(TSRESOL, &[19])]), nanos(1_844_674_407));
    assert_eq!(time(u64::MAX, &[(TSRESOL, &[127])]), nanos(0));
}

#[test]
fn every_power_of_two_is_a_resolution() {
    assert_eq!(time(SECOND, &[(TSRESOL, &[0x80])]), nanos(1_700_000_000_000_000_000));
    assert_eq!(time(SECOND << 10 | 512, &[(TSRESOL, &[0x8a])]), nanos(1_700_000_000_500_000_000));
    assert_eq!(time(SECOND << 30 | 1, &[(TSRESOL, &[0x9e])]), nanos(1_700_000_000_000_000_000));
    assert_eq!(time(SECOND << 30 | 2, &[(TSRESOL, &[0x9e])]), nanos(1_700_000_000_000_000_001));
    assert_eq!(time(1 << 63, &[(TSRESOL, &[0x80 | 63])]), nanos(1_000_000_000));
    assert_eq!(time(u64::MAX, &[(TSRESOL, &[0xff])]), nanos(0));
}

#[test]
fn a_time_offset_is_added_in_seconds_and_may_lead_before_1970() {
    let day = 86_400_i64;
    let want = nanos((1_700_000_000 + 86_400) * 1_000_000_000);
    assert_eq!(time(SECOND * 1_000_000, &[(TSOFFSET, &day.to_be_bytes())]), want);
    let want = nanos(-86_399 * 1_000_000_000);
    assert_eq!(time(1_000_000, &[(TSOFFSET, &(-day).to_be_bytes())]), want);
    let both: &[(u16, &[u8])] = &[(TSRESOL, &[3]), (TSOFFSET, &[0, 0, 0, 0, 0, 0, 0, 1])];
    assert_eq!(time(2_001, both), nanos(3_001_000_000));
}

#[test]
fn a_time_that_no_calendar_holds_is_no_time_and_a_warning_with_a_count() {
    let far = i64::MAX.to_le_bytes();
    let bytes = [
        shb(LE),
        idb(LE, 1, 0, &[(TSRESOL, &[0])]),
        idb(LE, 1, 0, &[(TSOFFSET, &far)]),
        epb(LE, 0, 5, b"in range"),
        epb(LE, 0, u64::MAX, b"out"),
        epb(LE, 1, 5, b"out"),
    ]
    .concat();
    let read = read(&bytes);
    assert_eq!(
        read.records.iter().map(|r| r.time).collect::<Vec<_>>(),
        [nanos(5_000_000_000), None, None]
    );
    assert_eq!(read.warnings, [Warning::TimestampOutOfRange { first: 1, count: 2 }]);
    assert!(read.warnings[0].to_string().starts_with("2 record(s), the first of them record 2"));
}

#[test]
fn comments_of_a_packet_come_in_their_order() {
    let list: &[(u16, &[u8])] =
        &[(2, &[0; 4]), (1, b"hello"), (1, "wörld".as_bytes()), (1, b"\xff")];
    for order in [LE, BE] {
        let packet = epb_of(order, 0, 1, 3, 3, b"abc", list);
        let records = read(&one_interface(order, &[packet, epb(order, 0, 1, b"abc")])).whole();
        assert_eq!(records[0].comments, ["hello", "wörld", "\u{fffd}"]);
        assert!(records[1].comments.is_empty());
    }
}

#[test]
fn options_of_a_packet_that_break_off_cost_only_themselves() {
    let tail = Bytes::new(LE).u16(1).u16(2).raw(b"ok\0\0").u16(1).u16(60_000).bytes;
    let body = Bytes::new(LE).u32(0).u32(0).u32(9).u32(4).u32(4).raw(b"data").raw(&tail).bytes;
    let records = read(&one_interface(LE, &[block(LE, 6, &body)])).whole();
    assert_eq!(
        (&records[0].data[..], &records[0].comments[..]),
        (&b"data"[..], &["ok".into()][..])
    );
}

#[test]
fn an_unsupported_interface_is_refused_at_its_first_packet_and_others_can_be_read_on() {
    let bytes = [
        shb(LE),
        idb(LE, 1, 0, &[]),
        idb(LE, 127, 0, &[(NAME, b"wlan0mon")]),
        epb(LE, 0, 1, b"first"),
        epb(LE, 1, 1, b"radio"),
        epb(LE, 0, 1, b"last"),
    ]
    .concat();
    let mut reader = CaptureReader::from_read(Cursor::new(bytes), "test").unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().data, b"first");
    let error = reader.next_record().unwrap_err();
    assert!(error.to_string().ends_with(
        ": interface 1 `wlan0mon`: link type `IEEE802_11_RADIOTAP` (127) is not supported"
    ));
    assert!(matches!(
        error,
        CaptureError::Record { record: 2, fault: RecordFault::Link { interface: 1, .. }, .. }
    ));
    let last = reader.next_record().unwrap().unwrap();
    assert_eq!((last.data, last.index), (&b"last"[..], 2));
    assert!(reader.next_record().unwrap().is_none());
}

#[test]
fn an_unsupported_interface_without_packets_does_not_matter() {
    let bytes = [shb(LE), idb(LE, 127, 0, &[]), idb(LE, 1, 0, &[]), epb(LE, 1, 1, b"x")].concat();
    assert_eq!(read(&bytes).whole().len(), 1);
}

#[test]
fn headers_alone_have_no_records() {
    for order in [LE, BE] {
        assert!(read(&shb(order)).whole().is_empty());
        assert!(read(&one_interface(order, &[])).whole().is_empty());
        assert!(read(&shb_of(order, 1, 2)).whole().is_empty());
    }
}

#[test]
fn the_newer_reserved_word_and_unknown_options_of_an_interface_do_not_matter() {
    let list = options(LE, &[(2988, b"?"), (NAME, b"eth0")]);
    let body = Bytes::new(LE).u16(1).u16(0xffff).u32(0).raw(&list).bytes;
    let bytes = [shb(LE), block(LE, 1, &body), epb(LE, 0, 1, b"x")].concat();
    let interface = read(&bytes).whole().remove(0).interface.unwrap();
    assert_eq!(interface.2.as_deref(), Some("eth0"));
}

/// A capture of one good packet and then `bad`; what the error says.
fn corrupt(bad: &[u8]) -> String {
    let bytes = [one_interface(LE, &[epb(LE, 0, 1, b"good")]), bad.to_vec(), epb(LE, 0, 1, b"no")];
    let read = read(&bytes.concat());
    assert_eq!(read.records.len(), 1, "the packet before is delivered, none behind");
    let message = read.message();
    // 28 section header, 24 interface, 40 packet.
    assert!(message.starts_with("`test`: record 2 at byte offset 92: "), "{message}");
    message
}

#[test]
fn corrupt_blocks_are_named_with_record_and_offset() {
    let with_len = |kind, len: u32| Bytes::new(LE).u32(kind).u32(len).raw(&[0; 64]).bytes;
    for (bad, want) in [
        (with_len(6, 33), "declares 33 bytes; a length is a multiple of 4"),
        (with_len(6, 28), "at least 32"),
        (with_len(99, 8), "at least 12"),
        (with_len(6, 0x7fff_fffc), "a block of 2147483644 bytes is over the limit of 1310720"),
        (with_len(99, 0x7fff_fffc), "over the limit of 16777216"),
        (with_len(6, 32), "begins with the length 32 and ends with 0"),
        (with_len(99, 32), "begins with the length 32 and ends with 0"),
        (epb(LE, 1, 1, b"x"), "packet of interface 1, but section 0 describes 1 interface(s)"),
        (epb_of(LE, 0, 1, 99, 99, b"x", &[]), "99 captured bytes do not fit into the 8 bytes"),
        (epb_of(LE, 0, 1, u32::MAX, 99, b"x", &[]), "4294967295 captured bytes"),
        (spb(LE, 99, b"x"), "99 captured bytes do not fit into the 4 bytes"),
        (shb_of(LE, 2, 0), "pcapng version 2.0; 1.0 and 1.2 are supported"),
        (block(LE, 0x0a0d_0d0a, &[0; 16]), "the byte order word `0x00000000`"),
        (idb(LE, 1, 0, &[(TSRESOL, &[6, 6])]), "broken option 9 (not 1 byte long)"),
        (idb(LE, 1, 0, &[(TSOFFSET, &[0; 4])]), "broken option 14 (not 8 bytes long)"),
        (
            block(LE, 1, &Bytes::new(LE).u16(1).u16(0).u32(0).u16(2).u16(500).bytes),
            "broken option 2 (longer than its block)",
        ),
    ] {
        let message = corrupt(&bad);
        assert!(message.contains(want), "{message:?} instead of {want:?}");
    }
}

#[test]
fn a_packet_of_an_unknown_link_type_was_not_told_before_a_broken_description() {
    let bytes = [
        shb(LE),
        idb(LE, 127, 0, &[]),
        epb(LE, 0, 1, b"radio"),
        block(LE, 1, &Bytes::new(LE).u16(1).u16(0).u32(0).u16(2).u16(500).bytes),
    ];
    let mut reader = CaptureReader::from_read(Cursor::new(bytes.concat()), "test").unwrap();
    let mut unread = Vec::new();
    let error = loop {
        match reader.next_batch() {
            Ok(Some(batch)) => unread.extend(batch.unread().map(ToString::to_string)),
            Ok(None) => panic!("the description is broken"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("broken option 2"), "{error}");
    assert_eq!(unread.len(), 1, "{unread:?}");
}

#[test]
fn a_packet_over_the_record_limit_is_refused_although_its_block_is_not() {
    let message = corrupt(&epb(LE, 0, 1, &vec![0; 262_145]));
    assert!(message.contains("a packet of 262145 bytes is over the limit of 262144"), "{message}");
    let read = read(&one_interface(LE, &[epb(LE, 0, 1, &vec![7; 262_144])]));
    assert_eq!(read.whole()[0].data.len(), 262_144);
}

#[test]
fn a_packet_before_any_interface_is_corrupt() {
    for packet in [epb(LE, 0, 1, b"x"), spb(LE, 1, b"x"), old_pb(LE, 0, 1, b"x")] {
        let message = read(&[shb(LE), packet].concat()).message();
        assert!(message.contains("section 0 describes 0 interface(s)"), "{message}");
    }
}

#[test]
fn a_section_of_too_many_interfaces_is_refused() {
    let bare = block(LE, 1, &Bytes::new(LE).u16(1).u16(0).u32(0).bytes);
    let mut bytes = shb(LE);
    bytes.extend(bare.repeat(65_536));
    assert!(read(&bytes).whole().is_empty());
    bytes.extend(bare);
    assert!(read(&bytes).message().ends_with("section describes more than 65536 interfaces"));
}

#[test]
fn a_name_is_kept_up_to_512_bytes() {
    let name = vec![b'n'; 60_000];
    let bytes = [shb(LE), idb(LE, 1, 0, &[(NAME, &name)]), epb(LE, 0, 1, b"x")].concat();
    let interface = read(&bytes).whole().remove(0).interface.unwrap();
    assert_eq!(interface.2.unwrap().len(), 512);
}

#[test]
fn a_truncated_tail_is_a_warning_with_the_bytes_left() {
    let whole = one_interface(LE, &[epb(LE, 0, 1, b"one"), epb(LE, 0, 1, b"two")]);
    let cut = read(&whole[..whole.len() - 3]);
    assert_eq!((cut.records.len(), cut.message()), (1, String::new()));
    assert_eq!(cut.warnings, [Warning::TruncatedTail { offset: 92, bytes_left: 37 }]);
    // A block that is passed over counts too, although it is not kept.
    let mut long = whole;
    long.extend(&block(LE, 99, &vec![0; 400_000])[..300_000]);
    let cut = read(&long);
    assert_eq!(cut.records.len(), 2);
    assert_eq!(cut.warnings, [Warning::TruncatedTail { offset: 132, bytes_left: 300_000 }]);
}
