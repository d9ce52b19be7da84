//! pcap, byte by byte.

use egress25_packet_filter::capture::{
    ByteOrder, CaptureFormat, CaptureReader, Compression, Container, Resolution, Warning,
};
use egress25_packet_filter::link::LinkType;

use crate::build::{
    BE, Bytes, LE, MICROS, NANOS, PATCHED, gzip, pcap_header, pcap_header_of, pcap_record,
    pcap_record_of, zstd,
};
use crate::read::{nanos, read};

type Compress = fn(&[u8]) -> Vec<u8>;

const COMPRESSIONS: [(Compression, Compress); 3] =
    [(Compression::None, |b| b.to_vec()), (Compression::Gzip, gzip), (Compression::Zstd, zstd)];

/// Two packets, the first at 1,700,000,000.000001 or .000000001 seconds.
fn two_packets(order: ByteOrder, magic: u32) -> Vec<u8> {
    let mut bytes = pcap_header(order, magic, 1);
    bytes.extend(pcap_record(order, (1_700_000_000, 1), 60, b"first packet"));
    bytes.extend(pcap_record(order, (1_700_000_001, 999_999), 3, b"two"));
    bytes
}

#[test]
fn both_resolutions_in_both_orders_read_the_same_plain_and_compressed() {
    for (magic, resolution, unit) in
        [(MICROS, Resolution::Microseconds, 1_000), (NANOS, Resolution::Nanoseconds, 1)]
    {
        for order in [LE, BE] {
            for (compression, compress) in COMPRESSIONS {
                let bytes = compress(&two_packets(order, magic));
                let reader =
                    CaptureReader::from_read(std::io::Cursor::new(bytes.clone()), "x").unwrap();
                let container = Container::Pcap { order, resolution, patched: false };
                assert_eq!(reader.format(), CaptureFormat { container, compression });

                let records = read(&bytes).whole();
                assert_eq!(records.len(), 2);
                assert_eq!(records[0].time, nanos(1_700_000_000_000_000_000 + unit));
                assert_eq!(records[1].time, nanos(1_700_000_001_000_000_000 + 999_999 * unit));
                assert_eq!((records[0].wire_len, &records[0].data[..]), (60, &b"first packet"[..]));
                assert_eq!((records[1].wire_len, &records[1].data[..]), (3, &b"two"[..]));
                assert_eq!((records[0].offset, records[1].offset), (24, 24 + 16 + 12));
                assert!(records.iter().all(|r| r.link == LinkType::Ethernet));
                assert!(records.iter().all(|r| r.interface.is_none() && r.comments.is_empty()));
            }
        }
    }
}

#[test]
fn formats_have_a_name_for_people() {
    let shown = |bytes: Vec<u8>| {
        CaptureReader::from_read(std::io::Cursor::new(bytes), "x").unwrap().format().to_string()
    };
    assert_eq!(shown(two_packets(LE, MICROS)), "pcap (microseconds, little endian)");
    assert_eq!(shown(gzip(&two_packets(BE, NANOS))), "pcap (nanoseconds, big endian), gzip");
}

#[test]
fn patched_record_headers_have_eight_bytes_more() {
    for order in [LE, BE] {
        let mut bytes = pcap_header(order, PATCHED, 1);
        let extra = Bytes::new(order).u32(2).u16(0x800).raw(&[0, 0]).bytes;
        for data in [&b"one"[..], b"another"] {
            let len = u32::try_from(data.len()).unwrap();
            let both = [&extra, data].concat();
            bytes.extend(pcap_record_of(order, (5, 6), len, 99, &both));
        }
        let records = read(&bytes).whole();
        assert_eq!(records.len(), 2);
        assert_eq!((&records[0].data[..], &records[1].data[..]), (&b"one"[..], &b"another"[..]));
        assert_eq!((records[1].time, records[1].wire_len), (nanos(5_000_006_000), 99));
    }
}

#[test]
fn versions_before_2_4_have_their_lengths_the_other_way_round() {
    let lengths = |minor, first, second| {
        let mut bytes = pcap_header_of(LE, MICROS, (2, minor), 1);
        bytes.extend(pcap_record_of(LE, (1, 1), first, second, b"data"));
        let record = read(&bytes).whole().remove(0);
        (record.data, record.wire_len)
    };
    let want = (b"data".to_vec(), 100);
    assert_eq!(lengths(2, 100, 4), want);
    assert_eq!(lengths(3, 100, 4), want, "2.3 was written in both ways");
    assert_eq!(lengths(3, 4, 100), want);
    assert_eq!(lengths(4, 4, 100), want);
}

#[test]
fn a_fraction_of_a_second_or_more_is_carried_over() {
    for (magic, fraction, want) in [
        (MICROS, 1_653_292, 11_653_292_000),
        (MICROS, u32::MAX, 10_000_000_000 + 4_294_967_295_000),
        (NANOS, u32::MAX, 10_000_000_000 + 4_294_967_295),
    ] {
        let mut bytes = pcap_header(LE, magic, 1);
        bytes.extend(pcap_record(LE, (10, fraction), 1, b"x"));
        assert_eq!(read(&bytes).whole()[0].time, nanos(want));
    }
}

#[test]
fn a_wire_length_below_the_captured_one_is_that_one() {
    let mut bytes = pcap_header(LE, MICROS, 1);
    bytes.extend(pcap_record(LE, (1, 1), 0, b"four"));
    assert_eq!(read(&bytes).whole()[0].wire_len, 4);
}

#[test]
fn frame_check_sequence_bits_do_not_change_the_link_type() {
    // 0x3000_0001 stands in captures of the tcpdump project.
    for word in [0x3000_0001, 0x4400_0001, 0x0800_0001, 0xfc00_0001] {
        let mut bytes = pcap_header(LE, MICROS, word);
        bytes.extend(pcap_record(LE, (1, 1), 1, b"x"));
        assert_eq!(read(&bytes).whole()[0].link, LinkType::Ethernet, "{word:#x}");
    }
}

#[test]
fn reserved_bits_of_the_link_type_word_are_refused_with_the_word() {
    for word in [0x0030_0000_u32, 0x0001_0001, 0x0200_0001] {
        let message = read(&pcap_header(BE, MICROS, word)).message();
        assert!(message.contains(&format!("`{word:#010x}` at byte offset 20")), "{message}");
    }
}

#[test]
fn a_file_of_an_unsupported_link_type_is_refused_by_name_even_without_packets() {
    let message = read(&pcap_header(LE, MICROS, 127)).message();
    assert!(message.contains("`IEEE802_11_RADIOTAP` (127)"), "{message}");
}

#[test]
fn a_header_alone_has_no_records() {
    for order in [LE, BE] {
        assert!(read(&pcap_header(order, MICROS, 1)).whole().is_empty());
    }
}

#[test]
fn a_truncated_tail_is_a_warning_with_the_bytes_left() {
    let whole = two_packets(LE, MICROS);
    let read = read(&whole[..whole.len() - 1]);
    assert_eq!((read.records.len(), read.message()), (1, String::new()));
    assert_eq!(read.warnings, [Warning::TruncatedTail { offset: 52, bytes_left: 18 }]);
    let shown = read.warnings[0].to_string();
    assert!(shown.contains("byte offset 52: 18 byte(s)"), "{shown}");
}

#[test]
fn a_corrupt_length_names_the_record_and_its_offset_after_the_records_before_it() {
    let mut bytes = two_packets(LE, MICROS);
    bytes.extend(pcap_record_of(LE, (1, 1), 0x7fff_ffff, 60, b"rest"));
    bytes.extend(pcap_record(LE, (1, 1), 3, b"not reached"));
    let read = read(&bytes);
    assert_eq!(read.records.len(), 2);
    let message = read.message();
    assert!(message.contains("record 3 at byte offset 71: a record of 2147483647 bytes"));
    assert!(message.contains("over the limit of 262144"), "{message}");
}

#[test]
fn a_hole_of_zeros_is_read_on_through() {
    let mut bytes = two_packets(LE, MICROS);
    bytes.extend([0; 4096]);
    bytes.extend(pcap_record(LE, (1, 1), 3, b"abc"));
    let records = read(&bytes).whole();
    assert_eq!(records.len(), 2 + 256 + 1);
    assert_eq!(records[258].data, b"abc");
}

#[test]
fn a_version_that_nobody_defined_is_refused() {
    for version in [(1, 0), (2, 5), (3, 0), (543, 0)] {
        let message = read(&pcap_header_of(LE, MICROS, version, 1)).message();
        let want = format!("pcap version {}.{} is not supported", version.0, version.1);
        assert!(message.contains(&want), "{message}");
    }
}

#[test]
fn a_file_that_shrank_to_the_end_of_a_record_lost_its_packets_in_silence() {
    let record = pcap_record(LE, (1, 0), 60, &[0; 60]);
    let mut bytes = pcap_header(LE, MICROS, 1);
    let short = bytes.len() + 40_000 * record.len();
    (0..80_000).for_each(|_| bytes.extend_from_slice(&record));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let mut reader = CaptureReader::open(file.path()).unwrap();
    assert!(reader.next_record().unwrap().is_some());
    file.as_file().set_len(u64::try_from(short).unwrap()).unwrap();
    while reader.next_record().unwrap().is_some() {}
    let (read, length) = (u64::try_from(short).unwrap(), u64::try_from(bytes.len()).unwrap());
    assert_eq!(reader.warnings(), [Warning::Shrunk { read, length }]);
    assert!(reader.warnings()[0].is_cut());
}
