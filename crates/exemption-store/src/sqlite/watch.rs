//! Watching a database that other processes write to.
//!
//! `PRAGMA data_version` says whether another connection has committed: a look at shared memory,
//! a few microseconds. Looking every 10 ms costs next to nothing, works on every file system, and
//! stays far below the 100 ms that a reader may be behind.

use std::path::PathBuf;
use std::time::Duration;

use crate::entry::Sealed;
use crate::error::LogError;
use crate::head::Head;

use super::failure::At;
use super::files::{DeviceAndInode, SqliteOptions, identity};
use super::log::{PAGE, SqliteLog};
use super::schema::pragma;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(10);

/// Keeps up with a database, through a connection of its own.
pub(crate) struct SqliteWatch {
    path: PathBuf,
    options: SqliteOptions,
    open: Option<OpenWatch>,
}

struct OpenWatch {
    log: SqliteLog,
    /// The file that was opened: another one may be put in its place.
    identity: DeviceAndInode,
    /// The database's version when it was last read to its end.
    version: Option<i64>,
}

impl SqliteWatch {
    /// A watch over the file of a log.
    ///
    /// # Errors
    /// It is in memory, where nobody else can write to it.
    pub(crate) fn over(log: &SqliteLog) -> Result<Self, LogError> {
        let Some(path) = log.path.clone() else {
            let (place, what) = (log.place(), "nobody else can write to it".to_owned());
            return Err(LogError::Engine { place, what });
        };
        Ok(Self { path, options: log.options, open: None })
    }

    /// One look: what is there after a place, if anything changed since the last look.
    fn look(&mut self, after: Head) -> Result<Vec<Sealed>, LogError> {
        let at = At { path: Some(&self.path), busy: self.options.busy };
        let identity = identity(&self.path).map_err(|error| at.system(&error))?;
        let open = match &mut self.open {
            Some(open) if open.identity == identity => open,
            other => other.insert(OpenWatch {
                log: SqliteLog::open(&self.path, self.options)?,
                identity,
                version: None,
            }),
        };
        let version =
            pragma(&open.log.connection, "data_version").map_err(|error| at.sqlite(&error))?;
        if open.version == Some(version) {
            return Ok(Vec::new());
        }
        open.log.look()?;
        let head = open.log.head()?;
        if open.log.hash_at(after.revision)? != Some(after.hash) {
            let (place, revision) = (at.place(), head.revision);
            return Err(LogError::Lost { place, revision, witnessed: after.revision });
        }
        let new = open.log.read(after.revision, PAGE)?;
        open.log.look_away();
        if new.len() < PAGE {
            open.version = Some(version);
        }
        let last = new.last().map_or(after.revision, |sealed| sealed.revision);
        if new.len() < PAGE && last < head.revision {
            return Err(at.damaged(format!("revision {} is missing", last.saturating_add(1))));
        }
        Ok(new)
    }

    /// The entries after a place in the log, as soon as there are any; empty if there are none
    /// for as long as `timeout`. There may be more than one call returns.
    ///
    /// # Errors
    /// The log can't be read, or doesn't lead through that place any more. The next call tries
    /// anew.
    pub(crate) fn next(&mut self, after: Head, timeout: Duration) -> Result<Vec<Sealed>, LogError> {
        let mut left = timeout;
        loop {
            match self.look(after) {
                Ok(new) if new.is_empty() && !left.is_zero() => {}
                Ok(new) => return Ok(new),
                Err(error) => {
                    // A new connection next time: whatever was wrong may be mended by then.
                    self.open = None;
                    return Err(error);
                }
            }
            let pause = EVERY.min(left);
            std::thread::sleep(pause);
            left = left.saturating_sub(pause);
        }
    }
}
