//! The files of a store, and connections to them: by which name they are opened, and whether they
//! have their names still. What is written into one that was removed is read by nobody.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::failure::At;
use crate::error::LogError;

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// In a file.
    File(PathBuf),
    /// In memory, for as long as the process lives.
    Memory,
}

impl From<&Path> for StorePlace {
    fn from(path: &Path) -> Self {
        if path.as_os_str() == ":memory:" { Self::Memory } else { Self::File(path.to_owned()) }
    }
}

/// How patient the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long a writer waits for another one; 5 s by default.
    pub busy: Duration,
}

impl SqliteOptions {
    /// Where an error about a file happened.
    pub(super) fn at(self, path: &Path) -> At<'_> {
        At { path: Some(path), busy: self.busy }
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { busy: Duration::from_secs(5) }
    }
}

/// How the names end of what lies beside a database: SQLite's own files and the witness.
pub const BESIDE: [&str; 3] = ["-wal", "-shm", "-head"];

/// The files that a store consists of: the database and what may lie beside it.
pub fn files_of(path: &Path) -> impl Iterator<Item = PathBuf> {
    [""].into_iter().chain(BESIDE).map(|ending| beside(path, ending))
}

/// What lies beside a database: its name with an ending.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// A file: device and number.
pub(super) type DeviceAndInode = (u64, u64);

/// Which file a path leads to at present.
pub(super) fn identity(path: &Path) -> io::Result<DeviceAndInode> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// The database and, where it is there, its write-ahead log, which stays as long as it is open.
#[derive(Debug)]
pub(super) struct Named(Vec<(PathBuf, DeviceAndInode)>);

impl Named {
    /// The files of a database that has been read.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let wal = beside(path, "-wal");
        let mut all = vec![(path.to_owned(), identity(path)?)];
        match identity(&wal) {
            Ok(found) => all.push((wal, found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self(all))
    }

    /// The first that has not its name any more.
    pub(super) fn lost(&self) -> Option<&Path> {
        let lost =
            |(path, known): &&(PathBuf, DeviceAndInode)| !identity(path).is_ok_and(|i| i == *known);
        self.0.iter().find(lost).map(|(path, _)| path.as_path())
    }
}

/// The one name of a store, whatever links lead to it: SQLite's own files and the witness lie
/// beside that. A file with several names of its own would have several of these.
///
/// # Errors
/// It is not there, has several names of its own, or is mounted without its folder.
pub fn one_name(path: &Path, options: SqliteOptions) -> Result<PathBuf, LogError> {
    let failed = |error| options.at(path).system(&error);
    let path = std::fs::canonicalize(path).map_err(failed)?;
    let metadata = std::fs::metadata(&path).map_err(failed)?;
    let what = if metadata.is_file() && metadata.nlink() > 1 {
        "it has several names (hard links), and what lies beside it would be found under one alone: \
         take the other names away, or copy the file with `cp` and use the copy"
    } else if metadata.is_file() && is_mounted_alone(&path).map_err(failed)? {
        "it is mounted here without its folder (as `docker run -v s.db:/s.db` does), and what lies \
         beside it elsewhere would not be found: mount the folder that it is in"
    } else {
        return Ok(path);
    };
    Err(LogError::Access { place: path.display().to_string(), what: what.to_owned() })
}

/// Whether a file is the root of a mount. A kernel before Linux 5.8 does not say.
#[cfg(target_os = "linux")]
fn is_mounted_alone(path: &Path) -> io::Result<bool> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::empty())?;
    Ok((found.stx_attributes & found.stx_attributes_mask).contains(StatxAttributes::MOUNT_ROOT))
}

/// Other systems mount no files.
#[cfg(not(target_os = "linux"))]
const fn is_mounted_alone(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Opens a connection with our settings; nothing is checked.
pub(super) fn connect(
    path: &Path,
    options: SqliteOptions,
    new: bool,
) -> Result<Connection, LogError> {
    let at = options.at(path);
    let metadata = std::fs::metadata(path).map_err(|error| at.system(&error))?;
    let what = if metadata.is_dir() {
        Some("it is a directory")
    } else {
        (metadata.len() == 0 && !new).then_some("it is empty")
    };
    if let Some(what) = what {
        return Err(LogError::NotAStore { place: at.place(), what: what.to_owned() });
    }
    // Who may not read it learns that from the system's error, not from SQLite's.
    std::fs::File::open(path).map_err(|error| at.system(&error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(options.busy)?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA cell_size_check = ON;
             PRAGMA trusted_schema = OFF;",
        )?;
        Ok(connection)
    });
    opened.map_err(|error| at.sqlite(&error))
}

/// Makes an empty database, where there is no file yet.
pub(super) fn new_database(path: &Path, options: SqliteOptions) -> Result<Connection, LogError> {
    std::fs::File::create_new(path).map_err(|error| options.at(path).system(&error))?;
    connect(path, options, true)
}

/// Closes a database with all that it holds in its one file, on the disk.
pub(super) fn close(connection: Connection, at: At<'_>) -> Result<(), LogError> {
    let (busy, _, _): (i64, i64, i64) = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .map_err(|error| at.sqlite(&error))?;
    if busy != 0 {
        return Err(LogError::Busy { place: at.place(), waited: at.busy });
    }
    connection.close().map_err(|(_, error)| at.sqlite(&error))?;
    let synced = at.path.map(|path| std::fs::File::open(path)?.sync_all()).transpose();
    synced.map_err(|error| at.system(&error)).map(drop)
}
