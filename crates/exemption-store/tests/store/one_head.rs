//! The witness is part of a commit, and one store has one.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use egress25_exemption_store::{
    Genesis, LogError, SqliteLog, Store, StoreError, StorePlace, verify,
};
use egress25_skipped::skipped;
use rusqlite::Connection;

use crate::common::{
    append, asked, at, create, exempt, granted, new, open, options, restore, revoked, try_open,
};

fn head_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-head");
    PathBuf::from(name)
}

#[test]
fn a_commit_whose_head_file_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = create(&path);
    append(&mut store, new(at(1), asked("alpha"))).unwrap();
    append(&mut store, new(at(2), granted("alpha"))).unwrap();
    let before = store.head();
    // Nobody, not even root, writes into a folder.
    std::fs::remove_file(head_of(&path)).unwrap();
    std::fs::create_dir(head_of(&path)).unwrap();
    let error = append(&mut store, new(at(3), revoked("alpha"))).unwrap_err();
    assert!(error.to_string().contains("-head"), "{error}");
    assert_eq!(store.head(), before);
    std::fs::remove_dir(head_of(&path)).unwrap();
    assert_eq!(open(&path).head(), before, "what was not acknowledged is not there");
    append(&mut store, new(at(3), revoked("alpha"))).unwrap();
}

#[test]
fn a_head_file_that_may_not_be_read_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    std::fs::remove_file(head_of(&path)).unwrap();
    std::fs::create_dir(head_of(&path)).unwrap();
    let error = try_open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Access { .. })), "{error}");
    assert!(!error.to_string().contains("remove it"), "{error}");
}

#[test]
fn whatever_path_leads_to_a_store_it_has_one_head_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let link = elsewhere.join("link.db");
    symlink(&path, &link).unwrap();
    append(&mut open(&link), new(at(1), asked("alpha"))).unwrap();
    assert!(!head_of(&link).exists());
    let descriptor = std::fs::File::open(&path).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&descriptor);
    let by_number = PathBuf::from(format!("/proc/self/fd/{number}"));
    assert_eq!(open(&by_number).head(), open(&path).head());
    let twin = elsewhere.join("twin.db");
    std::fs::hard_link(&path, &twin).unwrap();
    for name in [&path, &twin] {
        let error = try_open(name).unwrap_err();
        assert!(error.to_string().contains("several names"), "{error}");
    }
}

#[test]
fn a_head_file_that_keeps_nothing_was_written_to_and_a_pipe_was_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    let head = head_of(&path);
    std::fs::remove_file(&head).unwrap();
    symlink("/dev/null", &head).unwrap();
    let refused = || {
        let error = try_open(&path).unwrap_err();
        assert!(error.to_string().contains("and no file"), "{error}");
    };
    refused();
    std::fs::remove_file(&head).unwrap();
    assert!(Command::new("mkfifo").arg(&head).status().unwrap().success());
    refused();
    // One that came to be there while the store was open.
    std::fs::remove_file(&head).unwrap();
    let mut store = open(&path);
    std::fs::remove_file(&head).ok();
    symlink("/dev/null", &head).unwrap();
    let before = store.head();
    assert!(append(&mut store, new(at(1), asked("alpha"))).is_err());
    assert_eq!(store.head(), before);
}

#[test]
fn a_forged_snapshot_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = create(&path);
    append(&mut store, new(at(1), asked("alpha"))).unwrap();
    let head = store.head();
    drop(store);
    // Earlier versions kept the world in this table, and began with it.
    for (revision, body) in [(1, "{}"), (head.revision.cast_signed(), "granted"), (1_000, "later")]
    {
        let checksum = egress25_exemption_store::Hash::of(&[body.as_bytes()]);
        Connection::open(&path)
            .unwrap()
            .execute(
                "INSERT INTO snapshot (revision, checksum, body) VALUES (?1, ?2, ?3)",
                rusqlite::params![revision, checksum.as_bytes(), body.as_bytes()],
            )
            .unwrap();
        assert_eq!(open(&path).head(), head);
    }
    let mut store = open(&path);
    let error = append(&mut store, new(at(3), revoked("alpha"))).unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert!(exempt(store.world()).is_empty());
    append(&mut store, new(at(3), granted("alpha"))).unwrap();
    let report = verify(&SqliteLog::examine(&path, options()).unwrap(), None).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}

#[test]
fn a_log_that_was_begun_and_not_filled_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let event = "\n[[event]]\nat = \"2020-01-01T00:00:00Z\"\nkind = \"exemption-asked\"\n\
                 subscription = \"alpha\"\n";
    let genesis = crate::common::genesis();
    let inventory = format!("{}{event}", genesis.inventory.clone().unwrap_or_default());
    let genesis = Genesis { inventory: Some(inventory), ..genesis };
    let log = SqliteLog::create(&StorePlace::from(path.as_path()), &genesis, options()).unwrap();
    let error = Store::open(log).unwrap_err();
    assert!(error.to_string().contains("begun, and not finished"), "{error}");
}

#[test]
fn a_restore_onto_a_full_disk_leaves_the_store_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = folder.path().join("small");
    std::fs::create_dir(&mounted).unwrap();
    // A file system of our own, in namespaces of our own: another process has to work in it.
    if !Command::new("unshare").args(["-Urm", "true"]).status().is_ok_and(|done| done.success()) {
        return skipped("the kernel allows no user and mount namespaces here");
    }
    let test = std::env::current_exe().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=400k none {0} && EGRESS25_FULL_DISK={0} {1} --exact --nocapture \
         one_head::full_disk_inside --ignored",
        mounted.display(),
        test.display()
    );
    let output = Command::new("unshare").args(["-Urm", "sh", "-c", &script]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "a part of another test, which runs it on a small file system"]
fn full_disk_inside() {
    let Ok(folder) = std::env::var("EGRESS25_FULL_DISK") else {
        return skipped("a part of another test, which starts it");
    };
    let path = Path::new(&folder).join("store.db");
    let backups = tempfile::tempdir().unwrap();
    let backup = backups.path().join("backup.db");
    let mut store = create(&path);
    append(&mut store, new(at(1), asked("alpha"))).unwrap();
    store.log().backup(&backup).unwrap();
    append(&mut store, new(at(2), granted("alpha"))).unwrap();
    let head = store.head();
    drop(store);
    // What is left is filled up.
    let mut filler = std::fs::File::create(Path::new(&folder).join("filler")).unwrap();
    while std::io::Write::write(&mut filler, &[1; 512]).is_ok() {}
    let error = restore(&backup, &path).unwrap_err();
    let full = matches!(error, StoreError::Log(LogError::Full { .. } | LogError::Io { .. }));
    assert!(full, "{error}");
    assert!(path.exists());
    // A database cannot even be opened without room for its index.
    drop(filler);
    std::fs::remove_file(Path::new(&folder).join("filler")).unwrap();
    assert_eq!(open(&path).head(), head, "and every command takes it");
}

#[test]
fn restores_under_writers_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let backup = folder.path().join("backup.db");
    create(&path).log().backup(&backup).unwrap();
    let restores = 12;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (acknowledged, kept) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (path, stop) = (&path, &stop);
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    let mut number = 0;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        number += 1;
                        let name = format!("w{writer}-{number}");
                        let mut store = open(path);
                        let kind = crate::common::added(&name, egress25_policy::Offer::Msdn);
                        match append(&mut store, new(at(number), kind)) {
                            Ok(_) => acknowledged.push(name),
                            // The log was set back between opening and writing.
                            Err(StoreError::Log(LogError::Lost { .. })) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        let kept: Vec<_> = (0..restores)
            .map(|_| {
                std::thread::sleep(std::time::Duration::from_millis(60));
                let kept = restore(&backup, &path).unwrap().1;
                open(&path);
                kept
            })
            .collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let all = writers.into_iter().flat_map(|writer| writer.join().unwrap());
        (all.collect::<Vec<_>>(), kept)
    });
    let mut there = std::collections::BTreeSet::new();
    for file in kept.iter().chain([&path]) {
        there.extend(open(file).world().subscriptions().keys().map(|name| name.to_string()));
    }
    let lost: Vec<_> = acknowledged.iter().filter(|name| !there.contains(*name)).collect();
    assert!(lost.is_empty(), "{} of {} are nowhere: {lost:?}", lost.len(), acknowledged.len());
    assert!(acknowledged.len() > restores, "{} entries", acknowledged.len());
    println!("{} entries acknowledged under {restores} restores", acknowledged.len());
}

#[test]
fn permissions_of_a_shared_store_are_told_and_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    std::fs::set_permissions(head_of(&path), std::fs::Permissions::from_mode(0o444)).unwrap();
    // Root writes whatever the mode says; for everybody else the commit is refused.
    let mut store = open(&path);
    let appended = append(&mut store, new(at(1), asked("alpha")));
    if let Err(error) = appended {
        assert!(matches!(error, StoreError::Log(LogError::Access { .. })), "{error}");
        assert!(error.to_string().contains("mode 0444"), "{error}");
    }
}
