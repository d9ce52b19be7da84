//! What a filter has judged, as numbers.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use egress25_policy::{Reason, SubscriptionName, Verdict};

use crate::sieve::{CODES, Code, Ruling, Tally};
use crate::table::Table;

/// Counts of what was judged: one counter a subscription, reason and verdict, and one for what was
/// not our business.
#[derive(Clone)]
pub struct Counters {
    /// Those of the table in use, by the numbers of its subscriptions.
    subscriptions: Arc<[SubscriptionName]>,
    counts: Vec<u64>,
    /// Those of the tables before it that had other numbers.
    before: BTreeMap<(Option<SubscriptionName>, u8), u64>,
}

impl PartialEq for Counters {
    fn eq(&self, other: &Self) -> bool {
        // Those that always had the same numbers need no adding up.
        let is_plain = |one: &Self| one.before.is_empty();
        if is_plain(self) && is_plain(other) && self.subscriptions == other.subscriptions {
            return self.counts == other.counts;
        }
        self.sum() == other.sum()
    }
}

impl Eq for Counters {}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        map.entry(&"unjudged", &self.unjudged());
        map.entries(
            self.met()
                .into_iter()
                .map(|met| ((met.subscription, met.reason, met.verdict), met.count)),
        );
        map.finish()
    }
}

/// A count of [`Counters::met`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The sender's subscription; `None` where the table does not know the sender.
    pub subscription: Option<SubscriptionName>,
    /// Why.
    pub reason: Reason,
    /// What became of the packets.
    pub verdict: Verdict,
    /// How many there were.
    pub count: u64,
}

impl Counters {
    pub(super) fn new(subscriptions: &Arc<[SubscriptionName]>) -> Self {
        let mut new =
            Self { subscriptions: Arc::default(), counts: Vec::new(), before: BTreeMap::new() };
        new.number(subscriptions);
        new
    }

    /// Packets that are no SYN to port 25 and passed unjudged.
    #[must_use]
    pub fn unjudged(&self) -> u64 {
        self.sum().get(&(None, Code::UNJUDGED.byte())).copied().unwrap_or(0)
    }

    /// Packets that were judged.
    #[must_use]
    pub fn judged(&self) -> u64 {
        let is_judged = |code: u8| code != Code::UNJUDGED.byte();
        self.sum().iter().filter(|((_, code), _)| is_judged(*code)).map(|(_, count)| count).sum()
    }

    /// Everything that was judged, by subscription, reason and verdict.
    #[must_use]
    pub fn met(&self) -> Vec<Met> {
        let of = |((subscription, code), count)| {
            let code = Code::of_byte(code);
            let reason = code.reason()?;
            Some(Met { subscription, reason, verdict: code.verdict(), count })
        };
        self.sum().into_iter().filter_map(of).collect()
    }

    /// Goes on with the numbers of another table.
    pub(super) fn set_subscriptions(&mut self, subscriptions: &Arc<[SubscriptionName]>) {
        if self.subscriptions != *subscriptions {
            self.before = self.sum();
            self.number(subscriptions);
        }
    }

    /// The counters of the table in use.
    pub(super) fn of_table(&mut self) -> &mut [u64] {
        &mut self.counts
    }

    /// Counts a single ruling; a batch's are counted while it is judged, by the same function.
    pub(super) fn count(&mut self, table: &Table, ruling: Ruling) {
        self.tally(table).count(ruling, 1);
    }

    /// Counts a packet that was counted by one ruling by another.
    pub(super) fn recount(&mut self, table: &Table, from: Ruling, to: Ruling) {
        self.tally(table).recount(from, to);
    }

    fn tally<'a>(&'a mut self, table: &'a Table) -> Tally<'a> {
        Tally { places: table.places(), counts: &mut self.counts }
    }

    fn number(&mut self, subscriptions: &Arc<[SubscriptionName]>) {
        self.subscriptions = subscriptions.clone();
        self.counts = vec![0; subscriptions.len().saturating_add(1).saturating_mul(CODES)];
    }

    fn sum(&self) -> BTreeMap<(Option<SubscriptionName>, u8), u64> {
        let mut sum = self.before.clone();
        let names = [None].into_iter().chain(self.subscriptions.iter().map(Some));
        for (name, counts) in names.zip(self.counts.chunks_exact(CODES)) {
            for (code, count) in (0_u8..=u8::MAX).zip(counts).filter(|(_, count)| **count > 0) {
                let stored = sum.entry((name.cloned(), code)).or_default();
                *stored = stored.saturating_add(*count);
            }
        }
        sum
    }
}
