//! The `pcap-file` crate: held against our reader where it reads, and pinned where it does not.
//!
//! The second half says why records are not framed by it. Where one of these tests fails
//! after an update of the crate, a reason has gone.

use std::io::Cursor;

use egress25_packet_filter::capture::{CaptureReader, Container};
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};

use crate::build::{LE, MICROS, PATCHED, epb, epb_of, idb, pcap_header, pcap_record, shb};
use crate::read::{corpus, nanos, read};

/// The files of the corpus that it does not read to the end and we do; why, the tests below say.
const STOPS_EARLY: [&str; 11] = [
    // Fractions of a second or more.
    "OISF+suricata-verify/tests__transform-base64-7296__input.pcap",
    // An `if_MACaddr` of one byte.
    "hadrielk+pcapng-test-generator/output_be__basic__test008.pcapng",
    // Records over the snapshot length.
    "the-tcpdump-group+tcpdump/tests__bgp-bgp_capabilities_print-oobr-1.pcap",
    "the-tcpdump-group+tcpdump/tests__cfm_sender_id-oobr.pcap",
    "the-tcpdump-group+tcpdump/tests__dccp_options-oobr.pcap",
    "the-tcpdump-group+tcpdump/tests__ldp_tlv_print-oobr.pcap",
    "the-tcpdump-group+tcpdump/tests__mobility_opt_asan_2.pcap",
    // A wire length below the captured one.
    "the-tcpdump-group+tcpdump/tests__pim_header_asan-2.pcap",
    // A fraction of an hour in microseconds.
    "the-tcpdump-group+tcpdump/tests__rx_serviceid_oobr.pcap",
    // A record over the snapshot length.
    "the-tcpdump-group+tcpdump/tests__smb_print_trans-oobr2.pcap",
    // Gzip.
    "zeek+zeek/testing__btest__Traces__portmapper-many-unanswered-calls.pcapng.gz",
];

/// A packet as `pcap-file` has it: nanoseconds, wire length, bytes.
type Packet = (Option<u128>, u32, Vec<u8>);

/// The packets up to the end or an error, and whether there was one.
fn by_pcap_file(bytes: &[u8], container: Container) -> (Vec<Packet>, bool) {
    let mut packets = Vec::new();
    if matches!(container, Container::Pcap { .. }) {
        let Ok(mut reader) = PcapReader::with_capacity(bytes, 1 << 20) else {
            return (packets, true);
        };
        while let Some(packet) = reader.next_packet() {
            let Ok(packet) = packet else { return (packets, true) };
            let time = packet.timestamp().as_nanos();
            packets.push((Some(time), packet.orig_len(), packet.data().to_vec()));
        }
    } else {
        let Ok(mut reader) = PcapNgReader::with_capacity(bytes, 1 << 20) else {
            return (packets, true);
        };
        while let Some(block) = reader.next_block() {
            let Ok((block, _)) = block else { return (packets, true) };
            packets.extend(match block {
                Block::EnhancedPacket(p) => {
                    Some((Some(p.timestamp.as_nanos()), p.original_len, p.data.into_owned()))
                }
                Block::Packet(p) => {
                    Some((Some(p.timestamp.as_nanos()), p.original_len, p.data.into_owned()))
                }
                Block::SimplePacket(p) => Some((None, p.original_len, p.data.into_owned())),
                _ => None,
            });
        }
    }
    (packets, false)
}

#[test]
fn both_readers_see_the_same_packets_in_the_corpus() {
    let Some(corpus) = corpus() else { return };
    let truth = std::fs::read_to_string(corpus.join("truth.tsv")).unwrap();
    let (mut same, mut further) = (0, Vec::new());
    for file in truth.lines().skip(1).filter_map(|line| line.split('\t').next()) {
        let bytes = std::fs::read(corpus.join(file)).unwrap();
        let Ok(reader) = CaptureReader::from_read(Cursor::new(bytes.clone()), file) else {
            continue;
        };
        let container = reader.format().container;
        let ours: Vec<Packet> = read(&bytes)
            .records
            .into_iter()
            .map(|r| {
                let time = r.time.map(|t| u128::try_from(t.as_nanosecond()).unwrap());
                (time, r.wire_len, r.data)
            })
            .collect();
        let (theirs, failed) = by_pcap_file(&bytes, container);
        assert_eq!(theirs, ours[..theirs.len()], "{file}");
        match ours.len() - theirs.len() {
            0 => same += 1,
            _ if failed => further.push(file.to_owned()),
            more => panic!("{file}: {more} packets more than pcap-file, which saw no error"),
        }
    }
    assert!(same > 1_000, "{same} files");
    assert_eq!(further, STOPS_EARLY);
}

#[test]
fn it_stops_at_a_wire_length_below_the_captured_one() {
    let mut bytes = pcap_header(LE, MICROS, 1);
    bytes.extend(pcap_record(LE, (1, 1), 3, b"four"));
    assert!(PcapReader::new(&bytes[..]).unwrap().next_packet().unwrap().is_err());
    assert_eq!(read(&bytes).whole().len(), 1);
}

#[test]
fn it_stops_at_a_record_over_the_snapshot_length() {
    let mut bytes = pcap_header(LE, MICROS, 1);
    bytes.extend(pcap_record(LE, (1, 1), 70_000, &vec![0; 70_000]));
    assert!(PcapReader::new(&bytes[..]).unwrap().next_packet().unwrap().is_err());
    assert_eq!(read(&bytes).whole().len(), 1);
}

#[test]
fn it_stops_at_a_fraction_of_a_second_or_more() {
    let mut bytes = pcap_header(LE, MICROS, 1);
    bytes.extend(pcap_record(LE, (1, 1_000_000), 1, b"x"));
    assert!(PcapReader::new(&bytes[..]).unwrap().next_packet().unwrap().is_err());
    assert_eq!(read(&bytes).whole()[0].time, nanos(2_000_000_000));
}

#[test]
fn it_does_not_know_patched_record_headers() {
    assert!(PcapReader::new(&pcap_header(LE, PATCHED, 1)[..]).is_err());
}

/// Whether `pcap-file` reads all blocks.
fn reads_all(bytes: &[u8]) -> bool {
    let mut reader = PcapNgReader::new(bytes).unwrap();
    while let Some(block) = reader.next_block() {
        if block.is_err() {
            return false;
        }
    }
    true
}

#[test]
fn it_refuses_picoseconds_and_times_before_1970() {
    let with = |list: &[(u16, &[u8])]| {
        [shb(LE), idb(LE, 1, 0, list), epb(LE, 0, 1_000_000, b"x")].concat()
    };
    let offset = (-5_i64).to_le_bytes();
    for bytes in [with(&[(9, &[12])]), with(&[(14, &offset)])] {
        assert!(!reads_all(&bytes));
        assert_eq!(read(&bytes).whole().len(), 1);
    }
    // The resolutions that it does read, it reads right: 2.0.0 did not.
    for (list, want) in [
        (&[][..], 1_000_000_000_u128),
        (&[(9, &[6][..])], 1_000_000_000),
        (&[(9, &[9][..])], 1_000_000),
        (&[(9, &[0x80 | 20][..])], 953_674_316),
        (&[(14, &[5, 0, 0, 0, 0, 0, 0, 0][..])], 6_000_000_000),
    ] {
        let bytes = with(list);
        let container = Container::PcapNg { order: LE };
        assert_eq!(by_pcap_file(&bytes, container).0[0].0, Some(want));
        assert_eq!(read(&bytes).whole()[0].time, nanos(i128::try_from(want).unwrap()));
    }
}

#[test]
fn it_stops_at_text_that_is_not_utf8() {
    let packet = epb_of(LE, 0, 1, 1, 1, b"x", &[(1, b"caf\xe9")]);
    let bytes = [shb(LE), idb(LE, 1, 0, &[]), packet].concat();
    assert!(!reads_all(&bytes));
    assert_eq!(read(&bytes).whole()[0].comments, ["caf\u{fffd}"]);
    let bytes = [shb(LE), idb(LE, 1, 0, &[(2, b"caf\xe9")])].concat();
    assert!(!reads_all(&bytes));
    assert!(read(&bytes).whole().is_empty());
}

#[test]
fn it_stops_at_options_that_no_packet_depends_on() {
    let bytes = [shb(LE), idb(LE, 1, 0, &[(6, &[1])]), epb(LE, 0, 1, b"x")].concat();
    assert!(!reads_all(&bytes));
    assert_eq!(read(&bytes).whole().len(), 1);
}

#[test]
fn it_cannot_tell_a_block_over_its_buffer_from_a_file_that_ends_early() {
    let long = [shb(LE), idb(LE, 1, 0, &[]), epb(LE, 0, 1, &[0; 2000])].concat();
    let says = |bytes: &[u8]| {
        let mut reader = PcapNgReader::with_capacity(bytes, 1000).unwrap();
        reader.next_block().unwrap().unwrap();
        reader.next_block().unwrap().unwrap_err().to_string()
    };
    let short = [shb(LE), idb(LE, 1, 0, &[]), epb(LE, 0, 1, &[0; 200])].concat();
    assert_eq!(says(&long), says(&short[..short.len() - 1]));
}
