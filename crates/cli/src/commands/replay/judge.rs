//! Packets judged by the inventory as it stood at their time, and what each answer rests on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use egress25_packet_filter::capture::{CaptureBatch, Record};
use egress25_packet_filter::filter::{Counters, Filter, Judgement, SeenAt, look};
use egress25_packet_filter::frame::{Direction, Frame, FrameOptions, Outcome, Tunnel};
use egress25_packet_filter::sieve::Ruling;
use egress25_packet_filter::table::{NetworkId, Slot, Table};
use egress25_policy::{
    DestinationRanges, NetworkName, Question, Reason, Source, StoppedBy, decide_seen,
};
use jiff::Timestamp;

use crate::commands::connections::basis::AnswerBasis;
use crate::commands::connections::by_time::{Moment, TableByTime as _};
use crate::commands::connections::examples::{Examples, FoundExamples};
use crate::commands::connections::moving::MovingInventory;
use crate::commands::replay::batches::BatchJudge;
use crate::commands::replay::resolve::ReplayPlan;
use crate::commands::replay::row::PacketRow;
use crate::say::failure::Failure;
use crate::say::output::OfAnotherPage;

/// How many answers are kept before they are worked out anew.
const KEPT_GROUNDS: usize = 65_536;

/// Judges packets by the inventory as it stood at their time.
#[derive(Debug)]
pub(super) struct ReplayJudge {
    inventory: MovingInventory,
    batches: BatchJudge,
    options: FrameOptions,
    judgements: Vec<Judgement>,
    /// By the compilation and the moment of a table, whose slots the keys are.
    grounds: HashMap<(u64, Moment, Key), Arc<AnswerBasis>>,
    /// The destinations that the world of a moment tells apart.
    ranges: Option<((u64, Moment), DestinationRanges)>,
}

/// What the answer to a packet depends on: a sender, a range of destinations and, where that counts,
/// the source port; or addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Sender(Slot, bool, usize, Option<u16>),
    Addresses(Option<NetworkId>, IpAddr, IpAddr, Option<Direction>),
}

impl ReplayJudge {
    pub(super) fn new(plan: &ReplayPlan) -> Result<Self, Failure> {
        let inventory =
            MovingInventory::new(&plan.inventory, &plan.edition, plan.network.as_deref())?;
        let mut filter = Filter::new(inventory.table().clone(), plan.options);
        filter.set_network(inventory.network_in(filter.table()));
        let batches = BatchJudge::new(filter, plan.options, inventory.moment());
        Ok(Self {
            inventory,
            batches,
            options: plan.options,
            judgements: Vec::new(),
            grounds: HashMap::new(),
            ranges: None,
        })
    }

    /// The table of the moment.
    pub(super) const fn table(&self) -> &Arc<Table> {
        self.inventory.table()
    }

    /// What the filter has counted.
    pub(super) const fn counters(&self) -> &Counters {
        self.batches.filter.counters()
    }

    /// The inventory as time goes on.
    pub(super) const fn inventory(&self) -> &MovingInventory {
        &self.inventory
    }

    /// One packet of each kind that was judged.
    pub(super) const fn examples(&self) -> &Examples {
        &self.batches.examples
    }

    /// What was judged, as one packet of each kind, and the inventory to ask more about them.
    pub(super) const fn examples_in(&mut self) -> (&mut MovingInventory, &FoundExamples) {
        (&mut self.inventory, self.batches.examples.found())
    }

    /// Whether the day of creation of some subscription is known by bounds alone.
    pub(super) fn has_bounds(&mut self) -> Result<bool, Failure> {
        let world = self.inventory.world()?;
        Ok(world.subscriptions().values().any(|one| !one.created.is_known()))
    }

    /// How many of the events take effect by a time, and how many there are.
    pub(super) fn events(&self, time: Option<Timestamp>) -> (usize, usize) {
        let happened = |time| self.inventory.moment_at(time).happened;
        (time.map_or(0, happened), self.inventory.events().len())
    }

    /// Judges a batch, each packet by the inventory as it stood at its time: a ruling for each, in
    /// order.
    pub(super) fn batch(&mut self, batch: &CaptureBatch<'_>) -> Result<&[Ruling], Failure> {
        self.batches.judge(batch, &mut self.inventory)
    }

    /// How many packets that are judged came without a time.
    pub(super) const fn without_time(&self) -> u64 {
        self.batches.without_time
    }

    /// How many packets are judged only inside of their tunnels.
    pub(super) const fn inside_alone(&self) -> u64 {
        self.batches.inside_alone
    }

    /// The ruling on a packet of the batch that was judged last.
    pub(super) fn ruling(&self, place: usize) -> Ruling {
        self.batches.rulings.get(place).copied().unwrap_or_default()
    }

    /// The rows of a packet of the batch that was judged last, one for each of its layers that is
    /// judged: what the reference says of it, which has to agree with the ruling.
    pub(super) fn rows(
        &mut self,
        record: &Record<'_>,
        place: usize,
        visit: &mut dyn FnMut(&PacketRow<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let ruling = self.ruling(place);
        self.inventory.move_to(match record.timestamp {
            Some(at) => self.inventory.moment_at(at),
            None => self.batches.moment_of_untimed(place),
        })?;
        let table = self.inventory.table().clone();
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        let seen = SeenAt::Network(self.inventory.network_in(&table));
        let mut judgements = std::mem::take(&mut self.judgements);
        judgements.clear();
        look(&table, &seen, &self.options, &frame, record.sighting(), &mut |judgement| {
            judgements.push(*judgement);
        });
        if let Some(outermost) = judgements.first()
            && (outermost.verdict, outermost.reason) != (ruling.verdict(), ruling.reason())
        {
            let number = record.index.saturating_add(1);
            return Err(disagree(&format_args!("packet {number}"), outermost, &ruling));
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
        let sighting = record.sighting();
        let direction = if depth == 0 { sighting } else { sighting.inside() }.direction;
        let grounds = match judgement.outcome {
            Outcome::Match(found) => {
                self.grounds(judgement, (found.source, found.destination), direction)?
            }
            _ => Arc::new(self.grounds_of(reason)),
        };
        let owner = judgement.slot.and_then(|slot| table.owner(slot));
        let shown = judgement.network.and_then(|id| table.networks().name(id));
        let edition = self
            .inventory
            .edition_of(self.inventory.moment())
            .map_or("", |edition| edition.id.as_str());
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
            stopped_by: StoppedBy::of(judgement.verdict, reason),
            verdict: judgement.verdict,
            reason,
            edition,
            statements: &grounds.statements,
            assumed: &grounds.assumed,
            decided_by: grounds
                .decided_by
                .as_ref()
                .filter(|name| owner.is_none_or(|owner| owner.subscription != **name)),
            rule: grounds.rule.as_deref(),
            tunnel: candidate.and_then(|found| found.tunnel).map(Tunnel::as_str),
            detail: reason.is_about_the_packet().then(|| judgement.outcome.to_string()),
            sources: &grounds.sources,
            cited: &grounds.cited,
            basis: &grounds,
        })
    }

    /// The network that a packet shows.
    fn network_of(&self, judgement: &Judgement) -> Option<NetworkName> {
        judgement.network.and_then(|id| self.inventory.table().networks().name(id)).cloned()
    }

    /// What an answer rests on that the reference decision is not asked for: what its reason names
    /// of the edition.
    fn grounds_of(&self, reason: Reason) -> AnswerBasis {
        let Some(edition) = self.inventory.edition_of(self.inventory.moment()) else {
            return AnswerBasis::default();
        };
        let named = reason.rests_on().iter().filter_map(|name| edition.statement(name));
        let statements: Vec<_> = named.map(|statement| statement.id.clone()).collect();
        AnswerBasis {
            cited: edition.cited(&statements),
            sources: OfAnotherPage::among(edition, &statements),
            statements,
            ..AnswerBasis::default()
        }
    }

    /// What the answer rests on, from the reference decision, which has to agree with the table.
    fn grounds(
        &mut self,
        judgement: &Judgement,
        (source, destination): (IpAddr, IpAddr),
        direction: Option<Direction>,
    ) -> Result<Arc<AnswerBasis>, Failure> {
        let table = self.inventory.table();
        let (now, asks_ports) =
            ((table.epoch(), self.inventory.moment()), table.asks_source_ports());
        if self.ranges.as_ref().is_none_or(|(of, _)| *of != now) {
            self.ranges = Some((now, DestinationRanges::of(self.inventory.world()?)));
        }
        let range = self.ranges.as_ref().map_or(0, |(_, ranges)| ranges.number_of(destination));
        let source_port = judgement.outcome.candidate().map(|found| found.source_port);
        let port = source_port.filter(|_| asks_ports);
        let key = match judgement.slot {
            Some(slot) => Key::Sender(slot, destination.is_ipv4(), range, port),
            None => Key::Addresses(judgement.network, source, destination, direction),
        };
        let key = (now.0, now.1, key);
        if let Some(grounds) = self.grounds.get(&key) {
            return Ok(grounds.clone());
        }
        let network = self.network_of(judgement);
        let source = Source::Address { network, address: source };
        let question = Question { source_port, ..Question::smtp(source, destination) };
        let world = self.inventory.world()?;
        let decision = decide_seen(world, &question, direction);
        if (decision.verdict, Some(decision.reason)) != (judgement.verdict, judgement.reason) {
            let reference = (decision.verdict, decision.reason);
            return Err(disagree(&format_args!("{question:?}"), &reference, judgement));
        }
        let grounds = Arc::new(AnswerBasis::of(world, decision));
        if self.grounds.len() >= KEPT_GROUNDS {
            self.grounds.clear();
        }
        self.grounds.insert(key, grounds.clone());
        Ok(grounds)
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
