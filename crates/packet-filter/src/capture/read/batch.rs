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

/// Where the pieces of a batch lie in the reader's buffer.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The first packet's place in the file.
    pub(super) first: u64,
    kind: Option<PacketKind>,
    frames: FrameList,
    /// The place in the section of each packet's interface, where not all have the first one's.
    interfaces: Vec<u32>,
    times: Option<(i128, i128)>,
    /// Whether a packet has no time.
    untimed: bool,
    /// In front of which packet each one lies.
    pieces: Vec<(usize, NonPacket)>,
}

/// What all packets of a batch have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PacketKind {
    pub(super) link: LinkType,
    /// How many bytes of its record lie in front of a packet.
    pub(super) head: u32,
    /// The place in the section of the first packet's interface.
    pub(super) interface: Option<u32>,
}

/// Something that is no packet, or none that can be read.
#[derive(Debug)]
pub(super) enum NonPacket {
    Block { start: usize, total: usize },
    Unread { start: usize, total: usize, error: CaptureError },
}

impl Places {
    pub(super) fn clear(&mut self) {
        self.kind = None;
        self.frames.clear();
        self.interfaces.clear();
        self.times = None;
        self.untimed = false;
        self.pieces.clear();
    }

    /// How many packets there are.
    pub(super) const fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether no packet more can be added.
    pub(super) const fn is_full(&self) -> bool {
        self.len() >= PACKETS
    }

    /// Whether a packet of some kind can be of this batch; the first one says what all are.
    #[inline]
    pub(super) fn fits(&mut self, kind: PacketKind) -> bool {
        let PacketKind { link, head, .. } = *self.kind.get_or_insert(kind);
        !self.is_full() && link == kind.link && head == kind.head
    }

    /// Adds a packet that fits: where in the buffer its bytes are, how many, and how many were on
    /// the wire.
    #[inline(always)]
    pub(super) fn push(&mut self, at: u32, captured: u32, wire: u32, interface: Option<u32>) {
        let first = self.kind.and_then(|kind| kind.interface);
        if interface != first || !self.interfaces.is_empty() {
            self.push_interface(first, interface);
        }
        self.frames.push(at, captured, wire);
    }

    #[cold]
    fn push_interface(&mut self, first: Option<u32>, interface: Option<u32>) {
        self.interfaces.resize(self.len(), first.unwrap_or_default());
        self.interfaces.push(interface.unwrap_or_default());
    }

    /// Takes times in: the earliest and the latest of some packets.
    pub(super) fn between(&mut self, earliest: i128, latest: i128) {
        let (first, last) = self.times.unwrap_or((earliest, latest));
        self.times = Some((first.min(earliest), last.max(latest)));
    }

    /// Adds a packet, where it fits into this batch.
    pub(super) fn packet(&mut self, found: &FoundPacket, start: usize, total: usize) -> bool {
        let number = |number: usize| u32::try_from(number).ok();
        let place = (|| {
            number(start.saturating_add(total))?;
            Some((number(start.saturating_add(found.data))?, number(found.data)?))
        })();
        let Some((at, head)) = place else { return false };
        let interface = found.interface.and_then(number);
        if !self.fits(PacketKind { link: found.link, head, interface }) {
            return false;
        }
        match found.time {
            Ok(Some(time)) => self.between(time, time),
            _ => self.untimed = true,
        }
        self.push(at, found.captured, found.wire_len, interface);
        true
    }

    /// Adds what is no packet.
    pub(super) fn piece(&mut self, piece: NonPacket) {
        self.pieces.push((self.len(), piece));
    }

    /// Where in the buffer the record of a packet begins.
    fn start(&self, place: usize) -> Option<usize> {
        let at = self.frames.offset(place)?.checked_sub(self.kind?.head)?;
        usize::try_from(at).ok()
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
