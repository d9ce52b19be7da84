//! Rows and summary in the format that was asked for, as they come.

use std::io::Write;

use egress25_packet_filter::capture::CaptureReader;
use serde::Serialize;

use crate::SCHEMA_VERSION;
use crate::args::ReportFormat;
use crate::commands::connections::row::ConnectionRow;
use crate::commands::connections::table;
use crate::commands::replay::human;
use crate::commands::replay::resolve::ReplayPlan;
use crate::commands::replay::row::PacketRow;
use crate::commands::replay::summary::{ONLY_REPORTS, Summary};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::json;
use crate::say::output::EditionName;
use crate::say::output::{self, TableRow, Versioned};

/// Writes the report.
pub(super) struct ReplayReport {
    format: ReportFormat,
    stdout_taken: bool,
    rows: bool,
    written: u64,
}

/// The last line of NDJSON.
#[derive(Serialize)]
struct SummaryLine<'a> {
    kind: &'static str,
    edition: &'a EditionName,
    note: &'static str,
    #[serde(flatten)]
    summary: &'a Summary,
}

impl ReplayReport {
    /// Begins the report.
    pub(super) fn begin(
        plan: &ReplayPlan,
        reader: &CaptureReader,
        console: &mut Console,
    ) -> Result<Self, Failure> {
        let report = Self {
            format: plan.format,
            stdout_taken: plan.stdout_taken,
            rows: plan.rows && !plan.stdout_taken,
            written: 0,
        };
        console.note(ONLY_REPORTS);
        match report.format {
            ReportFormat::Json => {
                let head = [
                    ("schema_version", serde_json::json!(SCHEMA_VERSION)),
                    ("edition", serde_json::json!(plan.edition.name())),
                    ("note", serde_json::json!(ONLY_REPORTS)),
                    ("inventory", serde_json::json!(plan.inventory.name())),
                    ("capture", serde_json::json!(reader.name())),
                    ("capture_format", serde_json::json!(reader.format().to_string())),
                ];
                let mut text = "{\n".to_owned();
                for (key, value) in head {
                    text.push_str(&format!("  \"{key}\": {},\n", json::in_one_line(&value)?));
                }
                write!(console.out(), "{text}  \"rows\": [").map_err(Failure::stdout)?;
            }
            ReportFormat::Csv if report.rows => {
                let columns = if plan.rows_are_connections {
                    ConnectionRow::COLUMNS
                } else {
                    PacketRow::COLUMNS
                };
                output::csv(console, columns, Vec::<Vec<String>>::new())?;
            }
            ReportFormat::Human | ReportFormat::Ndjson | ReportFormat::Csv | ReportFormat::Html => {
            }
        }
        Ok(report)
    }

    /// Writes the row of a packet.
    pub(super) fn packet(
        &mut self,
        row: &PacketRow<'_>,
        console: &mut Console,
    ) -> Result<(), Failure> {
        if !self.rows {
            return Ok(());
        }
        match self.format {
            ReportFormat::Ndjson => output::ndjson(
                console,
                &PacketRow { schema_version: Some(SCHEMA_VERSION), ..row.clone() },
            ),
            _ => self.row(row, console),
        }
    }

    /// Writes the rows of all connections.
    pub(super) fn connections(
        &mut self,
        rows: &[ConnectionRow<'_>],
        console: &mut Console,
    ) -> Result<(), Failure> {
        if !self.rows {
            return Ok(());
        }
        match self.format {
            ReportFormat::Human => {
                self.written = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                table::write(console, rows)
            }
            // The page is written at the end.
            ReportFormat::Html => Ok(()),
            ReportFormat::Ndjson => {
                rows.iter().try_for_each(|row| output::ndjson(console, &Versioned::new(row)))
            }
            _ => rows.iter().try_for_each(|row| self.row(row, console)),
        }
    }

    /// Writes a row of a document or a CSV.
    fn row<R: TableRow>(&mut self, row: &R, console: &mut Console) -> Result<(), Failure> {
        if self.format == ReportFormat::Csv {
            let line = output::csv_record(row.cells())?;
            return console.out().write_all(&line).map_err(Failure::stdout);
        }
        let comma = if self.written == 0 { "\n    " } else { ",\n    " };
        self.written = self.written.saturating_add(1);
        let row = json::in_one_line(row)?;
        write!(console.out(), "{comma}{row}").map_err(Failure::stdout)
    }

    /// Ends the report with the summary.
    pub(super) fn end(
        &self,
        summary: &Summary,
        edition: &EditionName,
        console: &mut Console,
    ) -> Result<(), Failure> {
        match self.format {
            ReportFormat::Human if self.stdout_taken => {
                human::lines(summary, edition).iter().for_each(|line| console.note(line));
                Ok(())
            }
            ReportFormat::Human => human::summary(console, summary, edition, self.written > 0),
            ReportFormat::Json => {
                let end = if self.written > 0 { "\n  ]," } else { "]," };
                let text = json::indented(summary)?.replace('\n', "\n  ");
                let text = format!("{end}\n  \"summary\": {text}\n}}\n");
                write!(console.out(), "{text}").map_err(Failure::stdout)
            }
            ReportFormat::Ndjson => {
                let line = SummaryLine { kind: "summary", edition, note: ONLY_REPORTS, summary };
                output::ndjson(console, &Versioned::new(&line))
            }
            ReportFormat::Html => Ok(()),
            ReportFormat::Csv => {
                human::lines(summary, edition).iter().for_each(|line| console.note(line));
                Ok(())
            }
        }
    }
}
