//! Copying a whole database: backing it up, migrating it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::{LogError, StoreError};

use super::failure::At;
use super::files::{SqliteOptions, close, connect, new_database, one_name};
use super::log::SqliteLog;
use super::schema::{self, owned_schema};

/// How many pages a copy takes at a time.
const PAGES: i32 = 4096;

/// Keeps something beside a store: given the end of its name and what writes it, makes the file
/// whole or not at all, and returns its path.
pub type Keep<'a> = &'a mut dyn FnMut(
    &str,
    &mut dyn FnMut(&Path) -> Result<(), StoreError>,
) -> Result<PathBuf, StoreError>;

/// Copies a whole database into a new file.
fn copy_to(from: &Connection, to: &Path, options: SqliteOptions) -> Result<(), LogError> {
    let at = options.at(to);
    let mut copied = new_database(to, options)?;
    copy(from, &mut copied, at)?;
    close(copied, at)
}

fn copy(from: &Connection, to: &mut Connection, at: At<'_>) -> Result<(), LogError> {
    let run = Backup::new(from, to).and_then(|backup| {
        loop {
            match backup.step(PAGES)? {
                StepResult::Done => return Ok(true),
                StepResult::More => {}
                _ => return Ok(false),
            }
        }
    });
    match run {
        Ok(true) => Ok(()),
        Ok(false) => Err(LogError::Busy { place: at.place(), waited: at.busy }),
        Err(error) => Err(at.sqlite(&error)),
    }
}

impl SqliteLog {
    /// Copies the log into a new file, while others go on writing to it. Until this returns the
    /// file should have a name that nobody looks for.
    ///
    /// # Errors
    /// There is a file already, or it can't be written.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        // A copy that sees what others write meanwhile begins anew each time.
        Ok(self.of_one_state(|| copy_to(&self.connection, to, self.options))?)
    }

    /// Brings a store of an earlier schema up to date, and keeps a copy of it as it was; the write
    /// lock is held for both. Returns the schema that it had and the copy; `None` if it is up to
    /// date.
    ///
    /// # Errors
    /// It isn't ours, is of a later schema, or can't be written: it is as it was.
    pub fn migrate(
        path: &Path,
        options: SqliteOptions,
        keep: Keep<'_>,
    ) -> Result<Option<(i64, PathBuf)>, StoreError> {
        let path = &one_name(path, options)?;
        let at = options.at(path);
        let mut held = HeldLock::open(path, options)?;
        let found = owned_schema(&held.0, at)?;
        if found == schema::SCHEMA {
            return Ok(None);
        }
        if found > schema::SCHEMA {
            let (place, known) = (at.place(), schema::SCHEMA);
            return Err(LogError::Newer { place, found, known }.into());
        }
        let kept = held.keep(path, options, &format!(".schema-{found}"), keep)?;
        let migrated =
            schema::migrate(&held.0, found).and_then(|()| held.0.execute_batch("COMMIT"));
        migrated.map_err(|error| at.sqlite(&error))?;
        Ok(Some((found, kept)))
    }
}

/// A connection that holds the write lock of a database. Without a commit nothing has changed.
pub(super) struct HeldLock(pub(super) Connection);

impl HeldLock {
    pub(super) fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let at = options.at(path);
        let connection = connect(path, options, false)?;
        owned_schema(&connection, at)?;
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| at.sqlite(&error))?;
        Ok(Self(connection))
    }

    /// Keeps a copy of the database as it is; a connection of its own reads it, because one that
    /// holds the write lock can't be copied from.
    pub(super) fn keep(
        &mut self,
        path: &Path,
        options: SqliteOptions,
        ending: &str,
        keep: Keep<'_>,
    ) -> Result<PathBuf, StoreError> {
        keep(ending, &mut |to| {
            let reader = connect(path, options, false)?;
            Ok(copy_to(&reader, to, options)?)
        })
    }
}
