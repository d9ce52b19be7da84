//! The corpus of real captures: our counts of SYNs beside those of libpcap and tshark.
//!
//! `fixtures/corpus-disagreements.tsv` lists every file where the three counts are not one,
//! with the reasons. A reason is found for each packet, and the differences must add up:
//! `theirs = ours + reasons`. The reasons, all from `evasion.md`:
//!
//! - `vlan-tag`, `mpls`, `pppoe`, `llc`, `ipv6-extension-header`, `authentication-header`,
//!   `null-byte-order`: libpcap's expression does not look through it, we do.
//! - `ipv6-not-in-the-column`: the column for any port counts IPv4 only.
//! - `malformed`, `fragment-drop`: they count what the table makes malformed or a fragment drop.
//! - `payload-length-zero`: tshark reads nothing behind it, we read what segmentation offload left.
//! - `inside-a-tunnel`, `quoted-in-icmp`: tshark counts there; the outer packet is no SYN.
//! - `over-our-limit`: tshark reads more VLAN tags or extension headers than we do.
//! - `reassembled`: tshark puts fragments together and counts where the last one comes; we
//!   judge each on its own. Only allowed where the file has fragments of TCP.
//! - `link-type-refused`: the file is refused by name; we count nothing.
//! - `libpcap-cannot-read`, `tshark-cannot-read`: by its own word in the notes, it stopped at
//!   the file's format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::frame::{Frame, FrameOptions, Outcome};
use egress25_skipped::skipped;

use crate::{support, yardsticks};

/// Where the column of `truth.tsv` for any port is not what tshark counts: 26 files of one
/// folder, and what tshark 4.0.17 (the version that the corpus names) counts in them, taken
/// with the corpus's own display filter. The column for port 25 is right in all files.
const REMEASURED_IN: &str = "arkime+arkime/tests__pcap__";
const REMEASURED: [(&str, i64); 26] = [
    ("aerospike.pcap", 2),
    ("ah-esp.pcap", 0),
    ("badcurveball.pcap", 1),
    ("cloudshark-bgp-md5.pcap", 1),
    ("dcerpc_synthetic.pcap", 18),
    ("dns-tcp.pcap", 2),
    ("http-no-length.pcap", 1),
    ("http-post-upload.pcap", 2),
    ("https-generalizedtime.pcap", 1),
    ("https2-301-get.pcap", 1),
    ("kafka.pcap", 1),
    ("long-session.pcap", 1),
    ("mongo.pcap", 8),
    ("mpls-basic.pcap", 1),
    ("nbns.pcap", 0),
    ("no-syn-ack.pcap", 2),
    ("openssl-ssl3.pcap", 1),
    ("pop3-tag.pcap", 1),
    ("postgres-badpass.pcap", 1),
    ("smb-port80.pcap", 1),
    ("smtp-subject-multi-nospace.pcap", 1),
    ("socks5-reverse.pcap", 1),
    ("tcpseq_synthetic.pcap", 6),
    ("tds7.pcap", 1),
    ("turn.pcap", 1),
    ("twovlan.pcap", 1),
];

/// What tshark counts in a file by [`REMEASURED`], for any port.
fn remeasured(file: &str) -> Option<i64> {
    let name = file.strip_prefix(REMEASURED_IN)?;
    REMEASURED.iter().find(|(other, _)| *other == name).map(|(_, count)| *count)
}

/// Reasons and the difference that each makes.
type Reasons = BTreeMap<&'static str, i64>;

/// What reading a file came to, for one port.
#[derive(Debug, Default)]
struct Tally {
    ours: i64,
    libpcap: Reasons,
    tshark: Reasons,
    /// Whether TCP came in fragments.
    fragments: bool,
    /// Whether the link type was refused.
    refused: bool,
}

/// A line of `truth.tsv`; a count that was not taken is `None`.
struct Truth {
    file: String,
    notes: String,
    libpcap: [Option<i64>; 2],
    tshark: [Option<i64>; 2],
}

fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.join("truth.tsv").is_file() {
        skipped(format_args!("no corpus at {}", corpus.display()));
        return None;
    }
    Some(corpus)
}

fn truth(corpus: &Path) -> Vec<Truth> {
    let text = std::fs::read_to_string(corpus.join("truth.tsv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let column = |name| header.iter().position(|column| *column == name).unwrap();
    let [file, notes] = ["file", "notes"].map(column);
    let libpcap = ["libpcap_matches", "libpcap_anyport_syn_v4"].map(column);
    let tshark = ["tshark_matches", "tshark_anyport_syn"].map(column);
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let count = |column: usize| fields[column].parse().ok();
            Truth {
                file: fields[file].to_owned(),
                notes: fields[notes].to_owned(),
                libpcap: libpcap.map(count),
                tshark: tshark.map(count),
            }
        })
        .collect()
}

/// Reads a file to its end, or to the record where it breaks off, for both ports.
fn tally(path: &Path) -> [Tally; 2] {
    let mut tallies = [Tally::default(), Tally::default()];
    let mut reader = match CaptureReader::open(path) {
        Ok(reader) => reader,
        Err(error) => {
            let refused = error.to_string().contains("link type");
            return tallies.map(|tally| Tally { refused, ..tally });
        }
    };
    while let Ok(Some(record)) = reader.next_record() {
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        for (tally, port) in tallies.iter_mut().zip([Some(25), None]) {
            let options = FrameOptions { look_inside: true, port, ..FrameOptions::default() };
            count(tally, &frame, port, &support::all(&frame, &options));
        }
    }
    tallies
}

fn count(tally: &mut Tally, frame: &Frame<'_>, port: Option<u16>, outcomes: &[Outcome]) {
    let outer = &outcomes[0];
    tally.ours += i64::from(outer.candidate().is_some());
    tally.fragments |= yardsticks::is_tcp_fragment(frame, outer);
    if let Some((reason, difference)) = yardsticks::libpcap_reason(frame, port, outer) {
        *tally.libpcap.entry(reason).or_default() += difference;
    }
    if let Some((reason, difference)) = yardsticks::tshark_reason(frame, port, outcomes) {
        *tally.tshark.entry(reason).or_default() += difference;
    }
}

/// What is left over when the reasons are added up goes to the one reason that is allowed for
/// whole files, or is unexplained.
fn settle(
    ours: i64,
    theirs: Option<i64>,
    mut reasons: Reasons,
    whole_file: &'static str,
) -> Reasons {
    let Some(theirs) = theirs else { return Reasons::new() };
    let rest = theirs - ours - reasons.values().sum::<i64>();
    if rest != 0 {
        *reasons.entry(whole_file).or_default() += rest;
    }
    reasons
}

fn text(reasons: &Reasons) -> String {
    let words: Vec<String> =
        reasons.iter().map(|(reason, difference)| format!("{reason} {difference:+}")).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// The lines of the table for a file: none where all agree.
fn disagreements(truth: &Truth, tallies: [Tally; 2]) -> String {
    let mut lines = String::new();
    for (place, (tally, port)) in tallies.into_iter().zip(["25", "any"]).enumerate() {
        let ours = tally.ours;
        let libpcap = truth.libpcap[place];
        let remeasured = remeasured(&truth.file).filter(|_| port == "any");
        let tshark = remeasured.or(truth.tshark[place]);
        let for_libpcap = match tally.refused {
            true => "link-type-refused",
            false if truth.notes.contains("libpcap: ") => "libpcap-cannot-read",
            false => "unexplained",
        };
        let for_tshark = match tally.refused {
            true => "link-type-refused",
            false if tally.fragments => "reassembled",
            false if truth.notes.contains("tshark: ") => "tshark-cannot-read",
            false => "unexplained",
        };
        let by_libpcap = settle(ours, libpcap, tally.libpcap, for_libpcap);
        let by_tshark = settle(ours, tshark, tally.tshark, for_tshark);
        if by_libpcap.is_empty() && by_tshark.is_empty() {
            continue;
        }
        let shown = |count: Option<i64>| count.map_or("-".to_owned(), |count| count.to_string());
        let (libpcap, tshark) = (shown(libpcap), shown(tshark));
        let (by_libpcap, by_tshark) = (text(&by_libpcap), text(&by_tshark));
        let file = &truth.file;
        writeln!(lines, "{file}\t{port}\t{ours}\t{libpcap}\t{tshark}\t{by_libpcap}\t{by_tshark}")
            .unwrap();
    }
    lines
}

#[test]
fn every_disagreement_with_libpcap_and_tshark_is_explained() {
    let Some(corpus) = corpus() else { return };
    let mut found =
        "file\tport\tours\tlibpcap\ttshark\tlibpcap differs by\ttshark differs by\n".to_owned();
    let truths = truth(&corpus);
    assert_eq!(truths.len(), 1368);
    for truth in &truths {
        found.push_str(&disagreements(truth, tally(&corpus.join(&truth.file))));
    }
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/corpus-disagreements.tsv");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    let only = |lines: &str, others: &str| {
        let lines = lines.lines().filter(|line| !others.lines().any(|other| other == *line));
        lines.collect::<Vec<_>>().join("\n")
    };
    let (new, gone) = (only(&found, &expected), only(&expected, &found));
    assert!(new.is_empty() && gone.is_empty(), "not in the table:\n{new}\ntable only:\n{gone}");
    assert!(!found.contains("unexplained"), "no rule explains:\n{found}");
}
