//! The inventory moving through its events as the capture's time goes on, and the filter with it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use egress25_packet_filter::capture::{CaptureBatch, Record};
use egress25_packet_filter::filter::{Counters, Filter, Judgement, SeenAt, look};
use egress25_packet_filter::frame::{Frame, FrameOptions, Outcome, Tunnel};
use egress25_packet_filter::sieve::{FrameList, Frames, Ruling, Sieve};
use egress25_packet_filter::table::{Leaf, NetworkId, Slot, Table};
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
    sieve: Sieve,
    /// The rulings on the packets of the batch that was judged last.
    rulings: Vec<Ruling>,
    groups: Groups,
    judgements: Vec<Judgement>,
    /// By the compilation and the moment of a table, whose slots and leaves the keys are.
    grounds: HashMap<(u64, usize, Key), Arc<AnswerBasis>>,
    /// How many packets that are judged came without a time.
    pub(super) without_time: u64,
}

/// Packets of a batch that are not all judged by the same table, or are of several interfaces:
/// those that there is something to say of, by moment and interface. Its room is reused.
#[derive(Debug, Default)]
struct Groups {
    kept: Vec<u32>,
    members: Vec<Member>,
    list: FrameList,
    rulings: Vec<Ruling>,
}

/// A packet of a group: the moment that it is judged by, as how many events have happened by then,
/// the first packet of the batch that has its interface, and its place in the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    position: usize,
    interface: u32,
    place: u32,
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
            sieve: Sieve::new(plan.options),
            rulings: Vec::new(),
            groups: Groups::default(),
            judgements: Vec::new(),
            options: plan.options,
            network,
            grounds: HashMap::new(),
            without_time: 0,
        };
        let network = judge.network.as_ref().and_then(|name| judge.filter.table().network(name));
        judge.filter.set_network(network);
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

    /// The table of the moment.
    pub(super) const fn table(&self) -> &Arc<Table> {
        self.moments.table()
    }

    /// What the filter has counted.
    pub(super) const fn counters(&self) -> &Counters {
        self.filter.counters()
    }

    /// How many of the events take effect by a time, and how many there are.
    pub(super) fn events(&self, time: Option<Timestamp>) -> (usize, usize) {
        let timeline = self.moments.timeline();
        (time.map_or(0, |time| timeline.position_at(time)), timeline.events().len())
    }

    /// Judges a batch, each packet by the inventory as it stood at its time: a ruling for each, in
    /// order. Only packets that are judged move the inventory.
    pub(super) fn batch(&mut self, batch: &CaptureBatch<'_>) -> Result<&[Ruling], Failure> {
        let frames = batch.frames();
        if self.is_of_one_group(batch) {
            // Rows may have moved on to another table since.
            self.install();
            judge(&mut self.filter, &self.options, &frames, &mut self.rulings);
        } else {
            self.by_groups(batch, &frames)?;
        }
        Ok(&self.rulings)
    }

    /// The ruling on a packet of the batch that was judged last.
    pub(super) fn ruling(&self, place: usize) -> Ruling {
        self.rulings.get(place).copied().unwrap_or_default()
    }

    /// Whether all packets of a batch are judged by the table in use, and show the same interface,
    /// where that counts.
    fn is_of_one_group(&self, batch: &CaptureBatch<'_>) -> bool {
        let timeline = self.moments.timeline();
        let is_now = |time| timeline.position_at(time) == self.moments.position();
        let one_moment = batch.times().is_none_or(|(first, last)| is_now(first) && is_now(last));
        let by_interface =
            self.network.is_none() && self.table().networks().are_shown_by_interfaces();
        let one_interface = !by_interface || !batch.has_several_interfaces();
        one_moment && one_interface && !batch.has_untimed()
    }

    fn by_groups(&mut self, batch: &CaptureBatch<'_>, frames: &Frames<'_>) -> Result<(), Failure> {
        self.rulings.clear();
        self.rulings.resize(frames.len(), Ruling::UNJUDGED);
        let mut groups = std::mem::take(&mut self.groups);
        groups.kept.clear();
        self.sieve.keep(frames, &mut groups.kept);
        self.sort_into_groups(batch, &mut groups);
        for group in groups.members.chunk_by(|one, other| {
            (one.position, one.interface) == (other.position, other.interface)
        }) {
            groups.list.clear();
            for member in group {
                groups.list.push_of(frames, member.place as usize);
            }
            let Some(first) = group.first() else { continue };
            self.moments.move_to_position(first.position)?;
            self.install();
            let interface = batch.interface_name(first.interface as usize);
            let members = groups.list.frames(frames.link, interface, frames.bytes);
            judge(&mut self.filter, &self.options, &members, &mut groups.rulings);
            for (member, ruling) in group.iter().zip(&groups.rulings) {
                if let Some(stored) = self.rulings.get_mut(member.place as usize) {
                    *stored = *ruling;
                }
            }
        }
        if batch.has_untimed() {
            let is_untimed = |place: &&u32| batch.time(**place as usize).is_none();
            for place in groups.kept.iter().filter(is_untimed) {
                let is_judged = self.rulings.get(*place as usize).is_some_and(|r| r.is_judged());
                self.without_time = self.without_time.saturating_add(u64::from(is_judged));
            }
        }
        self.groups = groups;
        Ok(())
    }

    /// Says of each packet that is kept which group it is of, and puts them in the groups' order. A
    /// packet without a time is judged by the moment of the one before it.
    fn sort_into_groups(&self, batch: &CaptureBatch<'_>, groups: &mut Groups) {
        let timeline = self.moments.timeline();
        let mut position = self.moments.position();
        let mut interfaces: HashMap<Option<&str>, u32> = HashMap::new();
        groups.members.clear();
        for place in &groups.kept {
            if let Some(time) = batch.time(*place as usize) {
                position = timeline.position_at(time);
            }
            let name = batch.interface_name(*place as usize);
            let interface = *interfaces.entry(name).or_insert(*place);
            groups.members.push(Member { position, interface, place: *place });
        }
        groups.members.sort_unstable();
    }

    /// The rows of a packet of the batch that was judged last, one for each of its layers that is
    /// judged: what the reference says of it, which has to agree with the ruling.
    pub(super) fn rows(
        &mut self,
        record: &Record<'_>,
        ruling: Ruling,
        visit: &mut dyn FnMut(&PacketRow<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(at) = record.timestamp {
            self.moments.move_to(at)?;
        }
        let table = self.moments.table().clone();
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        let interface = record.interface.and_then(|interface| interface.name);
        let network = self.network.as_ref().and_then(|name| table.network(name));
        let seen = SeenAt::Network(network);
        let mut judgements = std::mem::take(&mut self.judgements);
        judgements.clear();
        look(&table, &seen, &self.options, &frame, interface, &mut |judgement| {
            judgements.push(*judgement);
        });
        if let Some(outermost) = judgements.first()
            && (outermost.verdict, outermost.reason) != (ruling.verdict(), ruling.reason())
        {
            return Err(disagree(&format_args!("packet {}", record.index), outermost, &ruling));
        }
        for (depth, judgement) in (0_u32..).zip(&judgements) {
            self.row(&table, record, depth, judgement, visit)?;
        }
        self.judgements = judgements;
        Ok(())
    }

    fn row(
        &mut self,
        table: &Table,
        record: &Record<'_>,
        depth: u32,
        judgement: &Judgement,
        visit: &mut dyn FnMut(&PacketRow<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(reason) = judgement.reason else { return Ok(()) };
        let addresses = judgement.outcome.addresses();
        let candidate = judgement.outcome.candidate();
        let grounds = match judgement.outcome {
            Outcome::Match(found) => self.grounds(judgement, found.source, found.destination)?,
            _ => Arc::default(),
        };
        let owner = judgement.slot.and_then(|slot| table.owner(slot));
        let shown = judgement.network.and_then(|id| table.networks().name(id));
        visit(&PacketRow {
            schema_version: None,
            kind: "packet",
            packet: record.index.saturating_add(1),
            depth,
            time: record.timestamp,
            machine: owner.map(|owner| &owner.machine),
            subscription: owner.map(|owner| &owner.subscription),
            network: shown.or(grounds.network.as_ref()),
            source: addresses.map(|(source, _)| source),
            source_port: candidate.map(|found| found.source_port),
            destination: addresses.map(|(_, destination)| destination),
            port: candidate.map(|found| found.destination_port),
            verdict: judgement.verdict,
            reason,
            statements: &grounds.statements,
            assumed: &grounds.assumed,
            decided_by: grounds
                .decided_by
                .as_ref()
                .filter(|name| owner.is_none_or(|owner| owner.subscription != **name)),
            tunnel: candidate.and_then(|found| found.tunnel).map(Tunnel::as_str),
            detail: reason.is_about_the_packet().then(|| judgement.outcome.to_string()),
        })
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
            let reference = (decision.verdict, decision.reason);
            return Err(disagree(&format_args!("{question:?}"), &reference, judgement));
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

    /// Gives the table of the moment to the filter, where it has another one.
    fn install(&mut self) {
        if Arc::ptr_eq(self.filter.table(), self.moments.table()) {
            return;
        }
        let table = self.moments.table().clone();
        // Networks may have other numbers in another table.
        self.filter.set_network(self.network.as_ref().and_then(|name| table.network(name)));
        self.filter.set_table(table);
    }
}

/// Judges frames, and what is inside of their tunnels where the options ask for that.
fn judge(
    filter: &mut Filter,
    options: &FrameOptions,
    frames: &Frames<'_>,
    rulings: &mut Vec<Ruling>,
) {
    filter.judge(frames, rulings);
    if options.look_inside {
        let all = frames.iter().zip(rulings.iter());
        for (frame, _) in all.filter(|(_, ruling)| ruling.has_inside()) {
            filter.judge_inside(&frame, frames.interface);
        }
    }
}

fn disagree(
    what: &dyn std::fmt::Display,
    reference: &dyn std::fmt::Debug,
    table: &dyn std::fmt::Debug,
) -> Failure {
    Failure::Internal(format!(
        "the compiled table and the reference disagree on {what}: {table:?}, and {reference:?}; \
         please report it with the capture and the inventory"
    ))
}
