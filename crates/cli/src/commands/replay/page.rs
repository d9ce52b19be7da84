//! A replay as a page to hand over.

use egress25_packet_filter::capture::CaptureReader;

use crate::commands::connections::counts::{ConnectionCounts, DescribedConnection};
use crate::commands::connections::page::{PageWords, Shown};
use crate::commands::connections::row::ConnectionRow;
use crate::commands::replay::human;
use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::resolve::ReplayPlan;
use crate::commands::replay::summary::{ONLY_REPORTS, Summary};
use crate::say::failure::Failure;
use crate::say::html::Page;
use crate::say::platform_or_me::PlatformOrMe;

/// What was found.
pub(super) struct Found<'a> {
    pub(super) plan: &'a ReplayPlan,
    pub(super) summary: &'a Summary,
    pub(super) connections: &'a [DescribedConnection],
    /// Those of them that are shown.
    pub(super) rows: &'a [ConnectionRow<'a>],
    pub(super) reader: &'a CaptureReader,
}

const WORDS: PageWords = PageWords {
    noun: ("connection", "connections"),
    heading: "Connections",
    order: "In the order of the capture",
    counted: "Every packet that was judged; one connection is as many packets as it was tried.",
};

/// The page.
pub(super) fn of(found: &Found<'_>, judge: &mut ReplayJudge) -> Result<Page, Failure> {
    let Found { plan, summary, connections, rows, reader } = found;
    let (inventory, examples) = judge.examples_in();
    let shown = Shown {
        connections,
        rows: if plan.rows { rows } else { &[] },
        by_subscription: &summary.by_subscription,
        today: summary.today.as_ref(),
        last: summary.last,
    };
    let page = shown.page(&WORDS, inventory, examples)?;
    Ok(Page {
        title: title(summary, reader),
        answer: answer(summary, page.answer),
        counts: summary.connections.as_ref().map_or_else(Vec::new, ConnectionCounts::headline),
        said: said(summary),
        warnings: warnings(summary),
        facts: facts(plan, summary, reader),
        ..page
    })
}

/// Nobody takes a page of half a capture for one of the whole, however far he reads.
fn title(summary: &Summary, reader: &CaptureReader) -> String {
    let but = if summary.complete { "" } else { ", as far as it could be read" };
    format!("Mail to port 25 in {}{but}", reader.name())
}

/// "Is it the platform or me?": what `of_connections` says, or of packets where there are none.
fn answer(summary: &Summary, of_connections: String) -> String {
    if summary.connections.as_ref().is_some_and(|found| found.connections > 0) {
        return of_connections;
    }
    let mut stopped = PlatformOrMe::default();
    for count in &summary.by_subscription {
        stopped.add(count.stopped_by, count.reason, count.counted.number());
    }
    stopped.sentence("packet", "packets")
}

fn said(summary: &Summary) -> Vec<String> {
    let mut said = human::packet_lines(summary);
    said.extend(summary.connections.iter().flat_map(ConnectionCounts::remarks));
    let today = summary.today.as_ref().filter(|today| today.error.is_some());
    said.extend(today.into_iter().flat_map(|today| today.lines(WORDS.noun.0)));
    said
}

fn warnings(summary: &Summary) -> Vec<String> {
    let cut = "The capture could not be read to its end: what is behind it is not in this page.";
    let cut = (!summary.complete).then(|| cut.to_owned());
    cut.into_iter().chain(summary.warnings.iter().cloned()).collect()
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
