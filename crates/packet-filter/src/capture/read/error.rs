//! What can be wrong with a capture, said with file, record and byte offset.

use std::io;

use crate::link::UnsupportedLinkType;

/// Why a capture could not be read (further).
///
/// Records are named as Wireshark numbers its frames, from 1 on; byte offsets count
/// from 0 in the stream after decompression.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file could not be opened.
    #[error("cannot open `{name}`: {source}")]
    Open {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The input failed while it was read.
    #[error("`{name}`: reading failed behind byte {offset}: {source}")]
    Io {
        /// The file.
        name: String,
        /// How many bytes of the (uncompressed) stream had been read.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The compressed stream is corrupt, or a zstd frame needs a buffer of over 128 MiB.
    #[error(
        "`{name}`: the compressed stream cannot be unpacked behind uncompressed byte {offset}: \
         {source}"
    )]
    Compressed {
        /// The file.
        name: String,
        /// How many bytes had been unpacked.
        offset: u64,
        /// What the decompressor said.
        source: io::Error,
    },
    /// There is not one byte.
    #[error("`{name}` is empty: a capture has at least a file header")]
    Empty {
        /// The file.
        name: String,
    },
    /// A format that is known and not read.
    #[error("`{name}` is {format}, not pcap or pcapng: {mend}")]
    Foreign {
        /// The file.
        name: String,
        /// The format's name.
        format: &'static str,
        /// What the user can do.
        mend: &'static str,
    },
    /// The first bytes belong to no format that we know.
    #[error(
        "`{name}` is not a capture that we know: it begins with the bytes `{start}`; \
             pcap and pcapng are read, plain or compressed with gzip or zstd"
    )]
    Unknown {
        /// The file.
        name: String,
        /// The first bytes, in hexadecimal.
        start: String,
    },
    /// The file header is cut short.
    #[error("`{name}`: the {what} needs {needed} bytes, the file ends after {have}")]
    TruncatedHeader {
        /// The file.
        name: String,
        /// Which header.
        what: &'static str,
        /// Its length in bytes.
        needed: usize,
        /// The bytes that are there.
        have: usize,
    },
    /// A version of the format that nobody has defined yet, or that is out of use.
    #[error("`{name}`: {format} version {major}.{minor} is not supported ({known} are)")]
    Version {
        /// The file.
        name: String,
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Its major version.
        major: u16,
        /// Its minor version.
        minor: u16,
        /// The versions that are read.
        known: &'static str,
    },
    /// Reserved bits of a pcap header's link type word are set.
    #[error(
        "`{name}`: the link type word `{word:#010x}` at byte offset 20 has reserved bits \
             (`{bits:#010x}`) set, so its meaning is unknown; they must be 0"
    )]
    ReservedLinkBits {
        /// The file.
        name: String,
        /// The whole word.
        word: u32,
        /// The reserved bits in it that are set.
        bits: u32,
    },
    /// The whole file has a link type that the frame parser does not understand.
    #[error("`{name}`: {source}")]
    Link {
        /// The file.
        name: String,
        /// The link type.
        source: UnsupportedLinkType,
    },
    /// A record is corrupt, or of an interface whose link type is not understood.
    #[error("`{name}`: record {record} at byte offset {offset}: {fault}")]
    Record {
        /// The file.
        name: String,
        /// The record's number, from 1 on: the one that would have come next.
        record: u64,
        /// Where its header (or the block that is corrupt) begins.
        offset: u64,
        /// What is wrong with it.
        fault: RecordFault,
    },
}

/// What is wrong with one record (pcap) or block (pcapng).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// A declared length over the limit.
    #[error("{what} of {len} bytes is over the limit of {limit}: the length is corrupt")]
    TooLong {
        /// What declares the length.
        what: &'static str,
        /// The declared length in bytes.
        len: u32,
        /// The limit in bytes.
        limit: u32,
    },
    /// Zeros without an end where records should be.
    #[error(
        "more than {records} empty records of zeros in a row: the file has a hole here; \
             cut it off in front of the hole"
    )]
    Hole {
        /// How many were read.
        records: u32,
    },
    /// A block length that no block can have.
    #[error(
        "block of type `{kind:#010x}` declares {len} bytes; a length is a multiple of 4 \
             and at least {least}"
    )]
    BlockLength {
        /// The block's type.
        kind: u32,
        /// The declared total length.
        len: u32,
        /// The least length of a block of that type.
        least: u32,
    },
    /// The two lengths of a block differ.
    #[error("block of type `{kind:#010x}` begins with the length {head} and ends with {tail}")]
    LengthMismatch {
        /// The block's type.
        kind: u32,
        /// The length in front.
        head: u32,
        /// The length behind.
        tail: u32,
    },
    /// The word that tells a section's byte order is neither of the two.
    #[error("section header has the byte order word `{0:#010x}`, not `0x1a2b3c4d`")]
    ByteOrderMagic(u32),
    /// A version of pcapng that is not known.
    #[error("section header of pcapng version {major}.{minor}; 1.0 and 1.2 are supported")]
    SectionVersion {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// More captured bytes than the block has room for.
    #[error("{captured} captured bytes do not fit into the {room} bytes of their block")]
    CapturedLength {
        /// The captured length that is claimed.
        captured: u32,
        /// The bytes that the block has for it.
        room: usize,
    },
    /// A packet of an interface that the section does not describe.
    #[error(
        "packet of interface {interface}, but section {section} describes {known} interface(s)"
    )]
    NoSuchInterface {
        /// The interface id that the packet claims.
        interface: u32,
        /// The section, from 0 on.
        section: u32,
        /// How many interfaces the section has described so far.
        known: usize,
    },
    /// An option of an interface description that cannot be read.
    #[error("interface description has a broken option {code} ({what})")]
    Option {
        /// The option's code.
        code: u16,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Too many interfaces in one section.
    #[error("section describes more than {0} interfaces")]
    TooManyInterfaces(usize),
    /// A packet of an interface whose link type is not understood.
    #[error("interface {interface}{name}: {source}", name = quoted(.name.as_deref()))]
    Link {
        /// The interface's id in its section.
        interface: u32,
        /// Its name, where the file gives one.
        name: Option<String>,
        /// The link type.
        source: UnsupportedLinkType,
    },
}

/// The name in backticks with a space before it, nothing where there is none.
fn quoted(name: Option<&str>) -> String {
    name.map(|name| format!(" `{name}`")).unwrap_or_default()
}
