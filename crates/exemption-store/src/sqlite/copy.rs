//! Whole databases: making one, backing it up, restoring it, migrating it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::{LogError, StoreError};
use crate::log::EventLog;
use crate::verify::{VerifyReport, verify};

use super::failure::At;
use super::witness::Witness;
use super::{SqliteLog, SqliteOptions, connect, identity, migration, owned_schema, schema};

/// How many pages a copy takes at a time.
const PAGES: i32 = 4096;

/// Makes a file under another name, and gives it its own when it is whole and on the disk: a
/// crash leaves nothing that looks like a store, and nothing is ever overwritten.
pub(super) fn make_new(
    path: &Path,
    at: At<'_>,
    fill: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let system = |error: std::io::Error| at.system(&error);
    if path.symlink_metadata().is_ok() {
        return Err(LogError::Exists { place: at.place() }.into());
    }
    let new = beside(path, &format!(".new-{}", std::process::id()));
    let made = std::fs::File::create_new(&new).map_err(system);
    let result = made.map_err(StoreError::from).and_then(|file| {
        fill(&new)?;
        file.sync_all().map_err(system)?;
        // A link fails where the name is taken, a rename would not.
        match std::fs::hard_link(&new, path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(system(error).into());
            }
            Err(_) => std::fs::rename(&new, path).map_err(system)?,
            Ok(()) => {}
        }
        sync_folder(path).map_err(system)?;
        Ok(())
    });
    for ending in ["", "-wal", "-shm", "-head"] {
        let _ = std::fs::remove_file(beside(&new, ending));
    }
    result
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The first name with this ending and a number that isn't taken.
fn free(path: &Path, ending: &str) -> PathBuf {
    let mut number = 1_u32;
    loop {
        let name = beside(path, &format!("{ending}-{number}"));
        if name.symlink_metadata().is_err() {
            return name;
        }
        number = number.saturating_add(1);
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
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
    /// Copies the log into a new file, while others go on writing to it.
    ///
    /// # Errors
    /// There is a file already, or it can't be written.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let at = At { path: Some(to), busy: self.options.busy };
        make_new(to, at, |new| {
            let mut copied = connect(new, self.options, true)?;
            Ok(copy(&self.connection, &mut copied, at)?)
        })
    }

    /// Puts a backup in the place of a store, after having verified it. What was there is kept
    /// beside it; the path to that is returned, where there was anything. Other processes see the
    /// restored log at their next look; one that had seen more than it holds says so and stays
    /// with what it has.
    ///
    /// # Errors
    /// The backup isn't clean, or can't be read; the store can't be written.
    pub fn restore(
        backup: &Path,
        to: &Path,
        options: SqliteOptions,
    ) -> Result<(VerifyReport, Option<PathBuf>), StoreError> {
        let source = Self::open(backup, options)?;
        if identity(backup).is_ok_and(|file| identity(to).is_ok_and(|other| file == other)) {
            let what = "the backup is the store itself".to_owned();
            return Err(LogError::Engine { place: source.place(), what }.into());
        }
        let report = verify(&source, None)?;
        if let Some(finding) = report.findings.first() {
            let what = format!("it is no sound backup: {}", finding.what);
            return Err(LogError::Damaged { place: source.place(), what }.into());
        }
        if to.symlink_metadata().is_err() {
            source.backup(to)?;
            return Ok((report, None));
        }
        let at = At { path: Some(to), busy: options.busy };
        let witness = Witness::of(to);
        let kept = match Self::keep_aside(to, options) {
            Ok((mut target, kept)) => {
                // Through SQLite, so that whoever has the file open sees a commit like others.
                witness.remove().map_err(|error| at.system(&error))?;
                copy(&source.connection, &mut target, at)?;
                kept
            }
            Err(_) => {
                let kept = move_aside(to).map_err(|error| at.system(&error))?;
                source.backup(to)?;
                kept
            }
        };
        let head = Self::open(to, options)?.head()?;
        witness.write(head).map_err(|error| at.system(&error))?;
        Ok((report, Some(kept)))
    }

    /// Copies what is at a path beside it, and returns the connection to it.
    fn keep_aside(
        path: &Path,
        options: SqliteOptions,
    ) -> Result<(Connection, PathBuf), StoreError> {
        let at = At { path: Some(path), busy: options.busy };
        let connection = connect(path, options, false)?;
        owned_schema(&connection, at)?;
        let kept = free(path, ".before-restore");
        make_new(&kept, At { path: Some(&kept), ..at }, |new| {
            let mut copied = connect(new, options, true)?;
            Ok(copy(&connection, &mut copied, at)?)
        })?;
        Ok((connection, kept))
    }

    /// Brings a store of an earlier schema up to date, and keeps a copy of it as it was. Returns
    /// the schema that it had and the copy; `None` if it is up to date.
    ///
    /// # Errors
    /// It isn't ours, is of a later schema, or can't be written.
    pub fn migrate(
        path: &Path,
        options: SqliteOptions,
    ) -> Result<Option<(i64, PathBuf)>, StoreError> {
        let at = At { path: Some(path), busy: options.busy };
        let mut connection = connect(path, options, false)?;
        let found = owned_schema(&connection, at)?;
        if found == schema::SCHEMA {
            return Ok(None);
        }
        if found > schema::SCHEMA {
            let (place, known) = (at.place(), schema::SCHEMA);
            return Err(LogError::Newer { place, found, known }.into());
        }
        let kept = free(path, &format!(".schema-{found}"));
        make_new(&kept, At { path: Some(&kept), ..at }, |new| {
            let mut copied = connect(new, options, true)?;
            Ok(copy(&connection, &mut copied, at)?)
        })?;
        schema::migrations().to_latest(&mut connection).map_err(|error| migration(&error, at))?;
        Ok(Some((found, kept)))
    }
}

/// Moves a database that SQLite can't read out of the way, with all that belongs to it.
fn move_aside(path: &Path) -> std::io::Result<PathBuf> {
    let kept = free(path, ".damaged");
    for ending in ["-wal", "-shm", "-head", ""] {
        let from = beside(path, ending);
        if from.symlink_metadata().is_ok() {
            std::fs::rename(&from, beside(&kept, ending))?;
        }
    }
    sync_folder(path)?;
    Ok(kept)
}
