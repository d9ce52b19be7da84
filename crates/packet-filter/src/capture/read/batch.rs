//! Packets that were read at once.

use jiff::Timestamp;

use crate::capture::read::error::CaptureError;
use crate::capture::read::framed_records::{FramedRecords, record};
use crate::capture::read::next::{FoundPacket, Next};
use crate::capture::read::read_buffer::ReadBuffer;
use crate::capture::read::record::{Block, Record};
use crate::link::LinkType;
use crate::sieve::{FrameList, Frames};

/// The most packets of a batch.
const PACKETS: usize = 1 << 14;

/// Where the pieces of a batch lie in the buffer's buffer.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The first packet's place in the file.
    pub(super) first: u64,
    link: Option<LinkType>,
    frames: FrameList,
    /// Where each packet's record begins.
    starts: Vec<u32>,
    times: Option<(i128, i128)>,
    /// In front of which packet each one lies.
    pieces: Vec<(usize, NonPacket)>,
}

/// Something that is no packet, or none that can be read.
#[derive(Debug)]
pub(super) enum NonPacket {
    Block { start: usize, total: usize },
    Unread { start: usize, total: usize, error: CaptureError },
}

impl Places {
    pub(super) fn clear(&mut self) {
        self.link = None;
        self.frames.clear();
        self.starts.clear();
        self.times = None;
        self.pieces.clear();
    }

    /// Whether there is a packet.
    pub(super) const fn any_packet(&self) -> bool {
        !self.starts.is_empty()
    }

    /// Adds a packet, where it fits into this batch; which one it is.
    pub(super) fn packet(
        &mut self,
        found: &FoundPacket,
        start: usize,
        total: usize,
    ) -> Option<usize> {
        let place = self.starts.len();
        let at = u32::try_from(start).ok()?;
        let data = u32::try_from(start.saturating_add(found.data)).ok()?;
        u32::try_from(start.saturating_add(total)).ok()?;
        if place >= PACKETS || *self.link.get_or_insert(found.link) != found.link {
            return None;
        }
        if let Ok(Some(time)) = found.time {
            let (earliest, latest) = self.times.unwrap_or((time, time));
            self.times = Some((earliest.min(time), latest.max(time)));
        }
        self.starts.push(at);
        self.frames.push(data, found.captured, found.wire_len);
        Some(place)
    }

    /// Adds what is no packet.
    pub(super) fn piece(&mut self, piece: NonPacket) {
        self.pieces.push((self.starts.len(), piece));
    }
}

/// Packets that were read at once, all of one link type, with what lies between them in the file.
#[derive(Clone, Copy)]
pub struct CaptureBatch<'a> {
    records: &'a FramedRecords,
    buffer: &'a ReadBuffer,
    places: &'a Places,
}

/// A piece of a capture.
#[derive(Debug)]
pub enum Item<'a> {
    /// A packet: which one of the batch.
    Packet(usize),
    /// A block of a pcapng file that is no packet.
    Block(Block<'a>),
    /// A packet whose link type is not understood, and what there is to say of it.
    Unread(Block<'a>, &'a CaptureError),
}

impl<'a> CaptureBatch<'a> {
    pub(super) const fn new(
        records: &'a FramedRecords,
        buffer: &'a ReadBuffer,
        places: &'a Places,
    ) -> Self {
        Self { records, buffer, places }
    }

    /// How many packets there are that can be read.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.starts.len()
    }

    /// Whether no packet can be read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The packets' bytes.
    #[must_use]
    pub fn frames(&self) -> Frames<'a> {
        let link = self.places.link.unwrap_or(LinkType::Ethernet);
        self.places.frames.frames(link, None, self.buffer.buffer())
    }

    /// The earliest and the latest time of a packet; `None` where none has a time.
    #[must_use]
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let (earliest, latest) = self.places.times?;
        let time = |nanos: i128| Timestamp::from_nanosecond(nanos).ok();
        Some((time(earliest)?, time(latest)?))
    }

    /// A packet with everything that the file says of it.
    #[must_use]
    pub fn record(&self, place: usize) -> Option<Record<'a>> {
        let Self { records, buffer, places } = *self;
        let start = *places.starts.get(place)? as usize;
        match records.next(buffer.buffer().get(start..)?) {
            Ok(Next::Packet(found, total)) => {
                let index = places.first.saturating_add(u64::try_from(place).ok()?);
                Some(record(records, buffer, &found, (start, total), index))
            }
            _ => None,
        }
    }

    /// What there is to say of the packets whose link type is not understood.
    pub fn unread(&self) -> impl Iterator<Item = &'a CaptureError> {
        self.places.pieces.iter().filter_map(|(_, piece)| match piece {
            NonPacket::Unread { error, .. } => Some(error),
            NonPacket::Block { .. } => None,
        })
    }

    /// Everything that the batch holds, in the order of the file.
    pub fn items(&self) -> impl Iterator<Item = Item<'a>> {
        let Self { records, buffer, places, .. } = *self;
        let mut pieces = places.pieces.iter().peekable();
        let mut packets = 0..places.starts.len();
        std::iter::from_fn(move || {
            let Some((_, piece)) = pieces.next_if(|(before, _)| *before == packets.start) else {
                return packets.next().map(Item::Packet);
            };
            let block = |start: usize, total: usize| {
                let bytes = buffer.buffer().get(start..start.saturating_add(total));
                Block { bytes: bytes.unwrap_or_default(), order: records.order() }
            };
            Some(match piece {
                NonPacket::Block { start, total } => Item::Block(block(*start, *total)),
                NonPacket::Unread { start, total, error } => {
                    Item::Unread(block(*start, *total), error)
                }
            })
        })
    }
}
