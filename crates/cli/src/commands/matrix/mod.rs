//! `matrix`: who may send, every offer in every state.

mod render;
mod states;

pub use states::{MatrixCell, cells, state_title};

use states::MatrixState;

use serde::Serialize;

use crate::args::{MatrixArgs, MatrixFormat};
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, EditionName, OfAnotherPage, Versioned};

/// The matrix as data.
#[derive(Debug, Serialize)]
struct Matrix {
    edition: EditionName,
    states: Vec<StateName>,
    cells: Vec<MatrixCell>,
}

#[derive(Debug, Serialize)]
struct StateName {
    state: &'static str,
    title: String,
}

/// Prints the matrix.
///
/// # Errors
/// The edition or a setting is bad.
pub fn run(args: &MatrixArgs, console: &mut Console) -> Result<(), Failure> {
    let edition = edition::choose(args.edition.edition.as_deref(), None)?;
    let settings = edition::settings(&edition, &args.edition.set)?;
    let cells = cells(&edition, &settings)?;
    match args.format {
        MatrixFormat::Human => render::human(console, &edition, &cells, args.all_offers),
        MatrixFormat::Markdown => render::markdown(console, &edition, &cells, args.all_offers),
        MatrixFormat::Json => {
            let title =
                |state: &MatrixState| StateName { state: state.name, title: state.title(&edition) };
            let states = MatrixState::all().map(title).collect();
            let name = EditionName::of(&edition);
            output::json(console, &Versioned::new(&Matrix { edition: name, states, cells }))
        }
        MatrixFormat::Ndjson => {
            cells.iter().try_for_each(|cell| output::ndjson(console, &Versioned::new(cell)))
        }
        MatrixFormat::Csv => {
            let header = [
                "edition",
                "offer",
                "state",
                "verdict",
                "reason",
                "statements",
                "assumed",
                "sources",
            ];
            output::csv(console, &header, cells.iter().map(|cell| csv_row(&edition.id, cell)))
        }
    }
}

fn csv_row(edition: &str, cell: &MatrixCell) -> [String; 8] {
    [
        edition.to_owned(),
        cell.offer.to_string(),
        cell.state.name.to_owned(),
        cell.verdict.to_string(),
        cell.reason.to_string(),
        cell.statements.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        output::assignments(&cell.assumed).join(" "),
        OfAnotherPage::cell(&cell.sources),
    ]
}
