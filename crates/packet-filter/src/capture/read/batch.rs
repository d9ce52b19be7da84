//! Packets that were read at once.

use jiff::Timestamp;

use crate::capture::read::error::CaptureError;
use crate::capture::read::framed_records::{FramedRecords, record};
use crate::capture::read::next::Next;
use crate::capture::read::pcapng::flagged_direction;
use crate::capture::read::places::{NonPacket, Places};
use crate::capture::read::read_buffer::ReadBuffer;
use crate::capture::read::record::{Block, Record};
use crate::frame::{Direction, cooked_direction};
use crate::link::LinkType;
use crate::sieve::Frames;

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
        self.places.len()
    }

    /// Whether no packet can be read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The packets' bytes, with the name of the first packet's interface: that of all, unless the
    /// batch [has several](Self::has_several_interfaces).
    #[must_use]
    pub fn frames(&self) -> Frames<'a> {
        let link = self.places.kind.map_or(LinkType::Ethernet, |kind| kind.link);
        let interface = self.places.kind.and_then(|kind| self.name_of(kind.interface?));
        self.places.frames.frames(link, interface, self.buffer.buffer())
    }

    /// The earliest and the latest time of a packet; `None` where none has a time.
    #[must_use]
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let (earliest, latest) = self.places.times?;
        let time = |nanos: i128| Timestamp::from_nanosecond(nanos).ok();
        Some((time(earliest)?, time(latest)?))
    }

    /// The time of a packet; `None` where the file has none for it.
    #[must_use]
    pub fn time(&self, place: usize) -> Option<Timestamp> {
        self.record(place)?.timestamp
    }

    /// Whether a packet has no time.
    #[must_use]
    pub const fn has_untimed(&self) -> bool {
        self.places.untimed
    }

    /// Whether not all packets are of the first one's interface.
    #[must_use]
    pub const fn has_several_interfaces(&self) -> bool {
        !self.places.interfaces.is_empty()
    }

    /// The name of a packet's interface, where the file says one.
    #[must_use]
    pub fn interface_name(&self, place: usize) -> Option<&'a str> {
        let several = self.places.interfaces.get(place).copied();
        self.name_of(several.or(self.places.kind?.interface)?)
    }

    fn name_of(&self, interface: u32) -> Option<&'a str> {
        self.records.interface_name(interface)
    }

    /// The direction in which a packet was seen, where the file says so.
    #[must_use]
    pub fn direction(&self, place: usize) -> Option<Direction> {
        let by_flags = match self.records {
            FramedRecords::PcapNg(_) => {
                let block = self.buffer.buffer().get(self.places.start(place)?..)?;
                flagged_direction(block, self.records.order())
            }
            FramedRecords::Pcap(_) => None,
        };
        by_flags.or_else(|| {
            let frame = self.frames().get(place)?;
            cooked_direction(frame.link, frame.bytes)
        })
    }

    /// A packet with everything that the file says of it.
    #[must_use]
    pub fn record(&self, place: usize) -> Option<Record<'a>> {
        let Self { records, buffer, places } = *self;
        let start = places.start(place)?;
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
        let mut packets = 0..places.len();
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
