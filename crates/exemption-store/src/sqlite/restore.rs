//! Putting a backup in the place of a store.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::error::{LogError, StoreError};
use crate::head::Head;
use crate::verify::{VerifyReport, verify};

use super::copy::{HeldLock, Keep};
use super::failure::At;
use super::files::{SqliteOptions, files_of, one_name, sync_folder};
use super::log::{SqliteLog, chained};
use super::schema::{check_schema, migrate};
use super::witness::{Said, Witness};

impl SqliteLog {
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
        let to = &one_name(to, options)?;
        let at = options.at(to);
        if self.path.as_ref() == Some(to) {
            let what = "the backup is the store itself".to_owned();
            return Err(LogError::Engine { place: self.place(), what }.into());
        }
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
            migrate(target, 0)?;
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

    /// Moves a damaged store out of the way, with all that belongs to it. The database goes first: without
    /// what lies beside it, it might look sound, and say what was so before a revocation.
    ///
    /// # Errors
    /// It isn't damaged, or can't be moved.
    pub fn set_aside(path: &Path, to: &Path, options: SqliteOptions) -> Result<(), StoreError> {
        let path = &one_name(path, options)?;
        let at = options.at(path);
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
        for (from, to) in files_of(path).zip(files_of(to)) {
            if from.symlink_metadata().is_ok() {
                std::fs::rename(from, to).map_err(|error| at.system(&error))?;
            }
        }
        sync_folder(path).map_err(|error| at.system(&error))?;
        Ok(())
    }
}
