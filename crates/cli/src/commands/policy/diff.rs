//! `policy diff`: two editions compared by meaning.

use std::collections::BTreeSet;

use egress25_policy::{Edition, Offer};
use serde::Serialize;

use crate::args::DiffArgs;
use crate::commands::matrix::{MatrixCell, cells};
use crate::commands::policy::{points, row_text};
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, EditionName, TableRow, labelled};

/// How two editions differ.
#[derive(Debug, Serialize)]
struct Diff {
    a: EditionName,
    b: EditionName,
    changes: Vec<Difference>,
}

/// One difference.
#[derive(Debug, Serialize)]
struct Difference {
    /// `point`, `offer`, `statement` or `answer`.
    about: &'static str,
    /// The point, the offer, or the statement's id.
    what: String,
    /// The state that the answer is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// What the first edition says; none where it says nothing.
    a: Option<String>,
    /// What the second says.
    b: Option<String>,
}

/// Compares two editions.
///
/// # Errors
/// There is no such edition.
pub fn run(args: &DiffArgs, console: &mut Console) -> Result<(), Failure> {
    let (a, b) = (edition::find(&args.a)?, edition::find(&args.b)?);
    let mut changes = point_changes(&a, &b);
    changes.extend(offer_changes(&a, &b));
    changes.extend(answer_changes(&a, &b)?);
    changes.extend(statement_changes(&a, &b));
    let diff = Diff { a: EditionName::of(&a), b: EditionName::of(&b), changes };
    output::rows(console, args.format, &diff.changes, &diff, |console| human(console, &diff))
}

impl TableRow for Difference {
    const COLUMNS: &'static [&'static str] = &["about", "what", "state", "a", "b"];
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

fn human(console: &mut Console, diff: &Diff) -> Result<(), Failure> {
    for (mark, edition) in [("-", &diff.a), ("+", &diff.b)] {
        console.line(format!("{mark} edition {} ({})", edition.id, edition.title))?;
    }
    if diff.changes.is_empty() {
        return console.line("\nThey say the same.");
    }
    let headings = [
        ("point", "Points"),
        ("offer", "Offers"),
        ("answer", "Answers that are others"),
        ("statement", "Statements"),
    ];
    for (about, heading) in headings {
        let changes: Vec<_> = diff.changes.iter().filter(|one| one.about == about).collect();
        if changes.is_empty() {
            continue;
        }
        output::section(console, &format!("{heading} ({})", changes.len()))?;
        for (names, one) in merged(changes) {
            let state = one.state.map_or(String::new(), |state| format!("{state}: "));
            labelled(console, "  ", 2, &format!("{state}{}", names.join(", ")))?;
            if let Some(a) = &one.a {
                labelled(console, "    - ", 6, a)?;
            }
            if let Some(b) = &one.b {
                labelled(console, "    + ", 6, b)?;
            }
        }
    }
    Ok(())
}

/// What changed in the same way, together.
fn merged(changes: Vec<&Difference>) -> Vec<(Vec<&str>, &Difference)> {
    let mut merged: Vec<(Vec<&str>, &Difference)> = Vec::new();
    for one in changes {
        let same =
            |other: &Difference| (other.state, &other.a, &other.b) == (one.state, &one.a, &one.b);
        match merged.iter_mut().find(|(_, other)| same(other)) {
            Some((names, _)) => names.push(&one.what),
            None => merged.push((vec![&one.what], one)),
        }
    }
    merged
}
