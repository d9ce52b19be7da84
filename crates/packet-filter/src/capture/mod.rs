//! Capture files, read and written.
//!
//! [`CaptureReader`] yields the records of a capture one by one or in batches, in bounded memory:
//! pcap (micro- and nanoseconds, both byte orders, also the variant with patched record headers)
//! and pcapng (several sections and interfaces), each plain or compressed with gzip or zstd, from a
//! file or from a pipe. The format is told by the first bytes and never by the file's name.
//!
//! [`CaptureCopy`] writes what was read again, whole, with comments, which Wireshark shows and
//! filters by (`frame.comment`). [`PcapngWriter`] writes new captures.
//!
//! Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, RFC 1952 (gzip), RFC 8878 (zstd).
//!
//! # Why the records are framed here and not by `pcap-file`
//!
//! The `pcap-file` crate writes our captures, and the tests hold this reader against it. It does
//! not read them, because of release 3.0.0-rc.3 (each point is pinned by a test, so that
//! the day when it changes is noticed):
//!
//! - it takes the whole buffer (8 MB) at once, and a block that does not fit cannot be told
//!   from a file that ends early: both are `UnexpectedEof`;
//! - it refuses time stamps finer than a nanosecond (`if_tsresol` 10^-12) and those
//!   before 1970 (`if_tsoffset`), which are valid;
//! - a wire length below the captured one, a record over the snapshot length, a fraction of a
//!   second or more, text that is not UTF-8 and a malformed option stop it; real captures
//!   have them all, and the packets can be judged all the same;
//! - it knows neither byte offsets of records nor the patched record headers.

mod read;
mod write;

pub use read::{
    Block, ByteOrder, CaptureBatch, CaptureError, CaptureFormat, CaptureReader, Comments,
    Compression, Container, InterfaceRef, Item, MAX_RECORD_LEN, Record, RecordFault, Resolution,
    Warning, section_application,
};
pub use write::{
    COPY_MARK, CaptureCopy, FOREIGN_MARK, InterfaceId, NewInterface, PcapngWriter, ThreadedWrite,
    VERDICT_MARK, WriteError, WrittenPacket,
};
