//! `validate`: whether a file says what it can say.

use std::path::Path;

use clap::ValueEnum as _;
use egress25_policy::Edition;
use serde::Serialize;

use crate::args::{FileKind, ValidateArgs};
use crate::commands::lab;
use crate::read::foreign::ForeignJson;
use crate::read::input::{NamedText, edition_of};
use crate::read::inventory::{InventoryInput, events_of};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow, counted};

/// What was found of the files.
#[derive(Debug, Serialize)]
struct ValidationReport<'a> {
    files: &'a [Checked],
}

/// What was found of a file.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    kind: Option<String>,
    ok: bool,
    /// What is in it, or what is wrong with it.
    what: String,
    /// What will surprise whoever wrote it.
    warnings: Vec<String>,
    /// The bytes of the file that it is about: the first, and the one behind the last.
    span: Option<(usize, usize)>,
}

/// What is in a file, and what will surprise whoever wrote it.
struct Found {
    what: String,
    warnings: Vec<String>,
}

/// How many warnings of a file people are shown.
const MOST_WARNINGS: usize = 20;

/// Checks the files of the arguments.
///
/// # Errors
/// A file is bad; what is wrong has been written then.
pub fn run(args: &ValidateArgs, console: &mut Console) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in &args.files {
        let (name, outcome) = match NamedText::read(path) {
            Ok(source) => (source.name.clone(), check(args, path, &source)),
            Err(error) => (path.display().to_string(), Err(error)),
        };
        files.push(match outcome {
            Ok((kind, Found { what, warnings })) => {
                let kind = kind.to_possible_value().map(|kind| kind.get_name().to_owned());
                for warning in warnings.iter().take(MOST_WARNINGS) {
                    console.warn(&format!("{name}: {warning}"));
                }
                let more = warnings.len().saturating_sub(MOST_WARNINGS);
                if more > 0 {
                    let more = counted(more, "more warning", "more warnings");
                    console.warn(&format!("{name}: {more} (--format json has all)"));
                }
                Checked { file: name, kind, ok: true, what, warnings, span: None }
            }
            Err(error) => {
                // The picture of the place goes to stderr, whatever the format of the data.
                console.report(&error);
                let span = match &error {
                    Failure::Input(error) => {
                        error.place.as_ref().map(|place| (place.start, place.end))
                    }
                    _ => None,
                };
                let (what, warnings) = (error.to_string(), Vec::new());
                Checked { file: name, kind: None, ok: false, what, warnings, span }
            }
        });
    }
    output::rows(console, args.format, &files, &ValidationReport { files: &files }, |console| {
        files.iter().filter(|file| file.ok).try_for_each(|file| {
            console.line(format!(
                "{}: ok, {}: {}",
                file.file,
                file.kind.as_deref().unwrap_or("file"),
                file.what
            ))
        })
    })?;
    let bad = files.iter().filter(|file| !file.ok).count();
    if bad == 0 { Ok(()) } else { Err(Failure::Files { bad, all: files.len() }) }
}

impl TableRow for Checked {
    const COLUMNS: &'static [&'static str] = &["file", "kind", "ok", "what"];
}

/// What a text is, by its keys.
fn recognise(source: &NamedText) -> Result<FileKind, Failure> {
    let table: toml::Table = toml::from_str(&source.text)
        .map_err(|error| source.error(error.message(), error.span()))?;
    let has = |key: &str| table.contains_key(key);
    if has("statement") || has("unnamed") || has("cutoff") || has("as") {
        return Ok(FileKind::Edition);
    }
    // An inventory has no key of these names; `lab` is the old one of a scenario's `inventory`.
    if has("step") || has("inventory") || has("lab") {
        return Ok(FileKind::Scenario);
    }
    if has("event") && table.len() == 1 {
        return Ok(FileKind::Events);
    }
    Ok(FileKind::Inventory)
}

fn check(
    args: &ValidateArgs,
    path: &Path,
    source: &NamedText,
) -> Result<(FileKind, Found), Failure> {
    let kind = match args.kind {
        Some(kind) => kind,
        None if ForeignJson::of(&source.text).is_some() => FileKind::Inventory,
        None => recognise(source)?,
    };
    let what = match kind {
        FileKind::Edition => edition_text(&edition_of(source)?),
        FileKind::Events => events(args, source)?,
        FileKind::Inventory => return Ok((kind, inventory(args, path, source)?)),
        FileKind::Scenario => lab::check_scenario(source, path, &args.edition)?,
    };
    Ok((kind, Found { what, warnings: Vec::new() }))
}

fn edition_text(edition: &Edition) -> String {
    let statements = counted(edition.statements.len(), "statement", "statements");
    let rows = counted(edition.rules.len(), "row that names", "rows that name");
    format!("{}, {statements}, {rows} offers", edition.id)
}

fn events(args: &ValidateArgs, source: &NamedText) -> Result<String, Failure> {
    let events = events_of(source)?;
    let count = counted(events.len(), "event", "events");
    let Some(inventory) = &args.inventory else {
        return Ok(format!(
            "{count}; whether they can happen shows with --inventory, the inventory that they happen to"
        ));
    };
    let mut inventory = InventoryInput::load(Path::new(inventory), &[], &args.edition.set)?;
    inventory.add_events(source.clone(), events);
    let edition = inventory.edition(args.edition.edition.as_deref())?;
    inventory.timeline(&edition)?;
    Ok(format!("{count}, which can happen to `{}`", inventory.name()))
}

fn inventory(args: &ValidateArgs, path: &Path, source: &NamedText) -> Result<Found, Failure> {
    let inventory = InventoryInput::beside(source.clone(), path, &args.edition.set)?;
    let edition = inventory.edition(args.edition.edition.as_deref())?;
    let timeline = inventory.timeline(&edition)?;
    let world = timeline.world();
    inventory.refuse_empty(&timeline)?;
    let what = format!(
        "edition {}, {}, {}, {}, {}",
        world.edition.id,
        counted(world.subscriptions().len(), "subscription", "subscriptions"),
        counted(world.networks().len(), "network", "networks"),
        counted(world.machines().len(), "machine", "machines"),
        counted(timeline.events().len(), "event", "events"),
    );
    Ok(Found { what, warnings: world.surprises() })
}
