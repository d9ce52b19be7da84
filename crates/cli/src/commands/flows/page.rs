//! Flow logs as a page to hand over.

use egress25_evidence::Agreement;

use crate::commands::flows::judge::FlowJudge;
use crate::commands::flows::report::{FlowsReport, ONLY_REPORTS, OUR_READING};
use crate::commands::replay::connection_row::ConnectionRow;
use crate::commands::replay::connection_table::naming_sources;
use crate::commands::replay::connections::{ConnectionCounts, DescribedConnection};
use crate::commands::replay::next_steps;
use crate::commands::replay::page::{
    assumed, connection_rows, described, stopped, timeline, todays_answers, todays_statements,
};
use crate::commands::replay::reasons_met::ReasonsMet;
use crate::say::failure::Failure;
use crate::say::html::{Cell, Column, Page, Table, TableBuilder};
use crate::say::output::counted;

/// How many kinds of answers the page has room for.
const MAX_ROWS: usize = 200;

/// The page; `rows` are the connections that are shown.
pub(super) fn of(
    report: &FlowsReport<'_>,
    (connections, rows): (&[DescribedConnection], &[ConnectionRow<'_>]),
    judge: &mut FlowJudge,
) -> Result<Page, Failure> {
    let summary = report.summary;
    let (inventory, examples) = judge.examples_in();
    let today = summary.today.as_ref();
    let steps = next_steps::of(inventory, examples, connections, today)?;
    let judged = summary.by_subscription.iter().map(|count| (count.reason, count.verdict));
    let met = ReasonsMet::of(inventory, examples, judged)?;
    let rows = naming_sources(rows);
    let contradicting = |row: &&ConnectionRow<'_>| row.evidence == Agreement::Contradicts;
    let hidden = connections.len().saturating_sub(rows.len());
    let caption = match hidden {
        0 => "In the order of time.".to_owned(),
        some => format!("In the order of time, without {some} that are left out."),
    };
    let tables = [
        connection_rows(
            "What contradicts the description",
            "Flows that cannot have been, if the description is right.",
            rows.iter().filter(contradicting),
        ),
        counts(report),
        connection_rows("Flows to port 25", &caption, rows.iter()),
        today.and_then(todays_answers),
        todays_statements(today)?,
        described(inventory, summary.last)?,
        assumed(&met),
    ];
    let lines = ConnectionCounts::lines(&summary.connections);
    let reading = (summary.connections.silent > 0).then(|| format!("{OUR_READING}."));
    Ok(Page {
        title: format!("Flows to port 25 in {}", counted(summary.files, "flow log", "flow logs")),
        question: "Is it the platform or me?",
        answer: stopped(connections).sentence("flow", "flows"),
        counts: summary.connections.headline(),
        // The first line is what the headline counts.
        said: lines.into_iter().skip(1).chain(reading).collect(),
        warnings: summary.warnings.clone(),
        timeline: Some(timeline(connections, inventory.events())),
        tables: tables.into_iter().flatten().collect(),
        reasons: met.meant(),
        steps,
        facts: facts(report),
    })
}

fn counts(report: &FlowsReport<'_>) -> Option<Table> {
    let columns = vec![
        Column::text("stopped by"),
        Column::named("subscription"),
        Column::text("verdict"),
        Column::text("reason"),
        Column::number("flows"),
        Column::long("what it means"),
    ];
    TableBuilder::new("By subscription and reason", columns, MAX_ROWS)
        .caption("Every flow to port 25 that is kept.")
        .rows(&report.summary.by_subscription, |count| {
            vec![
                Cell::from(&count.stopped_by.name()),
                Cell::from(&count.subscription.as_deref().unwrap_or("-")),
                Cell::Symbol(count.verdict.into()),
                Cell::from(&count.reason),
                Cell::from(&count.flows),
                Cell::from(&count.reason.line()),
            ]
        })
        .build()
}

fn facts(report: &FlowsReport<'_>) -> Vec<(&'static str, String)> {
    let FlowsReport { args, summary, inventory, chosen } = report;
    let paths: Vec<_> = args.paths.iter().map(|path| path.display().to_string()).collect();
    let edition = chosen.name();
    let in_force = if edition.in_force { ", in force" } else { "" };
    let mut facts = vec![
        ("Flow logs", paths.join(", ")),
        ("Files", summary.files.to_string()),
        ("Tuples, of all flows", summary.tuples.to_string()),
        ("Described by", inventory.name().to_owned()),
        ("Edition", format!("{}: {}{in_force}", edition.id, edition.title)),
        ("Editions that judged", summary.editions.join(", ")),
    ];
    if let Some((first, last)) = summary.first.zip(summary.last) {
        facts.push(("From", first.to_string()));
        facts.push(("To", last.to_string()));
    }
    facts.push(("Answered by", format!("egress25 {}; {ONLY_REPORTS}", env!("CARGO_PKG_VERSION"))));
    facts
}
