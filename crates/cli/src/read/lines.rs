//! Lines of a text that may be long, compressed, or no text at all.

use std::io;
use std::path::Path;

use crate::read::log_text::LogText;
use crate::say::failure::Failure;

/// The longest line of any text, in bytes: what goes on beyond it, as `/dev/zero` does, is none.
const LONGEST: u64 = 64 << 20;

/// A file of lines.
#[derive(Debug)]
pub struct Lines {
    log: LogText,
    /// How many bytes of a line are kept; one more tells that it was longer.
    longest: usize,
    line: Vec<u8>,
    is_cut: bool,
}

impl Lines {
    /// Opens a file of lines, as [`LogText::open`] does.
    ///
    /// # Errors
    /// It cannot be read, or its first bytes say that it is no text.
    pub fn open(path: &Path, longest: usize) -> Result<Self, Failure> {
        Ok(Self { log: LogText::open(path)?, longest, line: Vec::new(), is_cut: false })
    }

    /// How the file begins.
    #[must_use]
    pub fn start(&self) -> &[u8] {
        &self.log.start
    }

    /// Whether it ended in the middle of what it is compressed with: the lines before that are whole.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The next line, without its end; of a longer one than the limit, one byte more than that.
    ///
    /// # Errors
    /// It cannot be read, or a line has no end.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.line.clear();
        if self.is_cut {
            return Ok(None);
        }
        let mut any = false;
        let mut length = 0_u64;
        loop {
            let failed = |source| Failure::Read { name: self.log.name.clone(), source };
            let bytes = match self.log.text.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // What is left of its last line is no line.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.is_cut = true;
                    return Ok(None);
                }
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
            length = length.saturating_add(u64::try_from(whole.len()).unwrap_or(u64::MAX));
            if length > LONGEST {
                return Err(Failure::Usage(format!(
                    "`{}` is no text: it has a line that is longer than {} MiB",
                    self.log.name,
                    LONGEST >> 20
                )));
            }
            let used = whole.len().saturating_add(usize::from(end.is_some()));
            self.log.text.consume(used);
            if end.is_some() {
                return Ok(Some(&self.line));
            }
        }
    }
}
