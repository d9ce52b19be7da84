//! Flows judged by the inventory as it stood at their time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use egress25_evidence::flow_log::{Description, Flow};
use egress25_policy::{
    DestinationRanges, Direction, NetworkName, Question, Source, SubscriptionName, decide_seen,
};

use crate::commands::connections::basis::AnswerBasis;
use crate::commands::connections::by_time::{Moment, TableByTime as _};
use crate::commands::connections::counts::{Described, DescribedConnection};
use crate::commands::connections::examples::{Example, FoundExamples};
use crate::commands::connections::moving::MovingInventory;
use crate::say::failure::Failure;

/// How many answers are kept before they are worked out anew.
const KEPT_ANSWERS: usize = 65_536;

/// What an answer depends on beside the moment: the sender, a range of destinations, and the source
/// port where a rule asks for that.
type Key = (IpAddr, bool, usize, Option<u16>);

/// Judges flows.
#[derive(Debug)]
pub(super) struct FlowJudge {
    inventory: MovingInventory,
    network: Option<NetworkName>,
    examples: FoundExamples,
    /// Those of the moment.
    answers: HashMap<Key, Answered>,
    of: Option<(Moment, DestinationRanges, bool)>,
}

/// What is said of a flow, and whether the inventory has security rules.
#[derive(Debug, Clone)]
struct Answered {
    described: Described,
    knows_rules: bool,
}

impl FlowJudge {
    pub(super) fn new(inventory: MovingInventory) -> Self {
        let network = inventory.network().cloned();
        let (examples, answers) = (FoundExamples::new(), HashMap::new());
        Self { inventory, network, examples, answers, of: None }
    }

    /// What was judged, as one flow of each kind, and the inventory to ask more about them.
    pub(super) const fn examples_in(&mut self) -> (&mut MovingInventory, &FoundExamples) {
        (&mut self.inventory, &self.examples)
    }

    /// A flow as a connection that was judged; `number` is its place among flows, from 1.
    pub(super) fn connection(
        &mut self,
        flow: &Flow,
        number: u64,
    ) -> Result<DescribedConnection, Failure> {
        let moment = self.inventory.moment_at(flow.first);
        let Answered { described, knows_rules } = self.answer(flow, moment)?;
        let (verdict, reason) = described.judged;
        let of = (described.subscription.clone(), reason);
        self.examples.entry(of).or_insert_with(|| Example {
            packet: number,
            moment,
            verdict,
            network: self.network.clone(),
            source: flow.tuple.from.ip(),
            source_port: flow.tuple.from.port(),
            destination: flow.tuple.to.ip(),
            direction: Some(Direction::Outbound),
        });
        let is_bounded = described.basis.hangs_on_a_bound;
        let description = Description { knows_rules, has_changed: moment.happened > 0 };
        let mut connection =
            flow.connection(number, described.judged, description, Some(described));
        connection.is_bounded = is_bounded;
        Ok(connection)
    }

    fn answer(&mut self, flow: &Flow, moment: Moment) -> Result<Answered, Failure> {
        if self.of.as_ref().is_none_or(|(of, ..)| *of != moment) {
            self.inventory.move_to(moment)?;
            let asks_ports = self.inventory.table().asks_source_ports();
            let ranges = DestinationRanges::of(self.inventory.world()?);
            self.of = Some((moment, ranges, asks_ports));
            self.answers.clear();
        }
        let (from, to) = (flow.tuple.from, flow.tuple.to.ip());
        let of = self.of.as_ref();
        let (range, port) = of.map_or((0, None), |(_, ranges, asks_ports)| {
            (ranges.number_of(to), asks_ports.then_some(from.port()))
        });
        let key = (from.ip(), to.is_ipv4(), range, port);
        if let Some(known) = self.answers.get(&key) {
            return Ok(known.clone());
        }
        let answered = self.decide(flow, moment)?;
        if self.answers.len() >= KEPT_ANSWERS {
            self.answers.clear();
        }
        self.answers.insert(key, answered.clone());
        Ok(answered)
    }

    fn decide(&mut self, flow: &Flow, moment: Moment) -> Result<Answered, Failure> {
        let edition =
            self.inventory.edition_of(moment).map_or("", |edition| &edition.id).to_owned();
        let source =
            Source::Address { network: self.network.clone(), address: flow.tuple.from.ip() };
        let source_port = Some(flow.tuple.from.port());
        let question = Question { source_port, ..Question::smtp(source, flow.tuple.to.ip()) };
        let world = self.inventory.world()?;
        // It left the interface: what comes in is another flow.
        let decision = decide_seen(world, &question, Some(Direction::Outbound));
        let machine = decision.machine.clone();
        let sender = machine.as_ref().and_then(|name| world.machines().get(name));
        let subscription = sender.map(|sender| sender.subscription.clone());
        let is_another = |name: &SubscriptionName| subscription.as_ref() != Some(name);
        let judged = (decision.verdict, decision.reason);
        let decided_by = decision.subscription.clone().filter(is_another);
        let knows_rules = world.has_security_rules();
        let basis = Arc::new(AnswerBasis::of(world, decision));
        let network = basis.network.clone().or_else(|| self.network.clone());
        let described =
            Described { judged, machine, subscription, network, edition, decided_by, basis };
        Ok(Answered { described, knows_rules })
    }
}
