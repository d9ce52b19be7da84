//! The summary for people.

use comfy_table::CellAlignment;

use crate::commands::replay::connections::ConnectionCounts;
use crate::commands::replay::summary::{ONLY_REPORTS, Summary};
use crate::commands::replay::today::Today;
use crate::say::cell::TextCell;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;
use crate::say::output::EditionName;

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
                TextCell::of(count.stopped_by.name()),
                TextCell::of(count.subscription.as_deref().unwrap_or("-")),
                TextCell::of(&count.verdict).looking(|cell| cell.fg(output::color(count.verdict))),
                TextCell::of(&count.reason),
                TextCell::of(&count.packets)
                    .looking(|cell| cell.set_alignment(CellAlignment::Right)),
                TextCell::of(count.reason.line()),
            ]
        });
        let header =
            ["stopped by", "subscription", "verdict", "reason", "packets", "what it means"];
        output::write_rows(console, &header, rows)?;
        console.line("")?;
    }
    lines(summary, edition).iter().try_for_each(|line| output::labelled(console, "", 0, line))
}

/// What the packets were, in words.
pub(super) fn packet_lines(summary: &Summary) -> Vec<String> {
    let Summary { packets, judged, passed, dropped, rejected, unjudged, .. } = summary;
    let mut lines = vec![format!(
        "{}, {judged} judged: {passed} passed, {dropped} dropped, {rejected} rejected; {} no SYN to \
         port 25.",
        output::counted(*packets, "packet", "packets"),
        output::counted(*unjudged, "is", "are"),
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
    lines
}

/// The summary in words.
pub(super) fn lines(summary: &Summary, edition: &EditionName) -> Vec<String> {
    let mut lines = packet_lines(summary);
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        let events = match (summary.events_happened, summary.events) {
            (_, 0) => String::new(),
            (by_then, all) => {
                format!("; {by_then} of {all} events of the inventory happened by then")
            }
        };
        lines.push(format!("From {first:.0} to {last:.0}{events}."));
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
    lines.extend(summary.connections.iter().flat_map(ConnectionCounts::lines));
    lines.extend(summary.today.iter().flat_map(Today::lines));
    lines
}
