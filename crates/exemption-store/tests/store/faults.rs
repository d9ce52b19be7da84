//! Failures from outside: no space, input and output errors, wrong owners, locks. Each ends in a
//! clear error, loses nothing that was acknowledged, and leaves consumers with their last world.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use egress25_exemption_store::{
    FollowerState, LogError, SqliteLog, SqliteOptions, Store, StoreError, verify,
};
use egress25_skipped::skipped;

use crate::children::{as_role, child, lines};
use crate::common::{append, asked, at, create, new, open, options, try_open};

/// What a child said and whether it ended well.
fn run(command: &mut Command) -> (Vec<String>, bool) {
    let mut child = command.spawn().unwrap();
    let said = lines(&mut child).collect();
    (said, child.wait().unwrap().success())
}

/// A command that runs a role with a fresh mount namespace and a small file system at a folder;
/// `None` where that isn't allowed here.
fn in_small_file_system(folder: &Path, script: &str, role: &str) -> Option<Command> {
    let allowed = Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs \"$0\""])
        .arg(folder)
        .output()
        .is_ok_and(|output| output.status.success());
    if !allowed {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).arg(folder).arg(std::env::current_exe().unwrap());
    as_role(&mut command, role, &folder.join("store.db"));
    Some(command)
}

#[test]
fn a_full_disk_is_said_loses_nothing_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=512k tmpfs \"$0\" && exec \"$@\"";
    let Some(mut command) = in_small_file_system(folder.path(), script, "filler") else {
        return skipped("no mount namespace to be had");
    };
    let (said, well) = run(&mut command);
    assert!(well, "{said:?}");
    assert!(said[0].contains("no space is left"), "{said:?}");
    assert_eq!(said[1], "done");
}

#[test]
fn a_file_system_that_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let source = tempfile::tempdir().unwrap();
    drop(create(&source.path().join("store.db")));
    let script = format!(
        "mount -t tmpfs -o size=512k tmpfs \"$0\" && cp '{}'/* \"$0\" && \
         mount -o remount,ro \"$0\" && exec \"$@\"",
        source.path().display()
    );
    let Some(mut command) = in_small_file_system(folder.path(), &script, "visitor") else {
        return skipped("no mount namespace to be had");
    };
    let (said, well) = run(&mut command);
    assert!(well);
    assert!(said[0].starts_with("failed") && said[0].contains("can't be used"), "{said:?}");
}

/// The preloaded library that makes calls fail, if there is a C compiler.
fn shim(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("eio.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/eio.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .output();
    match built {
        Ok(output) if output.status.success() => Some(library),
        Ok(output) => {
            skipped(String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            skipped(format_args!("no C compiler: {error}"));
            None
        }
    }
}

/// Runs an unlucky writer, then checks that all that it was acknowledged is there.
fn unlucky(shim: &Path, on: &str, after: usize, span: usize) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    let (said, well) = run(child("unlucky", &path)
        .env("LD_PRELOAD", shim)
        .env("EIO_ON", on)
        .env("EIO_AFTER", after.to_string())
        .env("EIO_FOR", span.to_string())
        .env("COUNT", "12"));
    assert!(well, "{on} {after} {span}: {said:?}");
    let store = open(&path);
    let mut there = BTreeMap::new();
    store
        .entries(0, |entry, _| {
            there.insert(entry.revision.to_string(), entry.key.clone().unwrap_or_default());
            Ok(())
        })
        .unwrap();
    for line in &said {
        if let Some((revision, key)) =
            line.strip_prefix("acked ").and_then(|line| line.split_once(' '))
        {
            assert_eq!(there.get(revision).map(String::as_str), Some(key), "{said:?}");
        }
    }
    let report = verify(&SqliteLog::open(&path, options()).unwrap(), None).unwrap();
    assert!(report.is_clean(), "{on} {after} {span}: {:?}", report.findings);
    said
}

#[test]
fn an_input_or_output_error_anywhere_is_said_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shim) = shim(folder.path()) else { return };
    let (mut failed, mut recovered, mut stale) = (0, 0, 0);
    for on in ["write", "read"] {
        for after in 1..=40 {
            for span in [1, 1_000_000] {
                let said = unlucky(&shim, on, after, span);
                let first = said.iter().position(|line| line.starts_with("failed"));
                failed += usize::from(first.is_some());
                stale += usize::from(said.iter().any(|line| line.starts_with("stale")));
                let later = first.is_some_and(|first| {
                    said[first..].iter().any(|line| line.starts_with("acked"))
                });
                recovered += usize::from(later);
                // An error that passes is over with the next entry.
                assert!(span > 1 || first.is_none() || later, "{on} {after}: {said:?}");
                for line in said.iter().filter(|line| line.starts_with("failed")) {
                    assert!(line.contains("store.db"), "it says where: {line}");
                }
            }
        }
    }
    eprintln!("EIO: {failed} runs saw it, {recovered} went on after it, {stale} stale consumers");
    assert!(failed > 40 && recovered > 20);
}

#[test]
fn a_store_that_belongs_to_somebody_else_is_said_with_owner_and_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    let me = std::fs::metadata(&path).unwrap().uid();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (file, dir) in [(0o600, 0o755), (0o444, 0o755), (0o666, 0o555)] {
        mode(&path, file);
        mode(folder.path(), dir);
        let mut command = child("visitor", &path);
        if me == 0 {
            command.uid(65534).gid(65534);
        } else if file == 0o600 {
            mode(&path, 0);
        }
        let Ok(mut visitor) = command.spawn() else {
            return skipped("this program can't be run by another user");
        };
        let said: Vec<String> = lines(&mut visitor).collect();
        visitor.wait().unwrap();
        mode(folder.path(), 0o755);
        let said = said.first().cloned().unwrap_or_default();
        assert!(said.starts_with("failed") && said.contains("can't be used"), "{said}");
        assert!(said.contains(&format!("belongs to user {me}")), "{said}");
        assert!(said.contains("this process runs as user"), "{said}");
    }
    mode(&path, 0o600);
    assert!(verify(&SqliteLog::open(&path, options()).unwrap(), None).unwrap().is_clean());
}

#[test]
fn a_locked_store_is_said_after_a_while_and_can_still_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = create(&path);
    let before = store.head();
    let mut follower = store.follow().unwrap();
    let hasty = SqliteOptions { busy: Duration::from_millis(50) };
    let mut late = Store::open(SqliteLog::open(&path, hasty).unwrap()).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = append(&mut late, new(at(1), asked("alpha"))).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Busy { .. })), "{error}");
    assert!(error.to_string().contains("locked"));
    follower.poll(Duration::ZERO, |_, _, _| panic!("nothing was written"));
    assert_eq!(*follower.state(), FollowerState::Current);
    assert_eq!(try_open(&path).unwrap().head(), before);
    drop(other);
    append(&mut late, new(at(1), asked("alpha"))).unwrap();
    assert_eq!(store.sync(|_, _, _| {}).unwrap(), before.revision + 1);
}
