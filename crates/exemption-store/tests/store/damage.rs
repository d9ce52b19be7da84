//! Damage: a store with random damage is refused or read correctly, and nobody becomes exempt.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use egress25_exemption_store::{ExpectedRevision, NewEntry};
use egress25_policy::EventKind;

use crate::common::{
    Rng, WorldState, allowed, append, asked, at, circle, create, exempt, granted, keyed, new,
    number, revoked, state, try_open,
};

const FILES: [&str; 4] = ["store.db", "store.db-wal", "store.db-shm", "store.db-head"];

/// A sound store, as files: closed, or as a crash leaves it with its write-ahead log.
struct Sound {
    files: BTreeMap<&'static str, Vec<u8>>,
    state: WorldState,
    exempt: Vec<String>,
    revisions: u64,
}

/// Somebody is exempt at first and not in the end: a tail that goes missing would free them.
fn sound(folder: &Path, seed: u64) -> Sound {
    let path = folder.join("store.db");
    let mut store = create(&path);
    let mut rng = Rng(seed);
    for name in ["alpha", "delta"] {
        append(&mut store, new(at(1), asked(name))).unwrap();
        append(&mut store, new(at(2), granted(name))).unwrap();
        for half in 0..2 {
            for _ in 0..2 {
                let kind = circle(store.world(), &format!("{name}-{half}"));
                append(&mut store, new(at(3), kind)).unwrap();
            }
        }
    }
    for step in 0..rng.below(60) {
        let event = allowed(store.world(), &mut rng, at(10 + i64::try_from(step).unwrap()));
        let entry = keyed(NewEntry::new(event, at(0), "tester"), format!("key {step}"));
        append(&mut store, entry).unwrap();
    }
    let last: Vec<NewEntry> = store
        .world()
        .subscriptions()
        .keys()
        .map(|name| new(at(100), revoked(name.as_str())))
        .filter(|entry| store.world().refuse_what_is_never_granted(&entry.event).is_ok())
        .filter(|entry| store.world().clone().apply(&entry.event).is_ok())
        .collect();
    store.append(ExpectedRevision::Any, &last).unwrap();
    let gone = EventKind::NetworkAdded {
        network: "last".into(),
        address_space: vec!["192.168.0.0/24".parse().unwrap()],
    };
    append(&mut store, new(at(101), gone)).unwrap();
    let (state, free, revisions) =
        (state(store.world()), exempt(store.world()), store.head().revision);
    let read = || {
        let files = FILES.iter().map(|name| (*name, std::fs::read(folder.join(name))));
        files.filter_map(|(name, bytes)| Some((name, bytes.ok()?))).collect()
    };
    // Half of them as they stand while the writer runs, half closed.
    let files = if seed.is_multiple_of(2) {
        read()
    } else {
        drop(store);
        read()
    };
    Sound { files, state, exempt: free, revisions }
}

/// Does one random damage to some bytes, and says what.
fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) -> String {
    let length = bytes.len();
    let place = rng.below(length);
    let rest = length - place;
    match rng.below(6) {
        0 => {
            bytes[place] ^= 1 << rng.below(8);
            format!("a bit at byte {place}")
        }
        1 => {
            let count = (1 + rng.below(16)).min(rest);
            for byte in &mut bytes[place..place + count] {
                *byte = u8::try_from(rng.below(256)).unwrap();
            }
            format!("{count} bytes at {place}")
        }
        2 => {
            let count = 512.min(rest);
            bytes[place..place + count].fill(0);
            format!("{count} zeros at {place}")
        }
        3 => {
            bytes.truncate(place);
            format!("cut at byte {place}")
        }
        4 => {
            let (from, to) = (rng.below(length.div_ceil(4096)), rng.below(length.div_ceil(4096)));
            let page = |number: usize| number * 4096..(number * 4096 + 4096).min(length);
            let copied = bytes[page(from)].to_vec();
            let count = copied.len().min(page(to).len());
            bytes[to * 4096..to * 4096 + count].copy_from_slice(&copied[..count]);
            format!("page {from} over page {to}")
        }
        _ => {
            let page = place / 4096 * 4096;
            let end = (page + 4096).min(length);
            for byte in &mut bytes[page..end] {
                *byte = u8::try_from(rng.below(256)).unwrap();
            }
            format!("noise from {page} to {end}")
        }
    }
}

fn lay_out(folder: &Path, files: &BTreeMap<&str, Vec<u8>>) -> PathBuf {
    for name in FILES {
        let _ = std::fs::remove_file(folder.join(name));
    }
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    folder.join("store.db")
}

/// How often the store was refused, and how often read in full.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    read: usize,
}

/// `EGRESS25_DAMAGED` says how many (1,000 by default).
#[test]
fn a_store_with_random_damage_is_refused_or_read_correctly_and_frees_nobody() {
    let mut tally = Tally::default();
    let count = number("EGRESS25_DAMAGED", 1000);
    let per_store = 50;
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..count.div_ceil(per_store) {
        let home = tempfile::tempdir().unwrap();
        let sound = sound(home.path(), seed);
        for number in 0..per_store {
            let mut rng = Rng(seed * 1_000_003 + number);
            let mut files = sound.files.clone();
            let names: Vec<&str> = files.keys().copied().collect();
            // Mostly one file, sometimes several.
            let hits = 1 + rng.below(8) / 7;
            let mut said = Vec::new();
            for _ in 0..hits {
                // The database itself has the most to lose.
                let name = if rng.below(2) == 0 { FILES[0] } else { names[rng.below(names.len())] };
                let bytes = files.get_mut(name).unwrap();
                if !bytes.is_empty() {
                    said.push(format!("{name}: {}", damage(bytes, &mut rng)));
                }
            }
            let path = lay_out(folder.path(), &files);
            judge(&path, &sound, &mut tally, &format!("seed {seed}/{number}, {said:?}"));
        }
    }
    eprintln!("{count} damaged stores: {tally:?}, no wrong `exempt`");
    assert!(tally.refused > 0 && tally.read > 0);
}

fn judge(path: &Path, sound: &Sound, tally: &mut Tally, case: &str) {
    let store = match try_open(path) {
        Ok(store) => store,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            tally.refused += 1;
            return;
        }
    };
    assert_eq!(exempt(store.world()), sound.exempt, "{case}: somebody is exempt");
    assert_eq!(state(store.world()), sound.state, "{case}: read wrongly");
    let mut read = 0;
    store
        .entries(0, |_, _| {
            read += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(read, sound.revisions, "{case}");
    let world = store.world_at(at(1_000_000_000)).unwrap();
    assert_eq!(state(&world), sound.state, "{case}");
    tally.read += 1;
}
