//! What framing comes to: the next record, or what is missing to tell.

use std::ops::Range;

use crate::capture::read::error::RecordFault;
use crate::link::LinkType;

/// The longest packet that is read or written, in bytes: the largest snapshot length of libpcap. A
/// longer one is an error, because such a length is corrupt far more often than true.
pub const MAX_RECORD_LEN: u32 = 256 * 1024;

pub(super) const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// What lies at the beginning of some bytes.
pub(super) enum Next {
    /// A packet, in a record of so many bytes.
    Packet(FoundPacket, usize),
    /// A block of so many bytes that is no packet.
    Block(usize),
    /// A packet whose link type is not understood, in a block of so many bytes.
    Unread(RecordFault, usize),
    /// So many bytes are needed to tell.
    Need(usize),
}

/// A packet that was found. Places count from the beginning of its record.
#[derive(Debug)]
pub(super) struct FoundPacket {
    /// Nanoseconds since 1970; `Ok(None)` for no time.
    pub(super) time: Result<Option<i128>, OutOfRange>,
    pub(super) link: LinkType,
    /// The interface's place in the section.
    pub(super) interface: Option<usize>,
    pub(super) wire_len: u32,
    /// Where its bytes are, and how many of them.
    pub(super) data: usize,
    pub(super) captured: u32,
    /// Where the options of its block are; empty where it can have none.
    pub(super) options: Range<usize>,
}

/// A time that [`jiff::Timestamp`] cannot hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutOfRange;
