//! Tuples to flows, in bounded memory.

use std::collections::HashMap;

use egress25_policy::{Reason, Verdict};
use jiff::{SignedDuration, Timestamp};

use crate::connection::{Connection, Logged, SeenAt, Witness};
use crate::flow_log::tuple::{FlowState, FlowTuple};
use crate::flow_log::walk::{FlowRule, LoggedFlow};
use crate::reply::Answer;
use crate::tuple::Tuple;

/// Two groups, an interface's and its subnet's, or two interfaces on the way, tell the same within this
/// time.
const ONE_MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// SYNs that are denied again and again are one attempt if they follow each other within this time:
/// longer than any system waits between two tries.
const ONE_ATTEMPT: SignedDuration = SignedDuration::from_secs(240);

/// After so many tuples between the same ends those that go on from each other are joined.
const MOST_TOLD: usize = 32;

/// How many tuples before one are looked at for one that it repeats.
const LOOKED_BACK: usize = 8;

/// A flow: what a log says of a connection that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its ends, from the side that opens it.
    pub tuple: Tuple,
    /// When the log tells of it first.
    pub first: Timestamp,
    /// When it tells of it last.
    pub last: Timestamp,
    /// The rule that it met: the one that denies it, where one does.
    pub rule: FlowRule,
    /// Packets from the side that opens it, and back to it, where the log counts them.
    pub packets: Option<(u64, u64)>,
    /// The interface that tells of it.
    mac: Option<u64>,
    /// Whether a tuple says that it is denied.
    is_denied: bool,
    /// Whether the log has its beginning.
    has_begun: bool,
    has_ended: bool,
    /// How often it is told to be denied, or to begin.
    tries: u64,
    /// How many tuples tell of it.
    told: u64,
}

/// What a description has that a flow is judged by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Description {
    /// Whether it has rules of security groups and admin rules at all.
    pub knows_rules: bool,
    /// Whether anything has happened in it by the time that the log tells of the flow first.
    pub has_changed: bool,
}

/// Brings tuples together to flows: by the interface and both ends, in the order of time, whatever order
/// they come in. A flow that goes on in the next hour's file is one; what two groups tell at once, or a
/// log twice, is one.
#[derive(Debug)]
pub struct FlowTracker {
    max_flows: usize,
    told: HashMap<Ends, Vec<Told>>,
    /// The rules that were met, each once.
    rules: Vec<FlowRule>,
    numbers: HashMap<FlowRule, usize>,
    /// How many tuples are held.
    held: usize,
    not_kept: u64,
}

/// What tuples have in common that may be of one flow.
type Ends = (Option<u64>, Tuple);

/// What one tuple tells, or several that go on from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    at: Timestamp,
    until: Timestamp,
    state: FlowState,
    packets: Option<(u64, u64)>,
    /// The place of its rule among those that were met.
    rule: usize,
    /// How many tuples it stands for.
    tuples: u64,
}

impl Told {
    /// Whether it says what another one says, which comes before it: the same log's word once more, or
    /// another group's word on the same.
    fn repeats(&self, other: &Self) -> bool {
        let is_alike = (self.state, self.packets) == (other.state, other.packets);
        let apart = self.at.duration_since(other.at);
        is_alike && (apart.is_zero() || self.rule != other.rule && apart <= ONE_MOMENT)
    }

    /// Whether it goes on from another one, with nothing between them that matters.
    fn goes_on_from(&self, other: &Self) -> bool {
        let goes_on = match self.state {
            FlowState::GoesOn => true,
            FlowState::Denied => self.at.duration_since(other.until) <= ONE_ATTEMPT,
            _ => false,
        };
        goes_on && self.state == other.state && self.rule == other.rule
    }
}

impl FlowTracker {
    /// One that keeps so many flows at most.
    #[must_use]
    pub fn new(max_flows: usize) -> Self {
        Self {
            max_flows,
            told: HashMap::new(),
            rules: Vec::new(),
            numbers: HashMap::new(),
            held: 0,
            not_kept: 0,
        }
    }

    /// Takes in a tuple.
    pub fn add(&mut self, LoggedFlow { tuple, rule, mac }: LoggedFlow) {
        let ends = (mac, tuple.tuple);
        let is_full = self.held >= self.max_flows.saturating_mul(MOST_TOLD)
            || self.told.len() >= self.max_flows && !self.told.contains_key(&ends);
        if is_full {
            self.not_kept = self.not_kept.saturating_add(1);
            return;
        }
        let rules = &mut self.rules;
        let rule = *self.numbers.entry(rule).or_insert_with_key(|rule| {
            rules.push(rule.clone());
            rules.len().saturating_sub(1)
        });
        let FlowTuple { at, state, .. } = tuple;
        let told = self.told.entry(ends).or_default();
        let before = told.len();
        told.push(Told { at, until: at, state, packets: counted(&tuple), rule, tuples: 1 });
        if told.len() >= MOST_TOLD && told.len().is_power_of_two() {
            put_in_order(told);
        }
        self.held = self.held.saturating_sub(before).saturating_add(told.len());
    }

    /// The flows, in the order that they were told first, and how many tuples were of those that there
    /// was no room for.
    #[must_use]
    pub fn finish(self) -> (Vec<Flow>, u64) {
        let Self { max_flows, told, rules, mut not_kept, .. } = self;
        let mut flows: Vec<Flow> = Vec::new();
        for ((mac, tuple), mut told) in told {
            put_in_order(&mut told);
            let begin = flows.len();
            for one in told {
                let rule = rules.get(one.rule).cloned().unwrap_or_default();
                let known = flows.get_mut(begin..).and_then(<[Flow]>::last_mut);
                match known.filter(|flow| flow.goes_on_with(&one)) {
                    Some(flow) => flow.add(&one, rule),
                    None => flows.push(Flow::begin(mac, tuple, &one, rule)),
                }
            }
        }
        flows.sort_by_key(|flow| (flow.tuple, flow.first));
        flows.dedup_by(|later, earlier| earlier.is_joined_by(later));
        flows.sort_by_key(|flow| (flow.first, flow.tuple));
        for beyond in flows.drain(max_flows.min(flows.len())..) {
            not_kept = not_kept.saturating_add(beyond.told);
        }
        (flows, not_kept)
    }
}

/// Puts what is told of the same ends in order of time, without repetitions, and joins what goes on.
fn put_in_order(told: &mut Vec<Told>) {
    told.sort_by_key(|one| (one.at, one.state));
    let mut ordered: Vec<Told> = Vec::with_capacity(told.len());
    for one in told.drain(..) {
        let repeated = ordered.iter().rev().take(LOOKED_BACK).any(|known| one.repeats(known));
        if !repeated {
            ordered.push(one);
        }
    }
    if ordered.len() >= MOST_TOLD {
        ordered.dedup_by(|later, earlier| {
            let joins = later.goes_on_from(earlier);
            if joins {
                earlier.until = later.until;
                earlier.packets = sum(earlier.packets, later.packets);
                earlier.tuples = earlier.tuples.saturating_add(later.tuples);
            }
            joins
        });
    }
    *told = ordered;
}

impl Flow {
    fn begin(mac: Option<u64>, tuple: Tuple, told: &Told, rule: FlowRule) -> Self {
        Self {
            tuple,
            first: told.at,
            last: told.until,
            rule,
            packets: told.packets,
            mac,
            is_denied: told.state == FlowState::Denied,
            has_begun: !matches!(told.state, FlowState::GoesOn | FlowState::Ended),
            has_ended: told.state == FlowState::Ended,
            tries: if told.state == FlowState::Denied { told.tuples } else { 1 },
            told: told.tuples,
        }
    }

    /// Whether what is told next is of this flow, and of no later one with the same ends.
    fn goes_on_with(&self, told: &Told) -> bool {
        let since = told.at.duration_since(self.last);
        if told.at.duration_since(self.first) <= ONE_MOMENT {
            return true;
        }
        match told.state {
            FlowState::Begun | FlowState::Allowed => since <= ONE_MOMENT && !self.has_ended,
            FlowState::Denied => self.is_denied && since <= ONE_ATTEMPT,
            FlowState::GoesOn | FlowState::Ended => !self.has_ended || since <= ONE_MOMENT,
        }
    }

    fn add(&mut self, told: &Told, rule: FlowRule) {
        if told.state == FlowState::Denied && self.is_denied {
            self.tries = self.tries.saturating_add(told.tuples);
        }
        if told.state == FlowState::Denied && !self.is_denied {
            (self.is_denied, self.rule) = (true, rule);
        }
        self.packets = sum(self.packets, told.packets);
        self.has_ended |= told.state == FlowState::Ended;
        self.last = self.last.max(told.until);
        self.told = self.told.saturating_add(told.tuples);
    }

    /// Whether a flow is this one, as another interface on its way tells of it; it is joined then.
    fn is_joined_by(&mut self, later: &Self) -> bool {
        let is_same = self.tuple == later.tuple
            && self.mac != later.mac
            && later.first.duration_since(self.first) <= ONE_MOMENT;
        if is_same {
            if later.is_denied && !self.is_denied {
                (self.is_denied, self.rule) = (true, later.rule.clone());
            }
            self.packets = match (self.packets, later.packets) {
                (Some((sent, back)), Some((other_sent, other_back))) => {
                    Some((sent.max(other_sent), back.max(other_back)))
                }
                (known, other) => known.or(other),
            };
            self.last = self.last.max(later.last);
            self.told = self.told.saturating_add(later.told);
        }
        is_same
    }

    /// Whether a rule of the owner's denied it, and nothing came back later all the same.
    #[must_use]
    pub fn is_denied_by_a_rule(&self) -> bool {
        self.answer() == Answer::Denied
    }

    /// Whether it met a rule of a security group or an admin rule: neither the network's encryption nor
    /// the platform without a rule (N21).
    fn met_a_rule(&self) -> bool {
        !self.rule.is_the_platforms() && !self.rule.is_unspecified()
    }

    /// What the log shows of what came back.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match (self.is_denied, self.packets) {
            _ if !self.met_a_rule() => Answer::NotTold,
            (_, Some((_, 1..))) => Answer::Returned,
            (true, _) => Answer::Denied,
            (false, Some((1.., 0))) => Answer::Silent,
            (false, _) => Answer::NotTold,
        }
    }

    /// How often it was tried: what is sent and never answered are SYNs.
    #[must_use]
    pub fn tries(&self) -> u64 {
        match (self.answer(), self.packets) {
            (Answer::Silent, Some((sent, _))) => sent,
            _ => self.tries,
        }
    }

    /// It as a connection: `number` is its place among flows, from 1. What is kept with it is `kept`.
    #[must_use]
    pub fn connection<T>(
        &self,
        number: u64,
        judged: (Verdict, Reason),
        description: Description,
        kept: T,
    ) -> Connection<T> {
        let witness = Witness::FlowLog(Logged {
            knows_rules: description.knows_rules,
            is_let_out: self.met_a_rule() && !self.is_denied,
            is_denied_otherwise: self.is_denied && !self.met_a_rule(),
            // What has never changed was true at its beginning, too.
            has_begun: self.has_begun || !description.has_changed,
        });
        let mut connection = Connection {
            tuple: self.tuple,
            isn: 0,
            options: 0,
            seen: SeenAt { packet: number, depth: 0, time: Some(self.first) },
            first: Some(self.first),
            last_try: Some(self.last),
            answered_at: None,
            tries: self.tries(),
            answer: self.answer(),
            judged,
            is_bounded: false,
            witness,
            denied_by: self.is_denied_by_a_rule().then(|| self.rule.name.as_ref().to_owned()),
            behind: Vec::new(),
            translated_to: Vec::new(),
            kept,
            met: [0; 3],
        };
        connection.meet(judged);
        connection
    }
}

/// Packets that were counted, and more of them.
const fn sum(known: Option<(u64, u64)>, more: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (known, more) {
        (Some((sent, back)), Some((more, more_back))) => {
            Some((sent.saturating_add(more), back.saturating_add(more_back)))
        }
        (Some(known), None) => Some(known),
        (None, more) => more,
    }
}

/// The packets of a tuple. That a flow begins counts none: they are told later.
fn counted(tuple: &FlowTuple) -> Option<(u64, u64)> {
    tuple.packets.filter(|packets| tuple.state != FlowState::Begun || *packets != (0, 0))
}
