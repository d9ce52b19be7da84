//! The text of a log: compressed or not, in UTF-8 or UTF-16.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::say::failure::Failure;
use crate::written::not_stdout;

/// How much is read at once.
const AT_ONCE: usize = 1 << 18;

/// The most bytes that the first look takes.
const START: u64 = 4096;

/// A text that is read from its beginning to its end.
pub struct LogText {
    /// The file's name, or `<stdin>`.
    pub name: String,
    /// How it begins, once it is decompressed; a byte order mark is part of it.
    pub start: Vec<u8>,
    /// It as UTF-8, as far as it is a text, without a byte order mark.
    pub text: Box<dyn BufRead>,
}

impl std::fmt::Debug for LogText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogText").field("name", &self.name).finish_non_exhaustive()
    }
}

impl LogText {
    /// Opens a file, plain or compressed with gzip or zstd; `-` is stdin.
    ///
    /// # Errors
    /// It cannot be read, or its first bytes say that it is no text.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let stdin = path == Path::new("-");
        if !stdin && path.is_dir() {
            return Err(Failure::Usage(format!(
                "`{}` is a folder; name the files in it",
                path.display()
            )));
        }
        not_stdout(path)?;
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        let opened = || -> io::Result<_> {
            let file: Box<dyn Read> = match stdin {
                true => Box::new(io::stdin()),
                false => Box::new(File::open(path)?),
            };
            let (packed, all) = peeked(file)?;
            let all = BufReader::with_capacity(AT_ONCE, all);
            let plain: Box<dyn Read> = match *packed.as_slice() {
                [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(all)),
                [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                    Box::new(zstd::stream::read::Decoder::with_buffer(all)?)
                }
                _ => Box::new(all),
            };
            as_utf8(plain)
        };
        let (start, text) =
            opened().map_err(|source| Failure::Read { name: name.clone(), source })?;
        match instead(&start) {
            Some(instead) => Err(Failure::Usage(format!("`{name}` is no text: {instead}"))),
            None => Ok(Self { name, start, text }),
        }
    }
}

/// How something begins, and all of it. An error behind the beginning comes where the reading gets to
/// it, and so does the early end of what it is compressed with.
fn peeked(mut input: Box<dyn Read>) -> io::Result<(Vec<u8>, impl Read)> {
    let mut start = Vec::new();
    let error = input.by_ref().take(START).read_to_end(&mut start).err();
    let failed = match error {
        Some(error) if start.is_empty() && error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(error);
        }
        error => Failed(error),
    };
    Ok((start.clone(), Cursor::new(start).chain(failed).chain(input)))
}

/// Fails once, where there is an error, and has no bytes.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// How a text begins, and all of it as UTF-8, without its byte order mark.
fn as_utf8(plain: Box<dyn Read>) -> io::Result<(Vec<u8>, Box<dyn BufRead>)> {
    let (start, all) = peeked(plain)?;
    let mut all = BufReader::with_capacity(AT_ONCE, all);
    let (mark, order): (usize, Option<ByteOrder>) = match *start.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => (3, None),
        [0xff, 0xfe, ..] => (2, Some(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => (2, Some(u16::from_be_bytes)),
        _ => (0, None),
    };
    io::copy(&mut all.by_ref().take(u64::try_from(mark).unwrap_or(0)), &mut io::sink())?;
    Ok(match order {
        Some(order) => (start, Box::new(BufReader::new(Utf16::new(all, order)))),
        None => (start, Box::new(all)),
    })
}

/// What a file is that is no text, by how it begins, and what to do with it.
fn instead(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xd4, 0xc3, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0xc3, 0xd4, ..]
        | [0x4d, 0x3c, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0x3c, 0x4d, ..]
        | [0x0a, 0x0d, 0x0d, 0x0a, ..] => {
            Some("it is a capture of packets; `egress25 replay` judges it")
        }
        _ if start.starts_with(b"\xfd7zXZ") => {
            Some("it is compressed with xz; `xz -dc FILE` writes it to stdout, and `-` reads that")
        }
        _ if start.starts_with(b"BZh") => Some(
            "it is compressed with bzip2; `bzip2 -dc FILE` writes it to stdout, and `-` reads that",
        ),
        _ if start.starts_with(b"PK\x03\x04") => {
            Some("it is a zip archive; unpack it (`unzip FILE`) and name what was in it")
        }
        _ if start.starts_with(b"LPKSHHRH") => Some(
            "it is a journal of systemd; `journalctl --file FILE -o json` writes it to stdout, and `-` \
             reads that",
        ),
        _ => None,
    }
}

/// How the two bytes of a unit make a number.
type ByteOrder = fn([u8; 2]) -> u16;

/// UTF-16, as PowerShell writes it, read as UTF-8.
struct Utf16<R> {
    input: R,
    order: ByteOrder,
    /// A unit that was read behind a lone surrogate.
    next: Option<u16>,
    /// What is decoded and not yet taken.
    text: [u8; 4],
    left: std::ops::Range<usize>,
    failed: Failed,
}

impl<R: BufRead> Utf16<R> {
    fn new(input: R, order: ByteOrder) -> Self {
        Self { input, order, next: None, text: [0; 4], left: 0..0, failed: Failed(None) }
    }

    fn unit(&mut self) -> io::Result<Option<u16>> {
        if let Some(unit) = self.next.take() {
            return Ok(Some(unit));
        }
        // Not `read_exact`, which calls an end what may be the early one of what it is compressed with.
        let mut bytes = self.input.by_ref().bytes();
        let pair = bytes.next().transpose()?.zip(bytes.next().transpose()?);
        Ok(pair.map(|(first, second)| (self.order)([first, second])))
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

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.failed.read(into)?;
        let mut written = 0;
        for place in into {
            if self.left.is_empty() {
                let next = match self.character() {
                    // What was decoded before it is not lost.
                    Err(error) if written > 0 => {
                        self.failed = Failed(Some(error));
                        break;
                    }
                    next => next?,
                };
                let Some(next) = next else { break };
                self.left = 0..next.encode_utf8(&mut self.text).len();
            }
            let Some(byte) = self.left.next().and_then(|at| self.text.get(at)) else { break };
            *place = *byte;
            written += 1;
        }
        Ok(written)
    }
}
