//! `check`: the answer to one question.

mod answer;
mod human;
mod resolve;

use answer::CheckAnswer;
use resolve::resolve;

use egress25_policy::{Reason, Verdict};

use crate::args::{CheckArgs, OutputFormat};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

/// Answers the question of the arguments.
///
/// # Errors
/// The arguments or the files are bad, or the answer is not the expected one.
pub fn run(args: &CheckArgs, console: &mut Console) -> Result<(), Failure> {
    let expected = args.expect.as_deref().map(ExpectedAnswer::parse).transpose()?;
    let subject = resolve(args)?;
    for note in &subject.notes {
        console.note(note);
    }
    let answer = answer::answer(&subject)?;
    match args.format {
        OutputFormat::Human => human::write(console, &answer, &subject)?,
        OutputFormat::Json => output::json(console, &answer)?,
        OutputFormat::Ndjson => output::ndjson(console, &answer)?,
        OutputFormat::Csv => output::csv(console, CheckAnswer::CSV_HEADER, [answer.csv_row()])?,
    }
    let Some(expected) = expected else { return Ok(()) };
    let (verdict, reason) = (answer.decision.verdict, answer.decision.reason);
    if expected.fits(verdict, reason) {
        return Ok(());
    }
    let expected = expected.name();
    Err(Failure::Differs(format!("expected `{expected}`, but the answer is `{verdict} {reason}`")))
}

/// What `--expect` asks for.
enum ExpectedAnswer {
    Verdict(Verdict),
    Reason(Reason),
}

impl ExpectedAnswer {
    fn parse(text: &str) -> Result<Self, Failure> {
        let verdicts = [Verdict::Pass, Verdict::Drop, Verdict::Reject];
        if let Some(verdict) = verdicts.into_iter().find(|verdict| verdict.name() == text) {
            return Ok(Self::Verdict(verdict));
        }
        text.parse().map(Self::Reason).map_err(|error: egress25_policy::UnknownReason| {
            Failure::Usage(format!(
                "--expect takes a verdict (pass, drop, reject) or a reason: {error}"
            ))
        })
    }

    fn fits(&self, verdict: Verdict, reason: Reason) -> bool {
        match self {
            Self::Verdict(expected) => *expected == verdict,
            Self::Reason(expected) => *expected == reason,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Verdict(verdict) => verdict.name(),
            Self::Reason(reason) => reason.name(),
        }
    }
}
