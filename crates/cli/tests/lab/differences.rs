//! Where the data paths differ, held against the table of docs/reference/data-paths.md.
//!
//! One of every kind of packet that the filter has to tell apart is sent by a machine that may send
//! mail, over each data path. What is told of it, whether it comes to the host that it is for, and
//! which error comes back has to be the same over all of them, or a row of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use egress25_skipped::skipped;
use serde_json::Value;

use crate::attacks::script;
use crate::fair::Running;
use crate::harness::{
    DATAPATHS, Lab, alone, installed, kill, possible, root, scenario, stop, wait_until,
};
use crate::worlds::lines;

const PAGE: &str = "docs/reference/data-paths.md";
const HOSTS: &str = "[host.listener]\naddresses = [\"203.0.113.25\", \"2001:db8:2525::19\"]\n";
/// Who sends to whom: one whose subscription may, and one whose packets a firewall rejects.
const EXEMPT: [&str; 4] = ["10.1.0.5", "fd00:1::5", "203.0.113.25", "2001:db8:2525::19"];
const REJECTED: [&str; 5] = ["10.1.1.4", "fd00:1::", "203.0.113.25", "2001:db8:2525::19", "IPv4"];

/// What the name of a rejected kind ends with.
const REJECTED_KIND: &str = ", rejected";

/// The ports of the SYNs behind each kind.
const FENCES: std::ops::Range<u64> = 40_000..41_000;

/// What becomes of each kind of packet over a data path, as the table says it.
fn found(datapath: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    let hosts = hosts.display().to_string();
    let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &["--hosts", &hosts]);
    let marks = script("marks.py");
    let seen = lines(&mut lab, &["exec", "listener", "--", "/usr/bin/python3", "-c", &marks]);
    assert_eq!(seen.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));
    let events = lines(&mut lab, &["events", "--format", "ndjson"]);
    wait_until("the events are listened to", || {
        lab.connect("vm-ea", "listener:25");
        events.recv_timeout(Duration::from_millis(500)).is_ok()
    });
    let mut found = sent(&lab, [&events, &seen], "vm-ea", &EXEMPT);
    let rejected = sent(&lab, [&events, &seen], "vm-guarded", &REJECTED);
    found.extend(rejected.into_iter().map(|(name, of)| (format!("{name}{REJECTED_KIND}"), of)));
    found
}

/// What becomes of what a machine sends.
fn sent(
    lab: &Lab,
    [events, seen]: [&Receiver<String>; 2],
    machine: &str,
    arguments: &[&str],
) -> BTreeMap<String, String> {
    let kinds = script("kinds.py");
    let command = [&["exec", machine, "--", "/usr/bin/python3", "-c", &kinds], arguments].concat();
    let output = lab.command(&command).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sent = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = told(events, sent.lines().count());
    let arrived = arrived(seen);
    sent.lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, fence, marks, answers] = words[..] else { panic!("{line}") };
            let told = told.get(&fence.parse().unwrap()).cloned().unwrap_or_default();
            let arrives = marks.split(',').any(|mark| arrived.contains(mark));
            (name.to_owned(), outcome(&told, arrives, answers))
        })
        .collect()
}

/// The reasons that are told between one SYN and the one before, by the port of the later one.
fn told(events: &Receiver<String>, fences: usize) -> BTreeMap<u64, Vec<String>> {
    let (mut told, mut since) = (BTreeMap::new(), Vec::new());
    while let Ok(line) = events.recv_timeout(Duration::from_secs(5)) {
        let event: Value = serde_json::from_str(&line).unwrap();
        assert!(event["note"].is_null(), "{line}");
        match event["source_port"].as_u64().filter(|port| FENCES.contains(port)) {
            Some(port) => {
                told.insert(port, std::mem::take(&mut since));
            }
            None => since.push(event["reason"].as_str().unwrap().to_owned()),
        }
        if told.len() == fences {
            break;
        }
    }
    assert_eq!(told.len(), fences);
    told
}

fn arrived(seen: &Receiver<String>) -> BTreeSet<String> {
    let mut arrived = BTreeSet::new();
    while let Ok(mark) = seen.recv_timeout(Duration::from_secs(1)) {
        arrived.insert(mark);
    }
    arrived
}

/// `passes` or `drops`, what is told, and what the sender is answered. A host that nobody listens at
/// answers what arrives.
fn outcome(told: &[String], arrives: bool, answers: &str) -> String {
    let mut text = if arrives { "passes" } else { "drops" }.to_owned();
    for reason in told {
        text.push_str(&format!(", `{reason}`"));
    }
    for answer in answers.split(',').filter(|answer| *answer != "-" && !arrives) {
        text.push_str(&format!(", {answer}"));
    }
    text
}

/// The rows of a section's table, each with its cells.
fn rows(section: &str) -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let (_, section) = page.split_once(&format!("\n## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect();
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

/// What the table says of each kind that differs, in the order of the data paths.
fn written() -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for cells in rows("Packets") {
        let [kinds, _, outcomes @ ..] = &cells[..] else { panic!("{cells:?}") };
        for kind in kinds.split('`').filter(|kind| !kind.trim().is_empty()) {
            let before = all.insert(kind.to_owned(), outcomes.to_vec());
            assert_eq!(before, None, "`{kind}` has two rows");
        }
    }
    all
}

#[test]
fn the_data_paths_differ_where_the_table_says_so_and_nowhere_else() {
    let _alone = alone();
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    let found: Vec<_> = DATAPATHS
        .into_iter()
        .zip(0..)
        .filter(|(path, _)| possible().any(|one| one == *path))
        .map(|(path, column)| (path, column, found(path)))
        .collect();
    let Some((_, _, kinds)) = found.first() else { return };
    assert!(kinds.len() > 200, "{}", kinds.len());
    let written = written();
    let unknown: Vec<_> = written.keys().filter(|kind| !kinds.contains_key(*kind)).collect();
    assert!(unknown.is_empty(), "rows of kinds that are not sent: {unknown:?}");
    let mut wrong = Vec::new();
    for kind in kinds.keys() {
        let same = &found[0].2[kind];
        // A packet that is rejected, and differs as it does elsewhere, has no row of its own.
        let plain = || {
            let of_plain = written.get(kind.strip_suffix(REJECTED_KIND)?);
            of_plain.filter(|_| found.iter().any(|(.., of)| of[kind] != *same))
        };
        let row = written.get(kind).or_else(plain);
        for (path, column, of) in &found {
            let said = row.map_or(same, |row| &row[*column]);
            if of[kind] != *said {
                wrong.push(format!("{kind} over {path}: {}, expected {said}", of[kind]));
            }
        }
        if row.is_some_and(|row| row.iter().all(|cell| *cell == row[0])) {
            wrong.push(format!("{kind}: its row names no difference"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How much of a burst has passed, in a word.
fn share(passed: u32, sent: u32) -> &'static str {
    match passed {
        0 => "none",
        _ if passed < sent => "some",
        _ => "all",
    }
}

/// What passes of a burst while the program that judges stands still, and when it goes on: of
/// mail, and of the rest.
fn burst(datapath: &str) -> [String; 2] {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    let hosts = hosts.display().to_string();
    let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &["--hosts", &hosts]);
    let program = script("burst.py");
    let mut counting = Running::start(&lab, "listener", &[&program, "count"]);
    let mut sending = Running::start(&lab, "vm-ea", &[&program, EXEMPT[0], EXEMPT[2]]);
    let mut counts = || {
        let said = counting.ask();
        let (mail, rest) = said.split_once(' ').unwrap();
        [mail.parse::<u32>().unwrap(), rest.parse().unwrap()]
    };
    wait_until("the first ones come", || counts() == [1, 1]);
    let owner = lab.process("own");
    stop(owner);
    assert_eq!(sending.ask(), "sent");
    std::thread::sleep(Duration::from_secs(1));
    let still = counts();
    kill("CONT", owner);
    std::thread::sleep(Duration::from_secs(3));
    let then = counts();
    [(0, 30_000), (1, 10)].map(|(of, sent)| {
        let [still, then] = [still[of], then[of]].map(|count| share(count - 1, sent));
        if still == then { still.to_owned() } else { format!("{still}, then {then}") }
    })
}

#[test]
fn what_passes_of_a_burst_while_nobody_judges_is_what_the_table_says() {
    let _alone = alone();
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    let rows = rows("A program that stands still");
    for datapath in possible() {
        let column = DATAPATHS.iter().position(|one| *one == datapath).unwrap() + 1;
        let written = rows.iter().map(|row| row[column].clone()).collect::<Vec<_>>();
        assert_eq!(burst(datapath).as_slice(), written, "{datapath}");
    }
}
