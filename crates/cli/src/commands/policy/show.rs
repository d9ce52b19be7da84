//! `policy show`.

use egress25_policy::{Edition, Offer, Setting, Settings};
use serde::Serialize;

use crate::args::{OutputFormat, ShowArgs};
use crate::commands::policy::{points, row_text};
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, Versioned, labelled, section};
use crate::say::shown::Shown;

/// Whose article it is.
const SCOPE: &str = "The public cloud's article. Azure operated by 21Vianet has a text of its own, with \
                     other offers and another way to ask: it is not covered.";

#[derive(Debug, Serialize)]
struct ShownEdition<'a> {
    scope: &'static str,
    edition: &'a Edition,
    settings: Vec<SettingEntry>,
}

#[derive(Debug, Serialize)]
struct SettingEntry {
    setting: &'static str,
    value: &'static str,
    values: &'static [&'static str],
    question: &'static str,
    why: &'static str,
}

/// Shows an edition.
///
/// # Errors
/// There is no such edition.
pub fn run(args: &ShowArgs, console: &mut Console) -> Result<(), Failure> {
    let edition = edition::find(&args.edition)?;
    let settings = edition::settings(&edition, &[])?;
    match args.format {
        OutputFormat::Human => human(console, &edition, &settings),
        OutputFormat::Json => {
            let shown =
                ShownEdition { scope: SCOPE, edition: &edition, settings: entries(&settings) };
            output::json(console, &Versioned::new(&shown))
        }
        OutputFormat::Ndjson => edition
            .statements
            .iter()
            .try_for_each(|one| output::ndjson(console, &Versioned::new(one))),
        OutputFormat::Csv => {
            let rows = edition.statements.iter().map(|one| {
                let id = one.id.as_str();
                let (kind, source) = (one.kind.name(), one.source.as_str());
                [edition.id.as_str(), id, kind, source, one.text.as_str()]
            });
            output::csv(console, &["edition", "id", "kind", "source", "text"], rows)
        }
    }
}

fn entries(settings: &Settings) -> Vec<SettingEntry> {
    let entry = |setting: &Setting| SettingEntry {
        setting: setting.name(),
        value: settings.get(*setting),
        values: setting.values(),
        question: setting.question(),
        why: setting.why(),
    };
    Setting::ALL.iter().map(entry).collect()
}

fn human(console: &mut Console, edition: &Edition, settings: &Settings) -> Result<(), Failure> {
    let paint = console.paint();
    let mark = match (edition.default, edition.in_force) {
        (true, _) => " (default)",
        (_, true) => " (in force)",
        _ => "",
    };
    labelled(console, paint.bold(&format!("Edition {}{mark}  ", edition.id)), 2, "")?;
    labelled(console, "  ", 2, &edition.title)?;
    let from = format!("held to have stood from {} on", edition.from);
    labelled(console, "  ", 2, &from)?;
    for note in &edition.notes {
        labelled(console, "  ", 2, note)?;
    }
    labelled(console, "  ", 2, SCOPE)?;
    section(console, "Points")?;
    for (name, value) in points(edition) {
        labelled(console, format!("  {name:<34}"), 36, &value)?;
    }
    section(console, "Offers")?;
    for (names, text) in rows(edition) {
        labelled(console, "  ", 2, &names.join(", "))?;
        labelled(console, "      ", 6, &text)?;
    }
    section(console, "Statements")?;
    for statement in &edition.statements {
        let label = format!("  {:<6} {:<11}", statement.id.as_str(), statement.kind.name());
        labelled(console, label, 20, &edition.quoted(statement))?;
    }
    section(console, "Settings: our reading where the article is silent (--set NAME=VALUE)")?;
    for entry in entries(settings) {
        let others: Vec<_> =
            entry.values.iter().filter(|value| **value != entry.value).copied().collect();
        let name = Shown::from(format!("  {} = ", entry.setting));
        let others = format!("  (or: {})", others.join(", "));
        console.line(name + paint.assumed(entry.value) + &others)?;
        labelled(console, "      ", 6, &format!("{} {}", entry.question, entry.why))?;
    }
    Ok(())
}

/// The rows of the edition, with the offers that each is for.
fn rows(edition: &Edition) -> Vec<(Vec<&'static str>, String)> {
    let mut rows: Vec<(Vec<&str>, String)> = Vec::new();
    for offer in Offer::ALL {
        let text = row_text(edition, *offer);
        match rows.iter_mut().find(|(_, other)| *other == text) {
            Some((names, _)) => names.push(offer.title()),
            None => rows.push((vec![offer.title()], text)),
        }
    }
    rows
}
