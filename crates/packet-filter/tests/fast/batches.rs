//! Captures in batches against the same captures record by record.

use std::io::{Cursor, Read};
use std::time::Duration;

use egress25_packet_filter::capture::{
    CaptureReader, Item, MAX_RECORD_LEN, NewInterface, PcapngWriter, Record, WrittenPacket,
};
use egress25_packet_filter::filter::{SeenAt, look};
use egress25_packet_filter::frame::{self, Frame, Kind};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::Sieve;
use jiff::Timestamp;
use pcap_file::pcap::PcapTsResolution::{MicroSecond, NanoSecond};
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::{DataLink, Endianness};

use crate::build::{Made, Random, frame, table};

const LINK: LinkType = LinkType::Ethernet;

fn time(at: usize) -> Timestamp {
    Timestamp::new(1_700_000_000 + i64::try_from(at / 7).unwrap(), 1000).unwrap()
}

fn pcap(frames: &[Made], endianness: Endianness, ts_resolution: PcapTsResolution) -> Vec<u8> {
    let (snaplen, datalink) = (MAX_RECORD_LEN, DataLink::ETHERNET);
    let header =
        PcapHeader { snaplen, datalink, ts_resolution, endianness, ..PcapHeader::default() };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for (at, Made { bytes, wire }) in frames.iter().enumerate() {
        let since_1970 = Duration::try_from(time(at).as_duration()).unwrap();
        let wire_len = (*wire).max(u32::try_from(bytes.len()).unwrap());
        writer.write_packet(&PcapPacket::new(since_1970, wire_len, bytes).unwrap()).unwrap();
    }
    writer.into_inner()
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
        let packet = WrittenPacket { timestamp: Some(time(at)), wire_len: *wire, data: bytes };
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
    let Record { index, timestamp, link, interface, wire_len, data, offset, comments, block } =
        record;
    let comments: Vec<_> = comments.iter().collect();
    let len = data.len();
    format!(
        "{index} {timestamp:?} {link} {interface:?} {wire_len} {len} {sum} {offset} {comments:?} \
         {block:?}"
    )
}

/// A source that hands out a few bytes at a time, as a pipe does.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let len = buf.len().min(self.1);
        self.0.read(&mut buf[..len])
    }
}

/// How a capture ended: its warnings and its error.
type End = (String, String);

/// What the reader yields, and which of it a filter has something to say about.
fn one_by_one(bytes: &[u8], options: frame::FrameOptions) -> (Vec<Told>, End) {
    let table = table();
    let mut reader = CaptureReader::from_read(Cursor::new(bytes.to_vec()), "test").unwrap();
    let mut told = Vec::new();
    let error = loop {
        let record = match reader.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => break String::new(),
            Err(error) => break error.to_string(),
        };
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        let mut judgements = 0;
        let mut reasons = 0;
        let outermost = frame::outermost(&frame, &options);
        let is_told = outermost.told_kind(&options) != Kind::Nothing;
        look(
            &table,
            &SeenAt::Network(None),
            &options,
            &frame,
            record.sighting(),
            &mut |judgement| {
                judgements += 1;
                reasons += usize::from(judgement.reason.is_some());
            },
        );
        told.push((tell(&record), reasons > 0 || judgements > 1 || is_told));
    };
    (told, (format!("{:?}", reader.warnings()), error))
}

/// The same in batches; the source gives at most so many bytes at once.
fn in_batches(bytes: &[u8], options: frame::FrameOptions, at_once: usize) -> (Vec<Told>, End) {
    let source = Trickle(Cursor::new(bytes.to_vec()), at_once);
    let mut reader = CaptureReader::from_read(source, "test").unwrap();
    let sieve = Sieve::new(options);
    let mut told = Vec::new();
    let error = loop {
        let batch = match reader.next_batch() {
            Ok(Some(batch)) => batch,
            Ok(None) => break String::new(),
            Err(error) => break error.to_string(),
        };
        let mut kept = Vec::new();
        sieve.keep(&batch.frames(), &mut kept);
        let places: Vec<usize> = batch
            .items()
            .filter_map(|item| match item {
                Item::Packet(place) => Some(place),
                Item::Block(_) | Item::Unread(..) => None,
            })
            .collect();
        assert_eq!(places, (0..batch.len()).collect::<Vec<_>>());
        let mut times = Vec::new();
        for place in places {
            let record = batch.record(place).unwrap();
            times.extend(record.timestamp);
            let is_kept = kept.contains(&u32::try_from(place).unwrap());
            told.push((tell(&record), is_kept));
        }
        let range = times.iter().min().copied().zip(times.iter().max().copied());
        assert_eq!(batch.times(), range);
    };
    (told, (format!("{:?}", reader.warnings()), error))
}

/// Compares both, for sources of several speeds; gives how the capture ended.
fn compare(bytes: &[u8]) -> End {
    let mut last = End::default();
    for look_inside in [false, true] {
        let options = frame::FrameOptions { look_inside, ..frame::FrameOptions::default() };
        let (expected, end) = one_by_one(bytes, options);
        for at_once in [usize::MAX, 1000, 7] {
            let (told, ended) = in_batches(bytes, options, at_once);
            assert_eq!(told.len(), expected.len());
            for (at, (batched, read)) in told.iter().zip(&expected).enumerate() {
                assert_eq!(batched.0, read.0, "record {at}");
                // Looking inside keeps more than what is judged in the end.
                assert!(batched.1 == read.1 || (look_inside && batched.1), "record {at}");
            }
            assert_eq!(ended, end);
        }
        last = end;
    }
    last
}

fn whole() -> End {
    ("[]".to_owned(), String::new())
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
fn batches_hold_what_the_reader_yields_one_by_one() {
    for count in [0, 1, 10, 5_000] {
        let frames = frames(count as u64, count);
        for order in [Endianness::Little, Endianness::Big] {
            for resolution in [MicroSecond, NanoSecond] {
                assert_eq!(compare(&pcap(&frames, order, resolution)), whole());
            }
        }
        if count > 0 {
            assert_eq!(compare(&pcapng(&frames)), whole());
        }
    }
}

#[test]
fn what_is_wrong_ends_the_batches_where_it_ends_the_records() {
    let frames = frames(9, 2_000);
    for good in [pcap(&frames, Endianness::Little, MicroSecond), pcapng(&frames)] {
        for cut in [1, 5, 17, good.len() / 2 + 3] {
            let (warnings, error) = compare(&good[..good.len() - cut]);
            assert!(warnings.contains("TruncatedTail") && error.is_empty(), "{warnings} {error}");
        }
        let mut broken = good.clone();
        let middle = good.len() / 2;
        broken[middle..middle + 4096].fill(0xff);
        let (_, error) = compare(&broken);
        assert!(!error.is_empty());
    }
}

#[test]
fn a_lone_packet_of_a_quiet_pipe_is_a_batch_of_its_own() {
    let frames = frames(4, 2);
    let bytes = pcap(&frames, Endianness::Little, MicroSecond);
    let first = bytes.len() - 16 - frames[1].bytes.len();
    let (sender, receiver) = std::sync::mpsc::channel::<Vec<u8>>();
    struct Pieces(std::sync::mpsc::Receiver<Vec<u8>>);
    impl Read for Pieces {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let Ok(piece) = self.0.recv() else { return Ok(0) };
            buf[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }
    // The magic number is read by itself.
    sender.send(bytes[..4].to_vec()).unwrap();
    sender.send(bytes[4..first].to_vec()).unwrap();
    let mut reader = CaptureReader::from_read(Pieces(receiver), "test").unwrap();
    assert_eq!(reader.next_batch().unwrap().map(|batch| batch.len()), Some(1));
    sender.send(bytes[first..].to_vec()).unwrap();
    assert_eq!(reader.next_batch().unwrap().map(|batch| batch.len()), Some(1));
    drop(sender);
    assert!(reader.next_batch().unwrap().is_none());
}
