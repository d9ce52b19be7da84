//! Captures read to their end, and the corpus.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use egress25_packet_filter::capture::{CaptureError, CaptureReader, Record, Warning};
use egress25_packet_filter::link::LinkType;
use egress25_skipped::skipped;
use jiff::Timestamp;

/// Section, id, name, description, snapshot length.
pub(crate) type Interface = (u32, u32, Option<String>, Option<String>, u32);

/// A record that outlives its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) time: Option<Timestamp>,
    pub(crate) link: LinkType,
    pub(crate) interface: Option<Interface>,
    pub(crate) wire_len: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) offset: u64,
    pub(crate) comments: Vec<String>,
}

impl From<Record<'_>> for Owned {
    fn from(record: Record<'_>) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            time: record.timestamp,
            link: record.link,
            interface: record
                .interface
                .map(|i| (i.section, i.id, text(i.name), text(i.description), i.snaplen)),
            wire_len: record.wire_len,
            data: record.data.to_vec(),
            offset: record.offset,
            comments: record.comments.iter().map(|c| c.into_owned()).collect(),
        }
    }
}

/// A capture that was read to its end.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) records: Vec<Owned>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) error: Option<CaptureError>,
}

impl Read {
    /// The records of a capture that has to be in order.
    pub(crate) fn whole(self) -> Vec<Owned> {
        assert!(self.error.is_none(), "{:?}", self.error);
        assert!(self.warnings.is_empty(), "{:?}", self.warnings);
        self.records
    }

    /// What the error says, nothing where there is none.
    pub(crate) fn message(&self) -> String {
        self.error.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

/// Reads what is left, to the end or the first error, after which there must be nothing more
/// unless the error was a packet's alone.
pub(crate) fn drain(reader: Result<CaptureReader, CaptureError>) -> Read {
    let mut read = Read::default();
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return Read { error: Some(error), ..read },
    };
    loop {
        match reader.next_record() {
            Ok(Some(record)) => {
                assert_eq!(record.index, u64::try_from(read.records.len()).unwrap());
                read.records.push(record.into());
            }
            Ok(None) => break,
            Err(error) => {
                read.error = Some(error);
                break;
            }
        }
    }
    if read.error.is_none() {
        assert!(reader.next_record().unwrap().is_none(), "the end is no end");
    }
    read.warnings = reader.warnings().to_vec();
    read
}

/// Reads a capture that lies in memory.
pub(crate) fn read(bytes: &[u8]) -> Read {
    drain(CaptureReader::from_read(Cursor::new(bytes.to_vec()), "test"))
}

/// Reads a file.
pub(crate) fn read_file(path: &Path) -> Read {
    drain(CaptureReader::open(path))
}

/// A time in nanoseconds since 1970.
pub(crate) fn nanos(nanos: i128) -> Option<Timestamp> {
    Some(Timestamp::from_nanosecond(nanos).unwrap())
}

/// The corpus beside the repository, or a loud word and `None` where it is missing.
pub(crate) fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if corpus.join("truth.tsv").is_file() {
        return Some(corpus);
    }
    skipped(format_args!("no corpus at {}", corpus.display()));
    None
}
