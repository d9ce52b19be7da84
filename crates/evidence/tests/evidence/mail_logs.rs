//! The logs that `scripts/mail-logs.sh` captured from the real programs: each tells what was broken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use egress25_evidence::diagnosis::{Fits, Row, Tally, what_fits};
use egress25_evidence::mail_log::{LineCounts, MailLog, Outcome, Program};
use proptest::prelude::*;

/// The folders of the fixtures, and the program that is recognised in them.
const PROGRAMS: [(&str, Program); 6] = [
    ("postfix", Program::Postfix),
    ("journald", Program::Postfix),
    ("exim", Program::Exim),
    ("swaks", Program::Swaks),
    ("smtplib", Program::Smtplib),
    ("nodemailer", Program::Nodemailer),
];

fn read(text: &[u8]) -> (Vec<Row>, LineCounts) {
    let (mut log, mut found, mut tally) = (MailLog::default(), Vec::new(), Tally::default());
    for line in text.split(|byte| *byte == b'\n') {
        log.line(line, &mut found);
        found.drain(..).for_each(|attempt| tally.add(attempt));
    }
    log.end(&mut found);
    found.into_iter().for_each(|attempt| tally.add(attempt));
    (tally.rows(), log.counts())
}

fn fixture(program: &str, kind: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/mail-logs");
    std::fs::read(fixtures.join(program).join(format!("{kind}.log"))).unwrap()
}

/// How many tries ended how, of the destinations that the log names.
fn outcomes(rows: &[Row]) -> BTreeMap<Outcome, u64> {
    let mut outcomes = BTreeMap::new();
    for row in rows.iter().filter(|row| row.number.is_some()) {
        *outcomes.entry(row.outcome).or_default() += row.tries;
    }
    outcomes
}

/// Of a kind: what fits, and how many destinations ended how.
type Kind = (&'static str, &'static [Fits], &'static [(Outcome, usize)]);

const KINDS: [Kind; 9] = [
    ("blocked", &[Fits::Block], &[(Outcome::TimedOut, 3)]),
    ("refused", &[Fits::Refused], &[(Outcome::Refused, 3)]),
    ("no-ipv6", &[Fits::NoIpv6], &[(Outcome::NetworkUnreachable, 2)]),
    (
        "one-destination",
        &[Fits::OneDestination],
        &[(Outcome::TimedOut, 1), (Outcome::Delivered, 2)],
    ),
    (
        "name-not-found",
        &[Fits::NameResolution],
        &[(Outcome::NameNotFound, 1), (Outcome::NameNotAnswered, 1)],
    ),
    ("relay", &[Fits::RelayInUse], &[(Outcome::Delivered, 1)]),
    ("tls", &[Fits::NotBlocked, Fits::Tls], &[(Outcome::TlsFailed, 2)]),
    ("lost", &[Fits::NotBlocked, Fits::ConnectionLost], &[(Outcome::ConnectionLost, 2)]),
    ("rejected", &[Fits::NotBlocked, Fits::Rejected], &[(Outcome::Rejected, 2)]),
];

#[test]
fn every_kind_of_every_program_is_told_right() {
    for (kind, fits, ended) in KINDS {
        for (folder, program) in PROGRAMS {
            let name = format!("{folder}, {kind}");
            let (rows, _) = read(&fixture(folder, kind));
            assert!(rows.iter().all(|row| row.program == Some(program)), "{name}");
            let mut told: Vec<_> = what_fits(&rows).iter().map(|one| one.fits).collect();
            if kind == "rejected" {
                // The bounce goes to the machine itself, whose name does not exist.
                told.retain(|fits| *fits != Fits::NameResolution);
            }
            assert_eq!(told, fits, "{name}");
            for (outcome, destinations) in ended {
                let with = rows.iter().filter(|row| row.outcome == *outcome);
                let numbers: BTreeSet<_> = with.filter_map(|row| row.number).collect();
                // The bounce once more: its domain is not found either.
                let bounces = kind == "name-not-found" && *outcome == Outcome::NameNotFound;
                let extra =
                    usize::from(bounces && ["postfix", "journald", "exim"].contains(&folder));
                assert_eq!(numbers.len(), destinations + extra, "{name}: {outcome:?}");
            }
            if kind == "rejected" {
                assert!(rows.iter().any(|row| row.reply == Some(550)), "{name}");
            }
        }
    }
}

#[test]
fn each_connection_is_counted_once() {
    // Three destinations; Exim, swaks and nodemailer were run several times.
    for (folder, tries) in [("postfix", 3), ("journald", 3), ("exim", 6), ("swaks", 6)] {
        let (rows, counts) = read(&fixture(folder, "blocked"));
        assert_eq!(outcomes(&rows), [(Outcome::TimedOut, tries)].into(), "{folder}");
        assert_eq!(counts.not_understood, 0, "{folder}");
    }
    // By the kernel, by a limit of their own, with their own log.
    for folder in ["smtplib", "nodemailer"] {
        let (rows, _) = read(&fixture(folder, "blocked"));
        assert_eq!(rows.iter().map(|row| row.tries).sum::<u64>(), 9, "{folder}");
        let (rows, _) = read(&fixture(folder, "refused"));
        assert_eq!(rows.iter().map(|row| row.tries).sum::<u64>(), 9, "{folder}");
    }
}

#[test]
fn several_programs_may_stand_in_one_log() {
    let mixed: Vec<u8> =
        PROGRAMS.iter().flat_map(|(folder, _)| fixture(folder, "blocked")).collect();
    let (rows, _) = read(&mixed);
    let programs: BTreeSet<_> = rows.iter().filter_map(|row| row.program).collect();
    assert_eq!(programs.len(), 5);
    // The same three servers, whether they are told by name, by address, or by both.
    assert_eq!(rows.iter().filter_map(|row| row.number).max(), Some(3));
}

#[test]
fn a_traceback_that_is_one_entry_of_a_journal_is_read() {
    let traceback = fixture("smtplib", "refused");
    let text = String::from_utf8_lossy(&traceback).replace('"', "\\\"").replace('\n', "\\n");
    let entry = format!("{{\"MESSAGE\":\"{text}\",\"SYSLOG_IDENTIFIER\":\"app\"}}");
    let (rows, counts) = read(entry.as_bytes());
    assert_eq!(rows.iter().map(|row| row.tries).sum::<u64>(), 9);
    assert_eq!((counts.lines, counts.not_understood), (1, 0));
}

#[test]
fn a_log_of_before_and_after_is_no_one_destination() {
    let log = [fixture("postfix", "blocked"), fixture("postfix", "rejected")].concat();
    let (rows, _) = read(&log);
    assert_eq!(what_fits(&rows)[0].fits, Fits::Changed);
    let log = [fixture("postfix", "rejected"), fixture("postfix", "blocked")].concat();
    let (rows, _) = read(&log);
    assert_eq!(what_fits(&rows)[0].fits, Fits::Changed);
}

/// Pieces of all logs, so that what is made of them goes through the readers and not past them.
fn pieces() -> Vec<String> {
    let kinds = KINDS.iter().flat_map(|(kind, ..)| PROGRAMS.map(|(folder, _)| (folder, *kind)));
    let logs = kinds.map(|(folder, kind)| fixture(folder, kind));
    let text: Vec<String> = logs.map(|log| String::from_utf8_lossy(&log).into_owned()).collect();
    text.iter().flat_map(|log| log.lines()).map(str::to_owned).collect()
}

proptest! {
    #[test]
    fn no_bytes_end_the_reading(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn no_damaged_line_ends_the_reading(
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..300, any::<u8>(), 0_usize..300), 1..40),
    ) {
        let pieces = pieces();
        let mut log = Vec::new();
        for (pick, at, byte, cut) in picks {
            let mut line = pick.get(&pieces).clone().into_bytes();
            if let Some(place) = line.get_mut(at) {
                *place = byte;
            }
            line.truncate(line.len().saturating_sub(cut.saturating_sub(200)));
            log.extend(line);
            log.push(b'\n');
        }
        let (rows, counts) = read(&log);
        prop_assert!(rows.iter().map(|row| row.tries).sum::<u64>() <= counts.lines);
    }
}
