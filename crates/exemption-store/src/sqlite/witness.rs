//! The witness: a small file beside the database that says up to where the log was acknowledged.
//!
//! SQLite's write-ahead log ends, by design, at the first frame whose checksum is wrong: a damaged
//! one silently takes later commits with it, a revocation perhaps. The witness says what is
//! acknowledged: it is opened for writing before each commit, which is refused where that fails,
//! and written after it, so that a sound database is never behind it. It needs no sync of its own:
//! after a power cut it may be old, which only makes it say less.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{beside, sync_folder};

use crate::hash::Hash;
use crate::head::Head;

/// What every witness begins with.
pub(super) const KIND: &str = "egress25-head";
const MAGIC: &str = "egress25-head 1";
/// What is said of a witness that is none.
pub(super) const NO_FILE: &str = "it is a device, a pipe or a socket, and no file";
/// A reader may meet a write half done.
const TRIES: u32 = 5;

/// What the witness says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// There is none: a new store, a copy, or a restored backup.
    Nothing,
    /// It can't be understood.
    Nonsense,
    /// It can't be read.
    Unread(std::io::ErrorKind),
    /// It keeps nothing, or would be waited for: a device, a pipe or a socket.
    NoFile,
    /// The log was acknowledged up to there at least.
    UpTo(Head),
}

/// The witness of a database.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    database: PathBuf,
    path: PathBuf,
}

impl Witness {
    pub(super) fn of(database: &Path) -> Self {
        Self { database: database.to_owned(), path: beside(database, "-head") }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is there and is no file; of a directory, whoever opens it says so.
    fn is_no_file(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|found| !found.is_file() && !found.is_dir())
    }

    pub(super) fn read(&self) -> Said {
        if self.is_no_file() {
            return Said::NoFile;
        }
        for _ in 0..TRIES {
            let mut text = String::new();
            let read =
                File::open(&self.path).and_then(|file| file.take(4096).read_to_string(&mut text));
            match read {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Said::Nothing,
                Err(error) if error.kind() != std::io::ErrorKind::InvalidData => {
                    return Said::Unread(error.kind());
                }
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

    /// Makes sure that the witness can be written: it is there, not empty, and says
    /// what it has said, or `head` where it has not been there.
    pub(super) fn prepare(&self, head: Head) -> std::io::Result<Prepared> {
        if self.is_no_file() {
            return Err(std::io::Error::other(NO_FILE));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = match options.clone().create_new(true).open(&self.path) {
            // No link leads to what did not exist: it can be given away.
            Ok(file) => self.given_to_the_owner(file)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                options.create(true).truncate(false).open(&self.path)?
            }
            Err(error) => return Err(error),
        };
        let mut prepared = Prepared(file);
        if prepared.0.metadata()?.len() == 0 {
            prepared.write(head)?;
        }
        Ok(prepared)
    }
}

impl Witness {
    /// A new file, given to whoever has the database: a restore of root's would lock its owner out.
    fn given_to_the_owner(&self, file: File) -> std::io::Result<File> {
        // Where it is not there it comes from where this one lies, too.
        let Ok(database) = std::fs::metadata(&self.database) else { return Ok(file) };
        let own = file.metadata()?;
        if (own.uid(), own.gid()) == (database.uid(), database.gid()) {
            return Ok(file);
        }
        // Root alone may do that; of others the file is theirs, as the entry is.
        match fchown(&file, Some(database.uid()), Some(database.gid())) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            given => {
                given?;
                file.set_permissions(database.permissions())?;
            }
        }
        Ok(file)
    }
}

/// A witness that can be written.
#[derive(Debug)]
pub(super) struct Prepared(File);

impl Prepared {
    /// Says that the log was acknowledged up to there.
    pub(super) fn write(&mut self, head: Head) -> std::io::Result<()> {
        // One line of one length: overwriting needs no new space, and no truncation.
        let line = format!("{MAGIC} {:020} {}", head.revision, head.hash);
        let line = format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes()));
        self.0.write_all_at(line.as_bytes(), 0)
    }
}

impl Witness {
    /// Puts a new file that says `head` in the place of what is there, in one step and on the
    /// disk. A writer that has committed already, and opened the old file, writes into that one.
    /// Whoever calls this holds the write lock.
    pub(super) fn replace(&self, head: Head) -> std::io::Result<()> {
        let next = Self { path: beside(&self.path, ".new"), ..self.clone() };
        // One that was killed may have left it.
        next.remove()?;
        let replaced = next.prepare(head).and_then(|new| {
            new.0.sync_all()?;
            std::fs::rename(&next.path, &self.path)?;
            sync_folder(&self.path)
        });
        if replaced.is_err() {
            // The first error is the one that is told.
            let _ = next.remove();
        }
        replaced
    }

    /// Says `head` in the file that is there, or in a new one.
    pub(super) fn say(&self, head: Head) -> std::io::Result<()> {
        self.prepare(head)?.write(head)
    }

    pub(super) fn remove(&self) -> std::io::Result<()> {
        match std::fs::remove_file(&self.path) {
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
        witness.prepare(Head { revision: u64::MAX, ..head }).unwrap().write(head).unwrap();
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
