//! What a replay came to.

use std::collections::BTreeMap;

use egress25_packet_filter::capture::CaptureError;
use egress25_policy::{Reason, Verdict};
use jiff::Timestamp;
use serde::Serialize;

use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::row::PacketRow;
use crate::say::failure::Failure;

/// What a replay came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// How many packets were read.
    pub packets: u64,
    /// How many judgements there were, those inside of tunnels included.
    pub judged: u64,
    /// Packets that are no SYN to port 25 and pass unjudged.
    pub unjudged: u64,
    /// Judgements that pass.
    pub passed: u64,
    /// Judgements that drop.
    pub dropped: u64,
    /// Judgements that reject.
    pub rejected: u64,
    /// Packets whose headers break their own rules.
    pub malformed: u64,
    /// Fragments that hide the TCP header, or could rewrite it.
    pub fragments_dropped: u64,
    /// Packets whose bytes do not tell what they are.
    pub indeterminate: u64,
    /// Packets of a link type that is not understood.
    pub not_understood: u64,
    /// The time of the first packet.
    pub first: Option<Timestamp>,
    /// The time of the last packet.
    pub last: Option<Timestamp>,
    /// How many events of the inventory happened by then.
    pub events_happened: usize,
    /// How many events there are.
    pub events: usize,
    /// Whether the capture was read to its end, and was not cut before it.
    pub complete: bool,
    /// Counts by subscription, verdict and reason.
    pub by_subscription: Vec<Count>,
    /// What whoever reads this has to know.
    pub warnings: Vec<String>,
    #[serde(skip)]
    counts: BTreeMap<(String, Reason, Verdict), u64>,
    #[serde(skip)]
    link_error: Option<String>,
}

/// A count of the summary.
#[derive(Debug, Clone, Serialize)]
pub struct Count {
    /// The sender's subscription; none where the inventory does not know the sender.
    pub subscription: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
    /// How many.
    pub packets: u64,
}

fn add(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}

impl Summary {
    /// Counts a judged packet.
    pub(super) fn count(&mut self, row: &PacketRow) {
        add(&mut self.judged, 1);
        match row.verdict {
            Verdict::Pass => add(&mut self.passed, 1),
            Verdict::Drop => add(&mut self.dropped, 1),
            Verdict::Reject => add(&mut self.rejected, 1),
        }
        match row.reason {
            Reason::Malformed => add(&mut self.malformed, 1),
            Reason::FragmentDrop => add(&mut self.fragments_dropped, 1),
            Reason::Indeterminate => add(&mut self.indeterminate, 1),
            _ => {}
        }
        let subscription = row.subscription.as_ref().map(ToString::to_string).unwrap_or_default();
        add(self.counts.entry((subscription, row.reason, row.verdict)).or_default(), 1);
    }

    /// Counts a packet that was looked at.
    pub(super) fn packet(&mut self, rows: usize) {
        add(&mut self.packets, 1);
        if rows == 0 {
            add(&mut self.unjudged, 1);
        }
    }

    /// Counts the packets of a batch that pass unjudged, and takes in the earliest and the latest
    /// time of the whole batch.
    pub(super) fn passed_over(&mut self, count: usize, times: Option<(Timestamp, Timestamp)>) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        add(&mut self.packets, count);
        add(&mut self.unjudged, count);
        if let Some((earliest, latest)) = times {
            self.first = Some(self.first.map_or(earliest, |first| first.min(earliest)));
            self.last = Some(self.last.map_or(latest, |last| last.max(latest)));
        }
    }

    /// Counts a packet of a link type that is not understood.
    pub(super) fn not_understood(&mut self, error: &CaptureError) {
        add(&mut self.not_understood, 1);
        add(&mut self.packets, 1);
        if self.link_error.is_none() {
            self.link_error = Some(error.to_string());
        }
    }

    /// The failure of a capture of which no packet can be understood, as of a pcap file of such a
    /// link type.
    pub(super) fn nothing_understood(&self) -> Option<Failure> {
        let error = self.link_error.as_ref().filter(|_| self.packets == self.not_understood)?;
        Some(Failure::NothingUnderstood { first: error.clone() })
    }

    /// Brings the counts together at the end.
    pub(super) fn close(&mut self, judge: &ReplayJudge, capture: &str, complete: bool) {
        self.complete = complete;
        (self.events_happened, self.events) = judge.events(self.last);
        self.by_subscription = self
            .counts
            .iter()
            .map(|((subscription, reason, verdict), packets)| Count {
                subscription: Some(subscription.clone()).filter(|name| !name.is_empty()),
                verdict: *verdict,
                reason: *reason,
                packets: *packets,
            })
            .collect();
        let unknown = self.counted(Reason::UnknownSource);
        let mut warn = |text: String| self.warnings.push(text);
        if self.packets == 0 {
            warn(format!("there is no packet in `{capture}`: nothing was judged"));
        } else if self.judged == 0 {
            warn(format!(
                "none of the {} packets in `{capture}` is a SYN to port 25: nothing was judged",
                self.packets
            ));
        }
        if let Some(first) = &self.link_error {
            let count = self.not_understood;
            warn(format!("{count} packets are of a link type that is not understood; {first}"));
        }
        if judge.without_time > 0 {
            warn(format!(
                "{} packets that are judged have no time; they were judged by the inventory as it stood at the packet \
                 before them",
                judge.without_time
            ));
        }
        if unknown > 0 && unknown.saturating_mul(2) > self.judged {
            warn(format!(
                "{unknown} of {} judged packets come from addresses that the inventory does not know: \
                 does it fit the capture?",
                self.judged
            ));
        }
    }

    fn counted(&self, reason: Reason) -> u64 {
        let of = self.counts.iter().filter(|((_, counted, _), _)| *counted == reason);
        of.map(|(_, count)| *count).sum()
    }
}

/// What a replay is, lest anybody takes it for more.
pub(super) const ONLY_REPORTS: &str = "replay only reports: nothing was sent, nothing was blocked";
