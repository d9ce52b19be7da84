//! The diagnosis for people.

use egress25_evidence::Answer;
use egress25_evidence::mail_log::LineCounts;

use crate::commands::check::Answered;
use crate::commands::diagnose::policy;
use crate::commands::diagnose::report::{Diagnosis, DiagnosisRow, Evidence, Source};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html::Steps;
use crate::say::output::{counted, labelled, section, write_rows};

/// The most rows that people get.
const MOST_ROWS: usize = 50;

/// How wide the names of what fits are.
const LABEL: usize = 18;

/// Writes what was seen, and what that fits.
pub(super) fn what_was_seen(
    console: &mut Console,
    diagnosis: &Diagnosis<'_>,
) -> Result<(), Failure> {
    let paint = console.paint();
    let summary = &diagnosis.summary;
    if summary.fits.is_empty() {
        let nothing = match summary.source {
            Source::Logs => "the log tells of no connection to a mail server that failed",
            Source::Probe => "nothing failed",
        };
        console.line(nothing)?;
    }
    for (fitting, sentence) in summary.sentences() {
        let label = paint.bold(&format!("{:<LABEL$}", fitting.fits.name()));
        labelled(console, label, LABEL, &sentence)?;
        if let Some(next) = fitting.next {
            labelled(console, " ".repeat(LABEL), LABEL, &format!("Next: {next}"))?;
        }
    }
    if !diagnosis.rows.is_empty() {
        section(console, "Connections")?;
        table(console, diagnosis)?;
    }
    if let Some(lines) = summary.lines {
        console.line("")?;
        labelled(console, "Lines  ", 7, &lines_text(lines))?;
    }
    Ok(())
}

/// Writes what the policy says of it, or how to ask it.
pub(super) fn what_the_policy_says(
    console: &mut Console,
    diagnosis: &Diagnosis<'_>,
    answered: Option<&Answered>,
) -> Result<(), Failure> {
    let paint = console.paint();
    if let (Some(answered), Some(evidence)) = (answered, &diagnosis.summary.evidence) {
        section(console, "What the policy says")?;
        answered.write_grounds(console, &policy::question(answered))?;
        console.line("")?;
        labelled(console, paint.bold("Evidence  "), 10, &evidence_text(evidence))?;
        for Steps { heading, steps } in policy::steps(answered, evidence)? {
            section(console, &heading)?;
            for (place, step) in (1..).zip(&steps) {
                labelled(console, format!("  {:<3}", format!("{place}.")), 5, step)?;
            }
        }
        for note in &answered.answer.notes {
            console.line("")?;
            labelled(console, paint.bold("Note  "), 6, note)?;
        }
        if let Some(today) = policy::today(answered)? {
            console.line("")?;
            labelled(console, paint.bold("Today  "), 7, &today)?;
        }
    }
    if let Some(line) = &diagnosis.summary.type_instead {
        console.line("")?;
        console.line("What the policy says of it hangs on the subscription's offer and date:")?;
        console.line(format!("  {line}"))?;
    }
    Ok(())
}

/// The columns that hold something.
fn table(console: &mut Console, diagnosis: &Diagnosis<'_>) -> Result<(), Failure> {
    type Column = (&'static str, fn(&DiagnosisRow) -> String);
    let columns: [Column; 9] = [
        ("destination", |row| row.destination.clone()),
        ("family", |row| row.family.unwrap_or_default().to_owned()),
        ("port", |row| row.port.map_or_else(String::new, |port| port.to_string())),
        ("seen", |row| row.seen.unwrap_or_default().to_owned()),
        ("outcome", outcome),
        ("tries", |row| row.tries.to_string()),
        ("first", |row| row.first.clone().unwrap_or_default()),
        ("last", |row| row.last.clone().unwrap_or_default()),
        ("evidence", |row| row.evidence.map_or("", |evidence| evidence.name()).to_owned()),
    ];
    let probed = diagnosis.summary.source == Source::Probe;
    let says = |(name, cell): &Column| {
        let of_logs = matches!(*name, "tries" | "first" | "last");
        !(probed && of_logs) && diagnosis.rows.iter().any(|row| !cell(row).is_empty())
    };
    let mut columns: Vec<Column> = columns.into_iter().filter(says).collect();
    if !probed {
        columns.push(("program", |row| row.program.map_or("", |one| one.name()).to_owned()));
    }
    let header: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let rows = diagnosis.rows.iter().take(MOST_ROWS);
    let rows = rows.map(|row| columns.iter().map(|(_, cell)| cell(row)));
    write_rows(console, &header, rows.map(Iterator::collect::<Vec<_>>))?;
    match diagnosis.rows.len().saturating_sub(MOST_ROWS) {
        0 => Ok(()),
        more => console.line(format!(" and {more} more (--format csv has all)")),
    }
}

pub(super) fn outcome(row: &DiagnosisRow) -> String {
    let words = row.outcome.words();
    match (row.milliseconds, row.reply) {
        (Some(took), _) if row.came_back == Some(Answer::Answered) => {
            format!("{words} in {took} ms")
        }
        (Some(took), _) => format!("{words} after {took} ms"),
        (None, Some(reply)) => format!("{words} ({reply})"),
        (None, None) => words.to_owned(),
    }
}

pub(super) fn lines_text(lines: LineCounts) -> String {
    let LineCounts { lines, not_understood, foreign, too_long } = lines;
    let mut text = format!("{lines} read");
    for (count, what) in [
        (not_understood, "not understood, and left out"),
        (foreign, "of programs whose logs are not read"),
        (too_long, "too long to be looked at"),
    ] {
        if count > 0 {
            text.push_str(&format!("; {} {what}", counted(count, "is", "are")));
        }
    }
    text
}

pub(super) fn evidence_text(evidence: &Evidence) -> String {
    let Evidence { agreement, tries, of, why } = evidence;
    let name = agreement.name();
    match of {
        0 => format!("{name}: {why}"),
        of => format!("{name} ({tries} of {} to port 25): {why}", counted(*of, "try", "tries")),
    }
}
