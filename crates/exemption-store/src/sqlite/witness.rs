//! The witness: a small file beside the database that says up to where the log was acknowledged.
//!
//! SQLite's write-ahead log ends, by design, at the first frame whose checksum is wrong: a damaged
//! one silently takes later commits with it, a revocation perhaps. The witness is written after
//! each commit, never before, so that a sound database is never behind it. It needs no sync of
//! its own: after a power cut it may be old, which only makes it say less.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hash::Hash;
use crate::log::Head;

const MAGIC: &str = "egress25-head 1";
/// A reader may meet a write half done.
const TRIES: u32 = 5;

/// What the witness says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// There is none: a new store, a copy, or a restored backup.
    Nothing,
    /// It can't be understood.
    Nonsense,
    /// The log was acknowledged up to there at least.
    UpTo(Head),
}

/// The witness of a database.
#[derive(Debug, Clone)]
pub(super) struct Witness(PathBuf);

impl Witness {
    pub(super) fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-head");
        Self(PathBuf::from(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn read(&self) -> Said {
        for _ in 0..TRIES {
            let mut text = String::new();
            let read = std::fs::File::open(&self.0)
                .and_then(|file| file.take(4096).read_to_string(&mut text));
            match read {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Said::Nothing,
                Err(_) => return Said::Nonsense,
                Ok(_) => {}
            }
            // Made, but not on the disk yet when the power went.
            if text.bytes().all(|byte| byte == 0) {
                return Said::Nothing;
            }
            if let Some(head) = parse(&text) {
                return Said::UpTo(head);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Said::Nonsense
    }

    /// Says that the log was acknowledged up to there.
    pub(super) fn write(&self, head: Head) -> std::io::Result<()> {
        // One line of one length: overwriting needs no new space, and no truncation.
        let line = format!("{MAGIC} {:020} {}", head.revision, head.hash);
        let line = format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.0)?;
        file.write_all(line.as_bytes())
    }

    pub(super) fn remove(&self) -> std::io::Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

fn parse(text: &str) -> Option<Head> {
    let (line, checksum) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(line.as_bytes()) {
        return None;
    }
    let (revision, hash) = line.strip_prefix(MAGIC)?.trim_start().split_once(' ')?;
    Some(Head { revision: revision.parse().ok()?, hash: hash.parse::<Hash>().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_says_what_was_written_and_a_damaged_one_says_nonsense() {
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::of(&folder.path().join("store.db"));
        assert_eq!(witness.read(), Said::Nothing);
        let head = Head { revision: 42, hash: Hash::of(&[b"x"]) };
        witness.write(Head { revision: u64::MAX, ..head }).unwrap();
        witness.write(head).unwrap();
        assert_eq!(witness.read(), Said::UpTo(head));
        let mut bytes = std::fs::read(witness.path()).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            std::fs::write(witness.path(), &bytes).unwrap();
            assert_eq!(witness.read(), Said::Nonsense, "byte {at}");
            bytes[at] ^= 1;
        }
    }
}
