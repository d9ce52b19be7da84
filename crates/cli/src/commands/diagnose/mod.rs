//! `diagnose`: is it the platform? From mail logs, or by trying connections.

mod human;
mod logs;
mod page;
mod probe;
mod report;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use egress25_evidence::diagnosis::Fits;

use crate::args::{DiagnoseArgs, DiagnoseFailOn, ReportFormat, SenderArgs, SubscriptionArgs};
use crate::commands::check::Answered;
use crate::commands::diagnose::report::{Diagnosis, DiagnosisRow, Source, SummaryLine};
use crate::read::edition;
use crate::read::offer::offer;
use crate::read::sender::SenderFacts;
use crate::say::ask::{can_ask, shell_word};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html;
use crate::say::output::{self, TableRow as _, Versioned};

/// Stands for every address of the Internet where the policy is asked.
const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 25));

/// Diagnoses logs, or what it tries itself.
///
/// # Errors
/// A log cannot be read or is of a program that is not known, a host is none, or the diagnosis is one
/// that `--fail-on` asks for.
pub fn run(args: &DiagnoseArgs, console: &mut Console) -> Result<(), Failure> {
    let (source, rows, lines) = if args.probe.is_empty() {
        let read = logs::read(&args.logs)?;
        if read.beyond > 0 {
            console.warn(&format!(
                "there are too many destinations: {} tries are in no row and in no count",
                read.beyond
            ));
        }
        (Source::Logs, read.rows, Some(read.lines))
    } else {
        (Source::Probe, probe::run(args, console)?, None)
    };
    let asked_about = rows.iter().any(|row| row.is_asked_about() && row.seen().is_some());
    let answered = judged(args, asked_about)?;
    let typed = typed(args, " --offer pay-as-you-go --created 2019-03-01");
    let instead = (answered.is_none() && asked_about).then_some(typed);
    let diagnosis =
        Diagnosis::of(source, &rows, lines, answered.as_ref(), instead, args.show_addresses);
    write(args.format, &diagnosis, answered.as_ref(), console)?;
    fails(args, &diagnosis)
}

/// The end that `--fail-on` asks for.
fn fails(args: &DiagnoseArgs, diagnosis: &Diagnosis<'_>) -> Result<(), Failure> {
    let blocked = diagnosis.fits.iter().find(|one| one.fits == Fits::Block);
    match (args.fail_on, blocked) {
        (Some(DiagnoseFailOn::Blocked), Some(block)) => {
            Err(Failure::Differs(block.sentence.clone()))
        }
        _ => Ok(()),
    }
}

/// What the policy answers, where it is told of whom; on a terminal it is asked for, as long as
/// something was seen that the filter was asked about.
fn judged(args: &DiagnoseArgs, asked_about: bool) -> Result<Option<Answered>, Failure> {
    let told = offer(&args.subscription)?.is_some();
    if !(told || asked_about && can_ask()) {
        let SubscriptionArgs { created, exempt, started_since_grant, .. } = args.subscription;
        if created.is_some() || exempt.is_some() || started_since_grant {
            return Err(Failure::Lines(vec![
                "--offer is missing: without it the policy has no answer:".to_owned(),
                format!("  {}", typed(args, " --offer pay-as-you-go --created 2019-03-01")),
            ]));
        }
        return Ok(None);
    }
    let chosen = edition::chosen(args.edition.edition.as_deref())?;
    let sender = SenderArgs { subscription: args.subscription.clone(), mine: vec![] };
    let line = typed(args, "");
    let line = line.strip_prefix("egress25 ").unwrap_or(&line);
    let facts = SenderFacts::resolve(&sender, &chosen, &args.edition.set, line)?;
    Answered::of(facts.subscription(), args.edition.clone(), ANYWHERE).map(Some)
}

/// The line to type, with more flags. It repeats no host.
fn typed(args: &DiagnoseArgs, flags: &str) -> String {
    let what = match args.probe.is_empty() {
        true => args.logs.iter().map(|path| shell_word(path)).collect::<Vec<_>>().join(" "),
        false => "--probe HOST...".to_owned(),
    };
    let mut line = format!("egress25 diagnose {what}");
    if let Some(edition) = &args.edition.edition {
        line.push_str(&format!(" --edition {}", shell_word(Path::new(edition))));
    }
    for (name, value) in &args.edition.set {
        line.push_str(&format!(" --set {name}={value}"));
    }
    line + flags
}

fn write(
    format: ReportFormat,
    diagnosis: &Diagnosis<'_>,
    answered: Option<&Answered>,
    console: &mut Console,
) -> Result<(), Failure> {
    match format {
        ReportFormat::Human => human::write(console, diagnosis, answered),
        ReportFormat::Json => output::json(console, &Versioned::new(diagnosis)),
        ReportFormat::Ndjson => {
            for row in &diagnosis.rows {
                output::ndjson(console, &Versioned::new(row))?;
            }
            output::ndjson(console, &Versioned::new(&SummaryLine::of(diagnosis)))
        }
        ReportFormat::Html => html::write(console, &page::of(diagnosis, answered)),
        ReportFormat::Csv => {
            let rows = diagnosis.rows.iter().map(DiagnosisRow::cells);
            output::csv(console, DiagnosisRow::COLUMNS, rows)
        }
    }
}
