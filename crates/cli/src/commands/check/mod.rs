//! `check`: the answer to one question.

mod answer;
mod human;
mod resolve;

pub(crate) use answer::after_a_pass;
use answer::{CheckAnswer, spaced};
use resolve::resolve;

use egress25_policy::{Reason, Verdict};

use crate::args::{CheckArgs, OutputFormat};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, Versioned};

/// Answers the question of the arguments.
///
/// # Errors
/// The arguments or the files are bad, or the answer is not the expected one.
pub fn run(args: &CheckArgs, console: &mut Console) -> Result<(), Failure> {
    args.expect.as_deref().map(can_be_expected).transpose()?;
    let subject = resolve(args)?;
    for note in &subject.notes {
        console.note(note);
    }
    let answer = answer::answer(&subject)?;
    match args.format {
        OutputFormat::Human => human::write(console, &answer, &subject, args.explain_rules)?,
        OutputFormat::Json => output::json(console, &Versioned::new(&answer))?,
        OutputFormat::Ndjson => output::ndjson(console, &Versioned::new(&answer))?,
        OutputFormat::Csv => output::csv(console, CheckAnswer::CSV_HEADER, [answer.csv_row()])?,
    }
    let (verdict, reason) = (answer.decision.verdict, answer.decision.reason);
    match &args.expect {
        Some(expected) if !answer.is_always(expected) => {
            let found = match answer.by_source_port.as_slice() {
                [] => format!("{verdict} {reason}"),
                all => spaced(all.iter().map(|of| {
                    format!("{} {} from ports {} to {};", of.verdict, of.reason, of.first, of.last)
                })),
            };
            Err(Failure::Differs(format!("expected `{expected}`, but the answer is `{found}`")))
        }
        _ => Ok(()),
    }
}

/// Makes sure that what `--expect` asks for is a verdict or a reason.
fn can_be_expected(text: &str) -> Result<(), Failure> {
    let verdicts = [Verdict::Pass, Verdict::Drop, Verdict::Reject];
    if verdicts.into_iter().any(|verdict| verdict.name() == text) {
        return Ok(());
    }
    text.parse::<Reason>().map(drop).map_err(|error| {
        Failure::Usage(format!(
            "--expect takes a verdict (pass, drop, reject) or a reason: {error}"
        ))
    })
}
