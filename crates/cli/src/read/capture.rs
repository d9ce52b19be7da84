//! Captures, as several commands take them.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use egress25_packet_filter::capture::{CaptureError, CaptureReader};

use crate::say::failure::Failure;

/// A file of so many bytes is read on a thread of its own unless told otherwise: what is shorter is
/// read before the second thread has begun.
const LARGE: u64 = 32 << 20;

/// Opens a capture; `-` is stdin. With two threads one reads ahead of the other; without a word a
/// large file has two, where there is a second processor.
///
/// # Errors
/// It cannot be read, or it is no capture.
pub fn open(path: &Path, threads: Option<u8>) -> Result<CaptureReader, Failure> {
    let failed = |name: &str, source| CaptureError::Open { name: name.to_owned(), source };
    let (name, file) = if path == Path::new("-") {
        // Itself, and not through a buffer that is smaller than a read.
        ("<stdin>".to_owned(), io::stdin().as_fd().try_clone_to_owned().map(File::from))
    } else {
        (path.display().to_string(), File::open(path))
    };
    let file = file.map_err(|source| failed(&name, source))?;
    let ahead = match threads {
        Some(threads) => threads > 1,
        None => {
            let is_large = |file: &File| {
                file.metadata().is_ok_and(|about| about.is_file() && about.len() >= LARGE)
            };
            std::thread::available_parallelism().is_ok_and(|count| count.get() > 1)
                && is_large(&file)
        }
    };
    Ok(CaptureReader::from_file(file, &name, ahead)?)
}
