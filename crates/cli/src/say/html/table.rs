//! Rows of a page, in bounded number.

use crate::say::html::symbol::Symbol;

/// Rows with a heading.
#[derive(Debug)]
pub struct Table {
    pub(super) heading: &'static str,
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) left_out: usize,
}

/// A column: its name, and what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub(super) name: &'static str,
    /// How it is laid out, as the style sheet names it.
    pub(super) layout: Option<&'static str>,
}

impl Column {
    /// A column of words.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self { name, layout: None }
    }

    /// A column of names, which may be of any length.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self { name, layout: Some("named") }
    }

    /// A column of sentences.
    #[must_use]
    pub const fn long(name: &'static str) -> Self {
        Self { name, layout: Some("long") }
    }

    /// A column of what is read in one line only, such as a time.
    #[must_use]
    pub const fn whole(name: &'static str) -> Self {
        Self { name, layout: Some("whole") }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(name: &'static str) -> Self {
        Self { name, layout: Some("number") }
    }
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A text, or a number.
    Text(String),
    /// A verdict, or what else became of something.
    Symbol(Symbol),
    /// Something that contradicts the description.
    Contradiction(String),
}

impl<T: ToString> From<&T> for Cell {
    fn from(text: &T) -> Self {
        Self::Text(text.to_string())
    }
}

/// Makes a table of no more rows than a page can bear.
#[derive(Debug)]
pub struct TableBuilder {
    table: Table,
    bound: usize,
}

impl TableBuilder {
    /// Begins a table of at most so many rows.
    #[must_use]
    pub fn new(heading: &'static str, columns: Vec<Column>, bound: usize) -> Self {
        let table = Table { heading, caption: String::new(), columns, rows: vec![], left_out: 0 };
        Self { table, bound }
    }

    /// Says in a sentence what the rows are.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.table.caption = caption.into();
        self
    }

    /// Adds rows; those that have no room are counted and not made.
    #[must_use]
    pub fn rows<T>(
        mut self,
        of: impl IntoIterator<Item = T>,
        row: impl Fn(T) -> Vec<Cell>,
    ) -> Self {
        for one in of {
            if self.table.rows.len() < self.bound {
                self.table.rows.push(row(one));
            } else {
                self.table.left_out = self.table.left_out.saturating_add(1);
            }
        }
        self
    }

    /// Counts rows that were not even asked to be added.
    #[must_use]
    pub const fn left_out(mut self, rows: usize) -> Self {
        self.table.left_out = self.table.left_out.saturating_add(rows);
        self
    }

    /// The table, where it has a row.
    #[must_use]
    pub fn build(self) -> Option<Table> {
        (!self.table.rows.is_empty()).then_some(self.table)
    }
}
