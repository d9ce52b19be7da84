//! Finds the places that carry or show a statement: lines `//= ID` and `//= ID type=test`.
//!
//! The build script uses this file, too, so it needs nothing but the standard library.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourcePlace {
    /// The statement's id, such as `PG6` or `2018-11/EF1`.
    pub id: String,
    /// The file, relative to the repository.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Whether it is a test that shows the statement, not code that carries it.
    pub test: bool,
}

/// The folders of the repository that hold code and tests of the policy.
pub const FOLDERS: &[&str] = &["crates", "tests"];

/// The id on a line, and whether it stands above a test.
#[must_use]
pub fn parse_line(line: &str) -> Option<(&str, bool)> {
    let rest = line.trim().strip_prefix("//=")?;
    let mut words = rest.split_whitespace();
    let id = words.next()?;
    let test = match words.next() {
        None => false,
        Some("type=test") => true,
        Some(_) => return None,
    };
    words.next().is_none().then_some((id, test))
}

/// The places in a text.
#[must_use]
pub fn scan_text(file: &str, text: &str) -> Vec<SourcePlace> {
    let place = |(number, line): (usize, &str)| {
        let (id, test) = parse_line(line)?;
        let line = number.saturating_add(1);
        Some(SourcePlace { id: id.to_owned(), file: file.to_owned(), line, test })
    };
    text.lines().enumerate().filter_map(place).collect()
}

/// The Rust files below a folder, in order; none where there is no such folder.
///
/// # Errors
/// A folder cannot be read.
pub fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target") {
                    waiting.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The places in a repository, in order of id, file and line.
///
/// # Errors
/// A file cannot be read.
pub fn scan(repository: &Path) -> io::Result<Vec<SourcePlace>> {
    let mut places = Vec::new();
    for folder in FOLDERS {
        for path in rust_files(&repository.join(folder))? {
            let file = path.strip_prefix(repository).unwrap_or(&path);
            let file = file.display().to_string().replace('\\', "/");
            places.extend(scan_text(&file, &fs::read_to_string(&path)?));
        }
    }
    places.sort();
    Ok(places)
}
