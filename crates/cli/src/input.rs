//! Files that the user wrote, and diagnostics that point into them.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use egress25_policy::{Edition, EditionError, LabError, locate_key};
use miette::{NamedSource, SourceSpan};

use crate::failure::{Failure, InputError};

/// A text with the name of the file that it came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file's name, or `<stdin>`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Reads a text file; `-` is stdin.
    ///
    /// # Errors
    /// It cannot be read, or it is no text.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let stdin = path == Path::new("-");
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        let bytes = if stdin {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            fs::read(path)
        };
        let bytes = bytes.map_err(|source| Failure::Read { name: name.clone(), source })?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err(Failure::Usage(format!(
                "`{name}` is no text file: the byte at offset {} is not UTF-8",
                error.utf8_error().valid_up_to()
            ))),
        }
    }

    /// An error about this text.
    #[must_use]
    pub fn error(&self, what: impl Into<String>, span: Option<Range<usize>>) -> InputError {
        let help = span.is_none().then(|| format!("in `{}`", self.name));
        InputError {
            what: what.into(),
            source_code: NamedSource::new(&self.name, self.text.clone()).with_language("TOML"),
            span: span.map(SourceSpan::from),
            help,
        }
    }

    /// What the policy found wrong with this text.
    #[must_use]
    pub fn lab_error(&self, error: &LabError) -> InputError {
        let key = error.key.as_deref();
        let span = error.span.clone().or_else(|| locate_key(&self.text, key?));
        let what = match key {
            Some(key) => format!("`{key}`: {}", error.what),
            None => error.what.clone(),
        };
        self.error(what, span)
    }
}

/// The edition that a file holds.
///
/// # Errors
/// What is wrong with it, and where.
pub fn edition_of(source: &Source) -> Result<Edition, Failure> {
    if let Err(error) = toml::from_str::<Edition>(&source.text) {
        return Err(source.error(error.message(), error.span()).into());
    }
    Edition::parse(&source.name, &source.text).map_err(|error| match error {
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
