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
    if path == Path::new("-") {
        // Itself, and not through a buffer that is smaller than a read.
        let name = "<stdin>";
        let stdin = io::stdin().as_fd().try_clone_to_owned();
        let stdin = stdin
            .map_err(|source| CaptureError::Open { name: name.to_owned(), source })?;
        return Ok(CaptureReader::from_file(File::from(stdin), name)?);
    }
    Ok(CaptureReader::open(path)?)
}
