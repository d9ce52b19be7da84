//! Lines of a text that may be long, compressed, or no text at all.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::say::failure::Failure;

/// The most bytes that the first look needs.
const MAGIC: u64 = 8;

/// A file of lines.
pub struct Lines {
    name: String,
    input: Box<dyn BufRead>,
    /// How many bytes of a line are kept; one more tells that it was longer.
    longest: usize,
    line: Vec<u8>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Lines {
    /// Opens a file of lines, plain or compressed with gzip or zstd; `-` is stdin.
    ///
    /// # Errors
    /// It cannot be read, or its first bytes say that it is something else.
    pub fn open(path: &Path, longest: usize) -> Result<Self, Failure> {
        let stdin = path == Path::new("-");
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        let failed = |source| Failure::Read { name: name.clone(), source };
        let mut raw: Box<dyn Read> = match stdin {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path).map_err(failed)?),
        };
        let mut magic = Vec::new();
        raw.by_ref().take(MAGIC).read_to_end(&mut magic).map_err(failed)?;
        let is = |bytes: &[u8]| magic.starts_with(bytes);
        let instead = if is(b"\xfd7zXZ") {
            Some("it is compressed with xz: `xz -dc FILE | egress25 diagnose -`")
        } else if is(b"BZh") {
            Some("it is compressed with bzip2: `bzip2 -dc FILE | egress25 diagnose -`")
        } else if is(b"LPKSHHRH") {
            Some("it is a journal: `journalctl --file FILE -o json | egress25 diagnose -`")
        } else {
            None
        };
        if let Some(instead) = instead {
            return Err(Failure::Usage(format!("`{name}` is no text; {instead}")));
        }
        let (gzip, zstd) = (is(b"\x1f\x8b"), is(b"\x28\xb5\x2f\xfd"));
        let raw = BufReader::new(Cursor::new(magic).chain(raw));
        let input: Box<dyn BufRead> = if gzip {
            Box::new(BufReader::new(MultiGzDecoder::new(raw)))
        } else if zstd {
            let decoder = zstd::stream::read::Decoder::with_buffer(raw).map_err(failed)?;
            Box::new(BufReader::new(decoder))
        } else {
            Box::new(raw)
        };
        Ok(Self { name, input, longest, line: Vec::new() })
    }

    /// The next line, without its end; of a longer one than the limit, one byte more than that.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.line.clear();
        let mut any = false;
        loop {
            let failed = |source| Failure::Read { name: self.name.clone(), source };
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(failed)?,
            };
            if bytes.is_empty() {
                return Ok(any.then_some(&self.line));
            }
            any = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let whole = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = self.longest.saturating_add(1).saturating_sub(self.line.len());
            self.line.extend(whole.iter().take(room));
            let used = whole.len().saturating_add(usize::from(end.is_some()));
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(&self.line));
            }
        }
    }
}
