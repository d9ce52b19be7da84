//! A log in a SQLite database, as one connection has it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::entry::Sealed;
use crate::error::{LogError, StoreError};
use crate::genesis::Genesis;
use crate::hash::Hash;
use crate::head::Head;

use super::failure::At;
use super::files::{Named, SqliteOptions, StorePlace, close, connect, new_database, one_name};
use super::schema::{check_schema, lay_out};
use super::witness::{NO_FILE, Said, Witness};

/// How many entries are read at a time.
pub(crate) const PAGE: usize = 1024;

/// A log in a SQLite database.
#[derive(Debug)]
pub struct SqliteLog {
    pub(super) connection: Connection,
    pub(super) path: Option<PathBuf>,
    /// The files that are open, where there are any.
    named: Option<Named>,
    pub(super) options: SqliteOptions,
    held: bool,
    /// What the witness said before the log was looked at, for a verification.
    said: Option<Said>,
}

/// How often a log is looked at anew whose witness changed meanwhile: somebody restores it.
const LOOKS: usize = 20;

impl SqliteLog {
    /// Begins a new log; in a file only where there is none. Until the caller has finished it
    /// ([`Self::finish`]) the file should have a name that nobody looks for.
    ///
    /// # Errors
    /// There is a file already, or it can't be written.
    pub fn create(
        place: &StorePlace,
        genesis: &Genesis,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        Self::create_from(place, &genesis.to_bytes()?, options)
    }

    /// Begins a new log with the bytes that another one began with.
    ///
    /// # Errors
    /// There is a file already, or it can't be written.
    pub fn create_from(
        place: &StorePlace,
        genesis: &[u8],
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        match place {
            StorePlace::Memory => {
                let at = At { path: None, busy: options.busy };
                let mut connection =
                    Connection::open_in_memory().map_err(|error| at.sqlite(&error))?;
                lay_out(&mut connection, genesis, at)?;
                let named = None;
                Ok(Self { connection, path: None, named, options, held: false, said: None })
            }
            StorePlace::File(path) => {
                let mut connection = new_database(path, options)?;
                lay_out(&mut connection, genesis, options.at(path))?;
                drop(connection);
                Ok(Self::open(path, options)?)
            }
        }
    }

    /// Opens the log in a file.
    ///
    /// # Errors
    /// There is none, it isn't ours, its schema is another one, it can't be read or written, or
    /// entries that had been acknowledged are gone.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, LogError> {
        let mut log = Self::examine(path, options)?;
        if let Some(said) = log.said.take() {
            log.check_witness(said)?;
        }
        log.look_away();
        Ok(log)
    }

    /// Opens the log in a file to examine it, although entries may be gone or the witness be
    /// damaged: [`verify`](crate::verify) finds that. All that is read is of one state, whatever
    /// others write meanwhile.
    ///
    /// # Errors
    /// As [`Self::open`], but for what a verification reports.
    pub fn examine(path: &Path, options: SqliteOptions) -> Result<Self, LogError> {
        let path = &one_name(path, options)?;
        let at = options.at(path);
        let witness = Witness::of(path);
        let mut left = LOOKS;
        loop {
            // The witness first: whatever it says was there before.
            let said = witness.read();
            let connection = connect(path, options, false)?;
            let mut log = Self {
                connection,
                path: Some(path.clone()),
                named: None,
                options,
                held: false,
                said: Some(said),
            };
            log.look()?;
            check_schema(&log.connection, at)?;
            log.check_mode()?;
            log.named = Some(Named::of(path).map_err(|error| at.system(&error))?);
            let lost = matches!(log.check_witness(said), Err(LogError::Lost { .. }));
            left = left.saturating_sub(1);
            // A restore between the two looks like a loss, and says so with a new witness.
            if !lost || left == 0 || witness.read() == said {
                return Ok(log);
            }
        }
    }

    pub(super) fn at(&self) -> At<'_> {
        At { path: self.path.as_deref(), busy: self.options.busy }
    }

    pub(super) fn failed(&self, error: &rusqlite::Error) -> LogError {
        self.at().sqlite(error)
    }

    /// Writes entries and their witness; the write lock is held.
    fn append_held(&mut self, expected: u64, entries: &[Sealed]) -> Result<(), LogError> {
        self.check_names()?;
        let before = self.head()?;
        if before.revision != expected {
            return Err(LogError::Conflict { expected, actual: before.revision });
        }
        self.insert(entries).map_err(|error| self.failed(&error))?;
        let witness = self.path.as_deref().map(Witness::of);
        let (place, busy) = (self.place(), self.options.busy);
        let failed = |error: &std::io::Error| {
            let at = At { path: witness.as_ref().map(Witness::path), busy };
            match error.kind() {
                // The store was opened, so it was there: its folder has gone since.
                std::io::ErrorKind::NotFound => {
                    LogError::Io { place: place.clone(), what: error.to_string() }
                }
                _ => at.system(error),
            }
        };
        // Without its witness a damaged write-ahead log could take the commit back unnoticed.
        let prepared = witness.as_ref().map(|witness| witness.prepare(before)).transpose();
        let prepared = prepared.map_err(|error| failed(&error))?;
        self.connection.execute_batch("COMMIT").map_err(|error| self.failed(&error))?;
        self.held = false;
        // Removed in between: whoever reads the store will not find it.
        self.check_names()?;
        if let (Some(mut prepared), Some(last)) = (prepared, entries.last()) {
            let head = Head { revision: last.revision, hash: last.hash };
            prepared.write(head).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Nobody reads what is written into files that were removed or replaced.
    pub(super) fn check_names(&self) -> Result<(), LogError> {
        match self.named.as_ref().and_then(Named::lost) {
            Some(lost) => Err(LogError::Removed { place: lost.display().to_string() }),
            None => Ok(()),
        }
    }

    fn check_mode(&self) -> Result<(), LogError> {
        let mode: String = self
            .connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .map_err(|error| self.failed(&error))?;
        if mode == "wal" {
            return Ok(());
        }
        Err(self.at().damaged(format!("its journal mode is `{mode}`, not `wal`")))
    }

    pub(super) fn check_witness(&self, said: Said) -> Result<(), LogError> {
        let witnessed = match (said, &self.path) {
            (Said::UpTo(witnessed), _) => witnessed,
            // It is a single sector, never torn: something else damaged it, and perhaps the log.
            (Said::Nonsense, Some(path)) => {
                let file = Witness::of(path);
                let what = format!(
                    "`{}` can't be understood; if `egress25 store verify` finds nothing else \
                     wrong, remove it",
                    file.path().display()
                );
                return Err(self.at().damaged(what));
            }
            (Said::NoFile, Some(path)) => {
                let place = Witness::of(path).path().display().to_string();
                return Err(LogError::Access { place, what: NO_FILE.to_owned() });
            }
            (Said::Unread(kind), Some(path)) => {
                let place = Witness::of(path).path().display().to_string();
                return Err(LogError::Access { place, what: kind.to_string() });
            }
            _ => return Ok(()),
        };
        let head = self.head()?;
        let there = self.hash_at(witnessed.revision)?;
        if head.revision < witnessed.revision || there != Some(witnessed.hash) {
            return Err(LogError::Lost {
                place: self.place(),
                revision: head.revision,
                witnessed: witnessed.revision,
            });
        }
        Ok(())
    }

    /// The chain's hash after a revision; `None` where it isn't there.
    pub(super) fn hash_at(&self, revision: u64) -> Result<Option<Hash>, LogError> {
        let hash = chained(&self.connection, revision).map_err(|error| self.failed(&error))?;
        hash.map(|bytes| self.hash(&bytes)).transpose()
    }

    fn hash(&self, bytes: &[u8]) -> Result<Hash, LogError> {
        let wrong = || self.at().damaged("a hash has the wrong length");
        Hash::from_bytes(bytes).ok_or_else(wrong)
    }

    /// Closes a log that was begun or copied, whole in its one file and on the disk.
    ///
    /// # Errors
    /// It can't be written.
    pub fn finish(self) -> Result<(), LogError> {
        let path = self.path.clone();
        let at = At { path: path.as_deref(), busy: self.options.busy };
        close(self.connection, at)
    }

    fn insert(&self, entries: &[Sealed]) -> rusqlite::Result<()> {
        let connection = &self.connection;
        let mut event = connection.prepare_cached(
            "INSERT INTO event (revision, body, checksum, hash) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut idempotency =
            connection.prepare_cached("INSERT INTO idempotency (key, revision) VALUES (?1, ?2)")?;
        for sealed in entries {
            let revision = integer(sealed.revision);
            let hash = sealed.hash.as_bytes();
            event.execute(params![revision, sealed.body, sealed.checksum, hash])?;
            if let Some(key) = &sealed.key {
                idempotency.execute(params![key, revision])?;
            }
        }
        if let Some(last) = entries.last() {
            connection
                .prepare_cached("UPDATE head SET revision = ?1, hash = ?2 WHERE id = 1")?
                .execute(params![integer(last.revision), last.hash.as_bytes()])?;
        }
        Ok(())
    }
}

/// The bytes of the chain's hash after a revision, as a database has them.
pub(super) fn chained(connection: &Connection, revision: u64) -> rusqlite::Result<Option<Vec<u8>>> {
    let query = match revision {
        0 => "SELECT hash FROM genesis WHERE id = 1 AND ?1 = 0",
        _ => "SELECT hash FROM event WHERE revision = ?1",
    };
    connection.prepare_cached(query)?.query_row([integer(revision)], |row| row.get(0)).optional()
}

/// A revision as SQLite has integers. They begin at 1 and are counted one by one: they don't come
/// near the limit.
fn integer(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn sealed(row: &Row<'_>) -> rusqlite::Result<(i64, Vec<u8>, u32, Vec<u8>)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

impl SqliteLog {
    /// What to call it in messages: its path.
    pub(crate) fn place(&self) -> String {
        self.at().place()
    }

    /// The bytes that the log began with.
    ///
    /// # Errors
    /// They can't be read.
    pub fn genesis(&self) -> Result<Vec<u8>, LogError> {
        let (body, hash): (Vec<u8>, Vec<u8>) = self
            .connection
            .prepare_cached("SELECT body, hash FROM genesis WHERE id = 1")
            .and_then(|mut query| query.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(|error| self.failed(&error))?;
        if self.hash(&hash)? != Genesis::hash_of(&body) {
            return Err(self.at().damaged("what the log begins with doesn't match its hash"));
        }
        Ok(body)
    }

    /// Where the log ends now.
    ///
    /// # Errors
    /// It can't be read.
    pub fn head(&self) -> Result<Head, LogError> {
        // One statement sees one state of the database.
        let (revision, hash, last): (i64, Vec<u8>, i64) = self
            .connection
            .prepare_cached(
                "SELECT revision, hash, coalesce((SELECT max(revision) FROM event), 0)
                 FROM head WHERE id = 1",
            )
            .and_then(|mut query| {
                query.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            })
            .map_err(|error| self.failed(&error))?;
        if revision != last {
            let what = format!("the log should end at revision {revision}, but ends at {last}");
            return Err(self.at().damaged(what));
        }
        let counted = u64::try_from(revision)
            .map_err(|_| self.at().damaged(format!("its last revision is {revision}")))?;
        Ok(Head { revision: counted, hash: self.hash(&hash)? })
    }

    /// Keeps other writers out until the next [`Self::append`] or [`Self::release`].
    pub(crate) fn hold(&mut self) -> Result<(), LogError> {
        if !self.held {
            // Who writes goes on from the newest state.
            self.look_away();
            self.connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|error| self.failed(&error))?;
            self.held = true;
        }
        Ok(())
    }

    /// Lets other writers in again.
    pub(crate) fn release(&mut self) {
        self.held = false;
        if !self.connection.is_autocommit() {
            // A transaction that can't be rolled back is rolled back when the connection closes.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// From here to [`Self::look_away`], reads see one state of the log, whatever others do to it
    /// meanwhile. Returns false where they do so already.
    pub(crate) fn look(&self) -> Result<bool, LogError> {
        if !self.connection.is_autocommit() {
            return Ok(false);
        }
        // The first read decides which state it is.
        let begun = self.connection.execute_batch("BEGIN").and_then(|()| {
            let read = "SELECT count(*) FROM sqlite_schema";
            self.connection.query_row(read, [], |row| row.get::<_, i64>(0))
        });
        match begun {
            Ok(_) => Ok(true),
            Err(error) => {
                self.look_away();
                Err(self.failed(&error))
            }
        }
    }

    /// Reads see the newest state again.
    pub(crate) fn look_away(&self) {
        if !self.connection.is_autocommit() {
            // A transaction that has only read has nothing to lose.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// Appends entries after revision `expected`, all or none, and returns when they are durable,
    /// all of them. When it returns an error, none of them was acknowledged.
    ///
    /// # Errors
    /// [`LogError::Conflict`] if the log doesn't end there; anything else if they can't be written.
    pub fn append(&mut self, expected: u64, entries: &[Sealed]) -> Result<(), LogError> {
        self.hold()?;
        let written = self.append_held(expected, entries);
        if written.is_err() {
            self.release();
        }
        written
    }

    /// The entries after a revision, in order, at most `limit`. Whoever reads checks their seals.
    ///
    /// # Errors
    /// They can't be read.
    pub fn read(&self, after: u64, limit: usize) -> Result<Vec<Sealed>, LogError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self
            .connection
            .prepare_cached(
                "SELECT revision, body, checksum, hash FROM event
                 WHERE revision > ?1 ORDER BY revision LIMIT ?2",
            )
            .and_then(|mut query| {
                query.query_map([integer(after), limit], sealed)?.collect::<Result<Vec<_>, _>>()
            })
            .map_err(|error| self.failed(&error))?;
        let mut entries = Vec::with_capacity(rows.len());
        for (revision, body, checksum, hash) in rows {
            let revision = u64::try_from(revision)
                .map_err(|_| self.at().damaged(format!("there is a revision {revision}")))?;
            entries.push(Sealed { revision, key: None, body, checksum, hash: self.hash(&hash)? });
        }
        Ok(entries)
    }

    /// Hands over every entry after a revision, in order, and reads a page at a time.
    ///
    /// # Errors
    /// They can't be read, or as `each` says.
    pub(crate) fn each_after<E: From<LogError>>(
        &self,
        mut after: u64,
        mut each: impl FnMut(&Sealed) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let page = self.read(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.revision;
            page.iter().try_for_each(&mut each)?;
        }
    }

    /// The revision of the entry with an idempotency key.
    ///
    /// # Errors
    /// It can't be read.
    pub fn find_key(&self, key: &str) -> Result<Option<u64>, LogError> {
        let revision: Option<i64> = self
            .connection
            .prepare_cached("SELECT revision FROM idempotency WHERE key = ?1")
            .and_then(|mut query| query.query_row([key], |row| row.get(0)).optional())
            .map_err(|error| self.failed(&error))?;
        revision
            .map(|found| {
                u64::try_from(found)
                    .map_err(|_| self.at().damaged(format!("a key leads to revision {found}")))
            })
            .transpose()
    }

    /// What is wrong in the files; empty if nothing.
    pub(crate) fn inspect(&self) -> Result<Vec<String>, LogError> {
        let mut found: Vec<String> = self
            .connection
            .prepare("PRAGMA integrity_check(20)")
            .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
            .map_err(|error| self.failed(&error))?;
        found.retain(|line| line != "ok");
        let dangling: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM idempotency
                 WHERE revision NOT IN (SELECT revision FROM event)",
                [],
                |row| row.get(0),
            )
            .map_err(|error| self.failed(&error))?;
        if dangling > 0 {
            found.push(format!("{dangling} idempotency keys lead nowhere"));
        }
        // One that keeps to a state was checked against what was said before that.
        let newest = self.path.as_deref().filter(|_| self.connection.is_autocommit());
        let said = self.said.or_else(|| newest.map(|path| Witness::of(path).read()));
        if let Some(said) = said
            && let Err(error) = self.check_witness(said)
        {
            found.push(error.to_string());
        }
        Ok(found)
    }

    /// Reads of one state of the log, whatever others do to it meanwhile.
    ///
    /// # Errors
    /// As `read` says, or the log can't be read.
    pub(crate) fn of_one_state<T, E: From<LogError>>(
        &self,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let looks = self.look()?;
        let result = read();
        if looks {
            self.look_away();
        }
        result
    }
}
