//! A record as the reader hands it out, and what the reader has to remark on the file.

use core::fmt;
use std::borrow::Cow;

use jiff::Timestamp;

use crate::capture::read::bytes::ByteOrder;
use crate::capture::read::option_list::{OPT_COMMENT, OptionList};
use crate::capture::read::pcapng::flagged_direction;
use crate::frame::{Sighting, cooked_direction};
use crate::link::LinkType;

/// One captured packet, borrowed from the reader until the next one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The packet's place in the file, from 0 on, over all sections.
    pub index: u64,
    /// When it was captured; `None` for simple packet blocks, which carry no time, and for
    /// times outside of the years -9999 to 9999 (see [`Warning::TimestampOutOfRange`]).
    pub timestamp: Option<Timestamp>,
    /// What the first byte of `data` belongs to.
    pub link: LinkType,
    /// The interface that captured it; `None` in pcap files, which know none.
    pub interface: Option<InterfaceRef<'a>>,
    /// The packet's length on the wire in bytes. Never below the length of `data`: where a
    /// file claims less, it is that length.
    pub wire_len: u32,
    /// The bytes that were captured, from the link layer's header on.
    pub data: &'a [u8],
    /// Where the record begins in the uncompressed stream, in bytes.
    pub offset: u64,
    /// The comments that the file has for this packet.
    pub comments: Comments<'a>,
    /// The block that it lies in, in pcapng files.
    pub block: Option<Block<'a>>,
}

impl<'a> Record<'a> {
    /// What the file says of the packet besides its bytes: by its interface, the flags of its block,
    /// or its cooked header.
    #[must_use]
    pub fn sighting(&self) -> Sighting<'a> {
        let by_flags = self.block.and_then(|block| flagged_direction(block.bytes, block.order));
        Sighting {
            interface: self.interface.and_then(|interface| interface.name),
            direction: by_flags.or_else(|| cooked_direction(self.link, self.data)),
        }
    }
}

/// A whole block of a pcapng file, from its type to the length behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The byte order of its section.
    pub order: ByteOrder,
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes, {})", self.bytes.len(), self.order)
    }
}

/// The packet comments of a record (`opt_comment` of pcapng), none in pcap files.
///
/// They are read when they are asked for; options that break off end them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comments<'a> {
    options: &'a [u8],
    order: ByteOrder,
}

impl<'a> Comments<'a> {
    /// No comments.
    pub const NONE: Self = Self { options: &[], order: ByteOrder::Little };

    pub(crate) fn new(options: &'a [u8], order: ByteOrder) -> Self {
        Self { options, order }
    }

    /// The comments in the order of the file, invalid UTF-8 replaced.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        OptionList::new(self.options, self.order)
            .map_while(Result::ok)
            .filter(|&(code, _)| code == OPT_COMMENT)
            .map(|(_, value)| String::from_utf8_lossy(value))
    }
}

impl Warning {
    /// Whether packets are missing behind the last one that was read.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        matches!(
            self,
            Self::TruncatedTail { .. } | Self::CompressedStreamCut { .. } | Self::Shrunk { .. }
        )
    }
}

/// An interface of a pcapng section, as a record points to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceRef<'a> {
    /// The interface's number in its section, from 0 on.
    pub id: u32,
    /// The section's number in the file, from 0 on. Ids of different sections are different
    /// interfaces, even where the number is the same.
    pub section: u32,
    /// `if_name`: the device, such as `eth0`. At most 512 bytes of it, invalid UTF-8 replaced.
    pub name: Option<&'a str>,
    /// `if_description`: what the device is, in words. At most 512 bytes of it, invalid UTF-8
    /// replaced.
    pub description: Option<&'a str>,
    /// The most bytes that were captured of a packet; 0 says that there was no limit.
    pub snaplen: u32,
}

/// Something about a capture that does not stop it from being judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The file ends inside a record, as it does when the capture is still being written or the
    /// disk was full. All records before it were delivered.
    TruncatedTail {
        /// Where the incomplete record begins in the uncompressed stream.
        offset: u64,
        /// How many bytes of it are there.
        bytes_left: u64,
    },
    /// The compressed stream has no end: the file was cut. What could be unpacked was delivered.
    CompressedStreamCut {
        /// How many bytes could be unpacked.
        unpacked: u64,
    },
    /// The file ended before the length that it had when it was opened: it has been cut since.
    Shrunk {
        /// How many bytes were read.
        read: u64,
        /// How many there were.
        length: u64,
    },
    /// Bytes behind the last gzip member that are no further member; they are ignored, as
    /// gzip(1) does.
    TrailingGarbage,
    /// Records whose time lies outside of the years -9999 to 9999; they have no timestamp.
    TimestampOutOfRange {
        /// The first such record's place, from 0 on.
        first: u64,
        /// How many there are so far.
        count: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TruncatedTail { offset, bytes_left } => write!(
                f,
                "the file ends inside the record at byte offset {offset}: {bytes_left} byte(s) \
                 of it are left and were not judged"
            ),
            Self::CompressedStreamCut { unpacked } => {
                write!(f, "the compressed stream was cut: {unpacked} byte(s) could be unpacked")
            }
            Self::Shrunk { read, length } => write!(
                f,
                "the file ended at byte {read}; it had {length} bytes when it was opened, and has \
                 been cut since"
            ),
            Self::TrailingGarbage => {
                f.write_str("there are bytes behind the end of the gzip stream; they were ignored")
            }
            Self::TimestampOutOfRange { first, count } => write!(
                f,
                "{count} record(s), the first of them record {}, have a time outside of the \
                 years -9999 to 9999 and count as having none",
                first.saturating_add(1)
            ),
        }
    }
}
