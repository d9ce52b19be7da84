//! `diagnose`: is it the platform? From mail logs, or by trying connections.

mod human;
mod logs;
mod page;
mod policy;
mod probe;
mod report;

use std::net::{IpAddr, Ipv4Addr};

use egress25_evidence::diagnosis::Fits;
use egress25_policy::shell_word;
use jiff::Timestamp;

use crate::args::{DiagnoseArgs, DiagnoseFailOn, ReportFormat, SenderArgs, SubscriptionArgs};
use crate::commands::check::Answered;
use crate::commands::diagnose::report::{Diagnosis, DiagnosisRow, Source, SummaryLine};
use crate::read::edition::{self, ChosenEdition};
use crate::read::offer::offer;
use crate::read::sender::SenderFacts;
use crate::say::ask::{can_ask, path_word};
use crate::say::console::{Console, to_stderr};
use crate::say::failure::Failure;
use crate::say::html;
use crate::say::output::{self, TableRow as _, Versioned, labelled};

/// Stands for every address of the Internet where the policy is asked.
const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 25));

/// What is typed behind a line for it to say whose machine sends.
const FLAGS: &str = " --offer pay-as-you-go --created 2019-03-01";

/// Diagnoses logs, or what it tries itself.
///
/// # Errors
/// A log cannot be read or is of a program that is not known, a host is none, or the diagnosis is one
/// that `--fail-on` asks for.
pub fn run(args: &DiagnoseArgs, console: &mut Console) -> Result<(), Failure> {
    if args.logs.is_empty() && args.probe.is_empty() {
        return Err(Failure::Usage(
            "nothing says what to diagnose: name mail logs, as `egress25 diagnose /var/log/mail.log`, or \
             hosts to try, as `egress25 diagnose --probe mx.example.com relay.example.com`"
                .to_owned(),
        ));
    }
    let chosen = edition::chosen(args.edition.edition.as_deref())?;
    let is_told = flags_fit(args, &chosen)?;
    let (source, rows, lines) = if args.probe.is_empty() {
        let read = logs::read(&args.logs, console)?;
        (Source::Logs, read.rows, Some(read.lines))
    } else {
        (Source::Probe, probe::run(args, console)?, None)
    };
    let asked_about = rows.iter().any(|row| row.is_asked_about() && row.seen().is_some());
    let diagnosis = |answered, instead| {
        Diagnosis::of(source, &rows, lines, answered, instead, args.show_addresses)
    };
    // What was seen hangs on no answer: people get it before they are asked.
    let asks = (is_told || asked_about)
        && SenderFacts::would_ask(&args.subscription, &chosen, &args.edition.set)?;
    let shown = asks && args.format == ReportFormat::Human;
    if shown {
        human::what_was_seen(console, &diagnosis(None, None))?;
        console.flush()?;
        to_stderr("");
    }
    let answered = if is_told || asks { judged(args, &chosen)? } else { None };
    let instead = (answered.is_none() && asked_about).then(|| typed(args, FLAGS));
    let diagnosis = diagnosis(answered.as_ref(), instead);
    if shown {
        let headline = diagnosis.summary.headline().filter(|_| answered.is_some());
        if let Some(headline) = headline {
            console.line("")?;
            labelled(console, "", 0, &headline)?;
        }
        human::what_the_policy_says(console, &diagnosis, answered.as_ref())?;
    } else {
        write(args.format, &diagnosis, answered.as_ref(), console)?;
    }
    fails(args, &diagnosis)
}

/// Looks at the flags before anything is read; whether they tell an offer.
fn flags_fit(args: &DiagnoseArgs, chosen: &ChosenEdition) -> Result<bool, Failure> {
    edition::settings(&*chosen.at(Timestamp::now())?, &args.edition.set)?;
    let is_told = offer(&args.subscription)?.is_some();
    let SubscriptionArgs { created, exempt, started_since_grant, .. } = args.subscription;
    if !is_told && !can_ask() && (created.is_some() || exempt.is_some() || started_since_grant) {
        return Err(Failure::Lines(vec![
            "--offer is missing: without it the policy has no answer:".to_owned(),
            format!("  {}", typed(args, FLAGS)),
        ]));
    }
    Ok(is_told)
}

/// The end that `--fail-on` asks for.
fn fails(args: &DiagnoseArgs, diagnosis: &Diagnosis<'_>) -> Result<(), Failure> {
    let blocked = diagnosis.summary.fits.iter().find(|one| one.fits == Fits::Block);
    match (args.fail_on, blocked) {
        (Some(DiagnoseFailOn::Blocked), Some(block)) => {
            Err(Failure::Differs(block.sentence.clone()))
        }
        _ => Ok(()),
    }
}

/// What the policy answers; on a terminal it is asked for what is missing, which may be left open.
fn judged(args: &DiagnoseArgs, chosen: &ChosenEdition) -> Result<Option<Answered>, Failure> {
    let sender = SenderArgs { subscription: args.subscription.clone(), mine: vec![] };
    let line = typed(args, "");
    let line = line.strip_prefix("egress25 ").unwrap_or(&line);
    let facts = match can_ask() {
        true => SenderFacts::resolve_or_skip(&sender, chosen, &args.edition.set, line)?,
        false => Some(SenderFacts::resolve(&sender, chosen, &args.edition.set, line)?),
    };
    let answered =
        |facts: SenderFacts| Answered::of(facts.subscription(), args.edition.clone(), ANYWHERE);
    facts.map(answered).transpose()
}

/// The line to type, with more flags. It repeats no host.
fn typed(args: &DiagnoseArgs, flags: &str) -> String {
    let what = match args.probe.is_empty() {
        true => args.logs.iter().map(|path| path_word(path)).collect::<Vec<_>>().join(" "),
        false => "--probe HOST...".to_owned(),
    };
    let mut line = format!("egress25 diagnose {what}");
    if let Some(edition) = &args.edition.edition {
        line.push_str(&format!(" --edition {}", shell_word(edition)));
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
        ReportFormat::Human => {
            human::what_was_seen(console, diagnosis)?;
            human::what_the_policy_says(console, diagnosis, answered)
        }
        ReportFormat::Json => output::json(console, &Versioned::new(diagnosis)),
        ReportFormat::Ndjson => {
            for row in &diagnosis.rows {
                output::ndjson(console, &Versioned::new(row))?;
            }
            let last = SummaryLine { kind: "summary", summary: &diagnosis.summary };
            output::ndjson(console, &Versioned::new(&last))
        }
        ReportFormat::Html => html::write(console, &page::of(diagnosis, answered)?),
        ReportFormat::Csv => {
            let rows = diagnosis.rows.iter().map(DiagnosisRow::cells);
            output::csv(console, DiagnosisRow::COLUMNS, rows)
        }
    }
}
