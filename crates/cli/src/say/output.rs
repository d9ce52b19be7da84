//! Tables, JSON and CSV, written the same way by every command.

use std::io::Write;

use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::args::OutputFormat;
use crate::say::console::Console;
use crate::say::failure::Failure;

/// The version of the layout of every machine-readable output.
pub const SCHEMA_VERSION: u32 = 1;

/// Writes a value as indented JSON.
///
/// # Errors
/// The write failed.
pub fn json(console: &mut Console, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer_pretty(console.out(), value)
        .map_err(|error| Failure::stdout(error.into()))?;
    console.line("")
}

/// Writes a value as one line of JSON.
///
/// # Errors
/// The write failed.
pub fn ndjson(console: &mut Console, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer(console.out(), value).map_err(|error| Failure::stdout(error.into()))?;
    console.line("")
}

/// Writes rows as CSV (RFC 4180), a header first.
///
/// # Errors
/// The write failed.
pub fn csv<R, F>(
    console: &mut Console,
    header: &[&str],
    rows: impl IntoIterator<Item = R>,
) -> Result<(), Failure>
where
    R: IntoIterator<Item = F>,
    F: AsRef<[u8]>,
{
    let mut writer = csv::Writer::from_writer(console.out());
    writer.write_record(header).map_err(csv_failure)?;
    for row in rows {
        writer.write_record(row).map_err(csv_failure)?;
    }
    writer.flush().map_err(Failure::stdout)
}

/// A row with the version of the layout, for lines that stand alone.
#[derive(Debug, Serialize)]
pub struct Versioned<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    row: &'a T,
}

impl<'a, T: Serialize> Versioned<'a, T> {
    /// A row with the version.
    #[must_use]
    pub const fn new(row: &'a T) -> Self {
        Self { schema_version: SCHEMA_VERSION, row }
    }
}

/// What a failed write of CSV means.
#[must_use]
pub fn csv_failure(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::stdout(error),
        other => Failure::Internal(format!("the CSV cannot be written: {other:?}")),
    }
}

/// A list in any format: its rows as a table, CSV or lines of JSON, or the document as a whole.
///
/// # Errors
/// The output cannot be written.
pub fn list<R: Serialize, const N: usize>(
    console: &mut Console,
    format: OutputFormat,
    header: &[&str; N],
    (rows, cells): (&[R], impl Fn(&R) -> [String; N]),
    document: &impl Serialize,
) -> Result<(), Failure> {
    match format {
        OutputFormat::Human => {
            let mut table = table(console, header);
            rows.iter().for_each(|row| {
                table.add_row(cells(row));
            });
            write_table(console, &table)
        }
        OutputFormat::Json => json(console, document),
        OutputFormat::Ndjson => {
            rows.iter().try_for_each(|row| ndjson(console, &Versioned::new(row)))
        }
        OutputFormat::Csv => csv(console, header, rows.iter().map(cells)),
    }
}

/// An empty table with a header, fitted to the terminal where there is one.
#[must_use]
pub fn table(console: &Console, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let bold =
        |name: &&str| comfy_table::Cell::new(name).add_attribute(comfy_table::Attribute::Bold);
    table.set_header(header.iter().map(bold));
    if console.paint().is_on() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    match console.terminal_width().map(u16::try_from) {
        Some(Ok(width)) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        _ => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table
}

/// Writes a table.
///
/// # Errors
/// The write failed.
pub fn write_table(console: &mut Console, table: &Table) -> Result<(), Failure> {
    for line in table.lines() {
        writeln!(console.out(), "{}", line.trim_end()).map_err(Failure::stdout)?;
    }
    Ok(())
}

/// A text in lines of at most a width, at the spaces.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = line.chars().count().saturating_add(word.chars().count());
        if !line.is_empty() && length >= width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Writes a text behind a label, wrapped; the lines after the first stand under the first.
///
/// `label` is what is printed and `label_width` how wide it shows.
///
/// # Errors
/// The write failed.
pub fn labelled(
    console: &mut Console,
    label: &str,
    label_width: usize,
    text: &str,
) -> Result<(), Failure> {
    let width = console.width().saturating_sub(label_width).max(20);
    let mut label = label.to_owned();
    for line in wrap(text, width) {
        console.line(format!("{label}{line}").trim_end())?;
        label = " ".repeat(label_width);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibilities yes", 5), ["incomprehensibilities", "yes"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
