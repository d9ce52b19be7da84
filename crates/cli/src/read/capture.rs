//! Captures, as several commands take them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use egress25_packet_filter::capture::{CaptureError, CaptureReader};

use crate::read::foreign::ForeignJson;
use crate::say::failure::Failure;

/// How many bytes of a file are looked at that is no capture.
const LOOKED_AT: u64 = 64 * 1024;

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
    if file.metadata().is_ok_and(|file| file.is_dir()) {
        return Err(Failure::Usage(format!(
            "`{name}` is a folder: name a capture in it (of flow logs `egress25 flows` takes the folder)"
        )));
    }
    match CaptureReader::from_file(file, &name) {
        Err(error @ CaptureError::Foreign { format, .. }) => Err(match json_of(path) {
            Some(json) if json != ForeignJson::Other => {
                Failure::Usage(format!("`{name}` is no capture: {}", json.sentence()))
            }
            _ if format == "text" => {
                Failure::Usage(format!("{error}; `egress25 diagnose` reads a mail server's log"))
            }
            _ => error.into(),
        }),
        opened => Ok(opened?),
    }
}

/// Whether a capture comes from another program of a pipeline.
#[must_use]
pub fn is_piped(path: &Path) -> bool {
    let stdin = || io::stdin().as_fd().try_clone_to_owned().map(File::from)?.metadata();
    path == Path::new("-") && stdin().is_ok_and(|stdin| !stdin.is_file())
}

/// What a file is that holds JSON and no packets; what was read of a pipe is gone.
fn json_of(path: &Path) -> Option<ForeignJson> {
    let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut start = Vec::new();
    let looked_at = metadata.len().min(LOOKED_AT);
    File::open(path).ok()?.take(looked_at).read_to_end(&mut start).ok()?;
    ForeignJson::of(&String::from_utf8_lossy(&start))
}
