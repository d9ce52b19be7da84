//! Tables, JSON and CSV, written the same way by every command.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Write;

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width};
use egress25_policy::{
    Assumption, Edition, NextStep, Page, SourceName, StatementId, Verdict, in_a_line,
};
use serde::Serialize;
use serde_json::Value;

use crate::args::OutputFormat;
use crate::say::cell::{TextCell, csv_cell};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::json;
use crate::say::shown::Shown;

/// The version of the layout of every machine-readable output. Version 2 has `inventory` for what
/// version 1 called `lab` in the answers of `check` and `replay`.
pub const SCHEMA_VERSION: u32 = 2;

/// The space beside each cell of a table, in columns.
const PADDING: usize = 2;

/// An edition's name.
#[derive(Debug, Clone, Serialize)]
pub struct EditionName {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether it is the one in force.
    pub in_force: bool,
}

impl EditionName {
    /// The name of an edition.
    #[must_use]
    pub fn of(edition: &Edition) -> Self {
        Self { id: edition.id.clone(), title: edition.title.clone(), in_force: edition.in_force }
    }
}

/// A statement that is not the article's word.
#[derive(Debug, Clone, Serialize)]
pub struct OfAnotherPage {
    /// Its id.
    pub statement: StatementId,
    /// The name of the page that says it.
    pub source: SourceName,
    /// The page.
    #[serde(flatten)]
    pub page: Page,
}

impl OfAnotherPage {
    /// The statement with an id, if it is of another page than the article.
    #[must_use]
    pub fn of(edition: &Edition, id: &StatementId) -> Option<Self> {
        let source = &edition.statement(id.as_str())?.source;
        let page = edition.sources.get(source)?.clone();
        Some(Self { statement: id.clone(), source: source.clone(), page })
    }

    /// Those of some statements that are of another page.
    #[must_use]
    pub fn among<'a>(
        edition: &Edition,
        ids: impl IntoIterator<Item = &'a StatementId>,
    ) -> Vec<Self> {
        let ids: BTreeSet<_> = ids.into_iter().collect();
        ids.into_iter().filter_map(|id| Self::of(edition, id)).collect()
    }

    /// Some of them as a cell of a CSV has them: `id=source`, separated by spaces.
    #[must_use]
    pub fn cell(of: &[Self]) -> String {
        let one = |one: &Self| format!("{}={}", one.statement, one.source);
        of.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// The same cell, of statements as JSON has them.
    #[must_use]
    pub fn cell_of_json(of: &Value) -> String {
        let key = |one: &Value, key: &str| one.get(key).map_or_else(String::new, text);
        let one = |one: &Value| format!("{}={}", key(one, "statement"), key(one, "source"));
        of.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// The statements that a step rests on, as they stand behind it.
#[must_use]
pub fn in_brackets(edition: &Edition, step: &NextStep) -> String {
    match step.statements() {
        [] => String::new(),
        ids => format!(" [{}]", edition.cited(ids)),
    }
}

/// Steps as a person reads them, each with the statements that it rests on.
#[must_use]
pub fn steps_in_words(edition: &Edition, steps: &[NextStep]) -> Vec<String> {
    steps.iter().map(|step| format!("{step}{}", in_brackets(edition, step))).collect()
}

/// Settings that an answer rests on, as `name=value`.
#[must_use]
pub fn assignments(assumed: &[Assumption]) -> Vec<String> {
    assumed.iter().map(|one| format!("{}={}", one.setting, one.value)).collect()
}

/// Settings that an answer rests on, for people.
#[must_use]
pub fn assignments_in_words(assumed: &[Assumption]) -> String {
    assumed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Writes a value as indented JSON.
///
/// # Errors
/// The write failed.
pub fn json(console: &mut Console, value: &impl Serialize) -> Result<(), Failure> {
    let text = json::indented(value)?;
    writeln!(console.out(), "{text}").map_err(Failure::stdout)
}

/// Writes a value as one line of JSON.
///
/// # Errors
/// The write failed.
pub fn ndjson(console: &mut Console, value: &impl Serialize) -> Result<(), Failure> {
    let text = json::in_one_line(value)?;
    writeln!(console.out(), "{text}").map_err(Failure::stdout)
}

/// Writes a line of JSON that another process of ours has written.
///
/// # Errors
/// The write failed.
pub fn json_line(console: &mut Console, line: &str) -> Result<(), Failure> {
    writeln!(console.out(), "{}", json::line_seen(line)).map_err(Failure::stdout)
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
    F: AsRef<str>,
{
    let mut text = csv_record(header)?;
    for row in rows {
        console.out().write_all(&text).map_err(Failure::stdout)?;
        text = csv_record(row)?;
    }
    console.out().write_all(&text).map_err(Failure::stdout)
}

/// A row as CSV, with the end of its line.
///
/// # Errors
/// It cannot be written.
pub fn csv_record<F: AsRef<str>>(row: impl IntoIterator<Item = F>) -> Result<Vec<u8>, Failure> {
    let failed = |what: String| Failure::Internal(format!("the CSV cannot be written: {what}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for cell in row {
        let cell = csv_cell(cell.as_ref());
        writer.write_field(&*cell).map_err(|error| failed(error.to_string()))?;
    }
    writer.write_record(None::<&[u8]>).map_err(|error| failed(error.to_string()))?;
    writer.into_inner().map_err(|error| failed(error.to_string()))
}

/// Something with the version of the layout: a document, or a line that stands alone.
#[derive(Debug, Serialize)]
pub struct Versioned<'a, T: ?Sized> {
    schema_version: u32,
    #[serde(flatten)]
    row: &'a T,
}

impl<'a, T: Serialize + ?Sized> Versioned<'a, T> {
    /// Something with the version.
    #[must_use]
    pub const fn new(row: &'a T) -> Self {
        Self { schema_version: SCHEMA_VERSION, row }
    }
}

/// A row of a table or of a CSV.
pub trait TableRow: Serialize {
    /// The names of the columns: those of the fields, with spaces for underscores.
    const COLUMNS: &'static [&'static str];

    /// The row's cells, in the order of the columns.
    fn cells(&self) -> Vec<String> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let cell =
            |column: &&str| value.get(column.replace(' ', "_")).map_or_else(String::new, text);
        Self::COLUMNS.iter().map(cell).collect()
    }
}

/// A JSON value as the CSV has it: lists are separated by spaces.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// Rows in any format: for people, as a document that has them, as lines of JSON, or as CSV.
///
/// # Errors
/// The output cannot be written.
pub fn rows<R: TableRow>(
    console: &mut Console,
    format: OutputFormat,
    rows: &[R],
    document: &impl Serialize,
    human: impl FnOnce(&mut Console) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match format {
        OutputFormat::Human => human(console),
        OutputFormat::Json => json(console, &Versioned::new(document)),
        OutputFormat::Ndjson => {
            rows.iter().try_for_each(|row| ndjson(console, &Versioned::new(row)))
        }
        OutputFormat::Csv => csv(console, R::COLUMNS, rows.iter().map(R::cells)),
    }
}

/// Rows in any format: as a table for people, otherwise as [`rows`] has them.
///
/// # Errors
/// The output cannot be written.
pub fn list<R: TableRow>(
    console: &mut Console,
    format: OutputFormat,
    list: &[R],
    document: &impl Serialize,
) -> Result<(), Failure> {
    rows(console, format, list, document, |console| {
        write_rows(console, R::COLUMNS, list.iter().map(R::cells))
    })
}

/// Writes a table of rows of text.
///
/// # Errors
/// The write failed.
pub fn write_rows<R>(
    console: &mut Console,
    header: &[&str],
    rows: impl IntoIterator<Item = R>,
) -> Result<(), Failure>
where
    R: IntoIterator<Item: Into<TextCell>>,
{
    let mut table = table(console, header);
    for row in rows {
        table.add_row(row.into_iter().map(|cell| Cell::from(cell.into())));
    }
    write_table(console, table)
}

/// A number with what is counted: its name in the singular and in the plural.
pub fn counted<N: Copy + PartialEq + From<u8> + Display>(
    number: N,
    one: &str,
    many: &str,
) -> String {
    let name = if number == N::from(1) { one } else { many };
    format!("{number} {name}")
}

/// Writes a heading behind an empty line.
///
/// # Errors
/// The write failed.
pub fn section(console: &mut Console, heading: &str) -> Result<(), Failure> {
    let heading = console.paint().bold(heading);
    console.line("")?;
    console.line(heading)
}

/// The colour of a verdict in a table.
#[must_use]
pub const fn color(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Pass => Color::Green,
        Verdict::Drop => Color::Red,
        Verdict::Reject => Color::Magenta,
    }
}

/// An empty table with a header, fitted to the terminal where there is one.
#[must_use]
pub fn table(console: &Console, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let bold = |name: &&str| {
        let lines: Vec<_> = name.split('\n').map(str::to_owned).collect();
        Cell::from(TextCell::stacked(&lines)).add_attribute(comfy_table::Attribute::Bold)
    };
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

/// Writes a table; one whose words have no room beside each other as a list, a cell a line.
///
/// # Errors
/// The write failed.
pub fn write_table(console: &mut Console, mut table: Table) -> Result<(), Failure> {
    if console.terminal_width().is_some() && !keep_words_whole(&mut table) {
        return write_list(console, &table);
    }
    for line in table.lines() {
        writeln!(console.out(), "{}", line.trim_end()).map_err(Failure::stdout)?;
    }
    Ok(())
}

/// Gives every column room for its longest word; `false` where a table has not so much in all.
fn keep_words_whole(table: &mut Table) -> bool {
    let longest = |text: &str| text.split_whitespace().map(|word| word.chars().count()).max();
    let header = table.header().into_iter();
    let mut widths: Vec<usize> = Vec::new();
    for row in header.chain(table.row_iter()) {
        for (at, cell) in row.cell_iter().enumerate() {
            let width = longest(&cell.content()).unwrap_or(0).saturating_add(PADDING);
            match widths.get_mut(at) {
                Some(known) => *known = width.max(*known),
                None => widths.push(width),
            }
        }
    }
    let fits = table.width().is_none_or(|all| widths.iter().sum::<usize>() <= usize::from(all));
    for (column, width) in table.column_iter_mut().zip(widths) {
        let width = u16::try_from(width).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    fits
}

/// Writes a table as a list: each cell behind the name of its column, an empty line between rows.
fn write_list(console: &mut Console, table: &Table) -> Result<(), Failure> {
    let names: Vec<_> = table.header().map_or_else(Vec::new, |row| {
        let in_a_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        row.cell_iter().map(|cell| in_a_line(cell.content())).collect()
    });
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).saturating_add(2);
    for (number, row) in table.row_iter().enumerate() {
        if number > 0 {
            console.line("")?;
        }
        for (name, cell) in names.iter().zip(row.cell_iter()) {
            let text = cell.content();
            if !text.is_empty() {
                labelled(console, format!("{name:<width$}"), width, &text)?;
            }
        }
    }
    Ok(())
}

/// A text in lines of at most a width, at the spaces. What stands between backquotes is a name, or to
/// be typed: it stays in one line, however long that is.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = in_a_line(text);
    let mut lines: Vec<String> = Vec::new();
    let mut length = 0_usize;
    for piece in pieces(&text) {
        let more = piece.chars().count();
        match lines.last_mut() {
            Some(line) if length.saturating_add(more) < width || line.is_empty() => {
                line.push(' ');
                line.push_str(piece);
                length = length.saturating_add(more).saturating_add(1);
            }
            _ => {
                lines.push(piece.to_owned());
                length = more;
            }
        }
    }
    lines
}

/// The pieces of a text between which it may be broken; with a space between them they are the text.
fn pieces(text: &str) -> Vec<&str> {
    let last = text.rfind('`');
    let (mut found, mut begin, mut quoted) = (Vec::new(), 0, false);
    for (at, sign) in text.char_indices() {
        match sign {
            // One alone quotes nothing.
            '`' => quoted = !quoted && last > Some(at),
            ' ' if !quoted => {
                found.extend(text.get(begin..at));
                begin = at.saturating_add(1);
            }
            _ => {}
        }
    }
    found.extend(text.get(begin..));
    found
}

/// Writes a text behind a label, wrapped; the lines after the first stand under the first.
///
/// `label` is what is printed and `label_width` how wide it shows.
///
/// # Errors
/// The write failed.
pub fn labelled(
    console: &mut Console,
    label: impl Into<Shown>,
    label_width: usize,
    text: &str,
) -> Result<(), Failure> {
    let width = console.width().saturating_sub(label_width).max(20);
    let mut label = label.into();
    for line in wrap(text, width) {
        console.line((label + &line).trim_end())?;
        label = Shown::from(" ".repeat(label_width));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_was_counted_as_several() {
        assert_eq!(counted(0_usize, "entry", "entries"), "0 entries");
        assert_eq!(counted(1_u64, "entry", "entries"), "1 entry");
        assert_eq!(counted(2_u64, "entry", "entries"), "2 entries");
    }

    #[test]
    fn text_is_wrapped_at_spaces_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibilities yes", 5), ["incomprehensibilities", "yes"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("a `b c d e f` g", 6), ["a", "`b c d e f`", "g"]);
        assert_eq!(wrap("it`s one, too", 6), ["it`s", "one,", "too"]);
        assert_eq!(wrap("`my  web`\n\u{3000}x", 40), ["`my  web`\\n\u{3000}x"]);
    }
}
