//! The diagnosis as a page to hand over.

use egress25_evidence::{Agreement, Answer};

use crate::commands::check::Answered;
use crate::commands::diagnose::human::{evidence_text, lines_text, outcome};
use crate::commands::diagnose::policy;
use crate::commands::diagnose::report::{Diagnosis, DiagnosisRow, Source};
use crate::say::failure::Failure;
use crate::say::html::{Cell, Column, MeantReason, Page, Symbol, SymbolShape, Table, TableBuilder};

/// How many rows the page has room for.
const MAX_ROWS: usize = 500;

/// The page.
pub(super) fn of(diagnosis: &Diagnosis<'_>, answered: Option<&Answered>) -> Result<Page, Failure> {
    let summary = &diagnosis.summary;
    let evidence = summary.evidence.as_ref();
    let steps = match (answered, evidence) {
        (Some(answered), Some(evidence)) => policy::steps(answered, evidence)?,
        _ => vec![],
    };
    let today = answered.map(policy::today).transpose()?.flatten();
    let next = summary.fits.iter().filter_map(|one| one.next);
    let sentences = summary.fits.iter().skip(1).map(|one| one.sentence.clone());
    let instead = summary.type_instead.iter().map(|line| {
        format!("What the policy says of it hangs on the subscription's offer and date: {line}")
    });
    let notes = answered.iter().flat_map(|answered| answered.answer.notes.iter().cloned());
    Ok(Page {
        title: match summary.source {
            Source::Logs => "What mail logs show of port 25".to_owned(),
            Source::Probe => "What a probe of mail ports shows".to_owned(),
        },
        question: "Is it the platform or me?",
        answer: summary.headline().unwrap_or_else(|| "Nothing failed that is told of.".to_owned()),
        counts: summary.fits.iter().map(|one| (one.fits.name(), one.tries)).collect(),
        said: next
            .map(|next| format!("Next: {next}."))
            .chain(sentences)
            .chain(today.map(|today| format!("Today {today}")))
            .chain(notes)
            .chain(instead)
            .collect(),
        warnings: evidence
            .filter(|found| found.agreement == Agreement::Contradicts)
            .map(evidence_text)
            .into_iter()
            .collect(),
        tables: fits(diagnosis).into_iter().chain(connections(diagnosis)).collect(),
        reasons: answered.map(meant).into_iter().collect(),
        steps,
        facts: facts(diagnosis, answered),
        ..Page::default()
    })
}

fn fits(diagnosis: &Diagnosis<'_>) -> Option<Table> {
    let columns = vec![
        Column::whole("what"),
        Column::number("tries"),
        Column::number("destinations"),
        Column::long("what it fits"),
    ];
    TableBuilder::new("What it fits", columns, MAX_ROWS)
        .caption("What was seen of each kind, and how many tries speak for it.")
        .rows(&diagnosis.summary.sentences(), |(one, sentence)| {
            vec![
                Cell::from(&one.fits.name()),
                Cell::from(&one.tries),
                Cell::from(&one.destinations),
                Cell::from(sentence),
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
    let Some(seen) = row.came_back else { return Cell::Text("-".to_owned()) };
    let shape = match seen {
        Answer::Answered => SymbolShape::Circle,
        Answer::Silent => SymbolShape::Square,
        _ => SymbolShape::Triangle,
    };
    Cell::Symbol(Symbol::new(shape, seen.name()))
}

fn evidence(row: &DiagnosisRow) -> Cell {
    let text = row.evidence.map_or("-", |evidence| evidence.name()).replace('-', " ");
    match row.evidence {
        Some(Agreement::Contradicts) => Cell::Contradiction(text),
        Some(_) => Cell::Text(text),
        None => Cell::Text("-".to_owned()),
    }
}

/// What the policy answers, and why.
fn meant(answered: &Answered) -> MeantReason {
    let (decision, edition) = (&answered.answer.decision, answered.edition());
    let text = |id: &egress25_policy::StatementId| {
        let statement = edition.statement(id.as_str())?;
        Some((id.to_string(), edition.quoted(statement)))
    };
    MeantReason {
        name: decision.reason.name(),
        becomes: decision.verdict.into(),
        line: decision.reason.line(),
        rests_on: decision.statements.iter().filter_map(text).collect(),
    }
}

fn facts(diagnosis: &Diagnosis<'_>, answered: Option<&Answered>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(lines) = diagnosis.summary.lines {
        facts.push(("Lines", lines_text(lines)));
    }
    if let Some(answered) = answered {
        let (edition, decision) = (answered.edition(), &answered.answer.decision);
        facts.push(("Asked", policy::question(answered)));
        facts.push(("Answer", format!("{} {}", decision.verdict, decision.reason)));
        facts.push(("Stopped by", answered.answer.stopped_by.text().to_owned()));
        facts.push(("Edition", format!("{}: {}", edition.id, edition.title)));
        let question = &answered.answer.question;
        facts.extend(question.offer.map(|offer| ("Offer", offer.to_string())));
        facts.extend(question.created.clone().map(|day| ("Created", day)));
        facts.extend(question.exemption.map(|state| ("Exemption", state.to_string())));
        for assumed in &answered.answer.decision.assumed {
            facts.push(("Assumed", assumed.to_string()));
        }
    }
    facts.extend(
        diagnosis.summary.evidence.as_ref().map(|found| ("Evidence", evidence_text(found))),
    );
    let version = env!("CARGO_PKG_VERSION");
    facts.push((
        "Answered by",
        format!("egress25 {version}; names and addresses only where asked for"),
    ));
    facts
}
