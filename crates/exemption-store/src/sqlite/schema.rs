//! The layout of the database, as migrations: a released one never changes.

use rusqlite::{Connection, params};

use crate::error::LogError;
use crate::genesis::Genesis;

use super::failure::At;

/// What marks a SQLite file as a store of ours: "EG25" (SQLite file format, offset 68).
pub(super) const APPLICATION_ID: i64 = 0x4547_3235;

/// The newest schema: how many migrations there are.
pub(super) const SCHEMA: i64 = 2;

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE genesis (
             id INTEGER PRIMARY KEY CHECK (id = 1),
             body BLOB NOT NULL,
             hash BLOB NOT NULL
         ) STRICT;
         CREATE TABLE event (
             revision INTEGER PRIMARY KEY CHECK (revision > 0),
             body BLOB NOT NULL,
             checksum INTEGER NOT NULL,
             hash BLOB NOT NULL
         ) STRICT;
         CREATE TABLE head (
             id INTEGER PRIMARY KEY CHECK (id = 1),
             revision INTEGER NOT NULL,
             hash BLOB NOT NULL
         ) STRICT;
         CREATE TABLE idempotency (
             key TEXT PRIMARY KEY,
             revision INTEGER NOT NULL
         ) STRICT, WITHOUT ROWID;
         CREATE TRIGGER event_never_changes BEFORE UPDATE ON event BEGIN
             SELECT RAISE(ABORT, 'the log is append-only');
         END;
         CREATE TRIGGER event_never_goes BEFORE DELETE ON event BEGIN
             SELECT RAISE(ABORT, 'the log is append-only');
         END;
         CREATE TRIGGER genesis_never_changes BEFORE UPDATE ON genesis BEGIN
             SELECT RAISE(ABORT, 'the log is append-only');
         END;",
    // Earlier versions kept snapshots of the fold here. Nothing reads or writes them any
    // more.
    "CREATE TABLE snapshot (
             revision INTEGER PRIMARY KEY CHECK (revision > 0),
             checksum BLOB NOT NULL,
             body BLOB NOT NULL
         ) STRICT;",
];

/// Leads from a schema to the newest; the caller holds a transaction.
pub(super) fn migrate(connection: &Connection, found: i64) -> rusqlite::Result<()> {
    let missing = MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0));
    missing.copied().try_for_each(|sql| connection.execute_batch(sql))?;
    connection.pragma_update(None, "user_version", SCHEMA)
}

pub(super) fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

/// Makes a new database: tables, marks, and what the log begins with.
pub(super) fn lay_out(
    connection: &mut Connection,
    genesis: &[u8],
    at: At<'_>,
) -> Result<(), LogError> {
    let hash = Genesis::hash_of(genesis);
    let made = (|| {
        let _: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "synchronous", "FULL")
    })();
    made.map_err(|error| at.sqlite(&error))?;
    let filled = (|| {
        let transaction = connection.transaction()?;
        migrate(&transaction, 0)?;
        transaction.execute(
            "INSERT INTO genesis (id, body, hash) VALUES (1, ?1, ?2)",
            params![genesis, hash.as_bytes()],
        )?;
        transaction.execute(
            "INSERT INTO head (id, revision, hash) VALUES (1, 0, ?1)",
            params![hash.as_bytes()],
        )?;
        transaction.commit()
    })();
    filled.map_err(|error: rusqlite::Error| at.sqlite(&error))
}

/// Whether the file is a store of ours, of this schema.
pub(super) fn check_schema(connection: &Connection, at: At<'_>) -> Result<(), LogError> {
    let found = owned_schema(connection, at)?;
    let (place, known) = (at.place(), SCHEMA);
    match found {
        found if found > known => Err(LogError::Newer { place, found, known }),
        found if found < known => Err(LogError::Older { place, found, known }),
        _ => Ok(()),
    }
}

/// The schema of a store of ours.
pub(super) fn owned_schema(connection: &Connection, at: At<'_>) -> Result<i64, LogError> {
    let id = pragma(connection, "application_id").map_err(|error| at.sqlite(&error))?;
    if id != APPLICATION_ID {
        let what = format!("its application id is {id}, not {APPLICATION_ID}");
        return Err(LogError::NotAStore { place: at.place(), what });
    }
    let found = pragma(connection, "user_version").map_err(|error| at.sqlite(&error))?;
    if found < 1 {
        return Err(at.damaged(format!("its schema is {found}")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid_and_counted() {
        migrate(&Connection::open_in_memory().unwrap(), 0).unwrap();
        assert_eq!(i64::try_from(MIGRATIONS.len()).unwrap(), SCHEMA);
    }
}
