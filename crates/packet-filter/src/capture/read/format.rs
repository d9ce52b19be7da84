//! What kind of capture it is, told by its first bytes.

use core::fmt;

use crate::capture::read::bytes::ByteOrder;

/// What the fraction in a pcap record's time stamp counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// Millionths of a second (magic `a1b2c3d4`).
    Microseconds,
    /// Thousand-millionths of a second (magic `a1b23c4d`).
    Nanoseconds,
}

/// The container that the records lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// pcap: one link type for the whole file.
    Pcap {
        /// The byte order of the header and of every record header.
        order: ByteOrder,
        /// What the fraction of the time stamps counts.
        resolution: Resolution,
        /// Whether the record headers carry 8 bytes more (magic `a1b2cd34`), as the patched
        /// libpcap of old Red Hat systems wrote them.
        patched: bool,
    },
    /// pcapng: sections and interfaces, each with its own link type and resolution.
    PcapNg {
        /// The byte order of the first section; a later one may differ.
        order: ByteOrder,
    },
}

/// How the whole file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one or several members (RFC 1952).
    Gzip,
    /// Zstandard, one or several frames (RFC 8878).
    Zstd,
}

/// A capture's format: its container and how that is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CaptureFormat {
    /// The container that the records lie in.
    pub container: Container,
    /// How the container is compressed.
    pub compression: Compression,
}

impl fmt::Display for CaptureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.container {
            Container::Pcap { order, resolution, patched } => {
                let unit = match resolution {
                    Resolution::Microseconds => "microseconds",
                    Resolution::Nanoseconds => "nanoseconds",
                };
                let patched = if patched { ", patched record headers" } else { "" };
                write!(f, "pcap ({unit}, {order}{patched})")?;
            }
            Container::PcapNg { order } => write!(f, "pcapng ({order})")?,
        }
        match self.compression {
            Compression::None => Ok(()),
            Compression::Gzip => f.write_str(", gzip"),
            Compression::Zstd => f.write_str(", zstd"),
        }
    }
}

/// How many bytes [`container_of`] and [`compression_of`] look at.
pub(in crate::capture) const MAGIC_LEN: usize = 4;

/// The compression that a stream beginning with `magic` has.
pub(super) fn compression_of(magic: &[u8]) -> Compression {
    match magic {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // A frame, or one of the sixteen skippable frames that may come before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The container that a stream beginning with `magic` is. The byte order of a pcapng section
/// is told later, by the word behind its first block's length.
pub(super) fn container_of(magic: &[u8]) -> Option<Container> {
    use ByteOrder::{Big, Little};
    use Resolution::{Microseconds, Nanoseconds};
    let (order, resolution, patched) = match magic {
        [0x0a, 0x0d, 0x0d, 0x0a, ..] => return Some(Container::PcapNg { order: Little }),
        [0xd4, 0xc3, 0xb2, 0xa1, ..] => (Little, Microseconds, false),
        [0xa1, 0xb2, 0xc3, 0xd4, ..] => (Big, Microseconds, false),
        [0x4d, 0x3c, 0xb2, 0xa1, ..] => (Little, Nanoseconds, false),
        [0xa1, 0xb2, 0x3c, 0x4d, ..] => (Big, Nanoseconds, false),
        [0x34, 0xcd, 0xb2, 0xa1, ..] => (Little, Microseconds, true),
        [0xa1, 0xb2, 0xcd, 0x34, ..] => (Big, Microseconds, true),
        _ => return None,
    };
    Some(Container::Pcap { order, resolution, patched })
}

/// A format that we know by its first bytes and do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign {
    /// The format's name.
    pub(super) name: &'static str,
    /// What the user can do about it.
    pub(super) mend: &'static str,
}

const CONVERT: &str = "convert it with `editcap -F pcapng in out.pcapng`";
const UNPACK: &str = "unpack it first";
const EXPORT: &str = "it holds no packets; export them as pcapng";

/// The first bytes of formats that users do bring and that we refuse by name.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (b"snoop\0\0\0", "snoop (Solaris)", CONVERT),
    (b"GMBU", "Microsoft Network Monitor 2", CONVERT),
    (b"RTSS", "Microsoft Network Monitor 1", CONVERT),
    (b"TRSNIFF data", "Sniffer (DOS)", CONVERT),
    (b"XCP\0", "NetXRay or Sniffer (Windows)", CONVERT),
    (b"iptrace ", "AIX iptrace", CONVERT),
    (b"btsnoop\0", "btsnoop", "Bluetooth has no TCP ports to judge"),
    (b"5Vreck", "EyeSDN", CONVERT),
    (b"\xa1\x2b\x3c\x4d", "pcap as Navtel writes it", CONVERT),
    (b"\x4d\x3c\x2b\xa1", "pcap as Navtel writes it", CONVERT),
    (b"\x1c\x00\x01\xac", "pcap as Ixia writes it", CONVERT),
    (b"\xac\x01\x00\x1c", "pcap as Ixia writes it", CONVERT),
    (b"\x1c\x00\x01\xab", "pcap as Ixia writes it", CONVERT),
    (b"\xab\x01\x00\x1c", "pcap as Ixia writes it", CONVERT),
    (b"\xa1\xb2\x34\xcd", "pcap with the proposed magic `a1b234cd`", CONVERT),
    (b"\xcd\x34\xb2\xa1", "pcap with the proposed magic `a1b234cd`", CONVERT),
    (b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\x04\x22\x4d\x18", "an lz4 archive", UNPACK),
    (b"PK\x03\x04", "a zip archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"\x1f\x8b", "gzip inside a compressed stream", UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd inside a compressed stream", UNPACK),
    (b"%PDF", "a PDF document", EXPORT),
    (b"SQLite format 3\0", "an SQLite database", EXPORT),
    (b"PAR1", "a Parquet file", EXPORT),
    (b"\x7fELF", "an ELF program", EXPORT),
];

/// How many bytes [`foreign`] can use.
pub(in crate::capture) const FOREIGN_LEN: usize = 32;

/// Names the format of a stream that begins with `start`, where we know it.
///
/// ERF and other formats without a magic number cannot be told and stay unknown.
pub(super) fn foreign(start: &[u8]) -> Option<Foreign> {
    if let Some(&(_, name, mend)) = FOREIGN.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Some(Foreign { name, mend });
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let printable = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
    if text.len() < MAGIC_LEN || !text.iter().all(printable) {
        return None;
    }
    Some(match text.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{' | b'[') => Foreign { name: "JSON", mend: EXPORT },
        Some(b'<') => Foreign { name: "XML or HTML", mend: EXPORT },
        _ => Foreign {
            name: "text",
            mend: "a hex dump becomes a capture with `text2pcap`, a log does not",
        },
    })
}
