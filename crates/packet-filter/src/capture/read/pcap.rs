//! pcap records (draft-ietf-opsawg-pcap).

use crate::capture::read::bytes::{ByteOrder, u16_at, u32_at};
use crate::capture::read::error::{CaptureError, RecordFault};
use crate::capture::read::format::Resolution;
use crate::capture::read::next::{FoundPacket, MAX_RECORD_LEN, NANOS_PER_SECOND, Next};
use crate::capture::read::places::{PacketKind, Places};
use crate::link::LinkType;

/// Length of the file header in bytes.
pub(super) const FILE_HEADER_LEN: usize = 24;

/// Length of a record header, and of one with the patched libpcap's 8 bytes more.
const RECORD_HEADER_LEN: usize = 16;
const PATCHED_HEADER_LEN: usize = 24;

/// The most empty records in a row, of zeros only, that are read on through: 16 MiB of them. What
/// a full disk or a crash leaves is shorter, and a bomb of zeros never ends.
const MAX_HOLE: u32 = 1 << 20;

/// Bits of the link type word that the format reserves, as libpcap sees it. Above them are the
/// length of the frame check sequence and the flag that says whether it is known; a sequence
/// lies behind the packet's own total length, so the frame parser never looks at it.
const RESERVED_LINK_BITS: u32 = 0x03ff_0000;
const LINK_BITS: u32 = 0x0000_ffff;

/// Which of a record's two lengths its header gives first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// Captured, then original: version 2.3 and later.
    Captured,
    /// The other way round: before version 2.3.
    Original,
    /// Version 2.3 itself was written in both ways: the smaller one is the captured length.
    Smaller,
}

/// What the file header says of every record.
pub(super) struct Pcap {
    order: ByteOrder,
    resolution: Resolution,
    lengths: First,
    record_header_len: usize,
    link: LinkType,
    /// Records of zeros only, up to here.
    hole: u32,
}

impl Pcap {
    /// Reads the file header in `bytes` ([`FILE_HEADER_LEN`] of them).
    pub(super) fn open(
        name: &str,
        bytes: &[u8],
        order: ByteOrder,
        resolution: Resolution,
        patched: bool,
    ) -> Result<Self, CaptureError> {
        let short = || CaptureError::TruncatedHeader {
            name: name.to_owned(),
            what: "pcap file header",
            needed: FILE_HEADER_LEN,
            have: bytes.len(),
        };
        let major = u16_at(bytes, 4, order).ok_or_else(short)?;
        let minor = u16_at(bytes, 6, order).ok_or_else(short)?;
        let word = u32_at(bytes, 20, order).ok_or_else(short)?;
        let lengths = match (major, minor) {
            (2, 0..=2) => First::Original,
            (2, 3) => First::Smaller,
            (2, 4) => First::Captured,
            _ => {
                return Err(CaptureError::Version {
                    name: name.to_owned(),
                    format: "pcap",
                    major,
                    minor,
                    known: "2.0 to 2.4",
                });
            }
        };
        let bits = word & RESERVED_LINK_BITS;
        if bits != 0 {
            return Err(CaptureError::ReservedLinkBits { name: name.to_owned(), word, bits });
        }
        let link = LinkType::from_disk(word & LINK_BITS)
            .map_err(|source| CaptureError::Link { name: name.to_owned(), source })?;
        let record_header_len = if patched { PATCHED_HEADER_LEN } else { RECORD_HEADER_LEN };
        Ok(Self { order, resolution, lengths, record_header_len, link, hole: 0 })
    }

    /// What lies at the beginning of some bytes.
    pub(super) fn next(&self, bytes: &[u8]) -> Result<Next, RecordFault> {
        if bytes.len() < self.record_header_len {
            return Ok(Next::Need(self.record_header_len));
        }
        let word = |at| u32_at(bytes, at, self.order).unwrap_or_default();
        let (seconds, fraction, first, second) = (word(0), word(4), word(8), word(12));
        if self.hole == MAX_HOLE && seconds | fraction | first | second == 0 {
            return Err(RecordFault::Hole { records: MAX_HOLE });
        }
        let (captured, original) = self.lengths(first, second);
        let len = match usize::try_from(captured) {
            Ok(len) if captured <= MAX_RECORD_LEN => len,
            _ => {
                let (what, limit) = ("a record", MAX_RECORD_LEN);
                return Err(RecordFault::TooLong { what, len: captured, limit });
            }
        };
        let total = self.record_header_len.saturating_add(len);
        if bytes.len() < total {
            return Ok(Next::Need(total));
        }
        let found = FoundPacket {
            time: Ok(Some(i128::from(self.time(seconds, fraction)))),
            link: self.link,
            interface: None,
            wire_len: original.max(captured),
            data: self.record_header_len,
            captured,
            options: 0..0,
        };
        Ok(Next::Packet(found, total))
    }

    /// Frames packets one after the other, as [`Self::next`] would: whole ones that are not empty.
    pub(super) fn walk(&self, bytes: &[u8], start: usize, places: &mut Places) -> usize {
        let head = self.record_header_len;
        let Ok(head_len) = u32::try_from(head) else { return start };
        let kind = PacketKind { link: self.link, head: head_len, interface: None };
        let mut at = start;
        if self.hole > 0 || bytes.len() > u32::MAX as usize || !places.fits(kind) {
            return at;
        }
        let (mut earliest, mut latest) = (u64::MAX, 0);
        while !places.is_full() {
            let Some(words) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) else { break };
            let word = |place| u32_at(words, place, self.order).unwrap_or_default();
            let (seconds, fraction) = (word(0), word(4));
            let (captured, original) = self.lengths(word(8), word(12));
            let data = at.wrapping_add(head);
            let end = data.wrapping_add(captured as usize);
            if captured == 0 || captured > MAX_RECORD_LEN || end > bytes.len() {
                break;
            }
            let time = self.time(seconds, fraction);
            (earliest, latest) = (earliest.min(time), latest.max(time));
            #[expect(clippy::cast_possible_truncation, reason = "no place is larger, as was seen")]
            places.push(data as u32, captured, original.max(captured), None);
            at = end;
        }
        if at > start {
            places.between(i128::from(earliest), i128::from(latest));
        }
        at
    }

    /// Captured and original length, of the two that a header gives.
    #[inline(always)]
    fn lengths(&self, first: u32, second: u32) -> (u32, u32) {
        match self.lengths {
            First::Captured => (first, second),
            First::Original => (second, first),
            First::Smaller => (first.min(second), first.max(second)),
        }
    }

    /// Notes that a packet was gone past: how long a hole of zeros is by now.
    pub(super) fn passed(&mut self, found: &FoundPacket) {
        let empty = found.wire_len == 0 && matches!(found.time, Ok(Some(0)));
        self.hole = if empty { self.hole.saturating_add(1) } else { 0 };
    }

    /// The time of a record, in nanoseconds since 1970. A fraction of a second or more is carried
    /// over, as other readers do: such files exist.
    #[inline(always)]
    fn time(&self, seconds: u32, fraction: u32) -> u64 {
        let nanos_each = match self.resolution {
            Resolution::Microseconds => 1_000,
            Resolution::Nanoseconds => 1,
        };
        // At most 2^32 seconds and as many parts: far below 2^63 nanoseconds.
        let whole = u64::from(seconds).wrapping_mul(NANOS_PER_SECOND);
        whole.wrapping_add(u64::from(fraction).wrapping_mul(nanos_each))
    }
}
