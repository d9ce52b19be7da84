//! `policy diff`: two editions compared by meaning.

use std::collections::BTreeSet;

use crate::args::DiffArgs;
use crate::commands::matrix::{MatrixCell, cells};
use crate::commands::policy::difference::{Diff, Difference};
use crate::commands::policy::{diff_human, points, row_text};
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, EditionName};
use egress25_policy::{Edition, Offer, Setting, Settings};

/// Compares two editions.
///
/// # Errors
/// There is no such edition.
pub fn run(args: &DiffArgs, console: &mut Console) -> Result<(), Failure> {
    let (a, b) = (edition::find(&args.a)?, edition::find(&args.b)?);
    let mut changes = point_changes(&a, &b);
    changes.extend(setting_changes(&a, &b)?);
    changes.extend(offer_changes(&a, &b));
    changes.extend(answer_changes(&a, &b)?);
    changes.extend(statement_changes(&a, &b));
    let diff = Diff { a: EditionName::of(&a), b: EditionName::of(&b), changes };
    output::rows(console, args.format, &diff.changes, &diff, |console| {
        diff_human::write(console, &diff, &a, &b)
    })
}

fn change(
    about: &'static str,
    what: impl Into<String>,
    a: Option<String>,
    b: Option<String>,
) -> Option<Difference> {
    (a != b).then(|| Difference { about, what: what.into(), state: None, a, b })
}

fn point_changes(a: &Edition, b: &Edition) -> Vec<Difference> {
    let (left, right) = (points(a), points(b));
    let value = |points: &[(&str, String)], name: &str| {
        points.iter().find(|(point, _)| *point == name).map(|(_, value)| value.clone())
    };
    let mut names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
    names.extend(right.iter().map(|(name, _)| *name).filter(|name| value(&left, name).is_none()));
    names
        .into_iter()
        .filter_map(|name| change("point", name, value(&left, name), value(&right, name)))
        .collect()
}

/// The settings whose defaults are others.
fn setting_changes(a: &Edition, b: &Edition) -> Result<Vec<Difference>, Failure> {
    let (left, right) = (a.default_settings()?, b.default_settings()?);
    let value = |of: &Settings, name| Some(of.get(name).to_owned());
    let changes = Setting::ALL.iter().filter_map(|setting| {
        change("setting", setting.name(), value(&left, *setting), value(&right, *setting))
    });
    Ok(changes.collect())
}

fn offer_changes(a: &Edition, b: &Edition) -> Vec<Difference> {
    let row = |edition: &Edition, offer: &Offer| Some(row_text(edition, *offer));
    Offer::ALL
        .iter()
        .filter_map(|offer| change("offer", offer.title(), row(a, offer), row(b, offer)))
        .collect()
}

fn statement_changes(a: &Edition, b: &Edition) -> Vec<Difference> {
    let ids: BTreeSet<_> =
        a.statements.iter().chain(&b.statements).map(|statement| &statement.id).collect();
    let text = |edition: &Edition, id: &str| {
        let found = edition.statement(id)?;
        let of = if found.source.is_article() {
            String::new()
        } else {
            format!(" of {}, not the article", found.source)
        };
        Some(format!("{}{of}: {}", found.kind, found.text))
    };
    ids.into_iter()
        .filter_map(|id| {
            let id = id.as_str();
            change("statement", id, text(a, id), text(b, id))
        })
        .collect()
}

/// The cells of the matrix whose answers are others.
fn answer_changes(
    a: &std::sync::Arc<Edition>,
    b: &std::sync::Arc<Edition>,
) -> Result<Vec<Difference>, Failure> {
    let left = cells(a, &edition::settings(a, &[])?)?;
    let right = cells(b, &edition::settings(b, &[])?)?;
    let changes = left.iter().zip(&right).filter_map(|(left, right)| {
        let text = |cell: &MatrixCell| Some(format!("{} {}", cell.verdict, cell.reason));
        let change = change("answer", right.offer.title(), text(left), text(right))?;
        Some(Difference { state: Some(right.state.name), ..change })
    });
    Ok(changes.collect())
}
