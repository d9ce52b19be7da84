//! One packet at one port: judged, told, or sent on to be judged behind its appliance.

use std::sync::Arc;

use egress25_packet_filter::filter::{Filter, Judgement};
use egress25_packet_filter::frame::{self, Candidate, Frame, FrameOptions, Origin, Outcome};
use egress25_packet_filter::sieve::{Frames, Sieve};
use egress25_packet_filter::table::{TableAnswer, TableMachine};
use egress25_policy::{NetworkName, Reason, Verdict};
use jiff::Timestamp;

use crate::enforce::policy_state::{PolicyState, Snapshot};
use crate::enforce::verdict::{Hub, JudgedPacket, VerdictEvent};
use crate::network::plan::Stands;

/// Tells the time. The lab itself never asks the system.
pub type Clock = fn() -> Timestamp;

/// What all judges of a lab share.
#[derive(Debug, Clone)]
pub struct Court {
    /// The policy.
    pub policy: Arc<PolicyState>,
    /// Who is told.
    pub hub: Arc<Hub>,
    /// The time.
    pub clock: Clock,
}

/// A packet that was judged at a port, and what was found.
pub(crate) struct JudgedAtPort<'a> {
    pub(crate) port: &'a JudgedPort,
    /// The network that its owner is in.
    pub(crate) network: &'a NetworkName,
    pub(crate) owner: Option<&'a TableMachine>,
    pub(crate) frame: Frame<'a>,
    pub(crate) outcome: Outcome,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Reason,
    /// How many events had been applied when it was judged.
    pub(crate) generation: u64,
}

impl Court {
    /// Tells whoever listens of a judged packet.
    pub(crate) fn tell(&self, judged: &JudgedAtPort<'_>) {
        let JudgedAtPort { port, network, owner, frame, outcome, verdict, reason, generation } =
            judged;
        let candidate = outcome.candidate();
        let (source, destination) = outcome.addresses().unzip();
        self.hub.tell(VerdictEvent {
            seq: 0,
            at: (self.clock)(),
            network: network.as_str().to_owned(),
            machine: owner.map(|owner| owner.machine.as_str().to_owned()),
            subscription: owner.map(|owner| owner.subscription.as_str().to_owned()),
            port: port.owner.clone(),
            source,
            source_port: candidate.map(|candidate| candidate.source_port),
            destination,
            destination_port: candidate.map(|candidate| candidate.destination_port),
            verdict: *verdict,
            reason: *reason,
            generation: *generation,
            packet: Some(JudgedPacket { link: frame.link, bytes: frame.bytes.into() }),
        });
    }
}

/// A port as a judge sees it.
#[derive(Debug, Clone)]
pub struct JudgedPort {
    /// The network that its packets belong to.
    pub network: NetworkName,
    /// The machine or the firewall.
    pub owner: String,
    /// Who stands there; `None` where that is not known: a source address is believed then,
    /// whatever port it comes from, and nothing is left to be judged later.
    pub at: Option<Arc<Stands>>,
}

/// Judges the packets of one thread.
#[derive(Debug)]
pub struct ThreadJudge {
    court: Court,
    snapshot: Arc<Snapshot>,
    filter: Filter,
    /// Tells the frames that pass unjudged, whatever port they come from and whatever the policy is.
    sieve: Sieve,
    /// The places of the others in a batch.
    kept: Vec<u32>,
}

/// How often a packet is judged anew because the policy has changed meanwhile.
const RETRIES: u32 = 8;

/// How the wire is read: what is wrong is wrong (evasion rules for live traffic).
#[must_use]
pub fn live() -> FrameOptions {
    FrameOptions { origin: Origin::Live, ..FrameOptions::default() }
}

impl ThreadJudge {
    /// A judge.
    #[must_use]
    pub fn new(court: Court) -> Self {
        let snapshot = court.policy.snapshot();
        let filter = Filter::new(snapshot.table.clone(), live());
        Self { court, snapshot, filter, sieve: Sieve::new(live()), kept: Vec::new() }
    }

    /// Says what becomes of each frame of a batch at a port, in order, and tells whoever listens.
    /// `verdicts` is cleared first.
    pub fn judge_batch(
        &mut self,
        port: &JudgedPort,
        frames: &Frames<'_>,
        verdicts: &mut Vec<Verdict>,
    ) {
        verdicts.clear();
        verdicts.resize(frames.len(), Verdict::Pass);
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        self.sieve.keep(frames, &mut kept);
        for place in kept.iter().map(|place| *place as usize) {
            if let (Some(verdict), Some(frame)) = (verdicts.get_mut(place), frames.get(place)) {
                *verdict = self.judge(port, frame);
            }
        }
        self.kept = kept;
    }

    /// Says what becomes of a packet at a port, and tells whoever listens.
    fn judge(&mut self, port: &JudgedPort, frame: Frame<'_>) -> Verdict {
        let mut judged = self.under_the_policy_of_now(port, frame);
        // A policy that changed meanwhile is judged by anew, so that a verdict is told with the
        // generation that it belongs to. Many changes in a row end that: any of them is right.
        for _ in 0..RETRIES {
            if self.court.policy.generation() == self.snapshot.generation {
                break;
            }
            judged = self.under_the_policy_of_now(port, frame);
        }
        let (network, judgement) = judged;
        self.finish(port, &network, frame, judgement)
    }

    /// The judgement of the current policy, and the network that the packet's owner is in.
    fn under_the_policy_of_now(
        &mut self,
        port: &JudgedPort,
        frame: Frame<'_>,
    ) -> (NetworkName, Option<Judgement>) {
        let now = self.court.policy.snapshot();
        if !Arc::ptr_eq(&now.table, &self.snapshot.table) {
            self.filter.set_table(now.table.clone());
        }
        self.snapshot = now;
        let outcome = frame::outermost(&frame, &live());
        if let (Outcome::Match(candidate), Some(at)) = (outcome, &port.at)
            && let Some((network, answer)) = self.not_its_own(port, at, &candidate)
        {
            return (network, Some(self.filter.finish_answer(outcome, answer)));
        }
        let origins = match &port.at {
            // Its own address, or a packet whose shape alone decides.
            Some(_) => &[][..],
            None => self.snapshot.origins(&port.network),
        };
        let mut judged = None;
        for origin in origins.iter().chain([&port.network]) {
            self.filter.set_network(self.snapshot.table.network(origin));
            let judgement = self.filter.judge_outcome(None, outcome);
            let known = judgement.reason != Some(Reason::UnknownSource);
            if known || judged.is_none() {
                judged = Some((origin.clone(), judgement));
            }
            if known {
                break;
            }
        }
        judged.map_or((port.network.clone(), None), |(network, found)| (network, Some(found)))
    }

    /// The answer to a SYN that does not bear an address of its port, and the network of whoever
    /// it seems to come from; `None` where it does bear one.
    ///
    /// A port sends only from its own addresses (RFC 2827, RFC 3704), unless it forwards: then the
    /// machine at the port decides, whichever way the packet came there. What leaves a firewall
    /// has been routed through it, whatever source it bears.
    fn not_its_own(
        &self,
        port: &JudgedPort,
        at: &Stands,
        candidate: &Candidate,
    ) -> Option<(NetworkName, TableAnswer)> {
        let table = &self.snapshot.table;
        let at_port = match at {
            Stands::Machine { addresses, .. } if addresses.contains(&candidate.source) => {
                return None;
            }
            Stands::Machine { forwards: false, .. } => {
                let reason = Reason::SpoofedSource;
                let answer = TableAnswer { verdict: table.verdict(reason), reason, slot: None };
                return Some((port.network.clone(), answer));
            }
            Stands::Machine { addresses, .. } => *addresses.first()?,
            Stands::Firewall { address, .. } => *address,
        };
        let key = (port.network.clone(), at_port);
        let mut unknown = None;
        // A forwarder sends on what comes from a peered network, and from those behind it: its
        // owner is found there.
        for origin in self.snapshot.nearest_first(&port.network) {
            let network = table.network(origin);
            let answer =
                table.answer_forwarded(&key, network, candidate.source, candidate.destination)?;
            if answer.slot.is_some() {
                return Some((origin.clone(), answer));
            }
            unknown.get_or_insert((port.network.clone(), answer));
        }
        unknown
    }

    /// Notes that something went wrong where packets are judged.
    pub(crate) fn complain(&self, what: String) {
        self.court.hub.complain(what);
    }

    fn finish(
        &self,
        port: &JudgedPort,
        network: &NetworkName,
        frame: Frame<'_>,
        judgement: Option<Judgement>,
    ) -> Verdict {
        // Without a judgement nothing is known of the packet.
        let Some(judgement) = judgement else { return Verdict::Drop };
        let Some(reason) = judgement.reason else { return judgement.verdict };
        if let Some(candidate) = judgement.outcome.candidate()
            && let Some(class) = port.at.as_ref().and_then(|at| at.class())
            && self.snapshot.deferred(class, reason, candidate.destination)
        {
            return Verdict::Pass;
        }
        self.court.tell(&JudgedAtPort {
            port,
            network,
            owner: judgement.slot.and_then(|slot| self.snapshot.table.owner(slot)),
            frame,
            outcome: judgement.outcome,
            verdict: judgement.verdict,
            reason,
            generation: self.snapshot.generation,
        });
        judgement.verdict
    }
}
