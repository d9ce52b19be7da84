//! `policy list`.

use egress25_policy::Edition;
use serde::Serialize;

use crate::SCHEMA_VERSION;
use crate::args::{EditionListArgs, OutputFormat};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

#[derive(Debug, Serialize)]
struct EditionList {
    schema_version: u32,
    editions: Vec<EditionEntry>,
}

#[derive(Debug, Serialize)]
struct EditionEntry {
    id: String,
    title: String,
    default: bool,
    in_force: bool,
    statements: usize,
}

/// Lists the editions.
///
/// # Errors
/// A built-in edition is bad.
pub fn run(args: &EditionListArgs, console: &mut Console) -> Result<(), Failure> {
    let entry = |edition: &Edition| EditionEntry {
        id: edition.id.clone(),
        title: edition.title.clone(),
        default: edition.default,
        in_force: edition.in_force,
        statements: edition.statements.len(),
    };
    let editions: Vec<_> = Edition::all()?.iter().map(|edition| entry(edition)).collect();
    match args.format {
        OutputFormat::Human => {
            let mut table = output::table(console, &["id", "", "statements", "title"]);
            for one in &editions {
                let mark = match (one.default, one.in_force) {
                    (true, true) => "default, in force",
                    (true, false) => "default",
                    (false, true) => "in force",
                    (false, false) => "",
                };
                table.add_row([&one.id, mark, &one.statements.to_string(), &one.title]);
            }
            output::write_table(console, &table)
        }
        OutputFormat::Json => {
            output::json(console, &EditionList { schema_version: SCHEMA_VERSION, editions })
        }
        OutputFormat::Ndjson => editions
            .iter()
            .try_for_each(|one| output::ndjson(console, &output::Versioned::new(one))),
        OutputFormat::Csv => {
            let rows = editions.into_iter().map(|one| {
                let (default, in_force) = (one.default.to_string(), one.in_force.to_string());
                [one.id, default, in_force, one.statements.to_string(), one.title]
            });
            output::csv(console, &["id", "default", "in_force", "statements", "title"], rows)
        }
    }
}
