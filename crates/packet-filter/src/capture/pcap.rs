//! pcap records (draft-ietf-opsawg-pcap).

use std::io;
use std::ops::Range;

use jiff::Timestamp;

use super::bytes::{u16_at, u32_at};
use super::error::{CaptureError, RecordFault};
use super::format::{ByteOrder, Resolution};
use super::window::Window;
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

/// A packet that was found, in the window's terms.
pub(super) struct Found {
    /// `Err` for a time that [`Timestamp`] cannot hold, `Ok(None)` for no time.
    pub(super) timestamp: Result<Option<Timestamp>, OutOfRange>,
    pub(super) link: LinkType,
    /// The interface's place in the section.
    pub(super) interface: Option<usize>,
    pub(super) wire_len: u32,
    pub(super) data: Range<usize>,
    /// Where the options of its block are; empty where it can have none.
    pub(super) options: Range<usize>,
    pub(super) offset: u64,
}

/// A time that [`Timestamp`] cannot hold.
#[derive(Debug)]
pub(crate) struct OutOfRange;

/// What lay at the window's place.
pub(super) enum Step {
    Packet(Found),
    /// Something that is no packet.
    Other,
    /// The stream ended between two records.
    End,
    /// The stream ended inside a record.
    Tail {
        offset: u64,
        bytes_left: usize,
    },
}

/// Why there is no step.
pub(super) enum Failure {
    Io(io::Error),
    Fault { offset: u64, fault: RecordFault },
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

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

    /// Goes past the next record.
    pub(super) fn step(&mut self, window: &mut Window, max_len: u32) -> Result<Step, Failure> {
        let offset = window.offset();
        let tail = |window: &Window| match window.available() {
            0 => Step::End,
            bytes_left => Step::Tail { offset, bytes_left },
        };
        if !window.fill(self.record_header_len)? {
            return Ok(tail(window));
        }
        let header = window.bytes();
        let word = |at| u32_at(header, at, self.order).unwrap_or_default();
        let (seconds, fraction, first, second) = (word(0), word(4), word(8), word(12));
        self.hole = match seconds | fraction | first | second {
            0 if self.hole == MAX_HOLE => {
                return Err(Failure::Fault {
                    offset,
                    fault: RecordFault::Hole { records: MAX_HOLE },
                });
            }
            0 => self.hole.saturating_add(1),
            _ => 0,
        };
        let (captured, original) = match self.lengths {
            First::Captured => (first, second),
            First::Original => (second, first),
            First::Smaller => (first.min(second), first.max(second)),
        };
        let len = match usize::try_from(captured) {
            Ok(len) if captured <= max_len => len,
            _ => {
                let what = "a record";
                let fault = RecordFault::TooLong { what, len: captured, limit: max_len };
                return Err(Failure::Fault { offset, fault });
            }
        };
        let total = self.record_header_len.saturating_add(len);
        if !window.fill(total)? {
            return Ok(tail(window));
        }
        let data = window.place(self.record_header_len, len);
        window.consume(total);
        Ok(Step::Packet(Found {
            timestamp: self.time(seconds, fraction).map(Some),
            link: self.link,
            interface: None,
            wire_len: original.max(captured),
            data,
            options: 0..0,
            offset,
        }))
    }

    /// The time of a record. A fraction of a second or more is carried over, as other readers
    /// do: such files exist.
    fn time(&self, seconds: u32, fraction: u32) -> Result<Timestamp, OutOfRange> {
        let (unit, nanos_each) = match self.resolution {
            Resolution::Microseconds => (1_000_000, 1_000),
            Resolution::Nanoseconds => (1_000_000_000, 1),
        };
        let carry = i64::from(fraction / unit);
        let nanos = i32::try_from((fraction % unit).saturating_mul(nanos_each));
        let seconds = i64::from(seconds).saturating_add(carry);
        Timestamp::new(seconds, nanos.map_err(|_| OutOfRange)?).map_err(|_| OutOfRange)
    }
}
