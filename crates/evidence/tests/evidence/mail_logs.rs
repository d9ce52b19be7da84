//! The logs that `scripts/mail-logs.sh` captured from the real programs: each tells what was broken.

use std::collections::BTreeSet;
use std::path::Path;

use egress25_evidence::diagnosis::{Fits, Row, Tally, what_fits};
use egress25_evidence::mail_log::{Destination, LineCounts, MailLog, Outcome, Program};
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

fn tries(rows: &[Row]) -> u64 {
    rows.iter().map(|row| row.tries).sum()
}

/// Of a kind: what fits, and how many destinations ended how.
type Kind = (&'static str, &'static [Fits], &'static [(Outcome, usize)]);

const KINDS: [Kind; 9] = [
    ("blocked", &[Fits::Block], &[(Outcome::TimedOut, 3)]),
    ("refused", &[Fits::Refused], &[(Outcome::Refused, 3)]),
    // Those that name no address tell no family.
    ("no-ipv6", &[Fits::NoIpv6, Fits::NoRoute], &[(Outcome::NetworkUnreachable, 2)]),
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
            match kind {
                "no-ipv6" => assert!(
                    !told.is_empty() && told.iter().all(|one| fits.contains(one)),
                    "{name}: {told:?}"
                ),
                _ => assert_eq!(told, fits, "{name}"),
            }
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
    for (folder, expected) in [("postfix", 3), ("journald", 3), ("exim", 6), ("swaks", 6)] {
        let (rows, counts) = read(&fixture(folder, "blocked"));
        assert!(rows.iter().all(|row| row.outcome == Outcome::TimedOut), "{folder}");
        assert_eq!(tries(&rows), expected, "{folder}");
        assert_eq!(counts.not_understood, 0, "{folder}");
    }
    // By the kernel, by a limit of their own, with their own log.
    for folder in ["smtplib", "nodemailer"] {
        let (rows, _) = read(&fixture(folder, "blocked"));
        assert_eq!(tries(&rows), 9, "{folder}");
        let (rows, _) = read(&fixture(folder, "refused"));
        assert_eq!(tries(&rows), 9, "{folder}");
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
    assert_eq!(tries(&rows), 9);
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

/// What fits a log of Postfix: each line's time of day, and what its client says.
fn of_postfix(lines: &[(&str, &str)]) -> Vec<Fits> {
    let log: String = lines
        .iter()
        .map(|(at, said)| format!("Nov 28 {at} vm postfix/smtp[180]: {said}\n"))
        .collect();
    what_fits(&read(log.as_bytes()).0).iter().map(|one| one.fits).collect()
}

fn silent(server: &str) -> String {
    format!("connect to {server}:25: Connection timed out")
}

fn sent(server: &str, port: u16) -> String {
    format!(
        "F2F: to=<a@one.example>, relay={server}:{port}, delay=3, dsn=2.0.0, status=sent (250 taken)"
    )
}

const ONE: &str = "mx.one.example[203.0.113.25]";
const OTHER: &str = "mx.one.example[203.0.113.26]";
const TWO: &str = "mx.two.example[198.51.100.25]";
const THREE: &str = "mx.three.example[198.51.100.26]";

#[test]
fn the_next_address_of_a_server_was_a_change() {
    let (one, other) = (silent(ONE), sent(OTHER, 25));
    assert_eq!(of_postfix(&[("05:49:22", &one), ("05:49:23", &other)]), [Fits::OneDestination]);
    // Nothing that was silent was tried again.
    let (two, three) = (silent(TWO), sent(THREE, 25));
    let dead = [("05:49:22", &*one), ("05:49:23", &two), ("05:49:24", &three)];
    assert_eq!(of_postfix(&dead), [Fits::SomeDestinations]);
    // The same address, before and after.
    let again = sent(ONE, 25);
    assert_eq!(of_postfix(&[("05:49:22", &one), ("06:49:22", &again)]), [Fits::Changed]);
    assert_eq!(of_postfix(&[("06:49:22", &one), ("05:49:22", &again)]), [Fits::Changed]);
    let in_between = [("05:49:22", &*one), ("06:49:22", &again), ("07:49:22", &one)];
    assert_eq!(of_postfix(&in_between), [Fits::OneDestination]);
}

#[test]
fn a_probe_was_a_change() {
    let row = |address: &str, port, outcome| Row {
        number: Some(1),
        ..Row::probed(
            None,
            Destination { name: Some("mx.one.example".to_owned()), address: address.parse().ok() },
            Some(port),
            outcome,
        )
    };
    let fits = |rows: &[Row]| what_fits(rows).iter().map(|one| one.fits).collect::<Vec<_>>();
    let rows =
        [row("203.0.113.25", 25, Outcome::TimedOut), row("203.0.113.26", 25, Outcome::Connected)];
    assert_eq!(fits(&rows), [Fits::OneDestination]);
    // An open port of a probe is no relay that is in use, and other ports are none.
    let rows = [
        row("203.0.113.25", 25, Outcome::TimedOut),
        row("203.0.113.25", 587, Outcome::Connected),
        row("10.9.9.9", 443, Outcome::Connected),
        row("127.0.0.1", 587, Outcome::Connected),
    ];
    assert_eq!(fits(&rows), [Fits::Block, Fits::SubmissionOpen]);
    // One host of which nothing answers cannot tell.
    let rows = [25, 465, 587, 443].map(|port| row("203.0.113.25", port, Outcome::TimedOut));
    assert_eq!(fits(&rows), [Fits::TooLittle]);
    assert!(what_fits(&rows)[0].next.is_some_and(|next| next.contains("OTHER")));
}

#[test]
fn silence_of_ipv6_before_a_delivery_by_ipv4_was_a_change() {
    let (six, sixteen) =
        (silent("mx.one.example[2001:db8::77]"), silent("mx.two.example[2001:db8::78]"));
    let by_ipv4 = sent(ONE, 25);
    let log = [("06:25:31", &*six), ("06:26:01", &sixteen), ("06:26:02", &by_ipv4)];
    assert_eq!(of_postfix(&log), [Fits::NotBlocked, Fits::Ipv6Silent]);
    assert_eq!(of_postfix(&log[..2]), [Fits::Ipv6Silent]);
}

#[test]
fn two_names_of_one_server_were_a_block() {
    let names =
        [silent("a-com.mail.example[203.0.113.25]"), silent("b-com.mail.example[203.0.113.25]")];
    let log = [("05:49:22", &*names[0]), ("05:49:52", &names[1])];
    assert_eq!(of_postfix(&log), [Fits::TooLittle]);
    let (one, other) = (silent(ONE), silent(OTHER));
    assert_eq!(of_postfix(&[("05:49:22", &one), ("05:49:52", &other)]), [Fits::TooLittle]);
    let two = silent(TWO);
    assert_eq!(of_postfix(&[("05:49:22", &one), ("05:49:52", &two)]), [Fits::Block]);
}

#[test]
fn two_addresses_of_one_server_could_not_be_told_apart() {
    let of = |servers: &[&str]| {
        let lines = servers.iter().map(|one| format!("postfix/smtp[1]: {}\n", silent(one)));
        let (rows, _) = read(lines.collect::<String>().as_bytes());
        rows.iter().map(|row| (row.number, row.address_number)).collect::<Vec<_>>()
    };
    assert_eq!(of(&[ONE, OTHER]), [(Some(1), Some(1)), (Some(1), Some(2))]);
    assert_eq!(of(&[ONE, TWO]), [(Some(1), None), (Some(2), None)]);
    // Two names of one address are one.
    let names = ["a.example[203.0.113.25]", "b.example[203.0.113.25]"];
    assert_eq!(of(&names), [(Some(1), None), (Some(1), None)]);
}

#[test]
fn an_answer_without_a_port_was_no_answer() {
    let said =
        "F2F: host mx.three.example[198.51.100.26] said: 450 later (in reply to RCPT TO command)";
    let (one, two) = (silent(ONE), silent(TWO));
    let log = [("05:49:21", said), ("05:49:51", &*one), ("05:50:21", &two)];
    assert_eq!(of_postfix(&log), [Fits::SomeDestinations, Fits::Rejected]);
    // Nobody says at which port.
    let log = [("05:49:51", &*one), ("05:50:21", &two), ("05:50:22", said)];
    assert_eq!(of_postfix(&log), [Fits::SomeDestinations, Fits::Rejected]);
}

#[test]
fn a_private_relay_or_a_content_filter_was_a_way_out() {
    let (one, two) = (silent(ONE), silent(TWO));
    let (inside, filter) = (
        "connect to relay[10.0.0.5]:587: Connection timed out",
        sent("127.0.0.1[127.0.0.1]", 10024),
    );
    let log = [("05:49:21", &*one), ("05:49:51", &two), ("05:50:21", inside)];
    assert_eq!(of_postfix(&log), [Fits::Block, Fits::PrivateSilent]);
    let shut = "connect to relay.example[192.0.2.187]:587: Connection timed out";
    let log = [("05:49:21", &*one), ("05:49:51", &two), ("05:50:21", shut), ("05:50:22", &filter)];
    assert_eq!(of_postfix(&log), [Fits::AllSilent]);
    assert_eq!(of_postfix(&[("05:50:22", &filter)]), []);
    for port in [25, 587] {
        assert_eq!(of_postfix(&[("05:50:22", &sent("127.0.0.1[127.0.0.1]", port))]), []);
    }
    let inside = sent("exchange.example[10.1.1.5]", 25);
    assert_eq!(of_postfix(&[("05:50:22", &inside)]), [Fits::RelayInUse]);
}

#[test]
fn what_a_queue_says_again_was_no_try_or_is_no_further_one() {
    let suspended = |server: &str| {
        format!(
            "F2F: to=<a@one.example>, relay=none, delay=3, dsn=4.4.1, status=deferred (delivery \
             temporarily suspended: {})",
            silent(server)
        )
    };
    let (one, two) = (suspended(ONE), suspended(TWO));
    let log = [("05:49:21", &*one), ("05:49:51", &two), ("06:49:51", &two)];
    assert_eq!(of_postfix(&log), [Fits::Block]);
    let direct = silent(ONE);
    let text = format!(
        "Nov 28 05:49:21 vm postfix/smtp[1]: {direct}\nNov 28 05:49:22 vm postfix/qmgr[2]: {one}\n\
         Nov 28 06:49:22 vm postfix/qmgr[2]: {one}\nNov 28 06:49:22 vm postfix/error[2]: {two}\n"
    );
    let (rows, counts) = read(text.as_bytes());
    assert_eq!(rows.iter().map(|row| row.tries).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(counts.not_understood, 0);
}

#[test]
fn an_unreachable_network_of_no_family_was_no_ipv6() {
    let text = "Traceback (most recent call last):\n  File \"/usr/lib/smtplib.py\", line 3\n\
                OSError: [Errno 101] Network is unreachable\n";
    let (rows, _) = read(text.as_bytes());
    assert_eq!(what_fits(&rows)[0].fits, Fits::NoRoute);
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
        prop_assert!(tries(&rows) <= counts.lines);
    }
}
