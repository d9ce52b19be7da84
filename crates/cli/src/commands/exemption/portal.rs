//! The portal, or whoever reads the support case: what is asked, and what comes of the answers.
//!
//! The article says what is looked at (PG4, PN3, PN4), not how it is weighed: the automatic
//! reviewer's rules are ours, and every answer that it gives says so.

use clap::ValueEnum as _;
use egress25_policy::{OfferRule, Requirement, YesNo};

use crate::say::ask::{ask, can_ask, yes_or_no};
use crate::say::failure::Failure;

use crate::args::exemption::{Checks, RequestArgs};

/// What makes a payment history sufficient: the portal's own diagnosis of 2020-11 names paid
/// invoices of at least 1,000 US dollars in sum.
const SUFFICIENT_DOLLARS: u64 = 1000;

/// How a reviewer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Review {
    /// Enabled.
    Granted,
    /// Not yet: what is missing.
    FurtherSteps(Vec<&'static str>),
    /// No: why.
    Refused(&'static str),
}

/// A request as it was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestForm {
    /// The justification (PN3), where it was asked for or given.
    pub(super) why: Option<String>,
    /// Question and answer, in words.
    pub(super) answers: Vec<String>,
    /// What the automatic reviewer makes of it.
    pub(super) decision: Review,
}

/// Asks what the offer's channel asks: the flags first, then the terminal, if there is one.
///
/// # Errors
/// An answer is missing and nobody can be asked.
pub(super) fn fill_in(args: &RequestArgs, rule: &OfferRule) -> Result<RequestForm, Failure> {
    fill_in_with(args, rule, &mut |question, flag| ask_terminal(question, flag))
}

/// Asks a question that a flag would answer.
type Asker<'a> = dyn FnMut(&str, &str) -> Result<String, Failure> + 'a;

fn fill_in_with(
    args: &RequestArgs,
    rule: &OfferRule,
    ask: &mut Asker<'_>,
) -> Result<RequestForm, Failure> {
    let mut form = RequestForm {
        why: args.named.record.why.clone(),
        answers: vec![],
        decision: Review::Granted,
    };
    let mut missing = Vec::new();
    let mut refused = None;
    for requirement in &rule.asks {
        match requirement {
            Requirement::GoodStanding => {
                let question = "Is the account in good standing?";
                let yes = yes(args.good_standing, question, ask, "good-standing")?;
                form.say("good standing", yes);
                if !yes {
                    refused = refused.or(Some("the account must be in good standing"));
                }
            }
            Requirement::PaymentHistory => {
                let question = "Has the account a payment history?";
                let yes = yes(args.payment_history, question, ask, "payment-history")?;
                form.say("payment history", yes);
                if !yes {
                    missing.push("build up a payment history, then request it again");
                }
            }
            Requirement::SufficientPaymentHistory => {
                let paid = match args.paid {
                    Some(paid) => paid,
                    None => number(&ask("Sum of the paid invoices, in US dollars?", "paid")?)?,
                };
                form.answers.push(format!("paid invoices: {paid} US dollars"));
                if paid < SUFFICIENT_DOLLARS {
                    missing.push("pay invoices of at least 1,000 US dollars in sum");
                }
            }
            Requirement::Justification | Requirement::NoSecureRelay => {
                if form.why.is_none() {
                    let question = "Why can't the deployment use an authenticated relay?";
                    form.why = Some(ask(question, "why")?);
                }
            }
            Requirement::AntiFraud => {
                let checks = checks(args.anti_fraud, ask)?;
                form.answers.push(format!("anti-fraud checks: {}", checks.name()));
                match checks {
                    Checks::Passed => {}
                    Checks::Pending => missing.push("wait for the anti-fraud checks"),
                    Checks::Failed => refused = refused.or(Some("the anti-fraud checks failed")),
                }
            }
            Requirement::Qualification => {
                let yes = yes(args.qualifies, "Does the subscription qualify?", ask, "qualifies")?;
                form.say("qualifies", yes);
                // Where the text says what is answered, it is enabled or told the next steps.
                //= PG5
                //= CS3
                if !yes && !rule.cites.answer.is_empty() {
                    missing.push("take the next steps that the answer names");
                } else if !yes {
                    refused = refused.or(Some("the subscription doesn't qualify"));
                }
            }
            // Nobody can be asked: it is what the reviewer has.
            Requirement::Discretion => {}
        }
    }
    form.decision = match (refused, missing.is_empty()) {
        (Some(why), _) => Review::Refused(why),
        (None, false) => Review::FurtherSteps(missing),
        (None, true) => Review::Granted,
    };
    Ok(form)
}

impl RequestForm {
    fn say(&mut self, what: &str, yes: bool) {
        self.answers.push(format!("{what}: {}", if yes { "yes" } else { "no" }));
    }
}

fn yes(
    given: Option<YesNo>,
    question: &str,
    ask: &mut Asker<'_>,
    flag: &str,
) -> Result<bool, Failure> {
    if let Some(given) = given {
        return Ok(given == YesNo::Yes);
    }
    yes_or_no(&ask(&format!("{question} [y/n]"), flag)?).map_err(Failure::Usage)
}

fn checks(given: Option<Checks>, ask: &mut Asker<'_>) -> Result<Checks, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let names: Vec<_> = Checks::value_variants().iter().map(|checks| checks.name()).collect();
    let question = format!("What came of the anti-fraud checks? [{}]", names.join("/"));
    let answer = ask(&question, "anti-fraud")?;
    Checks::from_str(&answer, true).map_err(|_| {
        let (other, expected) = (answer.to_ascii_lowercase(), names.join(", "));
        Failure::Usage(format!("`{other}` is no answer; the answers are: {expected}"))
    })
}

fn number(text: &str) -> Result<u64, Failure> {
    text.replace([',', '$', ' '], "")
        .parse()
        .map_err(|_| Failure::Usage(format!("`{text}` is no sum in whole dollars")))
}

/// Asks on the terminal; where there is none, says which flag answers.
fn ask_terminal(question: &str, flag: &str) -> Result<String, Failure> {
    let answer = if can_ask() { ask(question)? } else { String::new() };
    if answer.is_empty() {
        return Err(Failure::Usage(format!("the request asks: {question} Answer with --{flag}")));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use egress25_policy::{Edition, Offer};

    use super::*;
    use crate::args::exemption::ExemptionCommand;
    use crate::args::{Cli, Command};

    fn form(offer: Offer, flags: &[&str], typed: &[&str]) -> Result<RequestForm, String> {
        let line = ["egress25", "exemption", "request", "shop"].iter().chain(flags);
        let cli = Cli::parse_from(line);
        let Command::Exemption(ExemptionCommand::Request(args)) = cli.command else { panic!() };
        let edition = Edition::named("2020-12").unwrap();
        let mut typed = typed.iter();
        let mut ask = |_: &str, flag: &str| {
            let answer = typed.next().map(|answer| (*answer).to_owned());
            answer.ok_or_else(|| Failure::Usage(format!("--{flag}")))
        };
        let form = fill_in_with(&args, edition.rule(offer).0, &mut ask);
        form.map_err(|error| error.to_string())
    }

    #[test]
    //= PG4 type=test
    fn the_portal_asks_for_standing_and_payment_history() {
        let form = |flags: &[&str], typed: &[&str]| form(Offer::PayAsYouGo, flags, typed);
        assert_eq!(form(&[], &["y", "yes"]).unwrap().decision, Review::Granted);
        let poor = form(&["--good-standing", "yes"], &["n"]).unwrap();
        assert!(matches!(poor.decision, Review::FurtherSteps(_)));
        let bad = form(&["--good-standing", "no", "--payment-history", "yes"], &[]).unwrap();
        assert!(matches!(bad.decision, Review::Refused(_)));
        assert_eq!(bad.answers, ["good standing: no", "payment history: yes"]);
        assert_eq!(form(&["--good-standing", "yes"], &[]).unwrap_err(), "--payment-history");
        assert!(form(&[], &["perhaps"]).is_err());
    }

    #[test]
    //= PN4 type=test
    fn a_support_case_needs_a_justification_and_anti_fraud_checks() {
        let form = |flags: &[&str], typed: &[&str]| form(Offer::PartnerNetwork, flags, typed);
        let full = form(&[], &["old scanners", "passed"]).unwrap();
        assert_eq!(full.why.as_deref(), Some("old scanners"));
        assert_eq!(full.decision, Review::Granted);
        let pending = form(&["--why", "old scanners", "--anti-fraud", "pending"], &[]).unwrap();
        assert!(matches!(pending.decision, Review::FurtherSteps(_)));
        let failed = form(&["--why", "old scanners", "--anti-fraud", "failed"], &[]).unwrap();
        assert!(matches!(failed.decision, Review::Refused(_)));
        assert_eq!(form(&["--anti-fraud", "passed"], &[]).unwrap_err(), "--why");
    }
}
