//! Connections for people: a table as wide as there is room for, or a list where that is too narrow.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use comfy_table::{CellAlignment, Color};
use egress25_evidence::Agreement;
use egress25_policy::MachineName;

use crate::commands::connections::row::ConnectionRow;
use crate::say::cell::TextCell;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;
use crate::say::shown::Shown;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    StoppedBy,
    Time,
    Machine,
    Subscription,
    Destination,
    Tries,
    Seconds,
    Seen,
    Verdict,
    Reason,
    Evidence,
    RestsOn,
}

impl Column {
    pub(crate) const ALL: [Self; 12] = [
        Self::StoppedBy,
        Self::Time,
        Self::Machine,
        Self::Subscription,
        Self::Destination,
        Self::Tries,
        Self::Seconds,
        Self::Seen,
        Self::Verdict,
        Self::Reason,
        Self::Evidence,
        Self::RestsOn,
    ];

    /// Those that a narrow table does without, the least first.
    const LEAST_FIRST: [Self; 7] = [
        Self::RestsOn,
        Self::Subscription,
        Self::Seconds,
        Self::Tries,
        // The reason tells it, and has its colour.
        Self::Verdict,
        Self::Time,
        // Whether it is the platform is what people come for.
        Self::StoppedBy,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::StoppedBy => "stopped by",
            Self::Time => "time",
            Self::Machine => "machine",
            Self::Subscription => "subscription",
            Self::Destination => "destination",
            Self::Tries => "tries",
            Self::Seconds => "seconds",
            Self::Seen => "seen",
            Self::Verdict => "verdict",
            Self::Reason => "reason",
            Self::Evidence => "evidence",
            Self::RestsOn => "rests on",
        }
    }

    pub(crate) fn text(self, row: &ConnectionRow<'_>) -> String {
        match self {
            Self::StoppedBy => row.stopped_by.name().to_owned(),
            Self::Time => row.time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}")),
            Self::Machine => sender(row),
            Self::Subscription => {
                row.subscription.map_or_else(|| "-".to_owned(), ToString::to_string)
            }
            Self::Destination => row.destination.to_string(),
            Self::Tries => row.tries.to_string(),
            Self::Seconds => row.seconds.map_or_else(|| "-".to_owned(), |s| format!("{s:.1}")),
            Self::Seen => match &row.refused_by {
                Some(rule) if row.seen == "denied" => format!("denied by {rule}"),
                _ => row.seen.to_owned(),
            },
            Self::Verdict => row.verdict.to_string(),
            Self::Reason => row.reason.to_string(),
            Self::Evidence => row.evidence.name().replace('-', " "),
            Self::RestsOn => rests_on(row),
        }
    }

    fn cell(self, row: &ConnectionRow<'_>) -> TextCell {
        TextCell::from(self.text(row)).looking(|cell| match self {
            Self::Tries | Self::Seconds => cell.set_alignment(CellAlignment::Right),
            Self::Verdict | Self::Reason => cell.fg(output::color(row.verdict)),
            Self::Evidence if row.evidence == Agreement::Contradicts => cell.fg(Color::Red),
            _ => cell,
        })
    }
}

/// Who sends: where the inventory does not know the sender, its address tells more than a dash.
fn sender(row: &ConnectionRow<'_>) -> String {
    let mut text = row.machine.map_or_else(|| row.source.to_string(), ToString::to_string);
    let list = |all: &[IpAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if row.names_source && row.machine.is_some() {
        text.push_str(&format!(" ({})", row.source));
    }
    if row.depth > 0 {
        text.push_str(" (in a tunnel)");
    }
    if !row.behind.is_empty() {
        text.push_str(&format!(" (behind it {})", list(row.behind)));
    }
    if !row.translated_to.is_empty() {
        text.push_str(&format!(" (translated to {})", list(row.translated_to)));
    }
    text
}

/// What the verdict rests on, with the edition in front where each may have its own.
fn rests_on(row: &ConnectionRow<'_>) -> String {
    let assumed = || row.assumed.iter().map(|one| format!("assumed {one}")).collect::<Vec<_>>();
    let mut text = if row.names_edition { format!("{}: ", row.edition) } else { String::new() };
    text.push_str(&if row.cited.is_empty() { assumed().join(" ") } else { row.cited.to_owned() });
    if let Some(rule) = row.rule {
        text.push_str(&format!(" by {rule}"));
    }
    if let Some(decided_by) = row.decided_by {
        text.push_str(&format!(" (by {decided_by})"));
    }
    text
}

/// Writes connections.
pub(crate) fn write(console: &mut Console, rows: &[ConnectionRow<'_>]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = &naming_sources(rows);
    match fitting(rows, console.terminal_width()) {
        Some(columns) => {
            let header: Vec<_> = columns.iter().map(|column| column.name()).collect();
            let cells = rows.iter().map(|row| columns.iter().map(|column| column.cell(row)));
            output::write_rows(console, &header, cells.map(Vec::from_iter))?;
            let left_out = Column::ALL.iter().filter(|column| !columns.contains(column));
            let left_out: Vec<_> = left_out.map(|column| column.name()).collect();
            if !left_out.is_empty() {
                console.note(&format!(
                    "no room for: {}; a wider terminal or --format csv shows them",
                    left_out.join(", ")
                ));
            }
            Ok(())
        }
        None => rows.iter().try_for_each(|row| list(console, row)),
    }
}

/// The rows, where a machine sends from several addresses with the one of each.
pub(crate) fn naming_sources<'a>(rows: &[ConnectionRow<'a>]) -> Vec<ConnectionRow<'a>> {
    let mut first: BTreeMap<&MachineName, IpAddr> = BTreeMap::new();
    let mut several: BTreeSet<&MachineName> = BTreeSet::new();
    for (machine, row) in rows.iter().filter_map(|row| Some((row.machine?, row))) {
        if *first.entry(machine).or_insert(row.source) != row.source {
            several.insert(machine);
        }
    }
    let is_one = |row: &ConnectionRow<'_>| row.machine.is_some_and(|name| several.contains(name));
    rows.iter().map(|row| ConnectionRow { names_source: is_one(row), ..row.clone() }).collect()
}

/// The columns that fit a width without breaking anything; none where not even those fit that no
/// table does without.
fn fitting(rows: &[ConnectionRow<'_>], width: Option<usize>) -> Option<Vec<Column>> {
    let mut columns = Column::ALL.to_vec();
    let Some(width) = width else { return Some(columns) };
    let needs = |column: &Column| {
        let cells = rows.iter().map(|row| column.text(row).chars().count());
        // A space on either side.
        cells.chain([column.name().len()]).max().unwrap_or(0).saturating_add(2)
    };
    let mut needed: usize = columns.iter().map(needs).sum();
    for least in Column::LEAST_FIRST {
        if needed <= width {
            break;
        }
        needed = needed.saturating_sub(needs(&least));
        columns.retain(|column| *column != least);
    }
    (needed <= width).then_some(columns)
}

/// Writes a connection below the others.
fn list(console: &mut Console, row: &ConnectionRow<'_>) -> Result<(), Failure> {
    let paint = console.paint();
    let verdict = paint.verdict(row.verdict, row.verdict.name());
    console.line(format!("{} -> {}", sender(row), row.destination))?;
    let becomes = format!(" {}, stopped by: {}", row.reason, row.stopped_by.name());
    console.line(Shown::from("  ") + verdict + &becomes)?;
    let seconds = row.seconds.map(|seconds| format!(" in {seconds:.1} s")).unwrap_or_default();
    let tries = output::counted(row.tries, "try", "tries");
    let evidence = Column::Evidence.text(row);
    let at = row.time.map(|time| format!(" from {time:.0}")).unwrap_or_default();
    console.line(format!("  {} ({tries}{seconds}{at}): {evidence}", row.seen))
}

#[cfg(test)]
mod tests {
    use egress25_policy::{Reason, StoppedBy, SubscriptionName, Verdict};

    use super::*;

    fn row<'a>(
        machine: &'a MachineName,
        subscription: &'a SubscriptionName,
        reason: Reason,
    ) -> ConnectionRow<'a> {
        ConnectionRow {
            kind: "connection",
            stopped_by: StoppedBy::of(Verdict::Drop, reason),
            packet: 1,
            depth: 0,
            time: "2020-12-08T00:00:07Z".parse().ok(),
            seconds: Some(15.0),
            tries: 5,
            machine: Some(machine),
            subscription: Some(subscription),
            network: None,
            source: [10, 0, 1, 4].into(),
            source_port: 42_000,
            behind: &[],
            translated_to: &[],
            destination: [203, 0, 113, 25].into(),
            port: 25,
            verdict: Verdict::Drop,
            reason,
            seen: "answered",
            refused_by: None,
            evidence: Agreement::Contradicts,
            because: "",
            edition: "2020-12",
            statements: &[],
            assumed: &[],
            decided_by: None,
            rule: None,
            sources: &[],
            cited: "PG3, PG4",
            names_edition: false,
            names_source: false,
        }
    }

    #[test]
    fn a_narrow_terminal_has_fewer_columns_and_a_very_narrow_one_a_list() {
        let (machine, subscription) = (MachineName::from("vm-web"), SubscriptionName::from("shop"));
        let rows = [row(&machine, &subscription, Reason::NotGranted)];
        let columns = |width| fitting(&rows, width);
        assert_eq!(columns(None), Some(Column::ALL.to_vec()));
        assert_eq!(columns(Some(200)), Some(Column::ALL.to_vec()));
        let all_needed: Vec<_> =
            Column::ALL.into_iter().filter(|one| !Column::LEAST_FIRST.contains(one)).collect();
        let at_80 = columns(Some(80)).expect("a table");
        assert!(all_needed.iter().all(|column| at_80.contains(column)), "{at_80:?}");
        assert!(at_80.contains(&Column::StoppedBy) && !at_80.contains(&Column::RestsOn));
        assert_eq!(columns(Some(40)), None);
        // The longest reason leaves room for what no table does without.
        let long = [row(&machine, &subscription, Reason::PlatformServiceUnsupported)];
        assert_eq!(fitting(&long, Some(80)), Some(all_needed));
    }
}
