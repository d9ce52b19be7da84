//! `import`: an inventory from an export of Azure.

use std::path::Path;

use egress25_azure::{Imported, Input, Told, grouped, import};
use egress25_policy::{first_few, utc_day};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::{DocumentFormat, ImportArgs};
use crate::read::input::{NamedText, stdin_once};
use crate::read::inventory::InventoryInput;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, Versioned};
use crate::written::{self, OutputKind};

/// What was imported.
#[derive(Debug, Serialize)]
struct ImportReport<'a> {
    /// The inventory, where it was not written into a file.
    inventory: Option<&'a str>,
    /// The file that it was written into.
    written: Option<String>,
    counts: Map<String, Value>,
    gaps: Vec<GapRow<'a>>,
}

/// Gaps of one kind.
#[derive(Debug, Serialize)]
struct GapRow<'a> {
    kind: &'static str,
    what: String,
    places: Vec<&'a str>,
}

/// Imports the files of the arguments.
///
/// # Errors
/// A file cannot be read or is no export, what is told does not fit it, or the inventory cannot be
/// written.
pub fn run(args: &ImportArgs, console: &mut Console) -> Result<(), Failure> {
    let routes = || args.routes.iter().map(|one| (one.file.as_path(), Some(&*one.interface)));
    let files = args.files.iter().map(|file| (file.as_path(), None));
    let files: Vec<(&Path, Option<&str>)> = files.chain(routes()).collect();
    let paths = || files.iter().map(|(path, _)| *path);
    stdin_once(paths())?;
    let output = args.write.as_deref().map(|path| (path, OutputKind::Inventory));
    let [target] = written::claim(paths(), [output], args.force.force)?;
    let (mut texts, mut bad) = (Vec::new(), Vec::new());
    for path in paths() {
        match NamedText::read(path) {
            Ok(text) => texts.push(text),
            Err(error) => bad.push(error),
        }
    }
    // All that cannot be read are named, not the first alone.
    if bad.len() > 1 {
        let said: Vec<_> = bad.iter().map(ToString::to_string).collect();
        return Err(Failure::Lines(said));
    }
    if let Some(error) = bad.pop() {
        return Err(error);
    }
    let inputs: Vec<_> = texts
        .iter()
        .zip(&files)
        .map(|(NamedText { name, text }, (_, routes_of))| Input {
            name,
            text,
            routes_of: *routes_of,
        })
        .collect();
    let told = Told {
        offers: args.offer.clone(),
        created: args.created.clone(),
        exemptions: args.exempt.clone(),
        today: Some(utc_day(Timestamp::now())),
    };
    let imported = import(&inputs, &told).map_err(|error| Failure::Usage(error.to_string()))?;
    let gaps = rows(&imported);
    // Each kind of gap is said once, with the first places.
    for GapRow { what, places, .. } in &gaps {
        console.warn(&format!("{}: {what}", first_few(places.iter().copied())));
    }
    if let Some(why) = does_not_load(&imported.inventory) {
        console.warn(&format!("the inventory does not load yet: {why}"));
    }
    let written = target.as_ref().map(|target| target.name().to_owned());
    if let Some(target) = target {
        target.write(imported.inventory.as_bytes())?;
    }
    let report = ImportReport {
        inventory: written.is_none().then_some(imported.inventory.as_str()),
        written,
        counts: imported
            .counts
            .iter()
            .map(|(name, count)| (name.to_owned(), count.into()))
            .collect(),
        gaps,
    };
    match args.format {
        DocumentFormat::Json => output::json(console, &Versioned::new(&report)),
        DocumentFormat::Ndjson => output::ndjson(console, &Versioned::new(&report)),
        DocumentFormat::Human => human(&report, console),
    }
}

fn human(report: &ImportReport<'_>, console: &mut Console) -> Result<(), Failure> {
    let counts = report.counts.iter().filter(|(_, count)| count.as_u64() != Some(0));
    let counts: Vec<_> =
        counts.map(|(name, count)| format!("{} {count}", name.replace('_', " "))).collect();
    let counts = counts.join(", ");
    match (report.inventory, &report.written) {
        (Some(inventory), _) => {
            console.note(&format!("read: {counts}"));
            console.lines(inventory)
        }
        (None, file) => console.line(format!("{}: {counts}", file.as_deref().unwrap_or_default())),
    }
}

/// The gaps, those of one kind together.
fn rows(imported: &Imported) -> Vec<GapRow<'_>> {
    let row = |(kind, places): (&egress25_azure::GapKind, _)| GapRow {
        kind: kind.name(),
        what: kind.sentence(),
        places,
    };
    grouped(&imported.gaps).into_iter().map(row).collect()
}

/// Why an inventory does not load, if it does not.
fn does_not_load(text: &str) -> Option<String> {
    let source = NamedText { name: "the inventory".to_owned(), text: text.to_owned() };
    let loaded = InventoryInput::of(source, &[])
        .and_then(|inventory| inventory.timeline(&inventory.edition(None)?).map(drop));
    loaded.err().map(|error| error.to_string())
}
