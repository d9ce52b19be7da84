//! Mapped captures against the reader, record by record.

use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use egress25_packet_filter::capture::{
    ByteOrder, NewInterface, Packet, PcapWriter, PcapngWriter, Reader, Record, Resolution,
};
use egress25_packet_filter::filter::{Filter, Input};
use egress25_packet_filter::frame::{self, Frame};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::mapped::{self, Sifted};
use jiff::Timestamp;

use crate::build::{Made, Random, frame, table};

const LINK: LinkType = LinkType::Ethernet;

fn time(at: usize) -> Timestamp {
    Timestamp::new(1_700_000_000 + i64::try_from(at / 7).unwrap(), 1000).unwrap()
}

fn pcap(frames: &[Made], order: ByteOrder, resolution: Resolution) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LINK, order, resolution).unwrap();
    for (at, Made { bytes, wire }) in frames.iter().enumerate() {
        let packet = Packet { timestamp: Some(time(at)), wire_len: *wire, data: bytes };
        writer.write_packet(&packet).unwrap();
    }
    writer.finish().unwrap()
}

fn pcapng(frames: &[Made]) -> Vec<u8> {
    let mut writer = PcapngWriter::new(Vec::new(), Some("a test")).unwrap();
    let named = |name: &'static str| NewInterface {
        name: Some(name.into()),
        ..NewInterface::unnamed(LINK)
    };
    let interfaces = [
        writer.add_interface(&named("one")).unwrap(),
        writer.add_interface(&named("two")).unwrap(),
    ];
    for (at, Made { bytes, wire }) in frames.iter().enumerate() {
        let packet = Packet { timestamp: Some(time(at)), wire_len: *wire, data: bytes };
        let comments: &[&str] = if at % 5 == 0 { &["a comment"] } else { &[] };
        writer.write_packet(interfaces[at % 2], &packet, comments).unwrap();
    }
    writer.finish().unwrap()
}

/// What of a record is compared, as text, and whether it was kept.
type Told = (String, bool);

/// Everything that a record says, its bytes as a sum that depends on their order.
fn tell(record: &Record<'_>) -> String {
    let sum = record
        .data
        .iter()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(*byte)));
    let Record { index, timestamp, link, interface, wire_len, data, offset, comments } = record;
    let comments: Vec<_> = comments.iter().collect();
    let len = data.len();
    format!(
        "{index} {timestamp:?} {link} {interface:?} {wire_len} {len} {sum} {offset} {comments:?}"
    )
}

/// What the reader yields, and which of it a filter has something to say about.
fn read(path: &Path, options: frame::Options) -> Vec<Told> {
    let mut filter = Filter::new(table(), options);
    let mut reader = Reader::open(path).unwrap();
    let mut told = Vec::new();
    while let Ok(Some(record)) = reader.next_record() {
        let input = Input {
            frame: Frame { link: record.link, bytes: record.data, wire_len: record.wire_len },
            interface: record.interface.and_then(|interface| interface.name),
        };
        let mut judgements = 0;
        let mut reasons = 0;
        filter.judge(&input, &mut |judgement| {
            judgements += 1;
            reasons += usize::from(judgement.reason.is_some());
        });
        told.push((tell(&record), reasons > 0 || judgements > 1));
    }
    told
}

/// What the mapping hands out.
fn sifted(path: &Path, options: frame::Options, threads: usize) -> (Vec<Told>, Sifted) {
    let mut told: Vec<Told> = Vec::new();
    let options =
        mapped::Options { threads: NonZero::new(threads), ..mapped::Options::new(options) };
    let end = mapped::sift(path, &options, &mut |stretch| {
        let before = told.len();
        told.extend(stretch.all().map(|(record, kept)| (tell(&record), kept)));
        let here = &told[before..];
        assert_eq!(stretch.packets(), here.len() as u64);
        let kept: Vec<String> = stretch.kept().map(|record| tell(&record)).collect();
        let marked = here.iter().filter(|(_, kept)| *kept).map(|(record, _)| record.clone());
        assert_eq!(kept, marked.collect::<Vec<_>>());
        Ok::<(), std::io::Error>(())
    });
    (told, end.unwrap().unwrap())
}

/// Compares both, on one thread and on several; gives how far the mapping came.
fn compare(bytes: &[u8]) -> Sifted {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut last = Sifted::Whole;
    for look_inside in [false, true] {
        let options = frame::Options { look_inside, ..frame::Options::default() };
        let expected = read(file.path(), options);
        for threads in [1, 2, 3] {
            let (told, end) = sifted(file.path(), options, threads);
            let records = told.len() as u64;
            for (at, (mapped, read)) in told.iter().zip(&expected).enumerate() {
                assert_eq!(mapped.0, read.0, "record {at}");
                // Looking inside keeps more than what is judged in the end.
                assert!(mapped.1 == read.1 || (look_inside && mapped.1), "record {at}: {mapped:?}");
            }
            match end {
                Sifted::Whole => assert_eq!(told.len(), expected.len()),
                Sifted::Unread { records: said } => assert_eq!(said, records),
            }
            assert!(told.len() <= expected.len());
            last = end;
        }
    }
    last
}

fn frames(seed: u64, count: usize) -> Vec<Made> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|_| {
            let mut made = frame(&mut random, LINK);
            let filled = random.pick(&[0, 0, 0, 500, 1400]);
            if made.wire as usize == made.bytes.len() {
                made.bytes.resize(made.bytes.len() + filled, 0x5a);
            }
            made.wire = made.wire.max(u32::try_from(made.bytes.len()).unwrap());
            made
        })
        .collect()
}

#[test]
fn a_mapped_capture_yields_what_the_reader_yields() {
    for count in [0, 1, 10, 5_000, 20_000] {
        let frames = frames(count as u64, count);
        for order in [ByteOrder::Little, ByteOrder::Big] {
            for resolution in [Resolution::Microseconds, Resolution::Nanoseconds] {
                assert_eq!(compare(&pcap(&frames, order, resolution)), Sifted::Whole);
            }
        }
        if count > 0 {
            assert_eq!(compare(&pcapng(&frames)), Sifted::Whole);
        }
    }
}

#[test]
fn captures_inside_of_payloads_mislead_no_cursor() {
    // Frames that hold a whole capture of SYNs to port 25 each, longer than a stretch.
    let small = frames(3, 3_000);
    let inner = [pcap(&small, ByteOrder::Little, Resolution::Microseconds), pcapng(&small)];
    for (at, payload) in inner.iter().enumerate() {
        let mut outer = Vec::new();
        for round in 0..30 {
            let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5];
            let skip = if at == 0 { 24 + round } else { 0 };
            bytes.extend_from_slice(&payload[skip..(skip + 250_000).min(payload.len())]);
            bytes.truncate(bytes.len() / 4 * 4 + 2);
            outer.push(Made { wire: u32::try_from(bytes.len()).unwrap(), bytes });
            outer.extend(frames(round as u64, 20));
        }
        let whole = [pcap(&outer, ByteOrder::Little, Resolution::Microseconds), pcapng(&outer)];
        for bytes in whole {
            assert!(bytes.len() > 3 << 20, "several regions");
            assert_eq!(compare(&bytes), Sifted::Whole);
        }
    }
}

#[test]
fn what_is_wrong_is_left_to_the_reader() {
    let frames = frames(9, 10_000);
    for whole in [pcap(&frames, ByteOrder::Little, Resolution::Microseconds), pcapng(&frames)] {
        for cut in [1, 5, 17, whole.len() / 2 + 3] {
            let end = compare(&whole[..whole.len() - cut]);
            assert!(matches!(end, Sifted::Unread { .. }), "{end:?}");
        }
        let mut broken = whole.clone();
        let middle = whole.len() / 2;
        broken[middle..middle + 4096].fill(0xff);
        compare(&broken);
    }
}

#[test]
fn pipes_and_compressed_files_are_left_to_the_reader() {
    let options = mapped::Options::new(frame::Options::default());
    let none = |path: &Path| {
        let end = mapped::sift(path, &options, &mut |_| Ok::<(), std::io::Error>(()));
        assert_eq!(end.unwrap(), None);
    };
    none(Path::new("/dev/null"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    none(file.path());
    file.write_all(&[0x1f, 0x8b, 8, 0]).unwrap();
    none(file.path());
}

#[test]
fn a_visitor_that_fails_ends_the_walk() {
    let bytes = pcap(&frames(1, 20_000), ByteOrder::Little, Resolution::Microseconds);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let visits = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    for threads in [1, 2] {
        let options = mapped::Options {
            threads: NonZero::new(threads),
            ..mapped::Options::new(frame::Options::default())
        };
        let end = mapped::sift(file.path(), &options, &mut |_| {
            visits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Err(std::io::Error::other("enough"))
        });
        assert_eq!(end.unwrap_err().to_string(), "enough");
    }
    assert_eq!(visits.load(std::sync::atomic::Ordering::Relaxed), 2);
}
