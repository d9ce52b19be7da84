//! How two editions differ, for people: by point, by offer, by statement, each from old to new.

use egress25_policy::{Edition, StatementId};

use crate::commands::matrix::state_title;
use crate::commands::policy::difference::{Diff, Difference};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, labelled};

/// Where an edition says nothing.
const NOTHING: &str = "not named";

/// Writes what is different.
pub(super) fn write(
    console: &mut Console,
    diff: &Diff,
    a: &Edition,
    b: &Edition,
) -> Result<(), Failure> {
    labelled(console, "from  ", 6, &format!("{} ({})", a.id, a.title))?;
    labelled(console, "to    ", 6, &format!("{} ({})", b.id, b.title))?;
    if diff.changes.is_empty() {
        return console.lines("\nThey say the same.");
    }
    let about = |about: &str| -> Vec<&Difference> {
        diff.changes.iter().filter(|one| one.about == about).collect()
    };
    named(console, "Points", &about("point"))?;
    named(console, "Settings whose defaults are others", &about("setting"))?;
    offers(console, &about("offer"), &about("answer"), b)?;
    statements(console, &about("statement"), a, b)
}

/// What has a name, with the old and the new beside it.
fn named(console: &mut Console, title: &str, changes: &[&Difference]) -> Result<(), Failure> {
    heading(console, title, changes.len())?;
    for one in changes {
        from_to(console, &one.what, one)?;
    }
    Ok(())
}

fn heading(console: &mut Console, title: &str, count: usize) -> Result<(), Failure> {
    if count == 0 {
        return Ok(());
    }
    output::section(console, &format!("{title} ({count})"))
}

/// A name, and behind it the old and the new: in one line if they fit, else below each other.
fn from_to(console: &mut Console, name: &str, change: &Difference) -> Result<(), Failure> {
    let (a, b) = (said(change.a.as_deref()), said(change.b.as_deref()));
    let line = format!("  {name}: {a} -> {b}");
    if line.chars().count() < console.width() {
        return console.line(line);
    }
    labelled(console, "  ", 2, name)?;
    labelled(console, "      ", 6, a)?;
    labelled(console, "   -> ", 6, b)
}

fn said(text: Option<&str>) -> &str {
    text.unwrap_or(NOTHING)
}

/// What is different for an offer: its row, and the answers by what they were and are.
type OfferChange<'a> = (Option<(&'a str, &'a str)>, Vec<AnswerChange<'a>>);

/// Answers that changed alike: what they were and are, and in which states.
type AnswerChange<'a> = (&'a str, &'a str, Vec<String>);

/// The offers whose rows or answers are others; those of which the same is different, together.
fn offers(
    console: &mut Console,
    rows: &[&Difference],
    answers: &[&Difference],
    edition: &Edition,
) -> Result<(), Failure> {
    let mut names: Vec<&str> = Vec::new();
    for one in rows.iter().chain(answers) {
        if !names.contains(&one.what.as_str()) {
            names.push(&one.what);
        }
    }
    heading(console, "Offers", names.len())?;
    let mut groups: Vec<(Vec<&str>, OfferChange<'_>)> = Vec::new();
    for name in names {
        let row = rows.iter().find(|one| one.what == name);
        let row = row.map(|one| (said(one.a.as_deref()), said(one.b.as_deref())));
        let of_it = answers.iter().copied().filter(|one| one.what == name);
        let change = (row, alike(of_it, edition));
        match groups.iter_mut().find(|(_, other)| *other == change) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], change)),
        }
    }
    for (names, (row, answers)) in groups {
        labelled(console, "  ", 2, &names.join(", "))?;
        if let Some((a, b)) = row {
            labelled(console, "      ", 6, a)?;
            labelled(console, "   -> ", 6, b)?;
        }
        for (from, to, states) in answers {
            let change = match to.strip_prefix(from) {
                Some(reason) => format!("still {from}, now{reason}"),
                None => format!("{from} -> {to}"),
            };
            labelled(console, "      * ", 8, &format!("{}: {change}", states.join("; ")))?;
        }
    }
    Ok(())
}

/// The answers of an offer, those of one change together; where the verdict stays, the new reason
/// alone tells.
fn alike<'a>(
    answers: impl Iterator<Item = &'a Difference>,
    edition: &Edition,
) -> Vec<AnswerChange<'a>> {
    let mut alike: Vec<AnswerChange<'_>> = Vec::new();
    for one in answers {
        let (a, to) = (said(one.a.as_deref()), said(one.b.as_deref()));
        let verdict =
            |answer: &'a str| answer.split_once(' ').map_or(answer, |(verdict, _)| verdict);
        let from = if verdict(a) == verdict(to) { verdict(a) } else { a };
        let state = state_title(one.state.unwrap_or_default(), edition);
        match alike.iter_mut().find(|(other, same, _)| (*other, *same) == (from, to)) {
            Some((_, _, states)) => states.push(state),
            None => alike.push((from, to, vec![state])),
        }
    }
    alike
}

/// The statements that one of them lacks, or has otherwise: those with one number together, which
/// say in other words what the other says.
fn statements(
    console: &mut Console,
    changes: &[&Difference],
    a: &Edition,
    b: &Edition,
) -> Result<(), Failure> {
    heading(console, "Statements", changes.len())?;
    let mut numbers: Vec<&str> = Vec::new();
    for one in changes {
        if !numbers.contains(&number(&one.what)) {
            numbers.push(number(&one.what));
        }
    }
    for wanted in numbers {
        let alike = || changes.iter().filter(|one| number(&one.what) == wanted);
        let gone = alike().filter(|one| one.a.is_some()).map(|one| ("-", one, a));
        for (mark, one, of) in
            gone.chain(alike().filter(|one| one.b.is_some()).map(|one| ("+", one, b)))
        {
            let Some(statement) = of.statement(&one.what) else { continue };
            let id = of.cited(&[StatementId::from(one.what.as_str())]);
            let text = format!("{id}, {}: {}", statement.kind, statement.text);
            labelled(console, format!("  {mark} "), 4, &text)?;
        }
    }
    Ok(())
}

/// A statement's letters and number, without the letter that tells other words of the same subject.
fn number(id: &str) -> &str {
    id.trim_end_matches(|letter: char| letter.is_ascii_lowercase())
}
