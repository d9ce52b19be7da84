//! `check`: the answer to one question.

mod answer;
mod human;
mod resolve;

use answer::FromPorts;
pub(crate) use answer::{CheckAnswer, after_a_pass};
use resolve::{Subject, resolve};

use std::net::IpAddr;

use egress25_policy::{Edition, Reason, Verdict};

use crate::args::{
    CheckArgs, Described, Destination, EditionArgs, InInventory, OutputFormat, SubscriptionArgs,
};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, Versioned};

/// An answer, and what it was asked of.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: CheckAnswer,
    subject: Subject,
}

impl Answered {
    /// The edition that answered.
    pub(crate) fn edition(&self) -> &Edition {
        &self.subject.edition
    }

    /// What a subscription that flags describe is answered.
    ///
    /// # Errors
    /// The flags do not fit together.
    pub(crate) fn of(
        subscription: SubscriptionArgs,
        edition: EditionArgs,
        to: IpAddr,
    ) -> Result<Self, Failure> {
        let subject = resolve(&CheckArgs {
            to: Destination { address: to, port: None },
            port: None,
            from_port: None,
            explain_rules: false,
            edition,
            expect: None,
            format: OutputFormat::Human,
            described: Described { subscription, ..Described::default() },
            in_inventory: InInventory::default(),
        })?;
        Ok(Self { answer: answer::answer(&subject)?, subject })
    }

    /// Writes it for people, and what it rests on, as the answer to a question in words.
    ///
    /// # Errors
    /// The write failed.
    pub(crate) fn write_grounds(
        &self,
        console: &mut Console,
        question: &str,
    ) -> Result<(), Failure> {
        human::grounds(console, &self.answer, &self.subject, question)
    }
}

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
                all => {
                    let of = |of: &FromPorts| {
                        let FromPorts { first, last, verdict, reason, .. } = of;
                        format!("{verdict} {reason} from ports {first} to {last}")
                    };
                    all.iter().map(of).collect::<Vec<_>>().join("; ")
                }
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
