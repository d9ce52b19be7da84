//! What other processes of the tests do: the tests start this very program again with the name of
//! one of these, and talk through the environment and standard output. Run by themselves they do
//! nothing.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use egress25_exemption_store::{ExpectedRevision, FollowerState, LogError, NewEntry, StoreError};
use egress25_skipped::skipped;

use crate::common::{Rng, allowed, append, at, circle, exempt, keyed, new, number, open, try_open};

const ROLE: &str = "EGRESS25_TEST_STORE";

/// This program, as one of the roles below.
pub(crate) fn child(role: &str, store: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    as_role(&mut command, role, store);
    command
}

/// A command that ends in this program, as one of the roles below.
pub(crate) fn as_role(command: &mut Command, role: &str, store: &Path) {
    let name = format!("children::{role}");
    command
        .args([name.as_str(), "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ROLE, store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
}

/// The lines that a role says: those behind a mark, without it.
pub(crate) fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("said: ").map(|(_, said)| said.to_owned()))
}

fn say(what: impl std::fmt::Display) {
    println!("said: {what}");
}

/// The store that a role works with; none where nobody has given the role.
fn store() -> Option<PathBuf> {
    let store = std::env::var_os(ROLE).map(PathBuf::from);
    if store.is_none() {
        skipped("a role that other tests start");
    }
    store
}

/// Appends for ever, and says each acknowledged revision with its key.
#[test]
#[ignore = "a role that other tests start"]
fn writer() {
    let Some(path) = store() else { return };
    let seed = number("SEED", 0);
    let mut rng = Rng(seed);
    let mut store = open(&path);
    for step in 0.. {
        let event = allowed(store.world(), &mut rng, at(0));
        let key = format!("{seed}-{step}");
        let entry = keyed(NewEntry::new(event, at(0), "writer"), &key);
        // Another writer may have come first with something that forbids it.
        match append(&mut store, entry) {
            Ok(revision) => say(format_args!("{revision} {key}")),
            Err(StoreError::Refused { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Appends a number of entries, expecting the log to end where it was last seen; takes conflicts
/// as they come and tries again.
#[test]
#[ignore = "a role that other tests start"]
fn racer() {
    let Some(path) = store() else { return };
    let (name, count) = (std::env::var("NAME").unwrap(), number("COUNT", 0));
    let mut store = open(&path);
    let mut conflicts = 0;
    for step in 0..count {
        let key = format!("{name} {step}");
        loop {
            let seen = store.head().revision;
            let entry = keyed(new(at(0), circle(store.world(), &name)), &key);
            match store.append(ExpectedRevision::At(seen), &[entry]) {
                Ok(_) => break,
                Err(StoreError::Log(LogError::Conflict { .. })) => conflicts += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    say(format_args!("{conflicts}"));
}

/// Appends until something fails, `COUNT` entries at most; says what was acknowledged, what
/// failed, and how a consumer in the same process fares. Goes on after a failure.
#[test]
#[ignore = "a role that other tests start"]
fn unlucky() {
    let Some(path) = store() else { return };
    let mut store = match try_open(&path) {
        Ok(store) => store,
        Err(error) => return say(format_args!("unopened {error}")),
    };
    let mut follower = store.follow().unwrap();
    for step in 0..number("COUNT", 0) {
        let key = format!("{} {step}", number("SEED", 0));
        let entry = keyed(new(at(0), circle(store.world(), "alpha-0")), &key);
        let seen = follower.head();
        match append(&mut store, entry) {
            Ok(revision) => say(format_args!("acked {revision} {key}")),
            Err(error) => say(format_args!("failed {error}")),
        }
        follower.poll(Duration::ZERO, |_, _, _| {});
        // Whatever happened, a consumer never goes back.
        assert!(follower.head().revision >= seen.revision);
        assert!(exempt(follower.world()).is_empty());
        if let FollowerState::Stale { error, .. } = follower.state() {
            say(format_args!("stale {error}"));
        }
    }
    say("done");
}

/// Fills the small file system that the store is on, and frees it again.
#[test]
#[ignore = "a role that other tests start"]
fn filler() {
    let Some(path) = store() else { return };
    let folder = path.parent().unwrap();
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![0; 128 * 1024]).unwrap();
    let mut store = crate::common::create(&path);
    let mut follower = store.follow().unwrap();
    let mut acked = store.head();
    let error = loop {
        let why = "because ".repeat(500);
        let entry = new(at(0), circle(store.world(), "alpha-0"));
        match append(&mut store, NewEntry { why: Some(why), ..entry }) {
            Ok(_) => acked = store.head(),
            Err(error) => break error,
        }
        follower.poll(Duration::ZERO, |_, _, _| {});
    };
    say(format_args!("failed {error}"));
    // A consumer goes on with all that was acknowledged, and so does the writer.
    follower.poll(Duration::ZERO, |_, _, _| {});
    assert_eq!(follower.head(), acked);
    assert_eq!(*follower.state(), FollowerState::Current);
    assert_eq!(store.head(), acked);
    std::fs::remove_file(ballast).unwrap();
    let kind = circle(store.world(), "alpha-0");
    assert_eq!(append(&mut store, new(at(0), kind)).unwrap(), acked.revision + 1);
    let mut seen = 0;
    follower.poll(Duration::from_secs(5), |_, _, _| seen += 1);
    assert_eq!(seen, 1);
    drop(store);
    let log = egress25_exemption_store::SqliteLog::open(&path, crate::common::options()).unwrap();
    let report = egress25_exemption_store::verify(&log, Some(acked)).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    say("done");
}

/// Opens the store and tries to append one entry; says what came of it.
#[test]
#[ignore = "a role that other tests start"]
fn visitor() {
    let Some(path) = store() else { return };
    let outcome = try_open(&path).and_then(|mut store| {
        let kind = circle(store.world(), "alpha-0");
        append(&mut store, new(at(0), kind))
    });
    match outcome {
        Ok(revision) => say(format_args!("acked {revision}")),
        Err(error) => say(format_args!("failed {error}")),
    }
}
