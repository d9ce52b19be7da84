//! Where the packets of a batch lie.

use crate::capture::read::error::CaptureError;
use crate::capture::read::next::FoundPacket;
use crate::link::LinkType;
use crate::sieve::FrameList;

/// The most packets of a batch.
const PACKETS: usize = 1 << 14;

/// Where the pieces of a batch lie in the reader's buffer.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The first packet's place in the file.
    pub(super) first: u64,
    pub(super) kind: Option<PacketKind>,
    pub(super) frames: FrameList,
    /// The place in the section of each packet's interface, where not all have the first one's.
    pub(super) interfaces: Vec<u32>,
    pub(super) times: Option<(i128, i128)>,
    /// Whether a packet has no time.
    pub(super) untimed: bool,
    /// In front of which packet each one lies.
    pub(super) pieces: Vec<(usize, NonPacket)>,
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
    pub(super) fn start(&self, place: usize) -> Option<usize> {
        let at = self.frames.offset(place)?.checked_sub(self.kind?.head)?;
        usize::try_from(at).ok()
    }
}
