//! `fixtures/evasion.tsv`: the outcome of every packet in the corpus's `_synthetic/` folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::frame::{Frame, FrameOptions, Origin};
use egress25_skipped::skipped;

use crate::{rows, support};

const COLUMNS: &str = "file\tpacket\tdepth\toutcome\tkind\tlive\trests on\trow of evasion.md";

/// One line: what one packet of one file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    file: String,
    /// The packet's place in the file, from 1.
    packet: u64,
    /// How many tunnels are around it; 0 is the outermost packet.
    depth: usize,
    outcome: String,
    kind: String,
    /// The outcome and kind that live traffic has instead, or `=`.
    live: String,
}

/// The line's own text, and what it rests on.
struct Entry {
    line: Line,
    rests_on: String,
    row: String,
}

fn table() -> Vec<Entry> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/evasion.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(COLUMNS));
    lines.map(entry).collect()
}

fn entry(text: &str) -> Entry {
    let fields: Vec<&str> = text.split('\t').collect();
    let fields: [&str; 8] = fields.try_into().unwrap();
    let [file, packet, depth, outcome, kind, live, rests_on, row] = fields;
    let line = Line {
        file: file.to_owned(),
        packet: packet.parse().unwrap(),
        depth: depth.parse().unwrap(),
        outcome: outcome.to_owned(),
        kind: kind.to_owned(),
        live: live.to_owned(),
    };
    Entry { line, rests_on: rests_on.to_owned(), row: row.to_owned() }
}

/// The folder of built cases, or a loud word and `None` where it is missing.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/_synthetic");
    if !folder.is_dir() {
        skipped(format_args!("no cases at {}", folder.display()));
        return None;
    }
    Some(folder)
}

/// What the packets of a file are.
fn classified(path: &Path) -> Vec<Line> {
    let capture = FrameOptions { look_inside: true, ..FrameOptions::default() };
    let live = FrameOptions { origin: Origin::Live, ..capture };
    let mut reader = CaptureReader::open(path).unwrap();
    let mut lines = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        let on_the_wire = support::all(&frame, &live);
        for (depth, outcome) in support::all(&frame, &capture).iter().enumerate() {
            let live = match on_the_wire.get(depth) {
                Some(live) if live == outcome => "=".to_owned(),
                Some(live) => support::brief(live),
                None => "-".to_owned(),
            };
            lines.push(Line {
                file: path.file_name().unwrap().to_string_lossy().into_owned(),
                packet: record.index + 1,
                depth,
                outcome: outcome.name().to_owned(),
                kind: outcome.kind().to_owned(),
                live,
            });
        }
    }
    lines
}

#[test]
fn every_packet_of_every_case_is_what_the_table_says() {
    let Some(folder) = folder() else { return };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let found: BTreeSet<Line> = files.iter().flat_map(|path| classified(path)).collect();
    let expected: BTreeSet<Line> = table().into_iter().map(|entry| entry.line).collect();
    let missing: Vec<&Line> = expected.difference(&found).collect();
    let extra: Vec<&Line> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "in the table only: {missing:#?}\nin the files only: {extra:#?}"
    );
    assert_eq!(files.len(), 88);
}

#[test]
fn every_line_says_what_it_rests_on_and_names_a_row_that_is_there() {
    let rows = rows::table();
    for Entry { line, rests_on, row } in table() {
        assert!(!rests_on.is_empty(), "{line:?}");
        // Cases that no row speaks of rest on the rule in the column before.
        let known = row == "-" || rows.as_ref().is_none_or(|rows| rows.contains(&row));
        assert!(known, "{line:?} names `{row}`, which is no row");
    }
}

/// Where the corpus proposes another verdict than the table of `evasion.md`, which rules.
const OTHER_PROPOSALS: [(&str, &str); 1] = [
    // Proposed: malformed. The table: a drop with its own reason.
    ("12_dst_zero.pcap", "drop unspecified-destination"),
];

#[test]
fn the_table_agrees_with_the_verdicts_that_the_corpus_proposes() {
    let Some(folder) = folder() else { return };
    let truth = std::fs::read_to_string(folder.join("../truth.tsv")).unwrap();
    let mut outcomes: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for Entry { line, .. } in table().into_iter().filter(|entry| entry.line.depth == 0) {
        outcomes.entry(line.file.clone()).or_default().push(line);
    }
    let mut compared = 0;
    for row in truth.lines() {
        let Some(file) = row.split('\t').next().and_then(|f| f.strip_prefix("_synthetic/")) else {
            continue;
        };
        let (_, proposed) = row.rsplit_once("verdict=").unwrap();
        let lines = &outcomes[file];
        if let Some((_, ours)) = OTHER_PROPOSALS.iter().find(|(other, _)| *other == file) {
            assert_eq!(format!("{} {}", lines[0].outcome, lines[0].kind), *ours);
        } else {
            let proposed = proposed.split(';').next().unwrap();
            let agrees =
                lines.iter().any(|line| proposals(proposed).contains(&line.outcome.as_str()));
            assert!(agrees, "{file}: proposed `{proposed}`, the table has {lines:?}");
        }
        compared += 1;
    }
    assert_eq!(compared, 88);
}

/// The outcomes that a proposed verdict allows, in words of this crate.
fn proposals(proposed: &str) -> Vec<&'static str> {
    let mut allowed = Vec::new();
    for (word, outcomes) in [
        ("NOMATCH", &["no-match"][..]),
        ("MALFORMED", &["malformed"]),
        ("INDETERMINATE", &["indeterminate"]),
        ("ENCAP", &["encapsulated"]),
        // A drop by rule is malformed, a fragment drop or indeterminate here.
        ("DROP", &["fragment-drop", "malformed", "indeterminate"]),
        // Left to the policy, which judges matches.
        ("policy", &["match"]),
    ] {
        if proposed.contains(word) {
            allowed.extend(outcomes);
        }
    }
    if proposed.split_whitespace().any(|word| word == "MATCH") {
        allowed.push("match");
    }
    allowed
}
