//! The inventory moving through its events as the capture's time goes on, and the filter with it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use egress25_packet_filter::capture::Record;
use egress25_packet_filter::filter::{Filter, Judgement};
use egress25_packet_filter::frame::{self, Frame, FrameOptions, Outcome, Tunnel};
use egress25_packet_filter::table::{Leaf, NetworkId, Slot};
use egress25_policy::{
    HopKind, NetworkName, Question, SMTP_PORT, Source, StatementId, SubscriptionName, decide,
};
use jiff::Timestamp;

use crate::commands::replay::moments::Moments;
use crate::commands::replay::resolve::ReplayPlan;
use crate::commands::replay::row::PacketRow;
use crate::read::network;
use crate::say::failure::Failure;
use crate::say::output::assignments;

/// How many answers are kept before they are worked out anew.
const KEPT_GROUNDS: usize = 65_536;

/// Judges packets by the inventory as it stood at their time.
#[derive(Debug)]
pub(super) struct ReplayJudge {
    moments: Moments,
    filter: Filter,
    options: FrameOptions,
    network: Option<NetworkName>,
    /// By the compilation and the moment of a table, whose slots and leaves the keys are.
    grounds: HashMap<(u64, usize, Key), Arc<AnswerBasis>>,
    /// How many packets that are judged came without a time.
    pub(super) without_time: u64,
}

/// What the answer to a packet depends on: a sender and a group of destinations that it treats
/// alike, or addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Sender(Slot, Leaf),
    Addresses(Option<NetworkId>, IpAddr, IpAddr),
}

/// What an answer rests on.
#[derive(Debug, Default)]
struct AnswerBasis {
    statements: Vec<StatementId>,
    assumed: Vec<String>,
    decided_by: Option<SubscriptionName>,
    /// The network of the sender's interface.
    network: Option<NetworkName>,
}

impl ReplayJudge {
    pub(super) fn new(plan: &ReplayPlan) -> Result<Self, Failure> {
        let timeline = plan.inventory.timeline(&plan.edition)?;
        let network = plan.network.as_deref();
        let network = network.map(|name| network::named(timeline.world(), name)).transpose()?;
        let moments = Moments::new(timeline)?;
        let mut judge = Self {
            filter: Filter::new(moments.table().clone(), plan.options),
            moments,
            options: plan.options,
            network,
            grounds: HashMap::new(),
            without_time: 0,
        };
        judge.install();
        Ok(judge)
    }

    /// The widths of the longest names of a machine and a subscription.
    pub(super) fn widths(&self) -> (usize, usize) {
        let (world, events) = (self.moments.timeline().world(), self.moments.timeline().events());
        let later = events.iter().filter_map(|event| event.kind.machine());
        let machines = world.machines().keys().chain(later).map(|name| name.as_str().len());
        let later = events.iter().filter_map(|event| event.kind.subscription());
        let names = world.subscriptions().keys().chain(later).map(|name| name.as_str().len());
        (machines.max().unwrap_or(0), names.max().unwrap_or(0))
    }

    /// How many judgements the filter has counted.
    pub(super) fn judged(&self) -> u64 {
        self.filter.counters().judged()
    }

    /// How many of the events take effect by a time, and how many there are.
    pub(super) fn events(&self, time: Option<Timestamp>) -> (usize, usize) {
        let timeline = self.moments.timeline();
        (time.map_or(0, |time| timeline.position_at(time)), timeline.events().len())
    }

    /// Judges a packet: a row for each of its layers that is judged. Only a packet that is judged
    /// moves the inventory to its time.
    pub(super) fn packet(&mut self, record: &Record<'_>) -> Result<Vec<PacketRow>, Failure> {
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        let mut outcomes = Vec::new();
        frame::classify(&frame, &self.options, &mut |outcome| outcomes.push(outcome));
        if outcomes.iter().any(Outcome::is_judged) {
            match record.timestamp {
                Some(at) if self.moments.move_to(at)? => self.install(),
                Some(_) => {}
                None => self.without_time = self.without_time.saturating_add(1),
            }
        }
        let interface = record.interface.and_then(|interface| interface.name);
        let mut rows = Vec::new();
        for (depth, outcome) in (0_u32..).zip(outcomes) {
            let judgement = self.filter.judge_outcome(interface, outcome);
            rows.extend(self.row(record, depth, &judgement)?);
        }
        Ok(rows)
    }

    fn row(
        &mut self,
        record: &Record<'_>,
        depth: u32,
        judgement: &Judgement,
    ) -> Result<Option<PacketRow>, Failure> {
        let Some(reason) = judgement.reason else { return Ok(None) };
        let (source, destination) = match judgement.outcome {
            Outcome::FragmentDrop { source, destination, .. }
            | Outcome::Encapsulated { source, destination, .. } => {
                (Some(source), Some(destination))
            }
            outcome => outcome
                .candidate()
                .map_or((None, None), |found| (Some(found.source), Some(found.destination))),
        };
        let candidate = judgement.outcome.candidate();
        let grounds = match judgement.outcome {
            Outcome::Match(found) => self.grounds(judgement, found.source, found.destination)?,
            _ => Arc::default(),
        };
        let owner = judgement.slot.and_then(|slot| self.moments.table().owner(slot));
        let detail = reason.is_about_the_packet().then(|| judgement.outcome.to_string());
        Ok(Some(PacketRow {
            kind: "packet",
            packet: record.index.saturating_add(1),
            depth,
            time: record.timestamp,
            machine: owner.map(|owner| owner.machine.clone()),
            subscription: owner.map(|owner| owner.subscription.clone()),
            network: self.network_of(judgement).or_else(|| grounds.network.clone()),
            source,
            source_port: candidate.map(|found| found.source_port),
            destination,
            port: candidate.map(|found| found.destination_port),
            verdict: judgement.verdict,
            reason,
            statements: grounds.statements.clone(),
            assumed: grounds.assumed.clone(),
            decided_by: grounds
                .decided_by
                .clone()
                .filter(|name| owner.is_none_or(|owner| owner.subscription != *name)),
            tunnel: candidate.and_then(|found| found.tunnel).map(Tunnel::as_str),
            detail,
        }))
    }

    /// The network that a packet shows.
    fn network_of(&self, judgement: &Judgement) -> Option<NetworkName> {
        judgement.network.and_then(|id| self.moments.table().networks().name(id)).cloned()
    }

    /// What the answer rests on, from the reference decision, which has to agree with the table.
    fn grounds(
        &mut self,
        judgement: &Judgement,
        source: IpAddr,
        destination: IpAddr,
    ) -> Result<Arc<AnswerBasis>, Failure> {
        let table = self.moments.table();
        let by_leaf =
            judgement.slot.and_then(|slot| Some(Key::Sender(slot, table.leaf(slot, destination)?)));
        let key = by_leaf.unwrap_or(Key::Addresses(judgement.network, source, destination));
        let key = (table.epoch(), self.moments.position(), key);
        if let Some(grounds) = self.grounds.get(&key) {
            return Ok(grounds.clone());
        }
        let network = self.network_of(judgement);
        let source = Source::Address { network, address: source };
        let question = Question { source, destination, port: SMTP_PORT };
        let decision = decide(self.moments.world()?, &question);
        if (decision.verdict, Some(decision.reason)) != (judgement.verdict, judgement.reason) {
            return Err(Failure::Internal(format!(
                "the compiled table and the reference disagree on {question:?}: {:?} {:?}, and \
                 {} {}; please report it with the capture and the inventory",
                judgement.verdict, judgement.reason, decision.verdict, decision.reason
            )));
        }
        let grounds = Arc::new(AnswerBasis {
            statements: decision.statements,
            assumed: assignments(&decision.assumed),
            decided_by: decision.subscription,
            network: decision.path.first().and_then(|hop| match &hop.at {
                HopKind::Machine { network, .. } => Some(network.clone()),
                HopKind::Firewall { .. } => None,
            }),
        });
        if self.grounds.len() >= KEPT_GROUNDS {
            self.grounds.clear();
        }
        self.grounds.insert(key, grounds.clone());
        Ok(grounds)
    }

    /// Gives the table of the moment to the filter.
    fn install(&mut self) {
        let table = self.moments.table().clone();
        // Networks may have other numbers in another table.
        self.filter.set_network(self.network.as_ref().and_then(|name| table.network(name)));
        self.filter.set_table(table);
    }
}
