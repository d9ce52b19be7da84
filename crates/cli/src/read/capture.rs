//! Captures, as several commands take them.

use std::io;
use std::path::Path;

use egress25_packet_filter::capture::CaptureReader;

use crate::say::failure::Failure;

/// Opens a capture; `-` is stdin.
///
/// # Errors
/// It cannot be read, or it is no capture.
pub fn open(path: &Path) -> Result<CaptureReader, Failure> {
    if path == Path::new("-") {
        return Ok(CaptureReader::from_read(io::stdin(), "<stdin>")?);
    }
    Ok(CaptureReader::open(path)?)
}
