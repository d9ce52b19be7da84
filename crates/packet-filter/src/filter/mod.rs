//! The filter: frames in, verdicts out, every one of them counted in one place.

use core::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use egress25_policy::{Reason, Verdict};

use crate::frame::{self, Candidate, DropKind, Frame, FrameOptions, Outcome, VlanTags};
use crate::sieve::{Code, Frames, Judges, Scratch, Tally, Vectors, run};
use crate::table::{NetworkHint, NetworkId, Slot, Table, TableAnswer};

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

impl Judgement {
    /// The judgement in one byte.
    #[must_use]
    pub fn code(&self) -> Code {
        self.reason.map_or(Code::UNJUDGED, |reason| Code::new(self.verdict, reason))
    }
}

/// Counts of what was judged: one counter a reason and verdict, and one for what was not our
/// business.
#[derive(Clone, PartialEq, Eq)]
pub struct Counters {
    by_code: Tally,
}

impl Default for Counters {
    fn default() -> Self {
        Self { by_code: [0; 256] }
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        map.entry(&"unjudged", &self.unjudged());
        map.entries(self.met().map(|(reason, verdict, count)| ((reason, verdict), count)));
        map.finish()
    }
}

impl Counters {
    /// Packets that are no SYN to port 25 and passed unjudged.
    #[must_use]
    pub const fn unjudged(&self) -> u64 {
        let [unjudged, ..] = self.by_code;
        unjudged
    }

    /// Packets that were judged.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.by_code.iter().skip(1).sum()
    }

    /// Packets with a reason, whatever the verdict.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.met().filter(|(met, ..)| *met == reason).map(|(.., count)| count).sum()
    }

    /// Packets with a verdict, whatever the reason.
    #[must_use]
    pub fn with(&self, verdict: Verdict) -> u64 {
        self.met().filter(|(_, met, _)| *met == verdict).map(|(.., count)| count).sum()
    }

    /// Every reason that was met, with its verdict and count, by reason.
    pub fn met(&self) -> impl Iterator<Item = (Reason, Verdict, u64)> {
        const ALL: [Verdict; 3] = [Verdict::Pass, Verdict::Drop, Verdict::Reject];
        Reason::ALL.iter().flat_map(move |reason| {
            ALL.into_iter()
                .map(|verdict| (*reason, verdict, self.count_of(Code::new(verdict, *reason))))
                .filter(|(.., count)| *count > 0)
        })
    }

    /// Adds the counts of another filter.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.by_code.iter_mut().zip(&other.by_code) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    fn count_of(&self, code: Code) -> u64 {
        self.by_code.get(usize::from(code.byte())).copied().unwrap_or(0)
    }

    fn count(&mut self, code: Code, times: u64) {
        if let Some(counter) = self.by_code.get_mut(usize::from(code.byte())) {
            *counter = counter.saturating_add(times);
        }
    }
}

/// A frame of a batch, with the name of the interface that it came from.
#[derive(Debug, Clone, Copy)]
pub struct FilterInput<'a> {
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
    options: FrameOptions,
    network: Option<NetworkId>,
    counters: Counters,
    vectors: Vectors,
    scratch: Scratch,
}

impl Filter {
    /// A filter with a table.
    #[must_use]
    pub fn new(table: Arc<Table>, options: FrameOptions) -> Self {
        Self {
            table,
            options,
            network: None,
            counters: Counters::default(),
            vectors: Vectors::best(),
            scratch: Scratch::default(),
        }
    }

    /// Chooses the vector instructions of [`Self::judge_frames`]; what the processor does not
    /// have is not used. The answers do not depend on it.
    pub const fn set_vectors(&mut self, vectors: Vectors) {
        self.vectors = vectors;
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
    pub fn judge(&mut self, input: &FilterInput<'_>, visit: &mut dyn FnMut(&Judgement)) {
        let options = self.options;
        frame::classify(&input.frame, &options, &mut |outcome| {
            visit(&self.judge_outcome(input.interface, outcome));
        });
    }

    /// Judges what a packet turned out to be: for who has to know it before the table can be
    /// chosen. `interface` is the name of the one that it came from, where the source has one.
    pub fn judge_outcome(&mut self, interface: Option<&str>, outcome: Outcome) -> Judgement {
        let judgement = judge_outcome(&self.table, self.network, interface, outcome);
        finish(&mut self.counters, &judgement);
        judgement
    }

    /// Finishes and counts an answer of the table that was asked for otherwise than by a packet's
    /// network and source: what a port knows of its packets.
    pub fn finish_answer(&mut self, outcome: Outcome, answer: TableAnswer) -> Judgement {
        let TableAnswer { verdict, reason, slot } = answer;
        let judgement =
            Judgement { outcome, verdict, reason: Some(reason), network: self.network, slot };
        finish(&mut self.counters, &judgement);
        judgement
    }

    /// Judges a batch of frames by their outermost packets: one code for each, in order.
    ///
    /// The fast path, with the answers of [`Self::judge_batch`]. The table is read once for the
    /// batch; replacements in it that came before the batch are seen.
    pub fn judge_frames(&mut self, frames: &Frames<'_>, codes: &mut Vec<Code>) {
        let Self { table, options, network, counters, vectors, scratch } = self;
        table.see_every_replacement();
        let judge = BatchJudge { table, options, fixed: *network };
        run(vectors.detect(), &judge, frames, codes, scratch, &mut counters.by_code);
    }

    /// Judges a batch of frames by their outermost packets: one ruling for each, in order.
    ///
    /// The table is read once for the batch: a new one counts from the next batch on.
    pub fn judge_batch(&mut self, batch: &[FilterInput<'_>], rulings: &mut Vec<Ruling>) {
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

/// The one place where a single verdict is finished and counted; [`run`] counts a batch's.
fn finish(counters: &mut Counters, judgement: &Judgement) {
    counters.count(judgement.code(), 1);
}

/// What the fast path asks.
struct BatchJudge<'a> {
    table: &'a Table,
    options: &'a FrameOptions,
    fixed: Option<NetworkId>,
}

impl Judges for BatchJudge<'_> {
    fn options(&self) -> &FrameOptions {
        self.options
    }

    fn table(&self) -> &Table {
        self.table
    }

    fn network(&self, interface: Option<&str>, vlan: VlanTags) -> Option<NetworkId> {
        let hint = NetworkHint { interface, vlan, vni: None };
        self.fixed.or_else(|| self.table.networks().find(&hint))
    }

    fn odd(&self, frame: &Frame<'_>, interface: Option<&str>) -> Code {
        let outcome = frame::outermost(frame, self.options);
        judge_outcome(self.table, self.fixed, interface, outcome).code()
    }
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
