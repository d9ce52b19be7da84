//! A cell of a table for people, or of a CSV.

use std::borrow::Cow;

use comfy_table::Cell;
use egress25_policy::in_a_line;

/// A cell of a table in which nothing acts that somebody else wrote.
#[derive(Debug, Clone)]
pub struct TextCell(Cell);

impl TextCell {
    /// A cell of one line.
    #[must_use]
    pub fn of(text: &(impl ToString + ?Sized)) -> Self {
        Self(Cell::new(in_a_line(&text.to_string())))
    }

    /// A cell of several lines.
    #[must_use]
    pub fn stacked(lines: &[String]) -> Self {
        let lines: Vec<_> = lines.iter().map(|line| in_a_line(line)).collect();
        Self(Cell::new(lines.join("\n")))
    }

    /// The cell with other looks.
    #[must_use]
    pub fn looking(self, change: impl FnOnce(Cell) -> Cell) -> Self {
        Self(change(self.0))
    }
}

impl From<String> for TextCell {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<&str> for TextCell {
    fn from(text: &str) -> Self {
        Self::of(text)
    }
}

impl From<TextCell> for Cell {
    fn from(cell: TextCell) -> Self {
        cell.0
    }
}

/// What begins a formula where a CSV is opened as a sheet.
const BEGINS_A_FORMULA: [char; 10] = ['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠'];

/// A text as a cell of a CSV: in one line, and with a `'` in front where a sheet would take it for a
/// formula. Numbers are what they are.
#[must_use]
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let shown = in_a_line(text);
    let begins = shown.trim_start().starts_with(BEGINS_A_FORMULA);
    let is_plain = text == "-" || text.parse::<f64>().is_ok_and(f64::is_finite);
    // A tab and the end of a line before it would be taken away by the sheet.
    if begins && !is_plain || text.starts_with(['\t', '\r', '\n']) {
        return Cow::Owned(format!("'{shown}"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn a_name_was_a_formula_in_the_sheet() {
        for text in ["=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1", "|cmd", "%0", "＝1", "-"] {
            let right = if text == "-" { text.to_owned() } else { format!("'{text}") };
            assert_eq!(csv_cell(text), right);
        }
        assert_eq!(csv_cell("\t=1"), "'\\t=1");
        assert_eq!(csv_cell("\n=1"), "'\\n=1");
        for text in ["-1.5", "+7", "web", "", "10.0.0.4", "a=b", "it's"] {
            assert_eq!(csv_cell(text), text);
        }
    }
}
