//! A replay as a page to hand over.

use std::collections::BTreeSet;

use egress25_evidence::{Agreement, Answer};
use egress25_packet_filter::capture::CaptureReader;
use egress25_policy::{Edition, Event, SubscriptionName, Verdict};
use jiff::Timestamp;

use crate::commands::replay::by_time::TableByTime as _;
use crate::commands::replay::connection_row::ConnectionRow;
use crate::commands::replay::connection_table::{self, naming_sources};
use crate::commands::replay::connections::{ConnectionCounts, DescribedConnection};
use crate::commands::replay::human;
use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::moving::MovingInventory;
use crate::commands::replay::next_steps;
use crate::commands::replay::reasons_met::ReasonsMet;
use crate::commands::replay::resolve::ReplayPlan;
use crate::commands::replay::summary::{ONLY_REPORTS, Summary};
use crate::commands::replay::today::Today;
use crate::say::failure::Failure;
use crate::say::html::{
    Cell, Column, Page, Table, TableBuilder, Timeline, TimelineEvent, TimelinePoint,
};
use crate::say::platform_or_me::PlatformOrMe;

/// How many connections, and rows of other things, the page has room for.
const MAX_CONNECTIONS: usize = 500;
const MAX_ROWS: usize = 200;

/// How many machines have lanes of their own; where there are more their subscriptions have them.
const MAX_MACHINES: usize = 12;

/// What was found.
pub(super) struct Found<'a> {
    pub(super) plan: &'a ReplayPlan,
    pub(super) summary: &'a Summary,
    pub(super) connections: &'a [DescribedConnection],
    /// Those of them that are shown.
    pub(super) rows: &'a [ConnectionRow<'a>],
    pub(super) reader: &'a CaptureReader,
}

/// The page.
pub(super) fn of(found: &Found<'_>, judge: &mut ReplayJudge) -> Result<Page, Failure> {
    let Found { plan, summary, connections, rows, reader } = found;
    let (inventory, examples) = judge.examples_in();
    let steps = next_steps::of(inventory, examples, connections, summary.today.as_ref())?;
    let judged = summary.by_subscription.iter().map(|count| (count.reason, count.verdict));
    let met = ReasonsMet::of(inventory, examples, judged)?;
    let timeline = timeline(connections, judge.inventory().events());
    let shown = if plan.rows { *rows } else { &[] };
    let rows = naming_sources(shown);
    let hidden = connections.len().saturating_sub(rows.len());
    let caption = match hidden {
        0 => "In the order of the capture.".to_owned(),
        some => format!("In the order of the capture, without {some} that --only leaves out."),
    };
    let contradicting = |row: &&ConnectionRow<'_>| row.evidence == Agreement::Contradicts;
    let tables = [
        connection_rows(
            "What contradicts the description",
            "Connections that cannot have been, if the description is right.",
            rows.iter().filter(contradicting),
        ),
        counts(summary),
        connection_rows("Connections", &caption, rows.iter()),
        summary.today.as_ref().and_then(todays_answers),
        todays_statements(summary.today.as_ref())?,
        described(judge.examples_in().0, summary.last)?,
        assumed(&met),
    ];
    Ok(Page {
        title: title(summary, reader),
        question: "Is it the platform or me?",
        answer: answer(summary, connections),
        counts: headline(summary),
        said: said(summary),
        warnings: warnings(summary),
        timeline: Some(timeline),
        tables: tables.into_iter().flatten().collect(),
        reasons: met.meant(),
        steps,
        facts: facts(plan, summary, reader),
    })
}

/// Nobody takes a page of half a capture for one of the whole, however far he reads.
fn title(summary: &Summary, reader: &CaptureReader) -> String {
    let but = if summary.complete { "" } else { ", as far as it could be read" };
    format!("Mail to port 25 in {}{but}", reader.name())
}

/// What stops connections, and what was seen of them.
pub(crate) fn stopped(connections: &[DescribedConnection]) -> PlatformOrMe {
    let mut stopped = PlatformOrMe::default();
    for connection in connections {
        let (verdict, reason) = connection.judged;
        stopped.add(verdict, reason, 1);
        let is_unanswered = verdict == Verdict::Pass && connection.answer == Answer::Silent;
        let contradicts = connection.finding().agreement == Agreement::Contradicts;
        stopped.seen(u64::from(is_unanswered), u64::from(contradicts));
    }
    stopped
}

/// "Is it the platform or me?"
fn answer(summary: &Summary, connections: &[DescribedConnection]) -> String {
    let mut stopped = stopped(connections);
    if connections.is_empty() {
        for count in &summary.by_subscription {
            stopped.add(count.verdict, count.reason, count.packets);
        }
        return stopped.sentence("packet", "packets");
    }
    match summary.connections.as_ref().map_or(0, |found| found.syns_not_kept) {
        0 => stopped.sentence("connection", "connections"),
        _ => stopped.sentence("connection that is kept", "connections that are kept"),
    }
}

fn headline(summary: &Summary) -> Vec<(&'static str, u64)> {
    summary.connections.as_ref().map_or_else(Vec::new, ConnectionCounts::headline)
}

fn said(summary: &Summary) -> Vec<String> {
    let mut said = human::packet_lines(summary);
    // The first line of connections is what the headline counts.
    let connections = summary.connections.iter().flat_map(ConnectionCounts::lines);
    said.extend(connections.skip(1));
    let today = summary.today.as_ref().filter(|today| today.error.is_some());
    said.extend(today.into_iter().flat_map(Today::lines));
    said
}

fn warnings(summary: &Summary) -> Vec<String> {
    let cut = "The capture could not be read to its end: what is behind it is not in this page.";
    let cut = (!summary.complete).then(|| cut.to_owned());
    cut.into_iter().chain(summary.warnings.iter().cloned()).collect()
}

pub(crate) fn timeline(connections: &[DescribedConnection], events: &[Event]) -> Timeline {
    let machine = |one: &DescribedConnection| {
        one.kept.as_ref().and_then(|kept| kept.machine.as_ref().map(ToString::to_string))
    };
    let machines: BTreeSet<_> = connections.iter().filter_map(machine).collect();
    let by_machine = machines.len() <= MAX_MACHINES;
    let mut timeline =
        Timeline::new("connections", if by_machine { "machine" } else { "subscription" });
    for connection in connections {
        let described = connection.kept.as_ref();
        let lane = match by_machine {
            true => described.and_then(|one| one.machine.as_ref().map(|name| name.as_str())),
            false => described.and_then(|one| one.subscription.as_ref().map(|name| name.as_str())),
        };
        let (verdict, reason) = connection.judged;
        timeline.add(&TimelinePoint {
            at: connection.first,
            lane: lane.unwrap_or("not described"),
            becomes: verdict.into(),
            reason: reason.name(),
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
pub(crate) fn connection_rows<'a, 'b: 'a>(
    heading: &'static str,
    caption: &str,
    rows: impl Iterator<Item = &'a ConnectionRow<'b>>,
) -> Option<Table> {
    use connection_table::Column as Of;
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

fn counts(summary: &Summary) -> Option<Table> {
    let columns = vec![
        Column::text("stopped by"),
        Column::named("subscription"),
        Column::text("verdict"),
        Column::text("reason"),
        Column::number("packets"),
        Column::long("what it means"),
    ];
    TableBuilder::new("By subscription and reason", columns, MAX_ROWS)
        .caption("Every packet that was judged; one connection is as many packets as it was tried.")
        .rows(&summary.by_subscription, |count| {
            vec![
                Cell::from(&count.stopped_by.name()),
                Cell::from(&count.subscription.as_deref().unwrap_or("-")),
                Cell::Symbol(count.verdict.into()),
                Cell::from(&count.reason),
                Cell::from(&count.packets),
                Cell::from(&count.reason.line()),
            ]
        })
        .build()
}

pub(crate) fn todays_answers(today: &Today) -> Option<Table> {
    let columns = vec![
        Column::named("subscription"),
        Column::text("judged"),
        Column::number("packet"),
        Column::long("today"),
    ];
    TableBuilder::new("What the edition in force answers", columns, MAX_ROWS)
        .caption(format!(
            "Edition {}, asked of one packet of each subscription and reason.",
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
pub(crate) fn todays_statements(today: Option<&Today>) -> Result<Option<Table>, Failure> {
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
pub(crate) fn described(
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

pub(crate) fn assumed(met: &ReasonsMet) -> Option<Table> {
    let columns = vec![Column::text("setting"), Column::text("value"), Column::long("question")];
    TableBuilder::new("What is assumed", columns, MAX_ROWS)
        .caption("Where the article is silent: a reading that can be set otherwise (--set).")
        .rows(met.assumed(), |(setting, value, question)| {
            vec![Cell::from(&setting), Cell::from(&value), Cell::from(&question)]
        })
        .build()
}

fn facts(
    plan: &ReplayPlan,
    summary: &Summary,
    reader: &CaptureReader,
) -> Vec<(&'static str, String)> {
    let edition = plan.edition.name();
    let in_force = if edition.in_force { ", in force" } else { "" };
    let mut facts = vec![
        ("Capture", reader.name().to_owned()),
        ("Its form", reader.format().to_string()),
        ("Described by", plan.inventory.name().to_owned()),
        ("Edition", format!("{}: {}{in_force}", edition.id, edition.title)),
        ("Editions that judged", summary.editions.join(", ")),
    ];
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        facts.push(("From", first.to_string()));
        facts.push(("To", last.to_string()));
    }
    if let Some(network) = &plan.network {
        facts.push(("Network of every packet", network.clone()));
    }
    if plan.options.look_inside {
        facts.push(("Tunnels", "what they carry is judged, too".to_owned()));
    }
    let happened = format!("{} of {} by the last packet", summary.events_happened, summary.events);
    facts.push(("Events", happened));
    facts.push(("Answered by", format!("egress25 {}; {ONLY_REPORTS}", env!("CARGO_PKG_VERSION"))));
    facts
}
