//! Captures: the same from a file in batches, from a stream record by record, from a pipe in small
//! pieces, and from a copy that was written of it.

use std::fs::File;
use std::io::{Cursor, Read, Seek, Write};

use egress25_packet_filter::capture::{
    CaptureBatch, CaptureCopy, CaptureError, CaptureReader, Item, Record, RecordFault,
};
use egress25_packet_filter::frame::Direction;
use egress25_packet_filter::link::LinkType;
use jiff::Timestamp;
use rustix::fs::{MemfdFlags, memfd_create};

const NAME: &str = "capture";

/// Longer captures are not read in pieces of a few bytes.
const SHORT: usize = 4096;

/// A record that outlives its reader.
#[derive(Debug, PartialEq, Eq)]
struct Packet {
    index: u64,
    offset: u64,
    time: Option<Timestamp>,
    link: LinkType,
    /// Its section, number, snapshot length and name.
    interface: Option<(u32, u32, u32, Option<String>)>,
    direction: Option<Direction>,
    wire_len: u32,
    data: Vec<u8>,
    comments: Vec<String>,
}

impl From<Record<'_>> for Packet {
    fn from(record: Record<'_>) -> Self {
        let name = |name: Option<&str>| name.map(str::to_owned);
        Self {
            index: record.index,
            offset: record.offset,
            time: record.timestamp,
            link: record.link,
            interface: record.interface.map(|of| (of.section, of.id, of.snaplen, name(of.name))),
            direction: record.sighting().direction,
            wire_len: record.wire_len,
            data: record.data.to_vec(),
            comments: record.comments.iter().map(|comment| comment.into_owned()).collect(),
        }
    }
}

/// A capture that was read to its end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    packets: Vec<Packet>,
    /// The packets that cannot be read, each with how many that can are before it.
    unread: Vec<(usize, String)>,
    error: Option<String>,
    warnings: Vec<String>,
}

impl Told {
    fn refused(error: &CaptureError) -> Self {
        Self { error: Some(error.to_string()), ..Self::default() }
    }

    /// Whether it is compressed, and that is corrupt.
    fn is_damaged(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.contains("stream cannot be unpacked"))
    }

    fn end(mut self, reader: &CaptureReader) -> Self {
        self.warnings = reader.warnings().iter().map(ToString::to_string).collect();
        self
    }
}

fn by_record(reader: Result<CaptureReader, CaptureError>) -> Told {
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return Told::refused(&error),
    };
    let mut told = Told::default();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => told.packets.push(record.into()),
            Ok(None) => break,
            Err(error @ CaptureError::Record { fault: RecordFault::Link { .. }, .. }) => {
                told.unread.push((told.packets.len(), error.to_string()));
            }
            Err(error) => {
                told.error = Some(error.to_string());
                break;
            }
        }
    }
    assert!(matches!(reader.next_record(), Ok(None)), "the end is no end");
    told.end(&reader)
}

fn by_batch(
    reader: Result<CaptureReader, CaptureError>,
    mut each: impl FnMut(&CaptureBatch<'_>),
) -> Told {
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return Told::refused(&error),
    };
    let mut told = Told::default();
    loop {
        match reader.next_batch() {
            Ok(Some(batch)) => {
                each(&batch);
                take(&batch, &mut told);
            }
            Ok(None) => break,
            Err(error) => {
                told.error = Some(error.to_string());
                break;
            }
        }
    }
    told.end(&reader)
}

/// Takes the pieces of a batch, and holds against each other what it says of a packet in two ways.
fn take(batch: &CaptureBatch<'_>, told: &mut Told) {
    let frames = batch.frames();
    assert_eq!(frames.len(), batch.len());
    let mut pieces = 0;
    for item in batch.items() {
        pieces += 1;
        match item {
            Item::Packet(place) => {
                let record = batch.record(place).expect("a packet of the batch");
                let frame = frames.get(place).expect("a frame of the batch");
                assert_eq!(
                    (frame.bytes, frame.wire_len, frame.link),
                    (record.data, record.wire_len, record.link)
                );
                assert_eq!(batch.time(place), record.timestamp);
                assert_eq!(batch.direction(place), record.sighting().direction);
                let name = record.interface.and_then(|interface| interface.name);
                assert_eq!(batch.interface_name(place), name);
                if !batch.has_several_interfaces() {
                    assert_eq!(frames.interface, name);
                }
                if let (Some(time), Some((first, last))) = (record.timestamp, batch.times()) {
                    assert!((first..=last).contains(&time), "{time} is not of {first} to {last}");
                }
                assert!(record.timestamp.is_some() || batch.has_untimed());
                told.packets.push(record.into());
            }
            Item::Unread(_, error) => told.unread.push((told.packets.len(), error.to_string())),
            Item::Block(_) => {}
        }
    }
    assert!(pieces > 0, "a batch of nothing");
}

/// A file in memory, of its own: the thread that unpacks a capture which is refused may go on reading,
/// and would read a later one's.
fn file_of(bytes: &[u8]) -> File {
    let file = memfd_create("capture", MemfdFlags::CLOEXEC).expect("a file in memory");
    let mut file = File::from(file);
    file.write_all(bytes).expect("room in memory");
    file.rewind().expect("its beginning");
    file
}

/// A source that hands out a few bytes at a time, as a pipe does.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let len = buf.len().min(self.1);
        self.0.read(&mut buf[..len])
    }
}

/// A capture comes to the same however it is read, and a copy of it to the same packets.
pub fn captures(input: &[u8]) {
    let stream = || Cursor::new(input.to_vec());
    let right = by_record(CaptureReader::from_read(stream(), NAME));
    let mut copy = None;
    let opened = CaptureReader::from_file(file_of(input), NAME);
    if let Ok(reader) = &opened {
        let begun = CaptureCopy::new(Vec::new(), reader.format().container, "any input");
        copy = Some(begun.expect("room in memory"));
    }
    let told = by_batch(opened, |batch| {
        if let Some(copy) = &mut copy {
            write(batch, copy);
        }
    });
    assert_eq!(told, right, "a file in batches");
    if input.len() <= SHORT {
        let pieces = Trickle(stream(), input.len() % 7 + 1);
        let pieces = by_batch(CaptureReader::from_read(pieces, NAME), |_| {});
        if right.is_damaged() || pieces.is_damaged() {
            // How much a decompressor gives out before it notices depends on what it has been given.
            let (one, other) = (&pieces.packets, &right.packets);
            let both = one.len().min(other.len());
            assert_eq!(one[..both], other[..both], "in pieces, as far as it can be unpacked");
        } else {
            assert_eq!(pieces, right, "in pieces");
        }
    }
    if let Some(copy) = copy {
        let copied = copy.finish().expect("room in memory");
        let copied = by_record(CaptureReader::from_read(Cursor::new(copied), NAME));
        let essence =
            |packet: &Packet| (packet.link, packet.wire_len, packet.data.clone(), packet.direction);
        let [copied, right] =
            [&copied, &right].map(|of| of.packets.iter().map(essence).collect::<Vec<_>>());
        assert_eq!(copied, right, "a copy");
    }
}

fn write(batch: &CaptureBatch<'_>, copy: &mut CaptureCopy<Vec<u8>>) {
    for item in batch.items() {
        match item {
            Item::Packet(place) => {
                let record = batch.record(place).expect("a packet of the batch");
                let comments: &[&str] = if place % 2 == 0 { &[] } else { &["egress25: seen"] };
                copy.write_packet(&record, comments).expect("room in memory");
            }
            Item::Block(block) | Item::Unread(block, _) => {
                copy.write_block(&block).expect("room in memory");
            }
        }
    }
}
