//! Export and import: a log as lines of JSON, with its seals.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::entry::Sealed;
use crate::error::{LogError, StoreError};
use crate::fold::Fold;
use crate::hash::Hash;
use crate::head::Head;
use crate::sqlite::SqliteLog;
use crate::store::Store;

/// The version of the export's layout.
const EXPORT_SCHEMA: u16 = 1;
/// How many entries are appended at a time.
const GROUP: usize = 1024;
/// The longest line that an import reads, in bytes: longer ones are no entries of ours.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// The first line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportHeader {
    /// The version of the layout; 1.
    egress25_store: u16,
    /// How many entries follow.
    revision: u64,
    /// The hash of the last one.
    hash: Hash,
    /// What the log began with, byte by byte.
    genesis: Box<RawValue>,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    entry: Box<RawValue>,
    checksum: u32,
    hash: Hash,
}

/// Writes a log as lines of JSON: what it began with and where it ends, then an entry a line,
/// each byte by byte as it was sealed. Returns how many entries were written.
///
/// # Errors
/// The log can't be read or is damaged, or the output fails.
pub fn export(store: &Store, out: &mut dyn Write) -> Result<u64, StoreError> {
    let Head { revision, hash } = store.head();
    let raw = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|error| stream(&error))?;
        RawValue::from_string(text.to_owned()).map_err(|error| stream(&error))
    };
    let genesis = raw(store.genesis_bytes())?;
    let header = ExportHeader { egress25_store: EXPORT_SCHEMA, revision, hash, genesis };
    write_line(out, &header)?;
    let mut written = 0_u64;
    store.entries(0, |entry, sealed| {
        // What others append meanwhile belongs to a later export.
        if entry.revision > revision {
            return Ok(());
        }
        written = written.saturating_add(1);
        let entry = raw(&sealed.body)?;
        write_line(out, &Line { entry, checksum: sealed.checksum, hash: sealed.hash })
    })?;
    out.flush().map_err(|error| stream(&error))?;
    Ok(written)
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> Result<(), StoreError> {
    serde_json::to_writer(&mut *out, line).map_err(|error| stream(&error))?;
    out.write_all(b"\n").map_err(|error| stream(&error))
}

fn stream(error: &dyn std::error::Error) -> StoreError {
    StoreError::Stream { what: error.to_string() }
}

/// Reads an export into a new log that `begin` makes of the bytes that the exported one began
/// with. Everything is checked on the way: chain, policy, count and end. Returns the log.
///
/// # Errors
/// The export is damaged, was changed or cut, or the log can't be written. What was written up to
/// then is no use: the caller removes it.
pub fn import(
    input: &mut dyn BufRead,
    begin: impl FnOnce(&[u8]) -> Result<SqliteLog, StoreError>,
) -> Result<SqliteLog, StoreError> {
    let mut lines = NdjsonLines { input, number: 0 };
    let Some(first) = lines.next()? else {
        return Err(lines.wrong("the export is empty".to_owned()));
    };
    let header: ExportHeader =
        serde_json::from_str(&first).map_err(|error| lines.wrong(error.to_string()))?;
    if header.egress25_store != EXPORT_SCHEMA {
        let found = header.egress25_store;
        let what = format!("the export has schema {found}; this program knows {EXPORT_SCHEMA}");
        return Err(lines.wrong(what));
    }
    let genesis = header.genesis.get().as_bytes();
    let mut fold = Fold::begin(genesis)?;
    let mut log = begin(genesis)?;
    let mut group = Vec::new();
    while let Some(text) = lines.next()? {
        let line: Line =
            serde_json::from_str(&text).map_err(|error| lines.wrong(error.to_string()))?;
        let revision = fold.head().revision.saturating_add(1);
        let mut sealed = Sealed {
            revision,
            key: None,
            body: line.entry.get().as_bytes().to_vec(),
            checksum: line.checksum,
            hash: line.hash,
        };
        let (entry, _) = fold.take(&sealed).map_err(|error| lines.wrong(error.to_string()))?;
        sealed.key = entry.key;
        group.push(sealed);
        if group.len() >= GROUP {
            flush(&mut log, &mut group)?;
        }
    }
    flush(&mut log, &mut group)?;
    let end = Head { revision: header.revision, hash: header.hash };
    if fold.head() != end {
        let (there, promised) = (fold.head().revision, header.revision);
        let what = format!("the export ends at revision {there}, not {promised} as it promised");
        return Err(lines.wrong(what));
    }
    fold.check_finished().map_err(|error| lines.wrong(error.to_string()))?;
    Ok(log)
}

fn flush(log: &mut SqliteLog, group: &mut Vec<Sealed>) -> Result<(), LogError> {
    if let Some(first) = group.first() {
        log.append(first.revision.saturating_sub(1), group)?;
        group.clear();
    }
    Ok(())
}

struct NdjsonLines<'a> {
    input: &'a mut dyn BufRead,
    number: usize,
}

impl NdjsonLines<'_> {
    /// The next line that isn't empty.
    fn next(&mut self) -> Result<Option<String>, StoreError> {
        loop {
            self.number = self.number.saturating_add(1);
            let mut bytes = Vec::new();
            let mut bounded =
                std::io::Read::take(&mut *self.input, u64::try_from(LONGEST_LINE).unwrap_or(0));
            let read = bounded
                .read_until(b'\n', &mut bytes)
                .map_err(|error| self.wrong(error.to_string()))?;
            if read == 0 {
                return Ok(None);
            }
            if read >= LONGEST_LINE {
                return Err(self.wrong(format!("it is longer than {LONGEST_LINE} bytes")));
            }
            let text = String::from_utf8(bytes).map_err(|error| self.wrong(error.to_string()))?;
            if !text.trim().is_empty() {
                return Ok(Some(text));
            }
        }
    }

    fn wrong(&self, what: String) -> StoreError {
        StoreError::Import { line: self.number, what }
    }
}
