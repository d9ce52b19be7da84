//! The filter: frames in, verdicts out, every one of them counted in one place.

mod counters;
mod port;

use std::net::IpAddr;
use std::sync::Arc;

use egress25_policy::{Reason, Verdict};

use crate::frame::{
    self, Candidate, Direction, DropKind, Frame, FrameOptions, Outcome, Sighting, VlanTags,
};
use crate::sieve::{Code, Frames, Judges, Ruling, Scratch, Vectors, run};
use crate::table::{NetworkHint, NetworkId, Slot, Table};
pub use counters::{Counters, Met};
pub use port::{Port, PortSources, SeenAt};

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
    /// The judgement in a word.
    fn ruling(&self, table: &Table) -> Ruling {
        self.reason.map_or(Ruling::UNJUDGED, |reason| {
            Ruling::new(Code::new(self.verdict, reason), table.place(self.slot))
        })
    }

    /// The judgement on a packet that was seen in a direction.
    fn seen(self, table: &Table, direction: Option<Direction>) -> Self {
        let Some((direction, before)) = direction.zip(self.reason) else { return self };
        let reason = by_direction(before, direction, || self.is_of_nobody(table));
        if reason == before {
            return self;
        }
        Self { verdict: table.verdict(reason), reason: Some(reason), ..self }
    }

    /// Whether nobody of the world sent it, as far as can be told.
    fn is_of_nobody(&self, table: &Table) -> bool {
        let source = self.outcome.addresses().map(|(source, _)| source);
        source.is_none_or(|source| table.slot(self.network, source) == Err(Reason::UnknownSource))
    }
}

/// What becomes of a packet that had a reason before its direction was known. What comes in
/// from nobody of the world is inbound, whatever else it is: only what goes out, or cannot be told, is
/// judged. What goes out is not inbound. Who is of the world sends outbound all the same: on a router
/// or a mirror what goes out comes in first (N0, N1).
fn by_direction(
    reason: Reason,
    direction: Direction,
    is_of_nobody: impl FnOnce() -> bool,
) -> Reason {
    match (direction, reason) {
        (Direction::Inbound, Reason::UnknownSource) => Reason::Inbound,
        (Direction::Inbound, _) if reason.is_about_the_packet() && is_of_nobody() => {
            Reason::Inbound
        }
        (Direction::Outbound, Reason::Inbound) => Reason::UnknownSource,
        _ => reason,
    }
}

/// Judges frames by a table.
#[derive(Debug)]
pub struct Filter {
    table: Arc<Table>,
    options: FrameOptions,
    seen: SeenAt,
    counters: Counters,
    vectors: Vectors,
    scratch: Scratch,
}

impl Filter {
    /// A filter with a table.
    #[must_use]
    pub fn new(table: Arc<Table>, options: FrameOptions) -> Self {
        Self {
            counters: Counters::new(table.subscriptions()),
            table,
            options,
            seen: SeenAt::Network(None),
            vectors: Vectors::best(),
            scratch: Scratch::default(),
        }
    }

    /// Chooses the vector instructions; what the processor does not have is not used. The answers
    /// do not depend on it.
    pub const fn set_vectors(&mut self, vectors: Vectors) {
        self.vectors = vectors;
    }

    /// Says that every packet belongs to one network, whatever it shows.
    pub fn set_network(&mut self, network: Option<NetworkId>) {
        self.see_at(SeenAt::Network(network));
    }

    /// Says where the packets are seen.
    pub fn see_at(&mut self, seen: SeenAt) {
        self.seen = seen;
    }

    /// The table in use.
    #[must_use]
    pub const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Goes on with another table. Takes effect with the next batch.
    pub fn set_table(&mut self, table: Arc<Table>) {
        self.counters.set_subscriptions(table.subscriptions());
        self.table = table;
    }

    /// What the reference says of a frame's outermost packet. Nothing is counted.
    #[must_use]
    pub fn look(&self, frame: &Frame<'_>, sighting: Sighting<'_>) -> Judgement {
        outermost(&self.table, &self.seen, &self.options, frame, sighting)
    }

    /// What has been judged so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Judges a batch of frames by their outermost packets: one ruling for each, in order.
    ///
    /// This is the way of every packet, whatever it comes from. The table is read once for the
    /// batch; replacements in it that came before the batch are seen.
    pub fn judge(&mut self, frames: &Frames<'_>, rulings: &mut Vec<Ruling>) {
        let Self { table, options, seen, counters, vectors, scratch } = self;
        table.see_every_replacement();
        let all_plain = matches!(seen, SeenAt::Network(_)) && !table.asks_source_ports();
        let judge = BatchJudge { table, options, seen, all_plain };
        run(vectors.detect(), &judge, frames, rulings, scratch, counters.of_table());
    }

    /// Judges anew those frames of a batch, just [judged](Self::judge), that the direction may make
    /// something else of. `direction` is asked of these alone: of each by its place in the batch.
    pub fn heed_directions(
        &mut self,
        frames: &Frames<'_>,
        rulings: &mut [Ruling],
        direction: impl Fn(usize) -> Option<Direction>,
    ) {
        for (at, ruling) in rulings.iter_mut().enumerate() {
            // It makes nothing else of what somebody sends.
            if !ruling.is_judged() || ruling.place() != 0 {
                continue;
            }
            let Some((direction, before)) = direction(at).zip(ruling.reason()) else { continue };
            let reason = by_direction(before, direction, || {
                let look = |frame| self.look(&frame, Sighting::at(frames.interface));
                frames.get(at).is_some_and(|frame| look(frame).is_of_nobody(&self.table))
            });
            if reason == before {
                continue;
            }
            let seen = Ruling::new(self.table.code(reason), 0);
            let seen = if ruling.has_inside() { seen.and_inside() } else { seen };
            self.counters.recount(&self.table, *ruling, seen);
            *ruling = seen;
        }
    }

    /// Whether the interface that a packet came from may decide of which network it is.
    #[must_use]
    pub fn heeds_interfaces(&self) -> bool {
        self.seen.network().is_none() && self.table.networks().are_shown_by_interfaces()
    }

    /// Judges what lies inside of the tunnels of a frame whose ruling
    /// [asks for that](Ruling::has_inside), and says whether anything there is judged.
    pub fn judge_inside(&mut self, frame: &Frame<'_>, interface: Option<&str>) -> bool {
        let (options, mut outermost, mut any) = (self.options, true, false);
        frame::classify(frame, &options, &mut |outcome| {
            if !std::mem::replace(&mut outermost, false) {
                any |= self.judge_outcome(interface, outcome).reason.is_some();
            }
        });
        any
    }

    /// Judges what a packet turned out to be, by the reference. `interface` is the name of the one
    /// that it came from, where the source has one.
    pub fn judge_outcome(&mut self, interface: Option<&str>, outcome: Outcome) -> Judgement {
        let sighting = Sighting::at(interface);
        let judgement = judge_outcome(&self.table, &self.seen, sighting, outcome);
        self.counters.count(&self.table, judgement.ruling(&self.table));
        judgement
    }
}

/// The reference's judgements of a frame by a table: of its outermost packet, and of those inside
/// its tunnels where the options ask for them, each told to `visit`. Nothing is counted: it is for
/// showing what [`Filter::judge`] and [`Filter::heed_directions`] have judged.
pub fn look(
    table: &Table,
    seen: &SeenAt,
    options: &FrameOptions,
    frame: &Frame<'_>,
    mut sighting: Sighting<'_>,
    visit: &mut dyn FnMut(&Judgement),
) {
    frame::classify(frame, options, &mut |outcome| {
        visit(&judge_outcome(table, seen, sighting, outcome));
        sighting = sighting.inside();
    });
}

/// As [`look`], for the outermost packet alone.
#[must_use]
pub fn outermost(
    table: &Table,
    seen: &SeenAt,
    options: &FrameOptions,
    frame: &Frame<'_>,
    sighting: Sighting<'_>,
) -> Judgement {
    judge_outcome(table, seen, sighting, frame::outermost(frame, options))
}

/// What the fast path asks.
struct BatchJudge<'a> {
    table: &'a Table,
    options: &'a FrameOptions,
    seen: &'a SeenAt,
    /// Whether every source is plain.
    all_plain: bool,
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
        self.seen.network().or_else(|| self.table.networks().find(&hint))
    }

    #[inline(always)]
    fn is_plain(&self, source: IpAddr) -> bool {
        self.all_plain || !self.table.asks_source_ports() && self.seen.is_plain(source)
    }

    fn are_all_plain(&self) -> bool {
        self.all_plain
    }

    fn odd(&self, frame: &Frame<'_>, interface: Option<&str>) -> Ruling {
        let judgement =
            outermost(self.table, self.seen, self.options, frame, Sighting::at(interface));
        let ruling = match judgement.reason {
            Some(_) => judgement.ruling(self.table),
            None => Ruling::unjudged(judgement.outcome.told_kind(self.options)),
        };
        match judgement.outcome {
            Outcome::Encapsulated { .. } if self.options.look_inside => ruling.and_inside(),
            _ => ruling,
        }
    }
}

/// The verdict on what a packet turned out to be, seen so.
fn judge_outcome(
    table: &Table,
    seen: &SeenAt,
    Sighting { interface, direction }: Sighting<'_>,
    outcome: Outcome,
) -> Judgement {
    by_addresses(table, seen, interface, outcome).seen(table, direction)
}

/// The verdict on what a packet turned out to be, whose direction only addresses tell.
fn by_addresses(
    table: &Table,
    seen: &SeenAt,
    interface: Option<&str>,
    outcome: Outcome,
) -> Judgement {
    let fixed = seen.network();
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
            let Candidate { source, source_port, destination, vlan, vni, .. } = candidate;
            let source = (source, source_port);
            let (network, answer) = match seen {
                SeenAt::Network(_) => {
                    let network = network_of(vlan, vni);
                    (network, table.answer(network, source, destination))
                }
                SeenAt::Port(port) => port.answer(table, source, destination),
            };
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
        Outcome::Encapsulated { carried: false, addresses, vlan, .. } => {
            let source = addresses.map(|(source, _)| source);
            by_reason(Reason::TunnelNotCarried, network_of(vlan, None), source)
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
