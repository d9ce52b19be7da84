//! The filter: frames in, verdicts out, every one of them counted in one place.

use std::net::IpAddr;
use std::sync::Arc;

use egress25_policy::{Reason, Verdict};

use crate::frame::{self, Candidate, DropKind, Frame, Options, Outcome, VlanTags};
use crate::table::{NetworkHint, NetworkId, Slot, Table};

/// What the filter says of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// What the packet is.
    pub outcome: Outcome,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why; `None` where it is not a SYN to port 25 and passes unjudged.
    pub reason: Option<Reason>,
    /// The network that it belongs to, where the packet or an option says so.
    pub network: Option<NetworkId>,
    /// Whose it is, where the table knows the sender.
    pub slot: Option<Slot>,
}

/// Counts of what was judged: one counter a reason, and one for what was not our business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    unjudged: u64,
    reasons: [[u64; VERDICTS]; Reason::COUNT],
}

const VERDICTS: usize = 3;

impl Default for Counters {
    fn default() -> Self {
        Self { unjudged: 0, reasons: [[0; VERDICTS]; Reason::COUNT] }
    }
}

impl Counters {
    /// Packets that are no SYN to port 25 and passed unjudged.
    #[must_use]
    pub const fn unjudged(&self) -> u64 {
        self.unjudged
    }

    /// Packets that were judged.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.reasons.iter().flatten().sum()
    }

    /// Packets with a reason, whatever the verdict.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.reasons.get(reason.index()).map_or(0, |verdicts| verdicts.iter().sum())
    }

    /// Packets with a verdict, whatever the reason.
    #[must_use]
    pub fn with(&self, verdict: Verdict) -> u64 {
        self.reasons.iter().filter_map(|verdicts| verdicts.get(verdict as usize)).sum()
    }

    /// Every reason that was met, with its verdict and count.
    pub fn met(&self) -> impl Iterator<Item = (Reason, Verdict, u64)> {
        const ALL: [Verdict; VERDICTS] = [Verdict::Pass, Verdict::Drop, Verdict::Reject];
        Reason::ALL.iter().zip(&self.reasons).flat_map(|(reason, counts)| {
            ALL.into_iter()
                .zip(counts)
                .filter(|(_, count)| **count > 0)
                .map(|(verdict, count)| (*reason, verdict, *count))
        })
    }

    /// Adds the counts of another filter.
    pub fn add(&mut self, other: &Self) {
        self.unjudged = self.unjudged.saturating_add(other.unjudged);
        for (mine, theirs) in self.reasons.iter_mut().flatten().zip(other.reasons.iter().flatten())
        {
            *mine = mine.saturating_add(*theirs);
        }
    }

    fn count(&mut self, verdict: Verdict, reason: Option<Reason>) {
        let Some(reason) = reason else {
            self.unjudged = self.unjudged.saturating_add(1);
            return;
        };
        let counter = self
            .reasons
            .get_mut(reason.index())
            .and_then(|counts| counts.get_mut(verdict as usize));
        if let Some(counter) = counter {
            *counter = counter.saturating_add(1);
        }
    }
}

/// A frame of a batch, with the name of the interface that it came from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// The name of its interface, where the source has one.
    pub interface: Option<&'a str>,
}

/// What a batch's caller learns of each frame's outermost packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ruling {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why; `None` where it passes unjudged.
    pub reason: Option<Reason>,
}

/// Judges frames by a table.
#[derive(Debug)]
pub struct Filter {
    table: Arc<Table>,
    options: Options,
    network: Option<NetworkId>,
    counters: Counters,
}

impl Filter {
    /// A filter with a table.
    #[must_use]
    pub fn new(table: Arc<Table>, options: Options) -> Self {
        Self { table, options, network: None, counters: Counters::default() }
    }

    /// Says that every packet belongs to one network, whatever it shows.
    pub const fn set_network(&mut self, network: Option<NetworkId>) {
        self.network = network;
    }

    /// The table in use.
    #[must_use]
    pub const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Goes on with another table. Takes effect with the next packet or batch.
    pub fn set_table(&mut self, table: Arc<Table>) {
        self.table = table;
    }

    /// What has been judged so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Judges a frame: its outermost packet, and those inside its tunnels where the options
    /// ask for them, each told to `visit`.
    pub fn judge(&mut self, input: &Input<'_>, visit: &mut dyn FnMut(&Judgement)) {
        let Self { table, options, network, counters } = self;
        frame::classify(&input.frame, options, &mut |outcome| {
            let judgement = judge_outcome(table, *network, input.interface, outcome);
            finish(counters, &judgement);
            visit(&judgement);
        });
    }

    /// Judges a batch of frames by their outermost packets: one ruling for each, in order.
    ///
    /// The table is read once for the batch: a new one counts from the next batch on.
    pub fn judge_batch(&mut self, batch: &[Input<'_>], rulings: &mut Vec<Ruling>) {
        rulings.clear();
        rulings.reserve(batch.len());
        for input in batch {
            let outcome = frame::outermost(&input.frame, &self.options);
            let judgement = judge_outcome(&self.table, self.network, input.interface, outcome);
            finish(&mut self.counters, &judgement);
            rulings.push(Ruling { verdict: judgement.verdict, reason: judgement.reason });
        }
    }
}

/// The one place where a verdict is finished and counted.
fn finish(counters: &mut Counters, judgement: &Judgement) {
    counters.count(judgement.verdict, judgement.reason);
}

/// The verdict on what a packet turned out to be.
fn judge_outcome(
    table: &Table,
    fixed: Option<NetworkId>,
    interface: Option<&str>,
    outcome: Outcome,
) -> Judgement {
    let network_of = |vlan: VlanTags, vni: Option<u32>| {
        fixed.or_else(|| table.networks().find(&NetworkHint { interface, vlan, vni }))
    };
    let by_reason = |reason: Reason, network, source: Option<IpAddr>| Judgement {
        outcome,
        verdict: table.verdict(reason),
        reason: Some(reason),
        network,
        slot: source.and_then(|source| table.slot(network, source).ok()),
    };
    match outcome {
        Outcome::Match(candidate) => {
            let Candidate { source, destination, vlan, vni, .. } = candidate;
            let network = network_of(vlan, vni);
            let answer = table.answer(network, source, destination);
            Judgement {
                outcome,
                verdict: answer.verdict,
                reason: Some(answer.reason),
                network,
                slot: answer.slot,
            }
        }
        Outcome::Dropped { candidate, kind } => {
            let network = network_of(candidate.vlan, candidate.vni);
            by_reason(reason_of(kind), network, Some(candidate.source))
        }
        Outcome::Malformed { .. } => by_reason(Reason::Malformed, fixed, None),
        Outcome::Indeterminate { .. } => by_reason(Reason::Indeterminate, fixed, None),
        Outcome::FragmentDrop { source, vlan, .. } => {
            by_reason(Reason::FragmentDrop, network_of(vlan, None), Some(source))
        }
        Outcome::Encapsulated { carried: false, source, vlan, .. } => {
            by_reason(Reason::TunnelNotCarried, network_of(vlan, None), Some(source))
        }
        Outcome::NoMatch(_) | Outcome::Encapsulated { .. } => {
            Judgement { outcome, verdict: Verdict::Pass, reason: None, network: fixed, slot: None }
        }
    }
}

/// The reason that goes with a packet that no network delivers.
const fn reason_of(kind: DropKind) -> Reason {
    match kind {
        DropKind::LooseSourceRoute | DropKind::StrictSourceRoute => Reason::SourceRouted,
        DropKind::RoutingHeader0 => Reason::RoutingHeaderZero,
        DropKind::MulticastDestination
        | DropKind::BroadcastDestination
        | DropKind::LoopbackDestination
        | DropKind::UnspecifiedDestination => Reason::MartianDestination,
    }
}
