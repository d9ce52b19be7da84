//! Files with names of a store's that are none of a store.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::files::{BESIDE, beside};
use super::witness;

/// A file beside the name of a database that no store has left there, if there is one: something else has
/// such a name by chance.
///
/// # Errors
/// One cannot be read.
pub fn foreign_beside(path: &Path) -> io::Result<Option<PathBuf>> {
    for ending in BESIDE {
        let place = beside(path, ending);
        let mut start = [0; 16];
        let (length, read) = match File::open(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => {
                let mut file = opened?;
                (file.metadata()?.len(), file.read(&mut start)?)
            }
        };
        let start = start.get(..read).unwrap_or_default();
        let is_a_stores = match ending {
            "-head" => start.starts_with(witness::KIND.as_bytes()),
            // <https://www.sqlite.org/fileformat2.html#walformat>, of either byte order.
            "-wal" => matches!(start, [0x37, 0x7f, 0x06, 0x82 | 0x83, ..]),
            // <https://www.sqlite.org/walformat.html#the_wal_index_file_format>: regions of 32 KiB.
            _ => length.is_multiple_of(32 * 1024),
        };
        if length > 0 && !is_a_stores {
            return Ok(Some(place));
        }
    }
    Ok(None)
}
