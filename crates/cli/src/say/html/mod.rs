//! A report as one page that can be handed over: one file, which needs no network and no script.
//!
//! A command fills a [`Page`], and [`write()`] makes it HTML, at once and at the end: a page that a
//! killed run left unfinished would look like one that is whole.

mod document;
mod page;
mod picture;
mod symbol;
mod table;
mod timeline;

pub use page::{MeantReason, Page, Steps};
pub use symbol::{Symbol, SymbolShape};
pub use table::{Cell, Column, Table, TableBuilder};
pub use timeline::{Timeline, TimelineEvent, TimelinePoint};

use std::io::Write as _;

use crate::say::console::Console;
use crate::say::failure::Failure;

/// Writes a page.
///
/// # Errors
/// The write failed.
pub fn write(console: &mut Console, page: &Page) -> Result<(), Failure> {
    let text = document::document(page);
    console.out().write_all(text.as_bytes()).map_err(Failure::stdout)
}
