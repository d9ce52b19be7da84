//! The matrix for people: a terminal's tables, and Markdown.

use comfy_table::Attribute;
use egress25_policy::{Edition, Offer};

use crate::commands::matrix::states::{MatrixCell, MatrixState, groups};
use crate::say::cell::TextCell;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, labelled};

const STAR: &str = "* rests on a reading of ours where the article is silent; `egress25 check` \
                    names the setting.";

/// Writes the matrix for a terminal.
pub(super) fn human(
    console: &mut Console,
    edition: &Edition,
    cells: &[MatrixCell],
    all_offers: bool,
) -> Result<(), Failure> {
    let paint = console.paint();
    labelled(console, paint.bold(&format!("Edition {}  ", edition.id)), 17, &edition.title)?;
    let groups = groups(cells, all_offers);
    for (heading, states) in tables() {
        console.line("")?;
        console.line(paint.bold(heading))?;
        let titles: Vec<_> = states.iter().map(|state| state.title(edition)).collect();
        let titles: Vec<_> =
            titles.iter().map(|title| output::wrap(title, 12).join("\n")).collect();
        let header: Vec<_> =
            ["offer"].into_iter().chain(titles.iter().map(String::as_str)).collect();
        let mut table = output::table(console, &header);
        table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
        for (offers, row) in &groups {
            let mut line = vec![TextCell::stacked(&output::wrap(&names(offers), 28))];
            for state in states {
                let cell = row.iter().find(|cell| cell.state == *state);
                line.push(cell.map_or_else(|| TextCell::of(""), |cell| colored(cell)));
            }
            table.add_row(line.into_iter().map(comfy_table::Cell::from));
        }
        output::write_table(console, table)?;
    }
    console.line("")?;
    labelled(console, "", 0, STAR)
}

/// Writes the matrix as Markdown.
pub(super) fn markdown(
    console: &mut Console,
    edition: &Edition,
    cells: &[MatrixCell],
    all_offers: bool,
) -> Result<(), Failure> {
    console.line(format!("Edition {}: {}.", edition.id, edition.title))?;
    let groups = groups(cells, all_offers);
    for (heading, states) in tables() {
        console.line("")?;
        console.line(format!("**{heading}**"))?;
        console.line("")?;
        let titles: Vec<_> = states.iter().map(|state| state.title(edition)).collect();
        console.line(format!("| offer | {} |", titles.join(" | ")))?;
        console.line(format!("|---{}|", "|---".repeat(states.len())))?;
        for (offers, row) in &groups {
            let answers: Vec<_> = states
                .iter()
                .filter_map(|state| row.iter().find(|cell| cell.state == *state))
                .map(|cell| {
                    let star = if cell.is_assumed() { " \\*" } else { "" };
                    format!("**{}** {}{star}", cell.verdict, cell.reason)
                })
                .collect();
            console.line(format!("| {} | {} |", names(offers), answers.join(" | ")))?;
        }
    }
    console.line("")?;
    console.line(format!("\\{STAR}"))
}

fn tables() -> [(&'static str, &'static [MatrixState]); 2] {
    [
        ("Port 25, directly to the Internet", MatrixState::DIRECT),
        ("Other ways (created after the cutoff)", MatrixState::OTHER),
    ]
}

fn names(offers: &[Offer]) -> String {
    offers.iter().map(|offer| offer.title()).collect::<Vec<_>>().join(", ")
}

fn colored(cell: &MatrixCell) -> TextCell {
    let star = if cell.is_assumed() { " *" } else { "" };
    let reason = cell.reason.name().replace("-and-", " and ").replace('-', " ");
    let mut lines = vec![format!("{}{star}", cell.verdict)];
    lines.extend(output::wrap(&reason, 14));
    TextCell::stacked(&lines).looking(|looks| {
        looks.fg(output::color(cell.verdict)).add_attribute(Attribute::NormalIntensity)
    })
}
