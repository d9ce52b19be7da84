//! The corpus of real captures: every file is read, and has the packets that others count.

use std::collections::BTreeMap;
use std::io::Cursor;

use egress25_packet_filter::capture::{CaptureCopy, CaptureReader, Item};
use egress25_packet_filter::link::LinkType;

use crate::read::{Owned, Read, corpus, read, read_file};

const FIRST_ONLY: &str = "libpcap stops at interfaces that differ from the first, tshark agrees";
const CUSTOM_TOO: &str = "as the others, and tshark numbers its 3 custom blocks as frames, too: 8";

/// Files where we come to something else than the truth's libpcap: our packets, what the error
/// says, and why.
const EXPLAINED: &[(&str, usize, &str, &str)] = &[
    (
        "OISF+suricata-verify/tests__bug-1450-05__tls_DER-incomplete-content.pcap",
        6,
        "record 7 at byte offset 5035: a record of 4325376 bytes",
        "corrupt length, libpcap and tshark stop there too",
    ),
    (
        "OISF+suricata-verify/tests__bug-6875-01__fuzz.pcap",
        1,
        "record 2 at byte offset 228: a record of 1409179648 bytes",
        "corrupt length, libpcap and tshark stop there too",
    ),
    (
        "the-tcpdump-group+libpcap/tests__linktype-reserved-field-not-zero.pcap",
        0,
        "the link type word `0x00300000` at byte offset 20",
        "reserved bits, newer libpcap and tshark refuse it too",
    ),
    ("hadrielk+pcapng-test-generator/output_be__advanced__test100.pcapng", 5, "", FIRST_ONLY),
    ("hadrielk+pcapng-test-generator/output_be__basic__test005.pcapng", 4, "", FIRST_ONLY),
    ("hadrielk+pcapng-test-generator/output_be__basic__test006.pcapng", 5, "", FIRST_ONLY),
    ("hadrielk+pcapng-test-generator/output_be__basic__test008.pcapng", 4, "", FIRST_ONLY),
    ("hadrielk+pcapng-test-generator/output_be__difficult__test201.pcapng", 4, "", FIRST_ONLY),
    ("hadrielk+pcapng-test-generator/output_le__advanced__test102.pcapng", 5, "", CUSTOM_TOO),
    ("hadrielk+pcapng-test-generator/output_le__basic__test004.pcapng", 4, "", FIRST_ONLY),
    ("hadrielk+pcapng-test-generator/output_le__basic__test006.pcapng", 5, "", FIRST_ONLY),
    ("hadrielk+pcapng-test-generator/output_le__difficult__test201.pcapng", 4, "", FIRST_ONLY),
    ("zeek+zeek/testing__btest__Traces__ldap__modify-request.pcapng", 17, "", FIRST_ONLY),
    (
        "zeek+zeek/testing__btest__Traces__portmapper-many-unanswered-calls.pcapng.gz",
        189,
        "",
        "libpcap does not unpack gzip, tshark agrees",
    ),
];

/// The rows of the truth: file, link type column, packets of libpcap.
fn truth(corpus: &std::path::Path) -> Vec<(String, String, usize)> {
    let text = std::fs::read_to_string(corpus.join("truth.tsv")).unwrap();
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        (columns[0].to_owned(), columns[1].to_owned(), columns[2].parse().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

/// The number in a column such as `EN10MB(1)`.
fn link_number(column: &str) -> Option<u32> {
    column.split_once('(')?.1.strip_suffix(')')?.parse().ok()
}

#[test]
fn packet_counts_agree_with_the_truth_or_are_explained() {
    let Some(corpus) = corpus() else { return };
    let truth = truth(&corpus);
    assert_eq!(truth.len(), 1368);
    let mut explained: BTreeMap<_, _> = EXPLAINED.iter().map(|row| (row.0, row)).collect();
    let mut wrong = Vec::new();
    let (mut agreed, mut unsupported) = (0, 0);
    for (file, link, packets) in &truth {
        let read = read_file(&corpus.join(file));
        let (ours, message) = (read.records.len(), read.message());
        let known = explained.remove(file.as_str());
        let supported = link_number(link).is_none_or(|link| LinkType::from_disk(link).is_ok());
        if let Some((_, count, says, _)) = known {
            if ours != *count || message.is_empty() != says.is_empty() || !message.contains(says) {
                wrong.push(format!("{file}: not as explained: {ours} packets, {message}"));
            }
        } else if !supported {
            unsupported += 1;
            if ours != 0 || !message.contains("is not supported") {
                wrong.push(format!("{file}: {link} is not refused: {ours} packets, {message}"));
            }
        } else if ours != *packets || !message.is_empty() || !read.warnings.is_empty() {
            let Read { warnings, .. } = read;
            wrong.push(format!("{file}: {ours} of {packets} packets, {message} {warnings:?}"));
        } else {
            agreed += 1;
        }
    }
    assert!(wrong.is_empty(), "unexplained:\n{}", wrong.join("\n"));
    assert!(explained.is_empty(), "explained, but not in the corpus: {:?}", explained.keys());
    assert_eq!(agreed + unsupported + EXPLAINED.len(), 1368);
    eprintln!("{agreed} files agree, {unsupported} are refused by link type");
}

/// What a written copy has to keep of a record.
fn kept(record: Owned) -> Owned {
    Owned { offset: 0, interface: record.interface.or(Some((0, 0, None, None, 0))), ..record }
}

#[test]
fn every_capture_survives_being_written_and_read_again() {
    let Some(corpus) = corpus() else { return };
    let mut copied = 0;
    for (file, ..) in truth(&corpus) {
        let Ok(mut reader) = CaptureReader::open(&corpus.join(&file)) else { continue };
        let container = reader.format().container;
        let mut copy = CaptureCopy::new(Vec::new(), container, "a copy").unwrap();
        let mut originals = Vec::new();
        while let Ok(Some(batch)) = reader.next_batch() {
            for item in batch.items() {
                match item {
                    Item::Packet(place) => {
                        let record = batch.record(place).unwrap();
                        copy.write_packet(&record, &[]).unwrap();
                        originals.push(kept(record.into()));
                    }
                    Item::Block(block) => copy.write_block(&block).unwrap(),
                    // The reader of the copy would stop there.
                    Item::Unread(..) => {}
                }
            }
        }
        let copies: Vec<_> = read(&copy.finish().unwrap()).whole().into_iter().map(kept).collect();
        assert_eq!(originals, copies, "{file}");
        copied += originals.len();
    }
    assert!(copied > 10_000, "{copied} packets");
}

#[test]
fn real_captures_cut_and_bent_never_panic() {
    let Some(corpus) = corpus() else { return };
    for (at, (file, ..)) in truth(&corpus).into_iter().enumerate() {
        let mut bytes = std::fs::read(corpus.join(&file)).unwrap();
        // A different byte of each file, and a different value.
        let place = (at * 7919) % bytes.len();
        bytes[place] = bytes[place].wrapping_add(u8::try_from(at % 255 + 1).unwrap());
        read(&bytes);
        bytes.truncate(bytes.len() - at % bytes.len().min(40));
        let Ok(mut reader) = CaptureReader::from_read(Cursor::new(bytes), &file) else { continue };
        while let Ok(Some(_)) = reader.next_record() {}
    }
}
