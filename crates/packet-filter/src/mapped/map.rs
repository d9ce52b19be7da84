//! A file mapped into memory.
#![expect(unsafe_code, reason = "a mapping is only as sound as the file underneath")]

use std::fs::{self, File};
use std::io;
use std::path::Path;

use memmap2::{Advice, Mmap};

/// A regular file, mapped for reading.
#[derive(Debug)]
pub(super) struct Map {
    map: Mmap,
}

impl Map {
    /// Maps a file; `None` where it is a pipe, a device, or empty.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        // Before it is opened: opening a pipe waits, and takes it from who reads it.
        if !fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() == 0 {
            return Ok(None);
        }
        // SAFETY: the mapping is private to this process and is never written to. Another
        // process may change the file underneath: every length that is read out of it is
        // checked against the slice's own length at the place where it is used, so changed bytes
        // give another answer and no access outside of the mapping. A file that is made
        // shorter meanwhile ends the process with a bus error, as for every program that maps
        // files; a capture that is still being written only grows. The safe twin is
        // `capture::Reader`, which the tests compare with.
        let map = unsafe { Mmap::map(&file)? };
        // Hints: where the system does not know them, nothing is lost.
        let _ = map.advise(Advice::Sequential);
        Ok(Some(Self { map }))
    }

    /// The file's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }
}
