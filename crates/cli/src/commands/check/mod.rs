//! `check`: the answer to one question.

mod answer;
mod human;
mod resolve;

pub use answer::{Answer, Asked, EditionName, InForce};
pub use resolve::{Scene, Subject, resolve};

use egress25_policy::{Reason, Verdict};

use crate::args::{CheckArgs, Format};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

/// Answers the question of the arguments.
///
/// # Errors
/// The arguments or the files are bad, or the answer is not the expected one.
pub fn run(args: &CheckArgs, console: &mut Console) -> Result<(), Failure> {
    let expected = args.expect.as_deref().map(Expected::parse).transpose()?;
    let subject = resolve(args)?;
    for note in &subject.notes {
        console.note(note);
    }
    let answer = answer::answer(&subject)?;
    match args.format {
        Format::Human => human::write(console, &answer, &subject)?,
        Format::Json => output::json(console, &answer)?,
        Format::Ndjson => output::ndjson(console, &answer)?,
        Format::Csv => output::csv(console, Answer::CSV_HEADER, [answer.csv_row()])?,
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
enum Expected {
    Verdict(Verdict),
    Reason(Reason),
}

impl Expected {
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

    const fn name(&self) -> &'static str {
        match self {
            Self::Verdict(verdict) => verdict.name(),
            Self::Reason(reason) => reason.name(),
        }
    }
}
