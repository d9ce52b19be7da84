//! Rows and summary for people.

use comfy_table::{Cell, CellAlignment};

use crate::commands::replay::row::PacketRow;
use crate::commands::replay::summary::{ONLY_REPORTS, Summary};
use crate::commands::replay::today::Today;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;
use crate::say::output::EditionName;

/// The widths of the columns in front: what stops it, time, destination, verdict, reason.
const STOPPED_BY: usize = 10;
const TIME: usize = 27;
const DESTINATION: usize = 16;
const VERDICT: usize = 7;
const REASON: usize = 26;

/// Writes the heading of the rows.
pub(super) fn header(
    console: &mut Console,
    (machine, subscription): (usize, usize),
) -> Result<(), Failure> {
    let (machine, subscription) = (machine.max(7), subscription.max(12));
    let line = format!(
        "{:<STOPPED_BY$}  {:<TIME$}  {:<machine$}  {:<subscription$}  {:<DESTINATION$}  \
         {:<VERDICT$}  {:<REASON$}  {}",
        "stopped by",
        "time",
        "machine",
        "subscription",
        "destination",
        "verdict",
        "reason",
        "rests on"
    );
    let line = console.paint().bold(&line);
    console.line(line)
}

/// Writes a row; with the edition in front of what it rests on where each has its own.
pub(super) fn row(
    console: &mut Console,
    row: &PacketRow<'_>,
    (machine, subscription): (usize, usize),
    by_date: bool,
) -> Result<(), Failure> {
    let (machine, subscription) = (machine.max(7), subscription.max(12));
    let edition = if by_date { format!("{}: ", row.edition) } else { String::new() };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let time = row.time.map(|time| format!("{time:.6}"));
    let name = row.machine.as_ref().map(ToString::to_string);
    // Where the inventory does not know the sender, its address tells more than a dash.
    let sender = name.or_else(|| row.source.map(|source| source.to_string()));
    let rests_on = match (&row.detail, row.cited.is_empty()) {
        (Some(detail), _) => detail.clone(),
        (None, false) => row.cited.to_owned(),
        (None, true) => {
            row.assumed.iter().map(|one| format!("assumed {one}")).collect::<Vec<_>>().join(" ")
        }
    };
    let decided_by = row.decided_by.as_ref().map(|name| format!(" (by {name})"));
    let by_rule = row.rule.map(|rule| format!(" by {rule}"));
    let inside = row.tunnel.map(|tunnel| format!(" (inside of {tunnel})"));
    let verdict = console.paint().verdict(row.verdict, &format!("{:<VERDICT$}", row.verdict));
    let line = format!(
        "{:<STOPPED_BY$}  {:<TIME$}  {:<machine$}  {:<subscription$}  {:<DESTINATION$}  {verdict}  \
         {:<REASON$}  {edition}{}{}{}{}",
        row.stopped_by.name(),
        or_dash(time),
        or_dash(sender),
        or_dash(row.subscription.as_ref().map(ToString::to_string)),
        or_dash(row.destination.map(|to| to.to_string())),
        row.reason.name(),
        rests_on,
        by_rule.unwrap_or_default(),
        decided_by.unwrap_or_default(),
        inside.unwrap_or_default(),
    );
    console.line(line.trim_end())
}

/// Writes the summary.
pub(super) fn summary(
    console: &mut Console,
    summary: &Summary,
    edition: &EditionName,
    after_rows: bool,
) -> Result<(), Failure> {
    if after_rows {
        console.line("")?;
    }
    if !summary.by_subscription.is_empty() {
        let rows = summary.by_subscription.iter().map(|count| {
            [
                Cell::new(count.stopped_by.name()),
                Cell::new(count.subscription.as_deref().unwrap_or("-")),
                Cell::new(count.verdict).fg(output::color(count.verdict)),
                Cell::new(count.reason),
                Cell::new(count.packets).set_alignment(CellAlignment::Right),
                Cell::new(count.reason.line()),
            ]
        });
        let header =
            ["stopped by", "subscription", "verdict", "reason", "packets", "what it means"];
        output::write_rows(console, &header, rows)?;
        console.line("")?;
    }
    lines(summary, edition).iter().try_for_each(|line| output::labelled(console, "", 0, line))
}

/// The summary in words.
pub(super) fn lines(summary: &Summary, edition: &EditionName) -> Vec<String> {
    let Summary { packets, judged, passed, dropped, rejected, unjudged, .. } = summary;
    let mut lines = vec![format!(
        "{packets} packets, {judged} judged: {passed} passed, {dropped} dropped, {rejected} \
         rejected; {unjudged} are no SYN to port 25."
    )];
    let odd = [
        (summary.malformed, "malformed"),
        (summary.fragments_dropped, "fragments dropped"),
        (summary.indeterminate, "indeterminate"),
        (summary.other_encapsulation, "in other encapsulations"),
        (summary.not_understood, "of a link type that is not understood"),
    ];
    let odd: Vec<_> = odd
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !odd.is_empty() {
        lines.push(format!("Among them: {}.", odd.join(", ")));
    }
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        lines.push(format!(
            "From {first:.0} to {last:.0}; {} of {} events of the inventory happened by then.",
            summary.events_happened, summary.events
        ));
    }
    if !summary.complete {
        lines.push("The capture could not be read to its end.".to_owned());
    }
    let judged = match &*summary.editions {
        [first, .., last] => format!(" ({first} to {last})"),
        [only] if *only != edition.id => format!(" ({only})"),
        _ => String::new(),
    };
    lines.push(format!("Edition {}{judged}; {ONLY_REPORTS}.", edition.id));
    lines.extend(summary.today.iter().flat_map(Today::lines));
    lines
}
