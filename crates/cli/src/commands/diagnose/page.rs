//! The diagnosis as a page to hand over.

use egress25_evidence::Agreement;
use egress25_evidence::diagnosis::Fits;
use egress25_evidence::mail_log::Seen;

use crate::commands::check::Answered;
use crate::commands::diagnose::human::{evidence_text, lines_text, outcome};
use crate::commands::diagnose::report::{Diagnosis, DiagnosisRow, Source};
use crate::say::html::{
    Cell, Column, MeantReason, Page, Steps, Symbol, SymbolShape, Table, TableBuilder,
};
use crate::say::output::steps_in_words;

/// How many rows the page has room for.
const MAX_ROWS: usize = 500;

/// The page.
pub(super) fn of(diagnosis: &Diagnosis<'_>, answered: Option<&Answered>) -> Page {
    let sentences = diagnosis.fits.iter().map(|one| &one.sentence);
    let (reasons, steps) = answered.map_or_else(|| (vec![], vec![]), of_the_policy);
    let instead = diagnosis.type_instead.iter().map(|line| {
        format!("What the policy says of it hangs on the subscription's offer and date: {line}")
    });
    let evidence = diagnosis.evidence.as_ref();
    Page {
        title: match diagnosis.source {
            Source::Logs => "What mail logs show of port 25".to_owned(),
            Source::Probe => "What a probe of mail ports shows".to_owned(),
        },
        question: "Is it the platform or me?",
        answer: answer(diagnosis),
        counts: diagnosis.fits.iter().map(|one| (one.fits.name(), one.tries)).collect(),
        said: sentences.skip(1).cloned().chain(instead).collect(),
        warnings: evidence
            .filter(|found| found.agreement == Agreement::Contradicts)
            .map(evidence_text)
            .into_iter()
            .collect(),
        tables: fits(diagnosis).into_iter().chain(connections(diagnosis)).collect(),
        reasons,
        steps,
        facts: facts(diagnosis, answered),
        ..Page::default()
    }
}

/// What port 25 shows comes first among what fits.
fn answer(diagnosis: &Diagnosis<'_>) -> String {
    match diagnosis.fits.first() {
        Some(first) if first.fits == Fits::Block => {
            format!("It fits the platform: {}", first.sentence)
        }
        Some(first) => first.sentence.clone(),
        None => "Nothing failed that is told of.".to_owned(),
    }
}

fn fits(diagnosis: &Diagnosis<'_>) -> Option<Table> {
    let columns = vec![
        Column::whole("what"),
        Column::number("tries"),
        Column::number("destinations"),
        Column::long("what it fits"),
    ];
    TableBuilder::new("What it fits", columns, MAX_ROWS)
        .caption("Each kind of failure, with how many tries speak for it.")
        .rows(&diagnosis.fits, |one| {
            vec![
                Cell::from(&one.fits.name()),
                Cell::from(&one.tries),
                Cell::from(&one.destinations),
                Cell::from(&one.sentence),
            ]
        })
        .build()
}

fn connections(diagnosis: &Diagnosis<'_>) -> Option<Table> {
    let columns = vec![
        Column::named("destination"),
        Column::text("family"),
        Column::number("port"),
        Column::text("seen"),
        Column::long("outcome"),
        Column::number("tries"),
        Column::text("first"),
        Column::text("last"),
        Column::text("program"),
        Column::text("evidence"),
    ];
    TableBuilder::new("Connections", columns, MAX_ROWS)
        .caption("Tries to one destination and port that ended alike are one row.")
        .rows(&diagnosis.rows, |row| {
            let text = |text: Option<&str>| Cell::Text(text.unwrap_or("-").to_owned());
            vec![
                Cell::from(&row.destination),
                text(row.family),
                Cell::Text(row.port.map_or_else(|| "-".to_owned(), |port| port.to_string())),
                seen(row),
                Cell::Text(outcome(row)),
                Cell::from(&row.tries),
                text(row.first.as_deref()),
                text(row.last.as_deref()),
                text(row.program.map(egress25_evidence::mail_log::Program::name)),
                evidence(row),
            ]
        })
        .build()
}

fn seen(row: &DiagnosisRow) -> Cell {
    let shape = match row.seen {
        Some(Seen::Answered) => SymbolShape::Circle,
        Some(Seen::Silent) => SymbolShape::Square,
        Some(Seen::Refused) => SymbolShape::Triangle,
        None => return Cell::Text("-".to_owned()),
    };
    Cell::Symbol(Symbol::new(shape, row.seen.map_or("", Seen::name)))
}

fn evidence(row: &DiagnosisRow) -> Cell {
    let text = row.evidence.map_or("-", |evidence| evidence.name()).replace('-', " ");
    match row.evidence {
        Some(Agreement::Contradicts) => Cell::Contradiction(text),
        Some(_) => Cell::Text(text),
        None => Cell::Text("-".to_owned()),
    }
}

/// What the policy answers: why, and what to do.
fn of_the_policy(answered: &Answered) -> (Vec<MeantReason>, Vec<Steps>) {
    let (decision, edition) = (&answered.answer.decision, answered.edition());
    let text = |id: &egress25_policy::StatementId| {
        let statement = edition.statement(id.as_str())?;
        Some((id.to_string(), edition.quoted(statement)))
    };
    let reason = MeantReason {
        name: decision.reason.name(),
        becomes: decision.verdict.into(),
        line: decision.reason.line(),
        rests_on: decision.statements.iter().filter_map(text).collect(),
    };
    let steps = steps_in_words(edition, &decision.next_steps);
    let heading = format!("What to do, by edition {}: {}", edition.id, decision.reason);
    let steps = if steps.is_empty() { vec![] } else { vec![Steps { heading, steps }] };
    (vec![reason], steps)
}

fn facts(diagnosis: &Diagnosis<'_>, answered: Option<&Answered>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(lines) = diagnosis.lines {
        facts.push(("Lines", lines_text(lines)));
    }
    if let Some(answered) = answered {
        let edition = answered.edition();
        facts.push(("Edition", format!("{}: {}", edition.id, edition.title)));
        let question = &answered.answer.question;
        facts.extend(question.offer.map(|offer| ("Offer", offer.to_string())));
        facts.extend(question.created.clone().map(|day| ("Created", day)));
        facts.extend(question.exemption.map(|state| ("Exemption", state.to_string())));
        for assumed in &answered.answer.decision.assumed {
            facts.push(("Assumed", assumed.to_string()));
        }
    }
    facts.extend(diagnosis.evidence.as_ref().map(|found| ("Evidence", evidence_text(found))));
    let version = env!("CARGO_PKG_VERSION");
    facts.push((
        "Answered by",
        format!("egress25 {version}; names and addresses only where asked for"),
    ));
    facts
}
