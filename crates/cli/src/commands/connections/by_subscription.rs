//! How many of each subscription are judged for which reason.

use std::collections::BTreeMap;

use comfy_table::CellAlignment;
use egress25_policy::{Reason, StoppedBy, Verdict};
use serde::Serialize;

use crate::say::cell::TextCell;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html::{self, Column, Table, TableBuilder};
use crate::say::output;

/// What is counted, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Counted {
    /// Packets of a capture.
    Packets(u64),
    /// Flows of a flow log.
    Flows(u64),
}

impl Counted {
    /// How many.
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::Packets(number) | Self::Flows(number) => number,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Packets(_) => "packets",
            Self::Flows(_) => "flows",
        }
    }
}

/// Those of a subscription, of a verdict for a reason.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubscriptionCount {
    /// What stops them, in one word.
    pub stopped_by: StoppedBy,
    /// The sender's subscription; none where the inventory does not know the sender.
    pub subscription: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
    /// How many.
    #[serde(flatten)]
    pub counted: Counted,
}

/// Brings counts together: in the order of subscriptions, reasons and verdicts.
pub(crate) fn of(
    counts: impl Iterator<Item = (Option<String>, Reason, Verdict, StoppedBy, u64)>,
    counted: fn(u64) -> Counted,
) -> Vec<SubscriptionCount> {
    let mut sums: BTreeMap<_, u64> = BTreeMap::new();
    for (subscription, reason, verdict, stopped_by, more) in counts {
        let sum = sums.entry((subscription, reason, verdict, stopped_by)).or_default();
        *sum = sum.saturating_add(more);
    }
    let one = |((subscription, reason, verdict, stopped_by), sum)| SubscriptionCount {
        stopped_by,
        subscription,
        verdict,
        reason,
        counted: counted(sum),
    };
    sums.into_iter().map(one).collect()
}

/// How many are of senders that the inventory does not know.
pub(crate) fn unknown(counts: &[SubscriptionCount]) -> u64 {
    let unknown = counts.iter().filter(|count| count.reason == Reason::UnknownSource);
    unknown.map(|count| count.counted.number()).sum()
}

/// That nothing is judged, or nothing of anybody who is described, if that is so.
pub(crate) fn nothing_judged(counts: &[SubscriptionCount], of: &str) -> Option<String> {
    let nobodys = |reason: Reason| reason == Reason::UnknownSource || reason.is_about_the_packet();
    match counts {
        [] => Some(format!("nothing in {of} is judged")),
        counts => counts.iter().all(|count| nobodys(count.reason)).then(|| {
            format!("nothing in {of} that is judged is of anybody whom the inventory knows")
        }),
    }
}

const HEADINGS: [&str; 4] = ["stopped by", "subscription", "verdict", "reason"];
const MEANING: &str = "what it means";

/// Writes them for people, with an empty line behind them.
pub(crate) fn write(console: &mut Console, counts: &[SubscriptionCount]) -> Result<(), Failure> {
    let Some(SubscriptionCount { counted, .. }) = counts.first() else { return Ok(()) };
    let rows = counts.iter().map(|count| {
        [
            TextCell::of(count.stopped_by.name()),
            TextCell::of(count.subscription.as_deref().unwrap_or("-")),
            TextCell::of(&count.verdict).looking(|cell| cell.fg(output::color(count.verdict))),
            TextCell::of(&count.reason),
            TextCell::of(&count.counted.number())
                .looking(|cell| cell.set_alignment(CellAlignment::Right)),
            TextCell::of(count.reason.line()),
        ]
    });
    let [stopped_by, subscription, verdict, reason] = HEADINGS;
    let header = [stopped_by, subscription, verdict, reason, counted.name(), MEANING];
    output::write_rows(console, &header, rows)?;
    console.line("")
}

/// They as the table of a page.
pub(crate) fn table(
    counts: &[SubscriptionCount],
    caption: &str,
    most_rows: usize,
) -> Option<Table> {
    let SubscriptionCount { counted, .. } = counts.first()?;
    let [stopped_by, subscription, verdict, reason] = HEADINGS;
    let columns = vec![
        Column::text(stopped_by),
        Column::named(subscription),
        Column::text(verdict),
        Column::text(reason),
        Column::number(counted.name()),
        Column::long(MEANING),
    ];
    TableBuilder::new("By subscription and reason", columns, most_rows)
        .caption(caption)
        .rows(counts, |count| {
            vec![
                html::Cell::from(&count.stopped_by.name()),
                html::Cell::from(&count.subscription.as_deref().unwrap_or("-")),
                html::Cell::Symbol(count.verdict.into()),
                html::Cell::from(&count.reason),
                html::Cell::from(&count.counted.number()),
                html::Cell::from(&count.reason.line()),
            ]
        })
        .build()
}
