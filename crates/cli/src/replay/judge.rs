//! The lab moving through its events as the capture's time goes on, and the filter with it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use egress25_packet_filter::capture::Record;
use egress25_packet_filter::filter::{Filter, Input, Judgement};
use egress25_packet_filter::frame::{Frame, Outcome};
use egress25_packet_filter::table::{Leaf, NetworkId, Patched, Slot, Table};
use egress25_policy::{
    HopKind, NetworkName, Question, SMTP_PORT, Source, StatementId, SubscriptionName, Timeline,
    World, decide,
};
use jiff::Timestamp;

use super::Plan;
use super::row::Row;
use crate::failure::Failure;

/// How many answers are kept before they are worked out anew.
const KEPT_GROUNDS: usize = 65_536;

/// Judges packets by the lab as it stood at their time.
#[derive(Debug)]
pub(super) struct Judge {
    /// The lab at the beginning, for packets from before an event that has happened.
    beginning: Timeline,
    timeline: Timeline,
    /// When the last event that has happened took effect.
    reached: Option<Timestamp>,
    table: Arc<Table>,
    filter: Filter,
    network: Option<NetworkName>,
    grounds: HashMap<Key, Arc<Grounds>>,
    /// How many packets came without a time.
    pub(super) without_time: u64,
    /// How often the lab was taken back for a packet that was older than the one before it.
    pub(super) taken_back: u64,
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
struct Grounds {
    statements: Vec<StatementId>,
    assumed: Vec<String>,
    decided_by: Option<SubscriptionName>,
    /// The network of the sender's interface.
    network: Option<NetworkName>,
}

impl Judge {
    pub(super) fn new(plan: &Plan) -> Result<Self, Failure> {
        let timeline = plan.lab.timeline(&plan.edition)?;
        if let Some(name) = &plan.network
            && !timeline.world().networks().contains_key(name)
        {
            let names: Vec<_> =
                timeline.world().networks().keys().map(NetworkName::as_str).collect();
            return Err(Failure::Usage(format!(
                "the lab has no network `{name}`; its networks are: {}",
                names.join(", ")
            )));
        }
        let table = compile(timeline.world(), 0)?;
        let mut judge = Self {
            beginning: timeline.clone(),
            timeline,
            reached: None,
            filter: Filter::new(table.clone(), plan.options),
            table,
            network: plan.network.clone(),
            grounds: HashMap::new(),
            without_time: 0,
            taken_back: 0,
        };
        judge.install()?;
        Ok(judge)
    }

    /// The widths of the longest names of a machine and a subscription.
    pub(super) fn widths(&self) -> (usize, usize) {
        let world = self.timeline.world();
        let events = self.timeline.events();
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

    /// The events, and how many of them have happened.
    pub(super) fn events(&self) -> (usize, usize) {
        let events = self.timeline.events();
        let happened = self
            .reached
            .map_or(0, |reached| events.iter().filter(|event| event.at <= reached).count());
        (happened, events.len())
    }

    /// Judges a packet: a row for each of its layers that is judged.
    pub(super) fn packet(&mut self, record: &Record<'_>) -> Result<Vec<Row>, Failure> {
        match record.timestamp {
            Some(at) => self.move_to(at)?,
            None => self.without_time = self.without_time.saturating_add(1),
        }
        let input = Input {
            frame: Frame { link: record.link, bytes: record.data, wire_len: record.wire_len },
            interface: record.interface.and_then(|interface| interface.name),
        };
        let mut judgements = Vec::new();
        self.filter.judge(&input, &mut |judgement| judgements.push(*judgement));
        let mut rows = Vec::new();
        for (depth, judgement) in (0_u32..).zip(&judgements) {
            rows.extend(self.row(record, depth, judgement)?);
        }
        Ok(rows)
    }

    fn row(
        &mut self,
        record: &Record<'_>,
        depth: u32,
        judgement: &Judgement,
    ) -> Result<Option<Row>, Failure> {
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
        let owner = judgement.slot.and_then(|slot| self.table.owner(slot));
        let detail = reason.is_about_the_packet().then(|| judgement.outcome.to_string());
        Ok(Some(Row {
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
            tunnel: Row::tunnel_name(candidate.and_then(|found| found.tunnel)),
            detail,
        }))
    }

    /// The network that a packet shows.
    fn network_of(&self, judgement: &Judgement) -> Option<NetworkName> {
        judgement.network.and_then(|id| self.table.networks().name(id)).cloned()
    }

    /// What the answer rests on, from the reference decision, which has to agree with the table.
    fn grounds(
        &mut self,
        judgement: &Judgement,
        source: IpAddr,
        destination: IpAddr,
    ) -> Result<Arc<Grounds>, Failure> {
        let by_leaf = judgement
            .slot
            .and_then(|slot| Some(Key::Sender(slot, self.table.leaf(slot, destination)?)));
        let key = by_leaf.unwrap_or(Key::Addresses(judgement.network, source, destination));
        if let Some(grounds) = self.grounds.get(&key) {
            return Ok(grounds.clone());
        }
        let network = self.network_of(judgement);
        let source = Source::Address { network, address: source };
        let question = Question { source, destination, port: SMTP_PORT };
        let decision = decide(self.timeline.world(), &question);
        if (decision.verdict, Some(decision.reason)) != (judgement.verdict, judgement.reason) {
            return Err(Failure::Internal(format!(
                "the compiled table and the reference disagree on {question:?}: {:?} {:?}, and \
                 {} {}; please report it with the capture and the lab",
                judgement.verdict, judgement.reason, decision.verdict, decision.reason
            )));
        }
        let assumed = decision.assumed.iter();
        let grounds = Arc::new(Grounds {
            statements: decision.statements,
            assumed: assumed.map(|one| format!("{}={}", one.setting, one.value)).collect(),
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

    /// Whether nothing happens to the lab between two times, so that packets from in between
    /// that are none of our business need not be told one by one.
    pub(super) fn is_steady(&self, earliest: Timestamp, latest: Timestamp) -> bool {
        self.reached.is_none_or(|reached| reached <= earliest)
            && self.timeline.next_at().is_none_or(|next| latest < next)
    }

    /// Lets everything happen that has happened by a time.
    fn move_to(&mut self, at: Timestamp) -> Result<(), Failure> {
        if self.reached.is_some_and(|reached| at < reached) {
            // Interfaces write their packets with a small delay; files are put together.
            self.taken_back = self.taken_back.saturating_add(1);
            self.timeline = self.beginning.clone();
            self.reached = None;
            self.advance(at)?;
            return self.install();
        }
        if self.timeline.next_at().is_none_or(|next| at < next) {
            return Ok(());
        }
        let table = self.table.clone();
        let anew = self.advance_with(at, &table)?;
        self.grounds.clear();
        if anew { self.install() } else { Ok(()) }
    }

    fn advance(&mut self, at: Timestamp) -> Result<(), Failure> {
        let reached = &mut self.reached;
        self.timeline
            .advance(Some(at), |event, _, _| *reached = Some(event.at))
            .map_err(|error| Failure::Internal(error.to_string()))
    }

    /// Lets events happen and patches the table; whether it has to be compiled anew.
    fn advance_with(&mut self, at: Timestamp, table: &Table) -> Result<bool, Failure> {
        let reached = &mut self.reached;
        let mut anew = false;
        self.timeline
            .advance(Some(at), |event, applied, world| {
                *reached = Some(event.at);
                anew = anew || table.patch(world, applied) == Patched::CompileAnew;
            })
            .map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(anew)
    }

    /// Compiles the world as it stands and gives it to the filter.
    fn install(&mut self) -> Result<(), Failure> {
        let epoch = self.table.epoch().saturating_add(1);
        let table = compile(self.timeline.world(), epoch)?;
        self.filter.set_table(table.clone());
        // Networks may have other numbers in another table.
        self.filter.set_network(self.network.as_ref().and_then(|name| table.network(name)));
        self.table = table;
        self.grounds.clear();
        Ok(())
    }
}

fn compile(world: &World, epoch: u64) -> Result<Arc<Table>, Failure> {
    Table::compile(world, epoch).map(Arc::new).map_err(|error| Failure::Usage(error.to_string()))
}
