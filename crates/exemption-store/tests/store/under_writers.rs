//! Backups, verifications and openings while others write, or restore.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use egress25_exemption_store::{ExpectedRevision, Head, NewEntry, SqliteLog, verify};

use crate::common::{
    added, append, at, circle, create, keyed, new, number, open, options, restore, try_open,
};

/// Appends batches of one and of eight in turn for as long as it is told to, and says what was
/// acknowledged: keys and revisions.
fn write(
    path: &Path,
    machine: &str,
    stop: &AtomicBool,
    count: &AtomicUsize,
) -> BTreeMap<String, u64> {
    let mut store = open(path);
    let mut acknowledged = BTreeMap::new();
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut world = store.world().clone();
        let batch: Vec<NewEntry> = (0..if round % 2 == 0 { 1 } else { 8 })
            .map(|step| {
                let entry = new(at(0), circle(&world, machine));
                world.apply(&entry.event).unwrap();
                keyed(entry, format!("{machine} {round} {step}"))
            })
            .collect();
        store.append(ExpectedRevision::Any, &batch).unwrap();
        let head = store.head().revision;
        for (before_end, entry) in batch.iter().rev().enumerate() {
            let revision = head - u64::try_from(before_end).unwrap();
            acknowledged.insert(entry.key.clone().unwrap(), revision);
        }
        count.fetch_add(batch.len(), Ordering::Relaxed);
    }
    acknowledged
}

fn examine(path: &Path, anchor: Option<Head>) -> egress25_exemption_store::VerifyReport {
    verify(&SqliteLog::examine(path, options()).unwrap(), anchor).unwrap()
}

#[test]
fn backups_and_verifications_under_three_writers_lose_nothing_and_find_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wanted = usize::try_from(number("EGRESS25_ACKNOWLEDGED", 1_000)).unwrap();
    let (mut verified, mut findings) = (0, Vec::new());
    let mut backups = Vec::new();
    let acknowledged: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = ["alpha-0", "beta-0", "gamma-0"]
            .into_iter()
            .map(|machine| {
                let (path, stop, count) = (&path, &stop, &count);
                scope.spawn(move || write(path, machine, stop, count))
            })
            .collect();
        let verifier = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                findings.extend(examine(&path, None).findings);
                verified += 1;
            }
        });
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            while count.load(Ordering::Relaxed) < wanted {
                let before = open(&path).head();
                let to = folder.path().join(format!("backup-{}.db", backups.len()));
                open(&path).log().backup(&to).unwrap();
                let report = examine(&to, Some(before));
                assert!(report.is_clean(), "a backup: {:?}", report.findings);
                backups.push((to, Head { revision: report.revision, hash: report.head }));
            }
        }));
        stop.store(true, Ordering::Relaxed);
        let all = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        verifier.join().unwrap();
        looked.unwrap();
        all
    });
    assert!(findings.is_empty(), "{findings:?}");
    let mut there = BTreeMap::new();
    open(&path)
        .entries(0, |entry, _| {
            there.insert(entry.key.clone(), entry.revision);
            Ok(())
        })
        .unwrap();
    for (key, revision) in &acknowledged {
        assert_eq!(there.get(&Some(key.clone())), Some(revision), "`{key}` was acknowledged");
    }
    // What a backup holds is how the log begins.
    for (backup, head) in &backups {
        let report = examine(&path, Some(*head));
        assert!(report.is_clean(), "{}: {:?}", backup.display(), report.findings);
    }
    assert!(acknowledged.len() >= wanted);
    println!(
        "{} entries acknowledged under {} backups and {verified} verifications",
        acknowledged.len(),
        backups.len()
    );
}

#[test]
fn whoever_opened_a_store_during_a_restore_was_told_of_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (short, long) = (folder.path().join("short.db"), folder.path().join("long.db"));
    let mut store = create(&path);
    store.log().backup(&short).unwrap();
    // Longer than the pages in which a log is read, and another history from the first entry on.
    let mut other = open(&short);
    append(&mut other, new(at(1), added("another", egress25_policy::Offer::Msdn))).unwrap();
    drop(other);
    let mut world = store.world().clone();
    let batch: Vec<NewEntry> = (0..2_500)
        .map(|_| {
            let entry = new(at(0), circle(&world, "alpha-0"));
            world.apply(&entry.event).unwrap();
            entry
        })
        .collect();
    store.append(ExpectedRevision::Any, &batch).unwrap();
    store.log().backup(&long).unwrap();
    drop(store);
    let stop = AtomicBool::new(false);
    let (mut opened, mut verified, mut bare) = (0, 0, 0);
    let (mut refused, mut findings) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                match try_open(&path).and_then(|store| store.entries(0, |_, _| Ok(()))) {
                    Ok(()) => opened += 1,
                    Err(error) => refused.push(error.to_string()),
                }
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                findings.extend(examine(&path, None).findings);
                verified += 1;
            }
        });
        scope.spawn(|| {
            let head_file = folder.path().join("store.db-head");
            while !stop.load(Ordering::Relaxed) {
                bare += usize::from(!head_file.exists());
            }
        });
        let restored = std::panic::catch_unwind(|| {
            for round in 0..10 {
                restore([&short, &long][round % 2], &path).unwrap();
            }
        });
        stop.store(true, Ordering::Relaxed);
        restored.unwrap();
    });
    assert!(refused.is_empty(), "{} of {}: {refused:?}", refused.len(), refused.len() + opened);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(bare, 0, "the histories have their beginning in common, and a head file says so");
    println!("opened {opened} times and verified {verified} times under 10 restores");
}

#[test]
fn a_backup_of_a_large_store_began_anew_with_every_entry_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = create(&path);
    let mut world = store.world().clone();
    let why = "because ".repeat(1_500);
    let batch: Vec<NewEntry> = (0..2_500)
        .map(|_| {
            let entry = new(at(0), circle(&world, "alpha-0"));
            world.apply(&entry.event).unwrap();
            NewEntry { why: Some(why.clone()), ..entry }
        })
        .collect();
    store.append(ExpectedRevision::Any, &batch).unwrap();
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let to = folder.path().join("backup.db");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&path, "beta-0", &stop, &count));
        let reader = scope.spawn(|| store_backup(&path, &to));
        let begun = Instant::now();
        while !reader.is_finished() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let finished = reader.is_finished();
        // The backup ends with the writer at the latest.
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        reader.join().unwrap();
        assert!(finished, "a backup that takes as long as others write");
    });
    assert!(examine(&to, None).is_clean());
}

fn store_backup(path: &Path, to: &Path) {
    open(path).log().backup(to).unwrap();
}
