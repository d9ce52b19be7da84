//! Flow logs as a page to hand over.

use crate::commands::connections::counts::DescribedConnection;
use crate::commands::connections::page::{PageWords, Shown};
use crate::commands::connections::row::ConnectionRow;
use crate::commands::flows::judge::FlowJudge;
use crate::commands::flows::report::{FlowsReport, ONLY_REPORTS, OUR_READING};
use crate::say::failure::Failure;
use crate::say::html::Page;
use crate::say::output::counted;

const WORDS: PageWords = PageWords {
    noun: ("flow", "flows"),
    heading: "Flows to port 25",
    order: "In the order of time",
    counted: "Every flow to port 25 that is kept.",
};

/// The page; `rows` are the connections that are shown.
pub(super) fn of(
    report: &FlowsReport<'_>,
    (connections, rows): (&[DescribedConnection], &[ConnectionRow<'_>]),
    judge: &mut FlowJudge,
) -> Result<Page, Failure> {
    let summary = report.summary;
    let (inventory, examples) = judge.examples_in();
    let shown = Shown {
        connections,
        rows,
        by_subscription: &summary.by_subscription,
        today: summary.today.as_ref(),
        last: summary.last,
    };
    let reading = (summary.connections.silent > 0).then(|| format!("{OUR_READING}."));
    Ok(Page {
        title: format!("Flows to port 25 in {}", counted(summary.files, "flow log", "flow logs")),
        counts: summary.connections.headline(),
        said: summary.connections.remarks().chain(reading).collect(),
        warnings: summary.warnings.clone(),
        facts: facts(report),
        ..shown.page(&WORDS, inventory, examples)?
    })
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
