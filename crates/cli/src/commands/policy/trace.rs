//! `policy trace`: every statement with the code that carries it and the tests that show it.

use egress25_policy::{Edition, SourceName, StatementKind};
use serde::Serialize;

use crate::args::TraceArgs;
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, EditionName, TableRow, labelled};
use crate::say::shown::Shown;

/// Where statements stand, collected when this program was built: id, file, line, test.
const PLACES: &[(&str, &str, u32, bool)] = include!(concat!(env!("OUT_DIR"), "/trace.rs"));

#[derive(Debug, Serialize)]
struct Trace<'a> {
    edition: EditionName,
    statements: &'a [Traced],
}

/// A statement with its places.
#[derive(Debug, Clone, Serialize)]
pub struct Traced {
    /// The edition that it is of.
    #[serde(skip)]
    edition: String,
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: StatementKind,
    /// The text that says it.
    pub source: SourceName,
    /// The places in the code, as `file:line`.
    pub code: Vec<String>,
    /// The places in the tests.
    pub tests: Vec<String>,
}

impl Traced {
    /// Whether it has what its kind needs: rules and lifecycle statements code and a test.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        !self.is_rule() || !self.code.is_empty() && !self.tests.is_empty()
    }

    /// Whether it is a rule or a lifecycle statement.
    fn is_rule(&self) -> bool {
        matches!(self.kind, StatementKind::Rule | StatementKind::Lifecycle)
    }
}

/// Prints the table.
///
/// # Errors
/// There is no such edition.
pub fn run(args: &TraceArgs, console: &mut Console) -> Result<(), Failure> {
    let edition = edition::find(&args.edition)?;
    let statements = trace(&edition);
    let document = Trace { edition: EditionName::of(&edition), statements: &statements };
    output::rows(console, args.format, &statements, &document, |console| {
        human(console, &edition, &statements)
    })
}

impl TableRow for Traced {
    const COLUMNS: &'static [&'static str] = &["edition", "id", "kind", "source", "code", "tests"];

    fn cells(&self) -> Vec<String> {
        let (edition, id) = (self.edition.clone(), self.id.clone());
        let (code, tests) = (self.code.join(" "), self.tests.join(" "));
        vec![edition, id, self.kind.name().to_owned(), self.source.to_string(), code, tests]
    }
}

/// The statements of an edition with their places.
///
/// A bare id holds for every edition that has it: it means one thing in all of them. One of no
/// statement of the default edition stands behind an edition's id, as in `2018-11/EF1`.
#[must_use]
pub fn trace(edition: &Edition) -> Vec<Traced> {
    let places = |id: &str, test: bool| {
        let full = format!("{}/{id}", edition.id);
        let fits = |(place, _, _, of_test): &&(&str, &str, u32, bool)| {
            *of_test == test && (*place == full || *place == id)
        };
        let text = |(_, file, line, _): &(&str, &str, u32, bool)| format!("{file}:{line}");
        PLACES.iter().filter(fits).map(text).collect::<Vec<_>>()
    };
    let traced = |statement: &egress25_policy::Statement| Traced {
        edition: edition.id.clone(),
        id: statement.id.to_string(),
        kind: statement.kind,
        source: statement.source.clone(),
        code: places(statement.id.as_str(), false),
        tests: places(statement.id.as_str(), true),
    };
    edition.statements.iter().map(traced).collect()
}

/// Whether a statement has to have code and test: one of the default edition, and another that has
/// either; the rest is rows and topics of the edition's file, which the same code reads.
fn has_to_have_code(edition: &Edition, one: &Traced) -> bool {
    one.is_rule() && (edition.default || !one.code.is_empty() || !one.tests.is_empty())
}

fn human(console: &mut Console, edition: &Edition, traced: &[Traced]) -> Result<(), Failure> {
    let paint = console.paint();
    console.line(paint.bold(&format!("Edition {}", edition.id)))?;
    for one in traced {
        let text = edition.statement(&one.id).map(|statement| edition.quoted(statement));
        let text = text.unwrap_or_default();
        let id = format!("{:<6} {:<10}", one.id, one.kind.name());
        console.line("")?;
        labelled(console, paint.bold(&id) + " ", 18, &text)?;
        for (label, places) in [("code", &one.code), ("test", &one.tests)] {
            let mut label = label;
            for place in places {
                console.line(format!("       {label:<10} {place}"))?;
                label = "";
            }
            if places.is_empty() && !one.is_covered() && has_to_have_code(edition, one) {
                console
                    .line(Shown::from(format!("       {label:<10} ")) + paint.assumed("none"))?;
            }
        }
        if !one.is_covered() && !has_to_have_code(edition, one) {
            console.line("       data       the edition's rows and topics bring it about")?;
        }
    }
    let due = || traced.iter().filter(|one| has_to_have_code(edition, one));
    let covered = due().filter(|one| one.is_covered()).count();
    let rules = traced.iter().filter(|one| one.is_rule()).count();
    let (due, rest) = (due().count(), traced.len().saturating_sub(rules));
    let from_data = rules.saturating_sub(due);
    let counts = [
        (due, format!("{covered} of {due} statements that need code and test have both")),
        (from_data, format!("{from_data} are brought about by the edition's data")),
        (rest, format!("{rest} are advice and limits")),
    ];
    let said = counts.into_iter().filter(|(count, _)| *count > 0);
    let text = said.map(|(_, text)| text).collect::<Vec<_>>().join("; ");
    console.line("")?;
    labelled(console, "", 0, &text)
}
