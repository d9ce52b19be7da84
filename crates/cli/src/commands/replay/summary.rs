//! What a replay came to.

use egress25_packet_filter::capture::{CaptureBatch, CaptureError};
use egress25_packet_filter::filter::Met;
use egress25_packet_filter::frame::Kind;
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::Ruling;
use egress25_policy::{Reason, StoppedBy, Verdict};
use jiff::Timestamp;
use serde::Serialize;

use crate::args::FailOn;
use crate::commands::connections::by_subscription::{self, Counted, SubscriptionCount};
use crate::commands::connections::counts::ConnectionCounts;
use crate::commands::connections::today::Today;
use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::timings::Timings;
use crate::commands::replay::tunnels::Tunnels;
use crate::say::failure::Failure;

/// What a replay came to.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Summary {
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
    /// Packets that pass in a tag or tunnel beside the usual ones. Those in UDP are only known
    /// where what is inside of tunnels was looked at.
    pub other_encapsulation: u64,
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
    pub by_subscription: Vec<SubscriptionCount>,
    /// The connections, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionCounts>,
    /// The editions that judged, oldest first.
    pub editions: Vec<String>,
    /// What the edition in force answers, where another one judged.
    pub today: Option<Today>,
    /// What whoever reads this has to know.
    pub warnings: Vec<String>,
    /// How long each stage took, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    #[serde(skip)]
    link_error: Option<String>,
    #[serde(skip)]
    mistaken: MistakenLinks,
}

/// How many of a capture's first packets are said to be of another link type than they plainly are.
#[derive(Debug, Clone, Default)]
struct MistakenLinks {
    looked_at: u64,
    mistaken: u64,
    /// What the last one is said to be, and what it is.
    types: Option<(LinkType, LinkType)>,
}

impl MistakenLinks {
    /// How many packets are looked at.
    const ENOUGH: u64 = 1000;

    fn look_at(&mut self, batch: &CaptureBatch<'_>) {
        let mut records = (0..batch.len()).filter_map(|place| batch.record(place));
        while self.looked_at < Self::ENOUGH
            && let Some(record) = records.next()
        {
            add(&mut self.looked_at, 1);
            if let Some(is) = record.link.mistaken_for(record.data, record.wire_len) {
                add(&mut self.mistaken, 1);
                self.types = Some((record.link, is));
            }
        }
    }

    fn warning(&self) -> Option<String> {
        let Self { looked_at, mistaken, types } = self;
        let (said, is) = (*types).filter(|_| mistaken.saturating_mul(2) > *looked_at)?;
        let name = if is == LinkType::Ethernet { "ether" } else { "rawip" };
        Some(format!(
            "{mistaken} of the first {looked_at} packets do not look like {said}, as the capture says, \
             but like {is}: a wrong link type? `editcap -T {name} in.pcap out.pcap` writes it anew"
        ))
    }
}

fn add(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}

impl Summary {
    /// Takes in the packets of a batch: how many, and the earliest and the latest time. What they
    /// were judged comes from the filter's counters.
    pub(super) fn batch(&mut self, batch: &CaptureBatch<'_>, rulings: &[Ruling]) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let judged = rulings.iter().filter(|ruling| ruling.is_judged()).count();
        let others = rulings.iter().filter(|ruling| ruling.kind() == Kind::OtherEncapsulation);
        add(&mut self.other_encapsulation, number(others.count()));
        add(&mut self.packets, number(batch.len()));
        self.mistaken.look_at(batch);
        add(&mut self.unjudged, number(batch.len().saturating_sub(judged)));
        if let Some((earliest, latest)) = batch.times() {
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

    /// The failure of what it shows, where it is asked to fail on that.
    pub(super) fn failure(&self, on: FailOn) -> Option<Failure> {
        match on {
            FailOn::Contradiction => {
                let found = self.connections.as_ref()?.contradiction("SYNs")?;
                Some(Failure::Differs(found))
            }
            FailOn::NothingJudged => {
                by_subscription::nothing_judged(&self.by_subscription, "the capture")
                    .map(Failure::Differs)
            }
        }
    }

    /// Brings the counts together at the end.
    pub(super) fn close(
        &mut self,
        judge: &ReplayJudge,
        capture: &str,
        complete: bool,
        tunnels: Tunnels,
        described: bool,
        of_another_time: Option<String>,
    ) {
        self.complete = complete;
        self.unjudged = self.unjudged.saturating_sub(judge.inside_alone());
        (self.events_happened, self.events) = judge.events(self.last);
        let times = self.first.zip(self.last).unwrap_or_default();
        self.editions = judge.inventory().editions(times.0, times.1);
        for Met { reason, verdict, count, .. } in judge.counters().met() {
            add(&mut self.judged, count);
            add(
                match verdict {
                    Verdict::Pass => &mut self.passed,
                    Verdict::Drop => &mut self.dropped,
                    Verdict::Reject => &mut self.rejected,
                },
                count,
            );
            match reason {
                Reason::Malformed => add(&mut self.malformed, count),
                Reason::FragmentDrop => add(&mut self.fragments_dropped, count),
                Reason::Indeterminate => add(&mut self.indeterminate, count),
                _ => {}
            }
        }
        let met = judge.counters().met().into_iter().map(|met| {
            let subscription = met.subscription.map(|name| name.to_string());
            let stopped_by = StoppedBy::of(met.verdict, met.reason);
            (subscription, met.reason, met.verdict, stopped_by, met.count)
        });
        self.by_subscription = by_subscription::of(met, Counted::Packets);
        let unknown = by_subscription::unknown(&self.by_subscription);
        let mut warn = |text: String| self.warnings.push(text);
        if self.packets == 0 {
            warn(format!("there is no packet in `{capture}`: nothing was judged"));
        } else if self.judged == 0 {
            warn(format!(
                "none of the {} packets in `{capture}` is a SYN to port 25: nothing was judged{}",
                self.packets,
                may_carry(tunnels)
            ));
        }
        if let Some(text) = self.mistaken.warning() {
            warn(text);
        }
        if let Some(text) = of_another_time {
            warn(text);
        }
        if let Some(first) = &self.link_error {
            let count = self.not_understood;
            warn(format!("{count} packets are of a link type that is not understood; {first}"));
        }
        if judge.without_time() > 0 {
            warn(format!(
                "{} packets that are judged have no time; they were judged by the inventory as it \
                 stood at the packet before them",
                judge.without_time()
            ));
        }
        if unknown > 0 && unknown.saturating_mul(2) > self.judged {
            let how = match described {
                true => "are not private; those that are yours can be named with --mine PREFIX",
                false => "the inventory does not know: does it fit the capture?",
            };
            let judged = self.judged;
            warn(format!("{unknown} of {judged} judged packets come from addresses that {how}"));
        }
    }

    /// Warns of what contradicts the description, and of connections that are not kept.
    pub(super) fn warn_of_connections(&mut self) {
        let Some(found) = &self.connections else { return };
        self.warnings.extend(found.contradictions.iter().cloned());
        if found.syns_not_kept > 0 {
            self.warnings.push(format!(
                "{} SYNs are of connections beyond those that are kept: they are judged and \
                 counted, and not held against what came back (--max-connections)",
                found.syns_not_kept
            ));
        }
    }
}

/// What tunnels may carry that was not judged.
fn may_carry(tunnels: Tunnels) -> String {
    match tunnels {
        Tunnels::Counted(count @ 1..) => {
            format!("; tunnels among them: {count}, and --look-inside judges what they carry")
        }
        Tunnels::Unknown => "; what tunnels may carry was not looked at (--look-inside)".to_owned(),
        Tunnels::Counted(0) | Tunnels::NotAsked => String::new(),
    }
}

/// What a replay is, lest anybody takes it for more.
pub(super) const ONLY_REPORTS: &str = "replay only reports: nothing was sent, nothing was blocked";
