//! The files of a connection: by which name they are opened, and whether they have their names
//! still. What is written into one that was removed is read by nobody.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::SqliteOptions;
use super::copy::beside;
use super::failure::At;
use crate::error::LogError;

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
pub(super) fn one_name(path: &Path) -> io::Result<PathBuf> {
    let path = std::fs::canonicalize(path)?;
    let metadata = std::fs::metadata(&path)?;
    if metadata.is_file() && metadata.nlink() > 1 {
        let what = "it has several names (hard links), and what lies beside it would be found \
                    under one alone: copy it with `egress25 store backup`";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    Ok(path)
}

/// Opens a connection with our settings; nothing is checked.
pub(super) fn connect(
    path: &Path,
    options: SqliteOptions,
    new: bool,
) -> Result<Connection, LogError> {
    let at = At { path: Some(path), busy: options.busy };
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
