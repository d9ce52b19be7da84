//! Appending: what is refused, what is done once, what order holds.

use egress25_exemption_store::{
    Backdated, ExpectedRevision, LogError, NewEntry, SqliteLog, Store, StoreError, StorePlace,
};
use egress25_policy::{
    Channel, EventKind, ExemptionState, Inventory, InventoryFile, Timeline, World,
};
use jiff::Timestamp;

use crate::common::{
    Rng, WorldState, allowed, append, asked, at, create, deployed, genesis, granted, keyed, new,
    open, options, revoked, setup, state,
};

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

fn refused(error: &StoreError) -> Vec<String> {
    match error {
        StoreError::Refused { refused, .. } => {
            refused.statements.iter().map(ToString::to_string).collect()
        }
        other => panic!("not refused: {other}"),
    }
}

#[test]
//= DV2 type=test
//= PG5 type=test
//= PN3 type=test
fn what_the_state_machines_forbid_is_refused_with_the_statement_and_not_written() {
    let (_folder, path) = folder();
    let mut store = create(&path);
    let before = store.head();
    let never = append(&mut store, new(at(1), asked("gamma"))).unwrap_err();
    assert_eq!(refused(&never), ["DV2"]);
    let unasked = append(&mut store, new(at(1), granted("alpha"))).unwrap_err();
    assert_eq!(refused(&unasked), ["PG5"]);
    let no_why =
        EventKind::ExemptionAsked { subscription: "beta".into(), channel: None, why: None };
    let unjustified = append(&mut store, new(at(1), no_why)).unwrap_err();
    assert!(refused(&unjustified).contains(&"PN3".to_owned()));
    assert_eq!(store.head(), before);
    assert_eq!(open(&path).head(), before);
}

#[test]
fn a_batch_is_written_whole_or_not_at_all() {
    let (_folder, path) = folder();
    let mut store = create(&path);
    let before = (store.head(), state(store.world()));
    let batch =
        [new(at(1), asked("alpha")), new(at(2), granted("alpha")), new(at(3), asked("gamma"))];
    store.append(ExpectedRevision::Any, &batch).unwrap_err();
    assert_eq!((store.head(), state(store.world())), before);
    assert_eq!(open(&path).head(), before.0);
    let done = store.append(ExpectedRevision::Any, &batch[..2]).unwrap();
    assert_eq!(done.len(), 2);
    assert_eq!(done[1].entry.revision, before.0.revision + 2);
}

#[test]
fn an_entry_carries_all_that_it_should() {
    let (_folder, path) = folder();
    let mut store = create(&path);
    let entry = NewEntry {
        recorded: at(50),
        why: Some("the scanners know no authentication".to_owned()),
        channel: Some(Channel::Case),
        key: Some("ticket-1".to_owned()),
        ..new(
            at(10),
            EventKind::ExemptionAsked { subscription: "beta".into(), channel: None, why: None },
        )
    };
    append(&mut store, entry).unwrap();
    let mut last = None;
    open(&path)
        .entries(0, |entry, sealed| {
            last = Some((entry.clone(), sealed.clone()));
            Ok(())
        })
        .unwrap();
    let (entry, sealed) = last.unwrap();
    assert_eq!(entry.revision, store.head().revision);
    assert_eq!((entry.event.at, entry.recorded), (at(10), at(50)));
    assert_eq!(entry.who, "tester");
    assert_eq!(entry.why(), Some("the scanners know no authentication"));
    assert_eq!(entry.channel(), Some(Channel::Case));
    assert_eq!(entry.key.as_deref(), Some("ticket-1"));
    assert_eq!(entry.schema, 1);
    assert_eq!(sealed.hash, store.head().hash);
    assert_eq!(sealed.checksum, crc32fast::hash(&sealed.body));
}

#[test]
fn the_same_idempotency_key_does_nothing_twice_and_nothing_else() {
    let (_folder, path) = folder();
    let mut store = create(&path);
    let first = append(&mut store, keyed(new(at(1), asked("alpha")), "k")).unwrap();
    // Another process tries the same again, later, and says where it expects the log to end.
    let mut other = open(&path);
    let again = other
        .append(ExpectedRevision::At(first - 1), &[keyed(new(at(9), asked("alpha")), "k")])
        .unwrap();
    assert_eq!((again[0].entry.revision, &again[0].applied), (first, &None));
    assert_eq!(other.head().revision, first);
    let error = append(&mut store, keyed(new(at(2), granted("alpha")), "k")).unwrap_err();
    assert!(matches!(error, StoreError::KeyTaken { revision, .. } if revision == first));
    let twice =
        [keyed(new(at(2), granted("alpha")), "l"), keyed(new(at(3), revoked("alpha")), "l")];
    let error = store.append(ExpectedRevision::Any, &twice).unwrap_err();
    assert!(matches!(error, StoreError::KeyTaken { .. }));
    assert_eq!(store.sync(|_, _, _| {}).unwrap(), first);
}

#[test]
fn a_writer_that_expects_another_revision_is_told_which_it_is() {
    let (_folder, path) = folder();
    let mut one = create(&path);
    let mut two = open(&path);
    let seen = two.head().revision;
    append(&mut one, new(at(1), asked("alpha"))).unwrap();
    let error = two.append(ExpectedRevision::At(seen), &[new(at(2), asked("delta"))]).unwrap_err();
    assert_eq!(error, StoreError::Log(LogError::Conflict { expected: seen, actual: seen + 1 }));
    // It has caught up on the way, and may look before it tries again.
    assert_eq!(two.head(), one.head());
    two.append(ExpectedRevision::At(seen + 1), &[new(at(2), asked("delta"))]).unwrap();
}

#[test]
fn a_clock_that_jumps_ten_years_never_changes_the_order() {
    let (_folder, path) = folder();
    let mut store = create(&path);
    let forward: Timestamp = "2030-12-08T09:00:00Z".parse().unwrap();
    let back: Timestamp = "2010-12-08T09:00:00Z".parse().unwrap();
    let steps = [(forward, asked("alpha")), (back, granted("alpha")), (at(5), revoked("alpha"))];
    for (clock, kind) in steps {
        append(&mut store, new(clock, kind)).unwrap();
    }
    // Another subscription's time doesn't move with it.
    append(&mut store, new(at(6), asked("delta"))).unwrap();
    append(&mut store, new(back, granted("delta"))).unwrap();
    let mut seen = Vec::new();
    open(&path)
        .entries(9 + 4, |entry, _| {
            seen.push((entry.revision, entry.event.at, entry.recorded));
            Ok(())
        })
        .unwrap();
    let first = seen[0].0;
    assert_eq!(
        seen,
        [
            (first, forward, forward),
            (first + 1, forward, back),
            (first + 2, forward, at(5)),
            (first + 3, at(6), at(6)),
            (first + 4, at(6), back),
        ]
    );
    let state = |world: &World, name: &str| world.subscriptions()[name].exemption.state;
    assert_eq!(state(store.world(), "alpha"), ExemptionState::Revoked);
    assert_eq!(state(&store.world_at(at(7)).unwrap(), "alpha"), ExemptionState::None);
    assert_eq!(state(&store.world_at(at(7)).unwrap(), "delta"), ExemptionState::Granted);
    assert_eq!(state(&store.world_at(forward).unwrap(), "alpha"), ExemptionState::Revoked);
}

#[test]
fn a_time_that_a_person_gave_is_refused_where_it_is_too_early() {
    let (_folder, path) = folder();
    let mut store = create(&path);
    append(&mut store, new(at(10), asked("alpha"))).unwrap();
    let early = NewEntry { backdated: Backdated::Refuse, ..new(at(9), granted("alpha")) };
    let error = append(&mut store, early).unwrap_err();
    let StoreError::Backdated { floor, subject, .. } = &error else { panic!("{error}") };
    assert_eq!((*floor, subject.as_str()), (at(10), "subscription `alpha`"));
    // Its machines have its time; another subscription's haven't.
    let machine = |name: &str| EventKind::MachineDeallocated { machine: name.into() };
    let entry = |name| NewEntry { backdated: Backdated::Refuse, ..new(at(9), machine(name)) };
    append(&mut store, entry("alpha-0")).unwrap_err();
    append(&mut store, entry("delta-0")).unwrap();
}

#[test]
fn a_name_or_an_address_is_not_taken_over_before_it_is_given_up() {
    let (_folder, path) = folder();
    let mut store = create(&path);
    let deleted = EventKind::MachineDeleted { machine: "alpha-0".into() };
    append(&mut store, new(at(100), deleted)).unwrap();
    for (machine, address) in [("alpha-0", "10.0.9.9"), ("other", "10.0.0.4")] {
        let revision = append(&mut store, new(at(50), deployed(machine, "beta", address))).unwrap();
        let deployed = store.world().machines()[machine].state.deployed;
        assert_eq!(deployed, Some(at(100)), "revision {revision}");
        let gone = EventKind::MachineDeleted { machine: machine.into() };
        append(&mut store, new(at(100), gone)).unwrap();
    }
}

/// The state without what only says when.
fn by_timeline(store: &Store) -> WorldState {
    let (world, events) = store.history().unwrap();
    let mut timeline = Timeline::new(world, events).unwrap();
    timeline.move_to(timeline.events().len(), |_, _| {}).unwrap();
    state(timeline.world())
}

#[test]
fn folding_by_revision_and_by_time_lead_to_the_same_world() {
    for seed in 0..20 {
        let log = SqliteLog::create(&StorePlace::Memory, &genesis(), options()).unwrap();
        let mut store = Store::open(log).unwrap();
        store.append(ExpectedRevision::At(0), &setup()).unwrap();
        let mut rng = Rng(seed);
        let mut times = Vec::new();
        for _ in 0..200 {
            let time = at(i64::try_from(rng.below(100_000)).unwrap());
            let event = allowed(store.world(), &mut rng, time);
            append(&mut store, NewEntry::new(event, time, "tester")).unwrap();
            times.push(time);
        }
        assert_eq!(by_timeline(&store), state(store.world()), "seed {seed}");
        // And at any time in between: neither order is ever refused.
        for time in times.iter().step_by(20) {
            let (world, events) = store.history().unwrap();
            let mut timeline = Timeline::new(world, events).unwrap();
            timeline.move_to(timeline.position_at(*time), |_, _| {}).unwrap();
            let by_revision = store.world_at(*time).unwrap();
            assert_eq!(state(timeline.world()), state(&by_revision), "seed {seed}, {time}");
        }
    }
}

#[test]
fn the_log_in_memory_behaves_like_the_one_on_disk() {
    let (_folder, path) = folder();
    let mut disk = create(&path);
    let log = SqliteLog::create(&StorePlace::Memory, &genesis(), options()).unwrap();
    let mut memory = Store::open(log).unwrap();
    memory.append(ExpectedRevision::At(0), &setup()).unwrap();
    let mut rng = Rng(7);
    for step in 0..200 {
        let kind = crate::common::any_kind(disk.world(), &mut rng);
        let entry = keyed(new(at(step), kind), format!("key {}", step % 150));
        let on_disk = disk.append(ExpectedRevision::Any, std::slice::from_ref(&entry));
        let in_memory = memory.append(ExpectedRevision::Any, &[entry]);
        assert_eq!(on_disk, in_memory);
        assert_eq!(disk.head(), memory.head());
    }
    let again = Store::open(memory.into_log()).unwrap();
    assert_eq!(state(again.world()), state(disk.world()));
}

#[test]
fn a_store_that_begins_with_a_lab_has_its_world() {
    let (_folder, path) = folder();
    let lab = "edition = \"2020-12\"\n[subscription.shop]\noffer = \"pay-as-you-go\"\n\
               created = \"2019-03-01\"\nexemption = \"granted\"\n";
    let begin = genesis().with_inventory(lab).with_setting("revocation_effect", "next-start");
    let log = SqliteLog::create(&StorePlace::from(path.as_path()), &begin, options()).unwrap();
    let mut store = Store::open(log).unwrap();
    append(&mut store, new(at(1), revoked("shop"))).unwrap();
    let again = open(&path);
    assert_eq!(again.genesis().unwrap(), begin);
    assert_eq!(again.world().settings.revocation_effect.name(), "next-start");
    assert_eq!(again.world().subscriptions()["shop"].exemption.state, ExemptionState::Revoked);
    let file = InventoryFile::parse(lab).unwrap();
    let Inventory { world, .. } = file.build(&again.world().edition, &[]).unwrap();
    assert_eq!(world.subscriptions()["shop"].exemption.state, ExemptionState::Granted);
}

#[test]
fn an_entry_was_acknowledged_into_files_that_had_been_removed_or_replaced() {
    type Spoil = fn(&std::path::Path);
    let ways: [(&str, Spoil); 4] = [
        ("removed", |path| std::fs::remove_file(path).unwrap()),
        ("moved away", |path| std::fs::rename(path, path.with_extension("old")).unwrap()),
        ("replaced", |path| {
            let other = path.with_extension("new");
            std::fs::copy(path, &other).unwrap();
            std::fs::rename(other, path).unwrap();
        }),
        ("without its log", |path| {
            std::fs::remove_file(path.with_extension("db-wal")).unwrap();
        }),
    ];
    for (name, spoil) in ways {
        let (_folder, path) = folder();
        let mut store = create(&path);
        append(&mut store, new(at(1), asked("alpha"))).unwrap();
        let before = store.head();
        spoil(&path);
        let head = std::fs::read(path.with_extension("db-head")).unwrap();
        let error = append(&mut store, new(at(2), granted("alpha"))).unwrap_err();
        assert!(matches!(error, StoreError::Log(LogError::Removed { .. })), "{name}: {error}");
        assert_eq!(store.head(), before, "{name}");
        let witnessed = std::fs::read(path.with_extension("db-head")).unwrap();
        assert_eq!(witnessed, head, "{name}: what was not acknowledged is not witnessed");
    }
}
