//! Every frame of the corpus.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::frame::{self, Frame, FrameOptions, Kind};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::table::{Leaf, RouteSet, TableBuilder};
use egress25_policy::{NetworkName, Reason};
use egress25_skipped::skipped;

use crate::build::Made;
use crate::compare::{Pair, ways};

/// All capture files below a directory.
pub(crate) fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The frames of a capture in runs of one link type, as far as it can be read.
fn runs(path: &Path) -> Vec<(LinkType, Vec<Made>)> {
    let mut runs: Vec<(LinkType, Vec<Made>)> = Vec::new();
    let Ok(mut reader) = CaptureReader::open(path) else { return runs };
    while let Ok(Some(record)) = reader.next_record() {
        let made = Made { bytes: record.data.to_vec(), wire: record.wire_len };
        match runs.last_mut() {
            Some((link, frames)) if *link == record.link => frames.push(made),
            _ => runs.push((record.link, vec![made])),
        }
    }
    runs
}

#[test]
fn every_frame_of_the_corpus_gets_the_same_answer_on_every_level() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        return skipped(format_args!("no corpus at {}", corpus.display()));
    }
    let mut paths = Vec::new();
    files(&corpus, &mut paths);
    let captures: Vec<_> = paths.iter().map(|path| runs(path)).collect();
    let any_port = FrameOptions { port: None, ..FrameOptions::default() };
    let mut senders: BTreeSet<IpAddr> = BTreeSet::new();
    for (link, frames) in captures.iter().flatten() {
        for made in frames {
            let frame = Frame { link: *link, bytes: &made.bytes, wire_len: made.wire };
            senders.extend(frame::outermost(&frame, &any_port).candidate().map(|c| c.source));
        }
    }
    // Two of three senders are known, with one reason each in turn.
    let mut builder = TableBuilder::default();
    let network = builder.network(&NetworkName::from("corpus"));
    let everywhere = ["0.0.0.0/0", "::/0"].map(|net| (net.parse().unwrap(), Leaf::Edge));
    let place = builder.place(network, &RouteSet::new(everywhere.to_vec())).unwrap();
    let reasons = [Reason::NotGranted, Reason::Exempt, Reason::Revoked, Reason::SenderNotRunning];
    for (at, sender) in senders.iter().enumerate().filter(|(at, _)| at % 3 != 0) {
        builder.address(place, *sender, None, reasons[at % reasons.len()]).unwrap();
    }
    let table = Arc::new(builder.build(1).unwrap());
    let (mut total, mut judged) = (0, 0);
    for options in ways() {
        let mut pair = Pair::new(&table, options, None);
        for (link, frames) in captures.iter().flatten() {
            total += frames.len();
            judged += pair.check(*link, None, frames);
        }
        let wanted =
            pair.kinds.iter().zip(Kind::ALL).map(|(count, kind)| format!("{count} {kind}"));
        eprintln!("{options:?}: {}", wanted.collect::<Vec<_>>().join(", "));
    }
    eprintln!("{} files, {total} frames judged, {judged} of them with a reason", paths.len());
    assert!(total > 100_000 && judged > 3_000, "{total} frames, {judged} judged");
}
