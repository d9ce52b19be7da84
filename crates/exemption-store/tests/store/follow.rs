//! Following: other processes' entries arrive as patches, and a failing store leaves the last
//! good world.

use std::time::Duration;

use egress25_exemption_store::{ExpectedRevision, FollowerState, LogError, StoreError};
use egress25_policy::EventKind;

use crate::common::{append, asked, at, create, exempt, granted, new, open, revoked, state};

const SOON: Duration = Duration::from_secs(10);
const NOW: Duration = Duration::ZERO;

#[test]
fn a_follower_sees_what_others_append_as_patches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut writer = create(&path);
    let mut follower = open(&path).follow().unwrap();
    follower.poll(NOW, |_, _, _| panic!("nothing is new"));

    let thread = std::thread::spawn(move || {
        let mut patches = Vec::new();
        while patches.len() < 4 {
            follower.poll(SOON, |entry, applied, world| {
                let machines: Vec<_> = applied.machines.iter().map(ToString::to_string).collect();
                patches.push((entry.event.kind.name(), machines, exempt(world)));
            });
        }
        (patches, follower)
    });
    append(&mut writer, new(at(1), asked("alpha"))).unwrap();
    append(&mut writer, new(at(2), granted("alpha"))).unwrap();
    let off = EventKind::MachineDeallocated { machine: "alpha-0".into() };
    let on = EventKind::MachineStarted { machine: "alpha-0".into() };
    writer.append(ExpectedRevision::Any, &[new(at(3), off), new(at(4), on)]).unwrap();
    let (patches, follower) = thread.join().unwrap();
    let both = vec!["alpha-0".to_owned(), "alpha-1".to_owned()];
    let first = vec!["alpha-0".to_owned()];
    let alpha = vec!["alpha".to_owned()];
    let freed = vec!["alpha".to_owned(), "alpha-0".to_owned()];
    assert_eq!(
        patches,
        [
            ("exemption-asked", both.clone(), vec![]),
            ("exemption-granted", both, alpha.clone()),
            ("machine-deallocated", first.clone(), alpha),
            ("machine-started", first, freed),
        ]
    );
    assert_eq!(*follower.state(), FollowerState::Current);
    assert_eq!(state(follower.world()), state(writer.world()));
}

#[test]
fn a_follower_reads_a_backlog_of_any_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut writer = create(&path);
    let mut follower = open(&path).follow().unwrap();
    let mut batch = Vec::new();
    for step in 0..1500 {
        batch.push(new(at(step), EventKind::MachineDeallocated { machine: "beta-0".into() }));
        batch.push(new(at(step), EventKind::MachineStarted { machine: "beta-0".into() }));
    }
    writer.append(ExpectedRevision::Any, &batch).unwrap();
    let mut seen = 0;
    while follower.head() != writer.head() {
        follower.poll(NOW, |_, _, _| seen += 1);
        assert_eq!(*follower.state(), FollowerState::Current);
    }
    assert_eq!(seen, 3000);
}

fn stale(state: &FollowerState) -> &StoreError {
    match state {
        FollowerState::Stale { error } => error,
        FollowerState::Current => panic!("the follower takes its world to be current"),
    }
}

#[test]
fn a_follower_of_a_store_that_went_away_keeps_its_world_says_so_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut writer = create(&path);
    append(&mut writer, new(at(1), asked("alpha"))).unwrap();
    append(&mut writer, new(at(2), granted("alpha"))).unwrap();
    let mut follower = writer.follow().unwrap();
    let before = state(follower.world());
    drop(writer);

    let elsewhere = folder.path().join("moved.db");
    std::fs::rename(&path, &elsewhere).unwrap();
    follower.poll(NOW, |_, _, _| panic!("nobody can read it"));
    assert!(matches!(stale(follower.state()), StoreError::Log(LogError::NotFound { .. })));
    assert_eq!(state(follower.world()), before);

    // Something that is no store takes its place.
    std::fs::write(&path, vec![7; 8192]).unwrap();
    follower.poll(NOW, |_, _, _| {});
    assert!(matches!(stale(follower.state()), StoreError::Log(LogError::NotAStore { .. })));
    assert_eq!(state(follower.world()), before);

    std::fs::rename(&elsewhere, &path).unwrap();
    let mut writer = open(&path);
    append(&mut writer, new(at(3), revoked("alpha"))).unwrap();
    let mut seen = 0;
    follower.poll(SOON, |_, _, _| seen += 1);
    assert_eq!(seen, 1);
    assert_eq!(*follower.state(), FollowerState::Current);
    assert!(exempt(follower.world()).is_empty());
}

#[test]
fn a_follower_of_a_log_that_was_set_back_keeps_its_world_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let backup = folder.path().join("backup.db");
    let mut writer = create(&path);
    append(&mut writer, new(at(1), asked("alpha"))).unwrap();
    append(&mut writer, new(at(2), granted("alpha"))).unwrap();
    writer.log().backup(&backup).unwrap();
    append(&mut writer, new(at(3), revoked("alpha"))).unwrap();
    let mut follower = writer.follow().unwrap();
    follower.poll(NOW, |_, _, _| {});
    crate::common::restore(&backup, &path).unwrap();
    follower.poll(SOON, |_, _, _| {});
    let error = stale(follower.state());
    assert!(matches!(error, StoreError::Log(LogError::Lost { .. })), "{error}");
    assert!(exempt(follower.world()).is_empty(), "it stays with the revocation that it saw");
    // A writer that had the store open says so, too, and writes nothing behind the old world.
    let error = append(&mut writer, new(at(4), asked("delta"))).unwrap_err();
    assert!(matches!(error, StoreError::Log(LogError::Lost { .. })), "{error}");
}
