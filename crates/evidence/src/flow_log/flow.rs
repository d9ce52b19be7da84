//! Tuples to flows, in bounded memory and linear time.

use std::collections::HashMap;

use egress25_policy::{Reason, Verdict};
use jiff::{SignedDuration, Timestamp};

use crate::connection::{Connection, SeenAt, Witness};
use crate::flow_log::tuple::{FlowState, FlowTuple};
use crate::flow_log::walk::{FlowRule, LoggedFlow};
use crate::reply::Answer;
use crate::tuple::Tuple;

/// Two groups, an interface's and its subnet's, tell the same flow within this time.
const ONE_MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// SYNs that are denied again and again are one attempt if they follow each other within this time:
/// longer than any system waits between two tries.
const ONE_ATTEMPT: SignedDuration = SignedDuration::from_secs(240);

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
    /// Whether it is denied.
    pub is_denied: bool,
    /// Packets from the side that opens it, and back to it, where the log counts them.
    pub packets: Option<(u64, u64)>,
    /// How often it is told to be denied, or to begin.
    tries: u64,
    has_ended: bool,
    told_last: (Timestamp, FlowState, FlowRule),
}

/// Brings tuples together to flows: by the interface and both ends. A flow that goes on in the next
/// hour's file is one; what two groups tell at once is one.
#[derive(Debug)]
pub struct FlowTracker {
    max_flows: usize,
    flows: Vec<Flow>,
    places: HashMap<(Option<u64>, Tuple), usize>,
    not_kept: u64,
}

impl FlowTracker {
    /// One that keeps so many flows at most.
    #[must_use]
    pub fn new(max_flows: usize) -> Self {
        Self { max_flows, flows: Vec::new(), places: HashMap::new(), not_kept: 0 }
    }

    /// Takes in a tuple.
    pub fn add(&mut self, LoggedFlow { tuple, rule, mac }: LoggedFlow) {
        let key = (mac, tuple.tuple);
        let is_full = self.flows.len() >= self.max_flows;
        let known = self.places.get(&key).and_then(|place| self.flows.get_mut(*place));
        match known.filter(|flow| flow.goes_on_with(&tuple)) {
            Some(flow) => flow.add(&tuple, rule),
            None if is_full => {
                self.not_kept = self.not_kept.saturating_add(1);
            }
            None => {
                self.places.insert(key, self.flows.len());
                self.flows.push(Flow::begin(&tuple, rule));
            }
        }
    }

    /// The flows, in the order that they were told first, and how many tuples were of those that there
    /// was no room for.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Flow>, u64) {
        self.flows.sort_by_key(|flow| flow.first);
        (self.flows, self.not_kept)
    }
}

impl Flow {
    fn begin(tuple: &FlowTuple, rule: FlowRule) -> Self {
        Self {
            tuple: tuple.tuple,
            first: tuple.at,
            last: tuple.at,
            is_denied: tuple.state == FlowState::Denied,
            packets: counted(tuple),
            tries: 1,
            has_ended: tuple.state == FlowState::Ended,
            told_last: (tuple.at, tuple.state, rule.clone()),
            rule,
        }
    }

    /// Whether a tuple is of this flow, and of no later one with the same ends.
    fn goes_on_with(&self, tuple: &FlowTuple) -> bool {
        let since = tuple.at.duration_since(self.last);
        if tuple.at.duration_since(self.first).abs() <= ONE_MOMENT {
            return true;
        }
        match tuple.state {
            FlowState::Begun | FlowState::Allowed => since.abs() <= ONE_MOMENT && !self.has_ended,
            FlowState::Denied => self.is_denied && since.abs() <= ONE_ATTEMPT,
            FlowState::GoesOn | FlowState::Ended => !self.has_ended || since.abs() <= ONE_MOMENT,
        }
    }

    fn add(&mut self, tuple: &FlowTuple, rule: FlowRule) {
        let (at, state, of) = &self.told_last;
        // Another group's word on the same is no more of it.
        let is_copy = (*at, *state) == (tuple.at, tuple.state) && *of != rule;
        if !is_copy {
            if tuple.state == FlowState::Denied && self.is_denied {
                self.tries = self.tries.saturating_add(1);
            }
            self.packets = match (self.packets, counted(tuple)) {
                (Some((sent, back)), Some((more, more_back))) => {
                    Some((sent.saturating_add(more), back.saturating_add(more_back)))
                }
                (known, more) => known.or(more),
            };
        }
        if tuple.state == FlowState::Denied && !self.is_denied {
            (self.is_denied, self.rule) = (true, rule.clone());
        }
        self.has_ended |= tuple.state == FlowState::Ended;
        self.first = self.first.min(tuple.at);
        self.last = self.last.max(tuple.at);
        self.told_last = (tuple.at, tuple.state, rule);
    }

    /// What the log shows of what came back.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let is_the_owners = !self.rule.is_the_platforms() && !self.rule.is_unspecified();
        match (self.is_denied, self.packets) {
            (true, _) if is_the_owners => Answer::Denied,
            // The network's encryption, or the platform without a rule of the owner's (N21).
            (true, _) => Answer::NotTold,
            _ if self.rule.is_the_platforms() => Answer::NotTold,
            (false, Some((_, 1..))) => Answer::Returned,
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

    /// It as a connection: `number` is its place among flows, from 1, and `knows_rules` whether the
    /// description has security rules at all. What is kept with it is `kept`.
    #[must_use]
    pub fn connection<T>(
        &self,
        number: u64,
        judged: (Verdict, Reason),
        knows_rules: bool,
        kept: T,
    ) -> Connection<T> {
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
            witness: Witness::FlowLog { knows_rules },
            denied_by: self.is_denied.then(|| self.rule.name.as_ref().to_owned()),
            behind: Vec::new(),
            translated_to: Vec::new(),
            kept,
            met: [0; 3],
        };
        connection.meet(judged);
        connection
    }
}

/// The packets of a tuple. That a flow begins counts none: they are told later.
fn counted(tuple: &FlowTuple) -> Option<(u64, u64)> {
    tuple.packets.filter(|packets| tuple.state != FlowState::Begun || *packets != (0, 0))
}
