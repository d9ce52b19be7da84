//! Whole databases: making one, backing it up, restoring it, migrating it.

use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::error::{LogError, StoreError};
use crate::log::{EventLog, Head, of_one_state};
use crate::verify::{VerifyReport, verify};

use super::failure::At;
use super::witness::{Said, Witness};
use super::{SqliteLog, SqliteOptions, chained, check_schema, connect, owned_schema, schema};

/// How many pages a copy takes at a time.
const PAGES: i32 = 4096;

/// Keeps something beside a store: given the end of its name and what writes it, makes the file
/// whole or not at all, and returns its path.
pub type Keep<'a> = &'a mut dyn FnMut(
    &str,
    &mut dyn FnMut(&Path) -> Result<(), StoreError>,
) -> Result<PathBuf, StoreError>;

/// Makes an empty database, where there is no file yet.
pub(super) fn new_database(
    path: &Path,
    at: At<'_>,
    options: SqliteOptions,
) -> Result<Connection, StoreError> {
    std::fs::File::create_new(path).map_err(|error| at.system(&error))?;
    Ok(connect(path, options, true)?)
}

/// Closes a database with all that it holds in its one file, on the disk.
pub(super) fn close(connection: Connection, at: At<'_>) -> Result<(), StoreError> {
    let (busy, _, _): (i64, i64, i64) = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .map_err(|error| at.sqlite(&error))?;
    if busy != 0 {
        return Err(LogError::Busy { place: at.place(), waited: at.busy }.into());
    }
    connection.close().map_err(|(_, error)| at.sqlite(&error))?;
    let synced = at.path.map(|path| std::fs::File::open(path)?.sync_all()).transpose();
    synced.map_err(|error| at.system(&error))?;
    Ok(())
}

/// What lies beside a database: its name with an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Copies a whole database into a new file.
fn copy_to(
    from: &Connection,
    to: &Path,
    at: At<'_>,
    options: SqliteOptions,
) -> Result<(), StoreError> {
    let mut copied = new_database(to, at, options)?;
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
        let at = At { path: Some(to), busy: self.options.busy };
        // A copy that sees what others write meanwhile begins anew each time.
        of_one_state(self, || copy_to(&self.connection, to, at, self.options))
    }

    /// Opens a backup and verifies it.
    ///
    /// # Errors
    /// It isn't clean, or can't be read.
    pub fn sound_backup(
        path: &Path,
        options: SqliteOptions,
    ) -> Result<(Self, VerifyReport), StoreError> {
        let source = Self::open(path, options)?;
        // What is verified is what will be copied, even if it is a store that others write to.
        source.look()?;
        let report = verify(&source, None)?;
        if let Some(finding) = report.findings.first() {
            let what = format!("it is no sound backup: {}", finding.what);
            return Err(LogError::Damaged { place: source.place(), what }.into());
        }
        Ok((source, report))
    }

    /// Puts what this backup holds in the place of a store that is there. The write lock is held
    /// from before what was there is kept until the witness says what is there now: writers wait,
    /// and nothing that was acknowledged is in neither. Other processes see the restored log at
    /// their next look; one that had seen more than it holds says so and stays with what it has.
    ///
    /// # Errors
    /// `to` is no store, or is damaged ([`Self::set_aside`] takes it away then), or it can't be
    /// written: it is as it was.
    pub fn restore_into(&self, to: &Path, keep: Keep<'_>) -> Result<PathBuf, StoreError> {
        let options = self.options;
        let at = At { path: Some(to), busy: options.busy };
        let to = &super::one_name(to).map_err(|error| at.system(&error))?;
        if self.path.as_ref() == Some(to) {
            let what = "the backup is the store itself".to_owned();
            return Err(LogError::Engine { place: self.place(), what }.into());
        }
        let at = At { path: Some(to), busy: options.busy };
        let mut target = HeldLock::open(to, options)?;
        check_schema(&target.0, at)?;
        let kept = target.keep(to, options, ".before-restore", keep)?;
        let (head, witness) = (self.head()?, Witness::of(to));
        let common = self.common(&target.0, head.revision, at)?;
        self.replace(&mut target.0, at)?;
        let said = witness.read();
        // Until the commit the one log is there, and then the other: the witness says what is
        // true of both. Logs that begin differently have nothing in common, and no witness then.
        let prepared = common.map_or_else(|| witness.remove(), |common| witness.replace(common));
        prepared.map_err(|error| at.system(&error))?;
        if let Err(error) = target.0.execute_batch("COMMIT") {
            if let Said::UpTo(head) = said {
                // The first error is the one that is told; what the witness says is true.
                let _ = witness.say(head);
            }
            return Err(at.sqlite(&error).into());
        }
        let written = witness.say(head);
        // With something in common the witness is right as it is, and only says less.
        common.map_or(written, |_| Ok(())).map_err(|error| at.system(&error))?;
        Ok(kept)
    }

    /// Up to where another log and this one are the same; `None` if they begin differently. The
    /// hashes are a chain: what comes before equal ones is equal.
    fn common(
        &self,
        other: &Connection,
        mut above: u64,
        at: At<'_>,
    ) -> Result<Option<Head>, LogError> {
        let same = |revision| -> Result<Option<Head>, LogError> {
            let there = chained(other, revision).map_err(|error| at.sqlite(&error))?;
            let here = self.hash_at(revision)?;
            Ok(here
                .filter(|hash| there.as_deref() == Some(hash.as_bytes()))
                .map(|hash| Head { revision, hash }))
        };
        let Some(mut common) = same(0)? else { return Ok(None) };
        while common.revision < above {
            let middle =
                common.revision.saturating_add(above.saturating_sub(common.revision).div_ceil(2));
            match same(middle)? {
                Some(found) => common = found,
                None => above = middle.saturating_sub(1),
            }
        }
        Ok(Some(common))
    }

    /// Writes the rows of this log in the place of another's, in that one's transaction.
    fn replace(&self, target: &mut Connection, at: At<'_>) -> Result<(), LogError> {
        let tables = ["genesis", "event", "head", "idempotency"];
        let replaced = (|| {
            // What earlier versions believe of snapshots is not taken over.
            for table in tables.into_iter().chain(["snapshot"]) {
                // The log is append-only for everybody else: its triggers go with the table.
                target.execute_batch(&format!("DROP TABLE {table}"))?;
            }
            for sql in schema::since(0) {
                target.execute_batch(sql)?;
            }
            for table in tables {
                let mut rows = self.connection.prepare(&format!("SELECT * FROM {table}"))?;
                let columns = rows.column_count();
                let marks = vec!["?"; columns].join(", ");
                let mut insert =
                    target.prepare(&format!("INSERT INTO {table} VALUES ({marks})"))?;
                let mut rows = rows.query([])?;
                while let Some(row) = rows.next()? {
                    let values: Vec<Value> =
                        (0..columns).map(|at| row.get(at)).collect::<Result<_, _>>()?;
                    insert.execute(params_from_iter(values))?;
                }
            }
            Ok(())
        })();
        replaced.map_err(|error: rusqlite::Error| at.sqlite(&error))
    }

    /// Moves a damaged store out of the way, with all that belongs to it.
    ///
    /// # Errors
    /// It isn't damaged, or can't be moved.
    pub fn set_aside(path: &Path, to: &Path, options: SqliteOptions) -> Result<(), StoreError> {
        let at = At { path: Some(path), busy: options.busy };
        match Self::examine(path, options)
            .map_err(StoreError::from)
            .and_then(|log| verify(&log, None))
        {
            Ok(report) if report.is_clean() => {
                let what = "it is not damaged".to_owned();
                return Err(LogError::Engine { place: at.place(), what }.into());
            }
            Ok(_) | Err(StoreError::Log(LogError::Damaged { .. })) => {}
            // A store whose first page is gone looks like none; its witness lies beside it.
            Err(StoreError::Log(LogError::NotAStore { .. }))
                if matches!(Witness::of(path).read(), Said::UpTo(_)) => {}
            Err(other) => return Err(other),
        }
        for ending in ["-wal", "-shm", "-head", ""] {
            let from = beside(path, ending);
            if from.symlink_metadata().is_ok() {
                std::fs::rename(&from, beside(to, ending)).map_err(|error| at.system(&error))?;
            }
        }
        sync_folder(path).map_err(|error| at.system(&error))?;
        Ok(())
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
        let at = At { path: Some(path), busy: options.busy };
        let path = &super::one_name(path).map_err(|error| at.system(&error))?;
        let at = At { path: Some(path), busy: options.busy };
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
        let migrated = schema::since(found)
            .try_for_each(|sql| held.0.execute_batch(sql))
            .and_then(|()| held.0.pragma_update(None, "user_version", schema::SCHEMA))
            .and_then(|()| held.0.execute_batch("COMMIT"));
        migrated.map_err(|error| at.sqlite(&error))?;
        Ok(Some((found, kept)))
    }
}

/// A connection that holds the write lock of a database. Without a commit nothing has changed.
struct HeldLock(Connection);

impl HeldLock {
    fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let at = At { path: Some(path), busy: options.busy };
        let connection = connect(path, options, false)?;
        owned_schema(&connection, at)?;
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| at.sqlite(&error))?;
        Ok(Self(connection))
    }

    /// Keeps a copy of the database as it is; a connection of its own reads it, because one that
    /// holds the write lock can't be copied from.
    fn keep(
        &mut self,
        path: &Path,
        options: SqliteOptions,
        ending: &str,
        keep: Keep<'_>,
    ) -> Result<PathBuf, StoreError> {
        keep(ending, &mut |to| {
            let reader = connect(path, options, false)?;
            let at = At { path: Some(to), busy: options.busy };
            copy_to(&reader, to, at, options)
        })
    }
}
