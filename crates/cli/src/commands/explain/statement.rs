//! What a statement says.

use egress25_policy::{Edition, SourceName, StatementKind};
use serde::Serialize;

use crate::commands::explain::reading::{Reading, listed};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{TableRow, labelled};

/// What a statement says, and where it stands.
#[derive(Debug, Serialize)]
pub(super) struct ExplainedStatement {
    statement: String,
    kind: StatementKind,
    source: SourceName,
    text: String,
    /// The editions that have it.
    editions: Vec<String>,
    /// What there is to know where the edition that was asked for lacks it.
    note: Option<String>,
    #[serde(skip)]
    quoted: String,
}

/// The ids of an edition, and those of the built-in ones, each once.
pub(super) fn known(edition: &Edition) -> Result<Vec<String>, Failure> {
    let others = Edition::all()?.iter().flat_map(|other| &other.statements);
    let mut ids: Vec<String> = Vec::new();
    for statement in edition.statements.iter().chain(others) {
        if !ids.iter().any(|id| id == statement.id.as_str()) {
            ids.push(statement.id.to_string());
        }
    }
    Ok(ids)
}

/// Explains a statement: as the edition has it, or as the first that has it.
pub(super) fn explain(id: &str, reading: &Reading) -> Result<ExplainedStatement, Failure> {
    let edition = &reading.edition;
    let all = Edition::all()?;
    let has = |edition: &&std::sync::Arc<Edition>| edition.statement(id).is_some();
    let editions: Vec<_> = all.iter().filter(has).map(|edition| edition.id.clone()).collect();
    let found = std::iter::once(edition).chain(all).find(has);
    let found = found.and_then(|edition| Some((edition, edition.statement(id)?)));
    let (of, statement) =
        found.ok_or_else(|| Failure::Internal(format!("`{id}` is of no edition")))?;
    let note = edition.statement(id).is_none().then(|| {
        format!(
            "edition {} has no statement {id}, and nothing rests on it there; it is of {}",
            edition.id,
            listed(&editions)
        )
    });
    Ok(ExplainedStatement {
        statement: id.to_owned(),
        kind: statement.kind,
        source: statement.source.clone(),
        text: statement.text.clone(),
        editions,
        note,
        quoted: of.quoted(statement),
    })
}

impl TableRow for ExplainedStatement {
    const COLUMNS: &'static [&'static str] =
        &["statement", "kind", "source", "text", "editions", "note"];
}

impl ExplainedStatement {
    /// Writes it for a person.
    pub(super) fn human(&self, console: &mut Console) -> Result<(), Failure> {
        let paint = console.paint();
        console.line(paint.bold(&self.statement) + &format!("  ({})", self.kind))?;
        labelled(console, "", 0, &self.quoted)?;
        console.line("")?;
        if !self.editions.is_empty() {
            labelled(console, paint.bold("Editions  "), 10, &listed(&self.editions))?;
        }
        self.note.iter().try_for_each(|note| labelled(console, paint.bold("Note      "), 10, note))
    }
}
