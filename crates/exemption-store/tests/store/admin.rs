//! Verify, backup, restore, migrate, export, import.

use std::os::unix::fs::{MetadataExt, chown};

use egress25_exemption_store::{
    ExpectedRevision, Finding, Head, LogError, SqliteLog, Store, StoreError, StorePlace, beside,
    export, files_of, import, verify,
};
use rusqlite::Connection;

use crate::common::{
    Rng, allowed, append, asked, at, create, exempt, genesis, granted, keep, keyed, new, open,
    options, restore, revoked, state, try_open,
};

/// A store with some history, closed.
fn filled(path: &std::path::Path) -> Head {
    let mut store = create(path);
    let mut rng = Rng(11);
    for step in 0..60 {
        let event = allowed(store.world(), &mut rng, at(step));
        let entry = egress25_exemption_store::NewEntry::new(event, at(step), "tester");
        append(&mut store, keyed(entry, format!("key {step}"))).unwrap();
    }
    store.head()
}

fn examine(path: &std::path::Path) -> Vec<Finding> {
    verify(&SqliteLog::examine(path, options()).unwrap(), None).unwrap().findings
}

fn tamper(path: &std::path::Path, change: &str) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "DROP TRIGGER event_never_changes; DROP TRIGGER event_never_goes; {change}"
        ))
        .unwrap();
}

#[test]
fn a_sound_store_verifies_and_its_head_can_be_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let head = filled(&path);
    let log = SqliteLog::open(&path, options()).unwrap();
    let report = verify(&log, Some(head)).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.revision, report.head), (head.revision, head.hash));
    let noted = Head { revision: 3, hash: head.hash };
    let findings = verify(&log, Some(noted)).unwrap().findings;
    assert!(findings[0].what.contains("was noted"), "{findings:?}");
}

#[test]
fn tampering_is_found_where_it_was_done() {
    // The checksum is set right again: only the chain can tell.
    let edits: [(&str, u64); 4] = [
        (
            "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'tester', 'nobody') \
             AS BLOB) WHERE revision = 20",
            20,
        ),
        ("DELETE FROM event WHERE revision = 30", 30),
        (
            "UPDATE event SET hash = (SELECT hash FROM event WHERE revision = 1) \
             WHERE revision = 40",
            40,
        ),
        ("UPDATE idempotency SET revision = 33 WHERE revision = 32", 32),
    ];
    for (edit, revision) in edits {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        filled(&path);
        tamper(&path, edit);
        if edit.contains("SET body") {
            let connection = Connection::open(&path).unwrap();
            let body: Vec<u8> = connection
                .query_row("SELECT body FROM event WHERE revision = 20", [], |row| row.get(0))
                .unwrap();
            connection
                .execute(
                    "UPDATE event SET checksum = ?1 WHERE revision = 20",
                    [crc32fast::hash(&body)],
                )
                .unwrap();
        }
        let findings = examine(&path);
        assert!(findings.iter().any(|found| found.revision == Some(revision)), "{findings:?}");
    }
}

#[test]
fn entries_never_change_and_never_go_without_dropping_the_guard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    filled(&path);
    let connection = Connection::open(&path).unwrap();
    for change in
        ["DELETE FROM event", "UPDATE event SET body = x''", "UPDATE genesis SET body = x''"]
    {
        let error = connection.execute_batch(change).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[test]
fn a_store_that_lost_its_last_entries_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let older = folder.path().join("older.db");
    let mut store = create(&path);
    append(&mut store, new(at(1), asked("alpha"))).unwrap();
    append(&mut store, new(at(2), granted("alpha"))).unwrap();
    store.log().backup(&older).unwrap();
    append(&mut store, new(at(3), revoked("alpha"))).unwrap();
    drop(store);
    // Somebody copies an older file over it, by hand.
    std::fs::copy(&older, &path).unwrap();
    let error = try_open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Lost { .. })), "{error}");
    assert!(examine(&path).iter().any(|found| found.what.contains("has lost entries")));
    // `restore` is how one says that it is meant.
    restore(&older, &path).unwrap();
    assert!(!exempt(open(&path).world()).is_empty());
}

#[test]
fn a_store_that_was_put_back_as_a_whole_is_told_by_a_noted_head_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = create(&path);
    append(&mut store, new(at(1), asked("alpha"))).unwrap();
    append(&mut store, new(at(2), granted("alpha"))).unwrap();
    drop(store);
    let kept: Vec<_> =
        files_of(&path).filter_map(|file| Some((std::fs::read(&file).ok()?, file))).collect();
    assert!(kept.len() >= 2, "the log and its head file");
    let mut store = open(&path);
    append(&mut store, new(at(3), revoked("alpha"))).unwrap();
    let noted = store.head();
    drop(store);
    for file in files_of(&path) {
        let _ = std::fs::remove_file(file);
    }
    for (bytes, file) in kept {
        std::fs::write(file, bytes).unwrap();
    }
    // Nothing here tells that there was more.
    assert!(!exempt(open(&path).world()).is_empty());
    assert!(examine(&path).is_empty());
    let log = SqliteLog::examine(&path, options()).unwrap();
    let findings = verify(&log, Some(noted)).unwrap().findings;
    assert!(findings.iter().any(|found| found.what.contains("was noted")), "{findings:?}");
}

#[test]
fn a_backup_taken_while_others_write_is_a_sound_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = create(&path);
    let mut other = open(&path);
    let writer = std::thread::spawn(move || {
        for step in 0..100 {
            let kind = crate::common::circle(other.world(), "alpha-0");
            append(&mut other, new(at(step), kind)).unwrap();
        }
    });
    for number in 0..5 {
        let to = folder.path().join(format!("backup-{number}.db"));
        store.log().backup(&to).unwrap();
        let report = verify(&SqliteLog::open(&to, options()).unwrap(), None).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }
    writer.join().unwrap();
    let to = folder.path().join("backup-0.db");
    let error = store.log().backup(&to).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Exists { .. })));
    store.sync(|_, _, _| {}).unwrap();
}

#[test]
fn a_restore_keeps_what_was_there_and_takes_only_damage_for_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let backup = folder.path().join("backup.db");
    let head = filled(&path);
    open(&path).log().backup(&backup).unwrap();
    append(
        &mut open(&path),
        new(at(9000), crate::common::added("x", egress25_policy::Offer::Msdn)),
    )
    .unwrap();
    let (report, kept) = restore(&backup, &path).unwrap();
    assert_eq!(report.revision, head.revision);
    assert_eq!(open(&path).head(), head);
    assert_eq!(open(&kept).head().revision, head.revision + 1);
    // What is no store is nobody's to replace.
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, vec![1; 10_000]).unwrap();
    let error = restore(&backup, &notes).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::NotAStore { .. })), "{error}");
    assert_eq!(std::fs::read(&notes).unwrap(), vec![1; 10_000]);
    // A ruin goes out of the way, a sound store does not.
    let aside = folder.path().join("aside.db");
    SqliteLog::set_aside(&path, &aside, options()).unwrap_err();
    assert_eq!(open(&path).head(), head);
    let ruin = folder.path().join("ruin.db");
    open(&path).log().backup(&ruin).unwrap();
    tamper(&ruin, "DROP TABLE event; DROP TABLE head");
    let error = restore(&backup, &ruin).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Damaged { .. })), "{error}");
    SqliteLog::set_aside(&ruin, &aside, options()).unwrap();
    assert!(!ruin.exists() && aside.exists());
    // A backup that isn't sound changes nothing.
    tamper(&backup, "DELETE FROM event WHERE revision = 30");
    restore(&backup, &path).unwrap_err();
    assert_eq!(open(&path).head(), head);
    // Nor is a store restored from itself.
    restore(&path, &path).unwrap_err();
    assert_eq!(open(&path).head(), head);
}

#[test]
fn an_older_schema_asks_for_a_migration_which_keeps_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let head = filled(&path);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("DROP TABLE snapshot; PRAGMA user_version = 1;").unwrap();
    drop(connection);
    let error = try_open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Older { found: 1, .. })), "{error}");
    assert!(error.to_string().contains("egress25 store migrate"));
    let (was, kept) = SqliteLog::migrate(&path, options(), &mut keep(&path)).unwrap().unwrap();
    assert_eq!(was, 1);
    assert_eq!(open(&path).head(), head);
    assert!(examine(&path).is_empty());
    let version: i64 = Connection::open(kept)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1);
    assert_eq!(SqliteLog::migrate(&path, options(), &mut keep(&path)).unwrap(), None);
}

#[test]
fn a_newer_schema_and_foreign_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    filled(&path);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let error = try_open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Newer { found: 99, known: 2, .. })));
    SqliteLog::migrate(&path, options(), &mut keep(&path)).unwrap_err();

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no database at all, but long enough to be one\n".repeat(100)).unwrap();
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    for file in [&text, &foreign, &empty] {
        let error = try_open(file).unwrap_err();
        assert!(matches!(error, StoreError::Log(LogError::NotAStore { .. })), "{error}");
    }
    let error = try_open(&folder.path().join("nothing.db")).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::NotFound { .. })));
    let error =
        SqliteLog::create(&StorePlace::from(path.as_path()), &genesis(), options()).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Exists { .. })));
}

#[test]
fn an_entry_of_a_later_schema_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = create(&path);
    let head = store.head();
    let mut later = None;
    store
        .entries(head.revision - 1, |entry, _| {
            later = Some(entry.clone());
            Ok(())
        })
        .unwrap();
    let mut later = later.unwrap();
    later.schema = 3;
    later.revision = head.revision + 1;
    let sealed = later.seal(&head.hash).unwrap();
    store.into_log().append(head.revision, &[sealed]).unwrap();
    let error = try_open(&path).unwrap_err();
    assert!(matches!(error, StoreError::EntrySchema { found: 3, known: 2, .. }), "{error}");
}

#[test]
fn an_export_comes_back_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let head = filled(&path);
    let store = open(&path);
    let mut text = Vec::new();
    assert_eq!(export(&store, &mut text).unwrap(), head.revision);
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count() as u64, head.revision + 1);
    let to = folder.path().join("imported.db");
    let log = import(&mut text.as_slice(), |genesis| {
        SqliteLog::create_from(&StorePlace::from(to.as_path()), genesis, options())
    })
    .unwrap();
    assert!(verify(&log, Some(head)).unwrap().is_clean());
    let again = Store::open(log).unwrap();
    assert_eq!((again.head(), state(again.world())), (head, state(store.world())));
    let mut second = Vec::new();
    export(&again, &mut second).unwrap();
    assert!(second == text);
}

#[test]
fn an_export_that_was_cut_or_changed_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    filled(&path);
    let mut text = Vec::new();
    export(&open(&path), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let cut = lines[..20].join("\n");
    let changed = text.replacen("tester", "nobody", 15);
    let swapped = {
        let mut lines = lines.clone();
        lines.swap(5, 6);
        lines.join("\n")
    };
    let doubled = format!("{text}{}\n", lines.last().unwrap());
    for (broken, line) in
        [(cut, 21), (changed, 2), (swapped, 6), (doubled, lines.len() + 1), (String::new(), 1)]
    {
        let read = import(&mut broken.as_bytes(), |bytes| {
            SqliteLog::create_from(&StorePlace::Memory, bytes, options())
        });
        match read {
            Err(StoreError::Import { line: found, .. }) => assert_eq!(found, line),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_export_of_a_log_that_was_only_begun_was_imported_and_could_not_be_opened() {
    let text = "[subscription.shop]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
                [[event]]\nat = \"2020-12-08T08:00:00Z\"\nkind = \"exemption-asked\"\n\
                subscription = \"shop\"\n";
    let begun = genesis().with_inventory(text);
    let log = SqliteLog::create(&StorePlace::Memory, &begun, options()).unwrap();
    let mut export = Vec::new();
    egress25_exemption_store::export(&Store::begin(log).unwrap(), &mut export).unwrap();
    let read = import(&mut export.as_slice(), |bytes| {
        SqliteLog::create_from(&StorePlace::Memory, bytes, options())
    });
    assert!(matches!(read, Err(StoreError::Import { .. })), "{:?}", read.err());
}

#[test]
fn a_backup_while_a_batch_is_open_does_not_hold_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = create(&path);
    let before = store.head();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE head SET revision = 9999; ").unwrap();
    let to = folder.path().join("backup.db");
    store.log().backup(&to).unwrap();
    drop(other);
    assert_eq!(open(&to).head(), before);
    store.append(ExpectedRevision::At(before.revision), &[new(at(1), asked("alpha"))]).unwrap();
}

#[test]
fn a_damaged_store_that_was_moved_half_looked_sound_and_exempt() {
    for broken in ["", "-wal", "-shm", "-head"] {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("store.db"), folder.path().join("aside.db"));
        let mut store = create(&path);
        append(&mut store, new(at(1), asked("alpha"))).unwrap();
        append(&mut store, new(at(2), granted("alpha"))).unwrap();
        drop(store);
        // Who reads keeps the write-ahead log there, in which a revocation is, and the damage.
        let reader = Connection::open(&path).unwrap();
        reader.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0)).unwrap();
        append(&mut open(&path), new(at(3), revoked("alpha"))).unwrap();
        tamper(&path, "PRAGMA user_version = 0");
        std::fs::create_dir_all(beside(&aside, broken).join("in the way")).unwrap();
        SqliteLog::set_aside(&path, &aside, options()).unwrap_err();
        let seen = try_open(&path).map(|store| store.head());
        assert!(seen.is_err(), "broken off at `{broken}`: {seen:?}");
    }
}

#[test]
fn a_restore_by_root_locked_the_owner_of_the_store_out() {
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("store.db"), folder.path().join("backup.db"));
    filled(&path);
    open(&path).log().backup(&backup).unwrap();
    for file in files_of(&path).filter(|file| file.exists()) {
        if chown(&file, Some(NOBODY), Some(NOBODY)).is_err() {
            return egress25_skipped::skipped("only root gives files away");
        }
    }
    restore(&backup, &path).unwrap();
    let head = std::fs::metadata(beside(&path, "-head")).unwrap();
    assert_eq!((head.uid(), head.gid()), (NOBODY, NOBODY));
}
