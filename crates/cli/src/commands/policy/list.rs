//! `policy list`.

use egress25_policy::Edition;
use jiff::civil::Date;
use serde::Serialize;

use crate::args::EditionListArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow};

#[derive(Debug, Serialize)]
struct EditionList<'a> {
    editions: &'a [EditionEntry],
}

#[derive(Debug, Serialize)]
struct EditionEntry {
    id: String,
    /// The day from which on it is held to have stood.
    from: Date,
    title: String,
    default: bool,
    in_force: bool,
    statements: usize,
}

impl TableRow for EditionEntry {
    const COLUMNS: &'static [&'static str] =
        &["id", "from", "default", "in_force", "statements", "title"];
}

/// Lists the editions.
///
/// # Errors
/// A built-in edition is bad.
pub fn run(args: &EditionListArgs, console: &mut Console) -> Result<(), Failure> {
    let entry = |edition: &Edition| EditionEntry {
        id: edition.id.clone(),
        from: edition.from,
        title: edition.title.clone(),
        default: edition.default,
        in_force: edition.in_force,
        statements: edition.statements.len(),
    };
    let editions: Vec<_> = Edition::all()?.iter().map(|edition| entry(edition)).collect();
    let document = EditionList { editions: &editions };
    output::rows(console, args.format, &editions, &document, |console| {
        let rows = editions.iter().map(|one| {
            let mark = match (one.default, one.in_force) {
                (true, true) => "default, in force",
                (true, false) => "default",
                (false, true) => "in force",
                (false, false) => "",
            };
            [&one.id, &*one.from.to_string(), mark, &one.statements.to_string(), &one.title]
                .map(str::to_owned)
        });
        output::write_rows(console, &["id", "from", "", "statements", "title"], rows)
    })
}
