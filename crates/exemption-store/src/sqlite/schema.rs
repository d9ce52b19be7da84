//! The layout of the database, as migrations: a released one never changes.

use rusqlite_migration::{M, Migrations};

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

/// The migrations, in order.
pub(super) fn migrations() -> Migrations<'static> {
    Migrations::new(MIGRATIONS.iter().map(|sql| M::up(sql)).collect())
}

/// The statements that lead from a schema to the newest, for whoever holds a transaction already.
pub(super) fn since(found: i64) -> impl Iterator<Item = &'static &'static str> {
    MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid_and_counted() {
        migrations().validate().unwrap();
        assert_eq!(i64::try_from(MIGRATIONS.len()).unwrap(), SCHEMA);
    }
}
