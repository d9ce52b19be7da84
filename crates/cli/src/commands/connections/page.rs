//! What the pages of `replay` and `flows` have in common.

use std::collections::BTreeSet;

use egress25_evidence::{Agreement, Answer};
use egress25_policy::{Edition, Event, StoppedBy, SubscriptionName, Verdict};
use jiff::Timestamp;

use crate::commands::connections::by_subscription::{self, SubscriptionCount};
use crate::commands::connections::by_time::TableByTime as _;
use crate::commands::connections::counts::DescribedConnection;
use crate::commands::connections::examples::FoundExamples;
use crate::commands::connections::moving::MovingInventory;
use crate::commands::connections::next_steps;
use crate::commands::connections::reasons_met::ReasonsMet;
use crate::commands::connections::row::ConnectionRow;
use crate::commands::connections::table::{self, naming_sources};
use crate::commands::connections::today::Today;
use crate::say::failure::Failure;
use crate::say::html::{
    Cell, Column, Page, Table, TableBuilder, Timeline, TimelineEvent, TimelinePoint,
};
use crate::say::platform_or_me::{PlatformOrMe, SeenCounts};

/// How many connections, and rows of other things, a page has room for.
const MAX_CONNECTIONS: usize = 500;
const MAX_ROWS: usize = 200;

/// How many machines have lanes of their own; where there are more their subscriptions have them.
const MAX_MACHINES: usize = 12;

/// The words of a page that differ.
pub(crate) struct PageWords {
    /// One, and several.
    pub(crate) noun: (&'static str, &'static str),
    /// Above the table of all.
    pub(crate) heading: &'static str,
    /// What order they are in, as the beginning of a sentence.
    pub(crate) order: &'static str,
    /// What is counted by subscription and reason.
    pub(crate) counted: &'static str,
}

/// What a page shows.
pub(crate) struct Shown<'a> {
    pub(crate) connections: &'a [DescribedConnection],
    /// Those of them that have rows.
    pub(crate) rows: &'a [ConnectionRow<'a>],
    pub(crate) by_subscription: &'a [SubscriptionCount],
    pub(crate) today: Option<&'a Today>,
    /// The time of the last one.
    pub(crate) last: Option<Timestamp>,
}

impl Shown<'_> {
    /// The page but for its title, its counts in words, its warnings and its facts.
    ///
    /// # Errors
    /// A world of it cannot be built.
    pub(crate) fn page(
        &self,
        words: &PageWords,
        inventory: &mut MovingInventory,
        examples: &FoundExamples,
    ) -> Result<Page, Failure> {
        let Self { connections, by_subscription, today, last, .. } = *self;
        let steps = next_steps::of(inventory, examples, connections, today)?;
        let judged = by_subscription.iter().map(|count| (count.reason, count.verdict));
        let met = ReasonsMet::of(inventory, examples, judged)?;
        let rows = naming_sources(self.rows);
        let hidden = connections.len().saturating_sub(rows.len());
        let caption = match hidden {
            0 => format!("{}.", words.order),
            some => format!("{}, without {some} that --only leaves out.", words.order),
        };
        let contradicting = |row: &&ConnectionRow<'_>| row.evidence == Agreement::Contradicts;
        let tables = [
            connection_rows(
                "What contradicts the description",
                "What cannot have been, if the description is right.",
                rows.iter().filter(contradicting),
            ),
            by_subscription::table(by_subscription, words.counted, MAX_ROWS),
            connection_rows(words.heading, &caption, rows.iter()),
            today.and_then(|today| todays_answers(today, words.noun.0)),
            todays_statements(today)?,
            described(inventory, last)?,
            assumed(&met),
        ];
        Ok(Page {
            title: String::new(),
            question: "Is it the platform or me?",
            answer: stopped(connections).sentence(words.noun.0, words.noun.1),
            counts: Vec::new(),
            said: Vec::new(),
            warnings: Vec::new(),
            timeline: Some(timeline(connections, inventory.events())),
            tables: tables.into_iter().flatten().collect(),
            reasons: met.meant(),
            steps,
            facts: Vec::new(),
        })
    }
}

/// What stops connections, and what was seen of them.
fn stopped(connections: &[DescribedConnection]) -> PlatformOrMe {
    let mut stopped = PlatformOrMe::default();
    for connection in connections {
        let (verdict, reason) = connection.judged;
        let by = connection.stopped_by();
        stopped.add(by, reason, 1);
        let agreement = connection.finding().agreement;
        stopped.see(&SeenCounts {
            unanswered: u64::from(verdict == Verdict::Pass && connection.answer == Answer::Silent),
            contradict: u64::from(agreement == Agreement::Contradicts),
            not_shown: u64::from(by == StoppedBy::Platform && agreement == Agreement::NoEvidence),
        });
    }
    stopped
}

fn timeline(connections: &[DescribedConnection], events: &[Event]) -> Timeline {
    let machine = |one: &DescribedConnection| one.kept.as_ref()?.machine.clone();
    let senders: BTreeSet<_> =
        connections.iter().filter_map(|one| Some((machine(one)?, one.tuple.from.ip()))).collect();
    let by_machine = senders.len() <= MAX_MACHINES;
    // A machine that sends from several addresses may stand for several: flags describe but one.
    let lane_of = |one: &DescribedConnection| {
        let name = machine(one)?;
        let sources = senders.iter().filter(|(machine, _)| *machine == name).count();
        Some(match sources {
            0 | 1 => name.to_string(),
            _ => format!("{name} ({})", one.tuple.from.ip()),
        })
    };
    let mut timeline =
        Timeline::new("connections", if by_machine { "machine" } else { "subscription" });
    for connection in connections {
        let described = connection.kept.as_ref();
        let lane = match by_machine {
            true => lane_of(connection),
            false => described.and_then(|one| one.subscription.as_ref().map(ToString::to_string)),
        };
        let (verdict, reason) = connection.judged;
        let (becomes, reason) = match connection.stopped_by() {
            _ if !connection.is_stopped_otherwise() => (verdict, reason.name()),
            StoppedBy::Rule => (Verdict::Drop, "denied by a security rule"),
            _ => (Verdict::Drop, "denied, but by no security rule"),
        };
        timeline.add(&TimelinePoint {
            at: connection.first,
            lane: lane.as_deref().unwrap_or("not described"),
            becomes: becomes.into(),
            reason,
            contradicts: connection.finding().agreement == Agreement::Contradicts,
        });
    }
    for Event { at, kind, .. } in events {
        let subscription = kind.subscription();
        let machine = kind.machine().map(ToString::to_string);
        let firewall = kind.firewall().map(ToString::to_string);
        let whom = subscription.map(ToString::to_string).or(machine).or(firewall);
        timeline.event(TimelineEvent {
            at: *at,
            what: kind.name().replace('-', " "),
            whom: whom.unwrap_or_else(|| "the network".to_owned()),
            comes_first: subscription.is_some(),
        });
    }
    timeline
}

/// Connections in rows.
fn connection_rows<'a, 'b: 'a>(
    heading: &'static str,
    caption: &str,
    rows: impl Iterator<Item = &'a ConnectionRow<'b>>,
) -> Option<Table> {
    use table::Column as Of;
    let column = |of: &Of| match of {
        Of::Tries | Of::Seconds => Column::number(of.name()),
        Of::Machine | Of::Subscription | Of::RestsOn => Column::named(of.name()),
        Of::Time | Of::Destination | Of::Reason => Column::whole(of.name()),
        _ => Column::text(of.name()),
    };
    let mut columns: Vec<_> = Of::ALL.iter().map(column).collect();
    columns.push(Column::long("because"));
    TableBuilder::new(heading, columns, MAX_CONNECTIONS)
        .caption(caption)
        .rows(rows, |row| {
            let cell = |of: &Of| match of {
                Of::Verdict => Cell::Symbol(row.verdict.into()),
                Of::Evidence if row.evidence == Agreement::Contradicts => {
                    Cell::Contradiction(of.text(row))
                }
                _ => Cell::Text(of.text(row)),
            };
            Of::ALL.iter().map(cell).chain([Cell::from(&row.because)]).collect()
        })
        .build()
}

fn todays_answers(today: &Today, noun: &'static str) -> Option<Table> {
    let columns = vec![
        Column::named("subscription"),
        Column::text("judged"),
        Column::number(noun),
        Column::long("today"),
    ];
    TableBuilder::new("What the edition in force answers", columns, MAX_ROWS)
        .caption(format!(
            "Edition {}, asked of one {noun} of each subscription and reason.",
            today.edition.id
        ))
        .rows(today.in_words(), |(answer, in_words)| {
            let of = answer.subscription.as_ref().map_or("-", SubscriptionName::as_str);
            vec![
                Cell::from(&of),
                Cell::from(&answer.judged),
                Cell::from(&answer.packet),
                Cell::from(&in_words),
            ]
        })
        .build()
}

/// What today's answers rest on.
fn todays_statements(today: Option<&Today>) -> Result<Option<Table>, Failure> {
    let edition = Edition::in_force()?;
    let ids: BTreeSet<_> = today
        .iter()
        .flat_map(|today| &today.answers)
        .flat_map(|answer| &answer.statements)
        .collect();
    let columns = vec![Column::text("statement"), Column::long("what it says")];
    let statements = ids.into_iter().filter_map(|id| edition.statement(id.as_str()));
    let table = TableBuilder::new("What it rests on today", columns, MAX_ROWS)
        .caption(format!("The statements of edition {} that these answers name.", edition.id))
        .rows(statements, |statement| {
            vec![Cell::from(&statement.id), Cell::Text(edition.quoted(statement))]
        });
    Ok(table.build())
}

/// The subscriptions as they are described.
fn described(
    inventory: &mut MovingInventory,
    last: Option<Timestamp>,
) -> Result<Option<Table>, Failure> {
    let moment = last.map_or(inventory.moment(), |last| inventory.moment_at(last));
    let world = inventory.world_at(moment)?;
    let columns =
        vec![Column::named("subscription"), Column::text("offer"), Column::text("created")];
    let table = TableBuilder::new("Subscriptions as they are described", columns, MAX_ROWS)
        .caption("What the verdicts take for true, as it stood at the last packet.")
        .rows(world.subscriptions(), |(name, subscription)| {
            vec![
                Cell::from(name),
                Cell::from(&subscription.offer),
                Cell::from(&subscription.created),
            ]
        });
    Ok(table.build())
}

fn assumed(met: &ReasonsMet) -> Option<Table> {
    let columns = vec![Column::text("setting"), Column::text("value"), Column::long("question")];
    TableBuilder::new("What is assumed", columns, MAX_ROWS)
        .caption("Where the article is silent: a reading that can be set otherwise (--set).")
        .rows(met.assumed(), |(setting, value, question)| {
            vec![Cell::from(&setting), Cell::from(&value), Cell::from(&question)]
        })
        .build()
}
