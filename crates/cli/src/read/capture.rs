//! Captures, as several commands take them.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use egress25_packet_filter::capture::{CaptureError, CaptureReader};

use crate::say::failure::Failure;

/// Opens a capture; `-` is stdin.
///
/// # Errors
/// It cannot be read, or it is no capture.
pub fn open(path: &Path) -> Result<CaptureReader, Failure> {
    let failed = |name: &str, source| CaptureError::Open { name: name.to_owned(), source };
    let (name, file) = if path == Path::new("-") {
        // Itself, and not through a buffer that is smaller than a read.
        ("<stdin>".to_owned(), io::stdin().as_fd().try_clone_to_owned().map(File::from))
    } else {
        (path.display().to_string(), File::open(path))
    };
    let file = file.map_err(|source| failed(&name, source))?;
    Ok(CaptureReader::from_file(file, &name)?)
}
