//! Files that the user wrote, and diagnostics that point into them.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use egress25_policy::{
    Edition, EditionError, InventoryError, acts_unseen, in_a_line, in_lines, locate_key,
};
use miette::{NamedSource, SourceSpan};

use crate::read::foreign::ForeignJson;
use crate::say::console::{MAX_QUOTED, shortened};
use crate::say::failure::{Failure, InputError};
use crate::written::not_stdout;

/// The longest text that is read, in bytes: an inventory of a hundred thousand machines with an
/// address each has 10 MB, and a device or a pipe may never end.
pub const MAX_TEXT: u64 = 64 * 1024 * 1024;

/// How much of a key is said, in bytes.
const MAX_KEY: usize = 200;

/// A text with the name of the file that it came from.
#[derive(Debug, Clone)]
pub struct NamedText {
    /// The file's name, or `<stdin>`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl NamedText {
    /// Reads a text file; `-` is stdin.
    ///
    /// # Errors
    /// It cannot be read, or it is no text.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let stdin = path == Path::new("-");
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        not_stdout(path)?;
        let bytes = if stdin {
            read_bounded(io::stdin().lock())
        } else {
            File::open(path).and_then(read_bounded)
        };
        let bytes = bytes.map_err(|source| Failure::Read { name: name.clone(), source })?;
        if u64::try_from(bytes.len()).is_ok_and(|len| len > MAX_TEXT) {
            return Err(Failure::Usage(format!(
                "`{name}` is longer than {MAX_TEXT} bytes, the most that is read of a text: name \
                 the file that was meant, or split it (events can be in several files)"
            )));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => {
                let hint = instead_of_text(error.as_bytes())
                    .map_or_else(String::new, |hint| format!("; {hint}"));
                Err(Failure::Usage(format!(
                    "`{name}` is no text file: the byte at offset {} is not UTF-8{hint}",
                    error.utf8_error().valid_up_to()
                )))
            }
        }
    }

    /// Refuses JSON in the place of what people write, by its name: a picture of the place would show
    /// what is in it, and an export may hold anything.
    ///
    /// # Errors
    /// It is JSON.
    pub fn refuse_json(&self, expected: &str) -> Result<(), Failure> {
        match ForeignJson::of(&self.text) {
            None => Ok(()),
            Some(json) => {
                let what = format!("`{}` is no {expected}: {}", self.name, json.sentence());
                Err(Failure::Usage(what))
            }
        }
    }

    /// An error about this text.
    #[must_use]
    pub fn error(&self, what: impl Into<String>, span: Option<Range<usize>>) -> InputError {
        // The lines at the place are printed: where one of them is endless, the place is said in
        // numbers.
        let shown = span.clone().is_none_or(|span| self.can_be_shown(&span));
        let help = match &span {
            Some(span) if !shown => {
                Some(format!("in `{}`, at byte {}", in_a_line(&self.name), span.start))
            }
            Some(_) => None,
            None => Some(format!("in `{}`", in_a_line(&self.name))),
        };
        let span = span.filter(|_| shown);
        let place = span.clone();
        let (text, span) = self.as_shown(span);
        InputError {
            what: shortened(in_a_line(&what.into()).into_owned(), MAX_QUOTED),
            source_code: NamedSource::new(in_a_line(&self.name), text).with_language("TOML"),
            place,
            span: span.map(SourceSpan::from),
            help,
        }
    }

    /// The text as an excerpt of it may be seen, and a place of it there: what acts unseen is spelt,
    /// so that the place moves.
    fn as_shown(&self, span: Option<Range<usize>>) -> (String, Option<Range<usize>>) {
        let moved = |at: usize| self.text.get(..at).map_or(at, |before| in_lines(before).len());
        match &span {
            None => (String::new(), None),
            Some(_) if !self.text.contains(|sign| sign != '\n' && acts_unseen(sign)) => {
                (self.text.clone(), span)
            }
            Some(span) => (in_lines(&self.text), Some(moved(span.start)..moved(span.end))),
        }
    }

    /// Whether the lines of a place, and those beside it, are short enough to be printed.
    fn can_be_shown(&self, span: &Range<usize>) -> bool {
        let mut at = 0_usize;
        let (from, to) = (span.start.saturating_sub(1), span.end);
        let mut before = 0;
        for line in self.text.split_inclusive('\n') {
            let end = at.saturating_add(line.len());
            if end >= from && before.max(line.len()) > MAX_QUOTED {
                return false;
            }
            if at > to {
                break;
            }
            (at, before) = (end, line.len());
        }
        true
    }

    /// What the policy found wrong with this text.
    #[must_use]
    pub fn inventory_error(&self, error: &InventoryError) -> InputError {
        let key = error.key.as_deref();
        let span = error.span.clone().or_else(|| locate_key(&self.text, key?));
        let what = match key {
            // A key has names in it, which may be endless: what is wrong has to be seen behind it.
            Some(key) => {
                let key = shortened(in_a_line(key).into_owned(), MAX_KEY);
                format!("`{key}`: {}", error.what)
            }
            None => error.what.clone(),
        };
        self.error(what, span)
    }
}

/// What bytes are that are no text, where their beginning shows it, and what to do with them.
fn instead_of_text(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x1f, 0x8b, ..] => Some("it is gzipped: unpack it (`gzip -d`)"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(
            "it is UTF-16, as PowerShell's `>` writes it: write it with `Out-File -Encoding utf8`",
        ),
        [0xd4 | 0x4d, 0xc3 | 0x3c, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0xc3 | 0x3c, 0xd4 | 0x4d, ..]
        | [0x0a, 0x0d, 0x0d, 0x0a, ..] => Some("it is a capture, which `egress25 replay` reads"),
        _ => None,
    }
}

/// Makes sure that at most one of the inputs is stdin.
///
/// # Errors
/// Several are.
pub fn stdin_once<'a>(inputs: impl Iterator<Item = &'a Path>) -> Result<(), Failure> {
    if inputs.filter(|path| *path == Path::new("-")).count() > 1 {
        return Err(Failure::Usage("only one file can be `-`: stdin is read once".to_owned()));
    }
    Ok(())
}

/// Reads to the end, or to one byte past the limit.
fn read_bounded(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_TEXT.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The edition that a file holds.
///
/// # Errors
/// What is wrong with it, and where.
pub fn edition_of(source: &NamedText) -> Result<Edition, Failure> {
    source.refuse_json("edition")?;
    Edition::parse(&source.name, &source.text).map_err(|error| match error {
        EditionError::Syntax { error, .. } => source.error(error.message(), error.span()).into(),
        EditionError::Invalid { what, .. } => {
            let span = quoted(&what).and_then(|word| place_of(&source.text, word));
            source.error(what, span).into()
        }
        other => other.into(),
    })
}

/// The first word in backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// Where a quoted value or a key stands in a text for the first time.
fn place_of(text: &str, word: &str) -> Option<Range<usize>> {
    let at = text.find(&format!("\"{word}\"")).or_else(|| text.find(word))?;
    Some(at..at.saturating_add(word.len()))
}
