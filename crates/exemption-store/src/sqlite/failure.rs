//! What SQLite says, in the words of the store.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Error, ErrorCode};
use rustix::io::Errno;

use crate::error::LogError;

/// Where an error happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) path: Option<&'a Path>,
    pub(super) busy: Duration,
}

impl At<'_> {
    pub(super) fn place(&self) -> String {
        self.path.map_or_else(|| ":memory:".to_owned(), |path| path.display().to_string())
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> LogError {
        LogError::Damaged { place: self.place(), what: what.into() }
    }

    /// An error of SQLite's.
    pub(super) fn sqlite(&self, error: &Error) -> LogError {
        let place = self.place();
        let what = error.to_string();
        let Some(code) = error.sqlite_error_code() else {
            // What was read isn't of the type, or isn't there: the tables aren't as we make them.
            return match error {
                Error::QueryReturnedNoRows
                | Error::InvalidColumnType(..)
                | Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::Utf8Error(..) => LogError::Damaged { place, what },
                _ => LogError::Engine { place, what },
            };
        };
        match code {
            ErrorCode::DiskFull => LogError::Full { place, what },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                LogError::Busy { place, waited: self.busy }
            }
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                LogError::Access { place, what: self.access(&what) }
            }
            ErrorCode::SystemIoFailure => LogError::Io { place, what },
            ErrorCode::NotADatabase => LogError::NotAStore { place, what },
            ErrorCode::DatabaseCorrupt => LogError::Damaged { place, what },
            // Such as a missing table: our tables are there from the beginning.
            ErrorCode::Unknown | ErrorCode::TypeMismatch => LogError::Damaged { place, what },
            _ => LogError::Engine { place, what },
        }
    }

    /// An error of the system's.
    pub(super) fn system(&self, error: &std::io::Error) -> LogError {
        let place = self.place();
        match error.kind() {
            std::io::ErrorKind::NotFound => LogError::NotFound { place },
            std::io::ErrorKind::AlreadyExists => LogError::Exists { place },
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                LogError::Full { place, what: error.to_string() }
            }
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                LogError::Access { place, what: self.access(&error.to_string()) }
            }
            // A path that leads to no file, whatever is there.
            std::io::ErrorKind::NotADirectory | std::io::ErrorKind::InvalidFilename => {
                LogError::NotAStore { place, what: error.to_string() }
            }
            _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                LogError::NotAStore { place, what: error.to_string() }
            }
            _ => LogError::Io { place, what: error.to_string() },
        }
    }

    /// Who owns the file and its folder, and who asks: what a user needs to mend it.
    fn access(&self, what: &str) -> String {
        let Some(path) = self.path else { return what.to_owned() };
        let owner_and_mode =
            |path: &Path| std::fs::metadata(path).ok().map(|m| (m.uid(), m.mode() & 0o7777));
        let mut said = what.to_owned();
        if let Some((uid, mode)) = owner_and_mode(path) {
            said.push_str(&format!("; the file belongs to user {uid}, mode {mode:04o}"));
        }
        if let Some((uid, mode)) = path.parent().and_then(owner_and_mode) {
            said.push_str(&format!("; its folder to user {uid}, mode {mode:04o}"));
        }
        if let Some((uid, _)) = owner_and_mode(Path::new("/proc/self")) {
            said.push_str(&format!("; this process runs as user {uid}"));
        }
        said.push_str("; file and folder must be writable, for readers, too");
        said
    }
}
