//! The files of flow logs, and their texts as UTF-8.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::say::failure::Failure;

/// How much is read at once.
const AT_ONCE: usize = 1 << 18;

/// How deep folders may lie in each other: the layout of a storage account has 20.
const DEPTH: usize = 64;

/// A file, and how many bytes it has where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The files that paths name: a file is itself, of a folder it is each with `.json` in its name, in
/// order, so that one hour follows the other. Links in folders are not followed.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<LogFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            let bytes = path.metadata().map_or(0, |metadata| metadata.len());
            found.push(LogFile { path: path.clone(), bytes });
            continue;
        }
        let before = found.len();
        below(path, DEPTH, &mut found)?;
        if found.len() == before {
            let name = path.display();
            return Err(Failure::Usage(format!(
                "`{name}` holds no `.json` and no `.json.gz`: name the folder of the flow logs, such as \
                 insights-logs-flowlogflowevent"
            )));
        }
    }
    Ok(found)
}

fn below(folder: &Path, depth: usize, found: &mut Vec<LogFile>) -> Result<(), Failure> {
    let failed = |source| Failure::Read { name: folder.display().to_string(), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if kind.is_dir() && depth > 0 {
            below(&entry.path(), depth.saturating_sub(1), found)?;
        } else if kind.is_file() && (name.ends_with(".json") || name.ends_with(".json.gz")) {
            let bytes = entry.metadata().map_err(failed)?.len();
            found.push(LogFile { path: entry.path(), bytes });
        }
    }
    Ok(())
}

/// The beginning of a file, and its text as UTF-8: gzip and UTF-16 are undone, a byte order mark is left
/// away.
pub(super) fn open(path: &Path) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let file: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path)?),
    };
    let mut raw = BufReader::with_capacity(AT_ONCE, file);
    let is_gzip = raw.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read> = match is_gzip {
        true => Box::new(MultiGzDecoder::new(raw)),
        false => Box::new(raw),
    };
    let mut text = BufReader::with_capacity(AT_ONCE, plain);
    let start = text.fill_buf()?.to_vec();
    let skip = |text: &mut BufReader<_>, count| BufReader::consume(text, count);
    Ok(match *start.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => {
            skip(&mut text, 3);
            (start, Box::new(text))
        }
        [0xff, 0xfe, ..] => {
            skip(&mut text, 2);
            (start, Box::new(Utf16::new(text, u16::from_le_bytes)))
        }
        [0xfe, 0xff, ..] => {
            skip(&mut text, 2);
            (start, Box::new(Utf16::new(text, u16::from_be_bytes)))
        }
        _ => (start, Box::new(text)),
    })
}

/// UTF-16, as PowerShell writes it, read as UTF-8.
struct Utf16<R> {
    input: R,
    order: fn([u8; 2]) -> u16,
    /// A unit that was read behind a lone surrogate.
    next: Option<u16>,
    /// What is decoded and not yet taken.
    text: [u8; 4],
    left: std::ops::Range<usize>,
}

impl<R: Read> Utf16<R> {
    fn new(input: R, order: fn([u8; 2]) -> u16) -> Self {
        Self { input, order, next: None, text: [0; 4], left: 0..0 }
    }

    fn unit(&mut self) -> io::Result<Option<u16>> {
        if let Some(unit) = self.next.take() {
            return Ok(Some(unit));
        }
        let mut pair = [0; 2];
        match self.input.read_exact(&mut pair) {
            Ok(()) => Ok(Some((self.order)(pair))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn character(&mut self) -> io::Result<Option<char>> {
        let Some(unit) = self.unit()? else { return Ok(None) };
        let pair = match unit {
            0xd800..=0xdbff => self.unit()?,
            _ => None,
        };
        let mut decoded = char::decode_utf16([unit].into_iter().chain(pair));
        let first = decoded.next().and_then(Result::ok);
        if first.is_none() {
            self.next = pair;
        }
        Ok(Some(first.unwrap_or(char::REPLACEMENT_CHARACTER)))
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        for place in into {
            if self.left.is_empty() {
                let Some(next) = self.character()? else { break };
                self.left = 0..next.encode_utf8(&mut self.text).len();
            }
            let Some(byte) = self.left.next().and_then(|at| self.text.get(at)) else { break };
            *place = *byte;
            written += 1;
        }
        Ok(written)
    }
}

/// What a file is that is no flow log, by its beginning, and what to do with it.
pub(super) fn foreign(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(start.get(..4096).unwrap_or(start));
    let head = text.trim_start_matches('\u{feff}').trim_start();
    let line = head.lines().next().unwrap_or_default();
    let is_of_aws = line.split(' ').nth(2).is_some_and(|one| one.starts_with("eni-"));
    let columns = line.to_ascii_lowercase();
    match start {
        [0xd4, 0xc3, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0xc3, 0xd4, ..]
        | [0x4d, 0x3c, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0x3c, 0x4d, ..]
        | [0x0a, 0x0d, 0x0d, 0x0a, ..] => {
            Some("this is a capture of packets: `egress25 replay` judges it")
        }
        _ if is_of_aws || line.starts_with("version account-id") => Some(
            "this is a flow log of AWS, where port 25 is another rule's; a flow log of Azure is JSON",
        ),
        _ if columns.contains("flowstarttime") || columns.contains("srcip") => Some(
            "this is a table of Traffic Analytics, which is aggregated and has no single flows; give the \
             PT1H.json files of the storage account that it was made from",
        ),
        _ => None,
    }
}
