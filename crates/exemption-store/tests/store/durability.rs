//! Durability: whatever was acknowledged is there, after any kill and any race.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use egress25_exemption_store::{SqliteLog, verify};

use crate::children::{child, lines};
use crate::common::{Rng, create, number, open, options};

/// How many kills one log lives through: whoever opens it folds all of it.
const CYCLES_OF_A_LOG: u64 = 500;

/// Writers are killed with SIGKILL in the middle of their appends; `EGRESS25_KILL_CYCLES` says
/// how often (200 by default).
#[test]
fn killed_writers_lose_nothing_that_was_acknowledged() {
    let cycles = number("EGRESS25_KILL_CYCLES", 200);
    let mut rng = Rng(number("EGRESS25_SEED", 25));
    let (mut done, mut acknowledged, mut written) = (0, 0, 0);
    while done < cycles {
        let more = CYCLES_OF_A_LOG.min(cycles - done);
        let (acks, entries) = kill_cycles(done..done + more, &mut rng);
        (done, acknowledged, written) = (done + more, acknowledged + acks, written + entries);
        eprintln!(
            "{done} kill cycles: {acknowledged} entries acknowledged, 0 lost, {written} in the logs, \
             verified clean"
        );
    }
    assert!(acknowledged > 0);
}

/// Kills the writers of one log: how many entries were acknowledged, and how many are in it.
fn kill_cycles(cycles: Range<u64>, rng: &mut Rng) -> (usize, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(create(&path));
    let (mut acknowledged, mut checked) = (0, 0);
    for cycle in cycles {
        let acks = kill_cycle(&path, cycle, rng);
        // Another opening in between: recovery itself may be cut short by the next kill.
        let store = open(&path);
        let mut there = BTreeMap::new();
        store
            .entries(checked, |entry, _| {
                there.insert(entry.revision, entry.key.clone());
                Ok(())
            })
            .unwrap();
        checked = store.head().revision;
        for (revision, key) in &acks {
            assert_eq!(there.get(revision), Some(&Some(key.clone())), "cycle {cycle}");
        }
        acknowledged += acks.len();
    }
    let report = verify(&SqliteLog::open(&path, options()).unwrap(), None).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.revision, checked);
    (acknowledged, checked)
}

/// Two writers run until, at a random moment after the first acknowledgements, both are killed.
fn kill_cycle(path: &Path, cycle: u64, rng: &mut Rng) -> Vec<(u64, String)> {
    let (sender, receiver) = mpsc::channel();
    let mut writers = Vec::new();
    let mut readers = Vec::new();
    for half in 0..2 {
        let mut writer =
            child("writer", path).env("SEED", (cycle * 2 + half).to_string()).spawn().unwrap();
        let said = lines(&mut writer);
        let sender = sender.clone();
        readers.push(std::thread::spawn(move || {
            let mut acks = Vec::new();
            for line in said {
                let (revision, key) = line.split_once(' ').unwrap();
                acks.push((revision.parse::<u64>().unwrap(), key.to_owned()));
                let _ = sender.send(());
            }
            acks
        }));
        writers.push(writer);
    }
    // From the first acknowledgement on, so that the kill falls into the appends.
    receiver.recv_timeout(Duration::from_secs(60)).unwrap();
    let moment = u64::try_from(rng.below(15_000)).unwrap();
    std::thread::sleep(Duration::from_micros(moment));
    for writer in &mut writers {
        writer.kill().unwrap();
    }
    for writer in &mut writers {
        writer.wait().unwrap();
    }
    readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
}

/// Two processes append, each expecting the revision that it last saw; `EGRESS25_RACE_APPENDS`
/// says how many each (1,000 by default).
#[test]
fn two_racing_processes_lose_nothing_and_do_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let before = create(&path).head().revision;
    let count = number("EGRESS25_RACE_APPENDS", 1000);
    let names = ["alpha-0", "beta-0"];
    let mut racers: Vec<_> = names
        .iter()
        .map(|name| {
            child("racer", &path).env("NAME", name).env("COUNT", count.to_string()).spawn().unwrap()
        })
        .collect();
    let mut conflicts = 0;
    for racer in &mut racers {
        let said: Vec<String> = lines(racer).collect();
        assert!(racer.wait().unwrap().success());
        conflicts += said[0].parse::<u64>().unwrap();
    }
    let mut next = [0_u64; 2];
    let store = open(&path);
    store
        .entries(before, |entry, _| {
            let key = entry.key.clone().unwrap();
            let (name, step) = key.split_once(' ').unwrap();
            let racer = names.iter().position(|other| *other == name).unwrap();
            assert_eq!(step.parse::<u64>().unwrap(), next[racer], "revision {}", entry.revision);
            next[racer] += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(next, [count, count]);
    assert_eq!(store.head().revision, before + 2 * count);
    let report = verify(&SqliteLog::open(&path, options()).unwrap(), None).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    eprintln!(
        "2 x {count} appends with expected revision: none lost, none twice, {conflicts} conflicts"
    );
}
