//! Rows and summary of flow logs, in the format that was asked for.

use jiff::Timestamp;
use serde::Serialize;

use crate::args::{FailOn, FlowsArgs, ReportFormat};
use crate::commands::connections::by_subscription::{self, SubscriptionCount};
use crate::commands::connections::counts::{ConnectionCounts, DescribedConnection};
use crate::commands::connections::row::ConnectionRow;
use crate::commands::connections::today::Today;
use crate::commands::connections::{next_steps, table};
use crate::commands::flows::judge::FlowJudge;
use crate::read::edition::ChosenEdition;
use crate::read::inventory::InventoryInput;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, EditionName, TableRow as _, Versioned, counted};

pub(super) const ONLY_REPORTS: &str = "flows only reports: nothing was sent, nothing was blocked";

/// What no public record confirms (N21).
pub(super) const OUR_READING: &str = "A flow log shows what security groups and admin rules decide, not this filter: \
                           that a flow with packets out and none back was silent is our reading; no \
                           public record of a blocked one exists (N21)";

/// The counts of flow logs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FlowsSummary {
    /// How many files were read.
    pub files: u64,
    /// How many tuples they have, of all flows.
    pub tuples: u64,
    /// How many of them are of flows out to port 25.
    pub to_port_25: u64,
    /// When the first flow to port 25 is told of.
    pub first: Option<Timestamp>,
    /// When the last one is.
    pub last: Option<Timestamp>,
    /// The editions that judged, oldest first.
    pub editions: Vec<String>,
    /// The flows to port 25, by subscription, verdict and reason.
    pub by_subscription: Vec<SubscriptionCount>,
    /// The flows to port 25 as connections.
    pub connections: ConnectionCounts,
    /// What the edition in force answers, where another one judged.
    pub today: Option<Today>,
    /// What there is to know.
    pub warnings: Vec<String>,
}

impl FlowsSummary {
    /// It in words.
    fn lines(&self, edition: &EditionName) -> Vec<String> {
        let flows = counted(self.connections.connections, "flow", "flows");
        let mut lines = vec![format!(
            "{} with {}: {flows} out to port 25.",
            counted(self.files, "file", "files"),
            counted(self.tuples, "tuple", "tuples"),
        )];
        if let Some((first, last)) = self.first.zip(self.last) {
            lines.push(format!("From {first:.0} to {last:.0}."));
        }
        lines.push(format!("Edition {}; {ONLY_REPORTS}.", edition.id));
        lines.extend(self.connections.lines());
        if self.connections.silent > 0 {
            lines.push(format!("{OUR_READING}."));
        }
        lines.extend(self.today.iter().flat_map(|today| today.lines("flow")));
        lines
    }
}

/// A document with all.
#[derive(Serialize)]
struct Document<'a> {
    edition: &'a EditionName,
    note: &'static str,
    inventory: &'a str,
    rows: &'a [ConnectionRow<'a>],
    summary: &'a FlowsSummary,
}

/// The last line of NDJSON.
#[derive(Serialize)]
struct SummaryLine<'a> {
    kind: &'static str,
    edition: &'a EditionName,
    note: &'static str,
    #[serde(flatten)]
    summary: &'a FlowsSummary,
}

/// What is reported.
pub(super) struct FlowsReport<'a> {
    pub(super) args: &'a FlowsArgs,
    pub(super) summary: &'a FlowsSummary,
    pub(super) inventory: &'a InventoryInput,
    pub(super) chosen: &'a ChosenEdition,
}

impl FlowsReport<'_> {
    /// The rows that are shown.
    pub(super) fn rows<'c>(
        &self,
        connections: &'c [DescribedConnection],
    ) -> Vec<ConnectionRow<'c>> {
        let Self { args, chosen, .. } = self;
        let by_date = matches!(chosen, ChosenEdition::ByDate);
        let is_wanted = |verdict, reason| args.rows.shows(verdict, reason);
        let is_shown = |one: &&DescribedConnection| !args.rows.summary && one.has(is_wanted);
        connections.iter().filter(is_shown).map(|one| ConnectionRow::of(one, by_date)).collect()
    }

    /// Writes it, but as a page.
    pub(super) fn write(
        &self,
        (connections, rows): (&[DescribedConnection], &[ConnectionRow<'_>]),
        judge: &mut FlowJudge,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let Self { args, summary, inventory, chosen } = self;
        let edition = &chosen.name();
        let note = ONLY_REPORTS;
        match args.rows.format {
            ReportFormat::Human => {
                table::write(console, rows)?;
                if !rows.is_empty() {
                    console.line("")?;
                }
                by_subscription::write(console, &summary.by_subscription)?;
                let lines = summary.lines(edition);
                lines.iter().try_for_each(|line| output::labelled(console, "", 0, line))?;
                let (moving, examples) = judge.examples_in();
                let today = summary.today.as_ref();
                let steps = next_steps::of(moving, examples, connections, today)?;
                next_steps::write(console, &steps)
            }
            ReportFormat::Json => {
                let inventory = inventory.name();
                let document = Document { edition, note, inventory, rows, summary };
                output::json(console, &Versioned::new(&document))
            }
            ReportFormat::Ndjson => {
                rows.iter().try_for_each(|row| output::ndjson(console, &Versioned::new(row)))?;
                let line = SummaryLine { kind: "summary", edition, note, summary };
                output::ndjson(console, &Versioned::new(&line))
            }
            ReportFormat::Html => Ok(()),
            ReportFormat::Csv => {
                output::csv(console, ConnectionRow::COLUMNS, rows.iter().map(ConnectionRow::cells))
            }
        }
    }

    /// The failure of what it shows, where it is asked to fail on that.
    pub(super) fn failure(&self) -> Option<Failure> {
        let of = |on: &FailOn| match on {
            FailOn::Contradiction => self.summary.connections.contradiction("tuples"),
            FailOn::NothingJudged => {
                by_subscription::nothing_judged(&self.summary.by_subscription, "the flow logs")
            }
        };
        self.args.rows.fail_on.iter().find_map(of).map(Failure::Differs)
    }
}
