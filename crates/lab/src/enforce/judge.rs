//! One packet at one port: judged, told, or sent on to be judged behind its appliance.

use std::sync::Arc;

use egress25_packet_filter::filter::{Filter, Judgement, PortSources, SeenAt, outermost};
use egress25_packet_filter::frame::{Frame, FrameOptions, Origin, Outcome, Sighting};
use egress25_packet_filter::sieve::{Frames, Ruling};
use egress25_packet_filter::table::TableMachine;
use egress25_policy::{NetworkName, Reason, SenderClass, Verdict};
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
    /// Whose sources it sends.
    pub sends: PortSources,
    /// The class of what its machine sends by itself; `None` where nothing is left to be judged
    /// later, behind an appliance or a firewall.
    pub class: Option<SenderClass>,
}

impl JudgedPort {
    /// The port at which a machine or a firewall stands.
    #[must_use]
    pub fn of(network: &NetworkName, at: &Stands) -> Self {
        let sends = match at {
            Stands::Machine { addresses, forwards: true, .. } => {
                PortSources::Forwarded(addresses.as_slice().into())
            }
            Stands::Machine { addresses, .. } => PortSources::Own(addresses.as_slice().into()),
            Stands::Firewall { address, .. } => PortSources::Firewall(*address),
        };
        let (network, owner) = (network.clone(), at.name().to_owned());
        Self { network, owner, sends, class: at.class().cloned() }
    }

    /// A port of which it is not known who stands there: a source address is believed.
    #[must_use]
    pub fn unknown(network: &NetworkName, owner: String) -> Self {
        Self { network: network.clone(), owner, sends: PortSources::Believed, class: None }
    }
}

/// Judges the packets of one thread.
#[derive(Debug)]
pub struct ThreadJudge {
    court: Court,
    snapshot: Arc<Snapshot>,
    filter: Filter,
    /// The rulings on the batch that was judged last.
    rulings: Vec<Ruling>,
}

/// How often a batch is judged anew because the policy has changed meanwhile.
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
        Self { court, snapshot, filter, rulings: Vec::new() }
    }

    /// Says what becomes of each frame of a batch at a port, in order, and tells whoever listens.
    /// `verdicts` is cleared first.
    pub fn judge_batch(
        &mut self,
        port: &JudgedPort,
        frames: &Frames<'_>,
        verdicts: &mut Vec<Verdict>,
    ) {
        let mut seen = self.under_the_policy_of_now(port, frames);
        // A policy that changed meanwhile is judged by anew, so that a verdict is told with the
        // generation that it belongs to. Many changes in a row end that: any of them is right.
        for _ in 0..RETRIES {
            if self.court.policy.generation() == self.snapshot.generation {
                break;
            }
            seen = self.under_the_policy_of_now(port, frames);
        }
        verdicts.clear();
        verdicts.extend(self.rulings.iter().map(|ruling| ruling.verdict()));
        for ((ruling, frame), verdict) in self.rulings.iter().zip(frames.iter()).zip(verdicts) {
            if let Some(reason) = ruling.reason()
                && !self.is_finished(port, &seen, frame, reason, *verdict)
            {
                *verdict = Verdict::Pass;
            }
        }
    }

    /// Judges by the current policy; returns where that sees the packets.
    fn under_the_policy_of_now(&mut self, port: &JudgedPort, frames: &Frames<'_>) -> SeenAt {
        let now = self.court.policy.snapshot();
        if !Arc::ptr_eq(&now.table, &self.snapshot.table) {
            self.filter.set_table(now.table.clone());
        }
        let seen = now.seen_at(&port.network, &port.sends);
        self.filter.see_at(seen.clone());
        self.filter.judge(frames, &mut self.rulings);
        self.snapshot = now;
        seen
    }

    /// Notes that something went wrong where packets are judged.
    pub(crate) fn complain(&self, what: String) {
        self.court.hub.complain(what);
    }

    /// Tells of a packet that is judged; false where an appliance or a firewall has the last word
    /// on it. Who sent it is told by the reference, and what became of it by the ruling: the table
    /// may have been patched since.
    fn is_finished(
        &self,
        port: &JudgedPort,
        seen: &SeenAt,
        frame: Frame<'_>,
        reason: Reason,
        verdict: Verdict,
    ) -> bool {
        let Snapshot { table, generation, .. } = &*self.snapshot;
        let Judgement { outcome, network, slot, .. } =
            outermost(table, seen, &live(), &frame, Sighting::default());
        if let Some(candidate) = outcome.candidate()
            && let Some(class) = &port.class
            && self.snapshot.deferred(class, reason, candidate.destination)
        {
            return false;
        }
        let network = network.and_then(|id| table.networks().name(id));
        let network = network.unwrap_or(&port.network);
        let owner = slot.and_then(|slot| table.owner(slot));
        let generation = *generation;
        self.court.tell(&JudgedAtPort {
            port,
            network,
            owner,
            frame,
            outcome,
            verdict,
            reason,
            generation,
        });
        true
    }
}
