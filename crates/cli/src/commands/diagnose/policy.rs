//! What the policy answers, without the machine and the addresses that stand for those of the user.

use egress25_evidence::Agreement;
use egress25_policy::{Edition, NextStep, Verdict};

use crate::commands::check::Answered;
use crate::commands::diagnose::report::{Evidence, SEE_WHETHER};
use crate::read::deployment::{MACHINE, SUBSCRIPTION};
use crate::say::failure::Failure;
use crate::say::html::Steps;
use crate::say::output::in_brackets;
use crate::say::today;

/// What was asked, in words.
pub(super) fn question(answered: &Answered) -> String {
    let asked = &answered.answer.question;
    let mut text =
        "may a machine of this subscription open connections to port 25 of the Internet?"
            .to_owned();
    if let Some(offer) = asked.offer {
        text.push_str(&format!(" Subscription: {}", offer.title()));
    }
    if let Some(created) = &asked.created {
        text.push_str(&format!(", created {created}"));
    }
    if let Some(exemption) = asked.exemption {
        text.push_str(&format!(", exemption {exemption}"));
    }
    text + "."
}

/// What the edition in force answers, where another one was asked.
pub(super) fn today(answered: &Answered) -> Result<Option<String>, Failure> {
    let Some(now) = &answered.answer.in_force else { return Ok(None) };
    let id = &now.edition.id;
    let Some(decision) = &now.decision else {
        let error = now.error.as_deref().unwrap_or("the description does not fit it");
        return Ok(Some(format!("under edition {id} this cannot be so: {error}")));
    };
    let then = (answered.answer.decision.verdict, answered.answer.decision.reason);
    let offer = answered.answer.question.offer;
    let words = today::in_words(&*Edition::named(id)?, decision, then, offer);
    Ok(Some(format!("edition {id}, which is in force, answers {words}")))
}

/// What to do: by the text of today first, where that advises something else.
pub(super) fn steps(answered: &Answered, evidence: &Evidence) -> Result<Vec<Steps>, Failure> {
    let then = &answered.answer.decision;
    let passes = then.verdict == Verdict::Pass;
    if passes && evidence.agreement == Agreement::Agrees {
        return Ok(vec![]);
    }
    let mut all = Vec::new();
    let now = answered.answer.in_force.as_ref().and_then(|now| {
        let decision = now.decision.as_ref()?;
        let other = decision.next_steps != then.next_steps && !decision.next_steps.is_empty();
        (other && !passes).then_some((&now.edition.id, decision))
    });
    if let Some((id, decision)) = now {
        all.push(Steps {
            heading: format!("What to do today, by edition {id}: {}", decision.reason),
            steps: in_words(&*Edition::named(id)?, &decision.next_steps),
        });
    }
    let edition = answered.edition();
    let what = if passes { "What to look at next" } else { "What to do" };
    let by = match now {
        Some(_) => format!(" (by edition {})", edition.id),
        None => String::new(),
    };
    let steps = in_words(edition, &then.next_steps);
    all.push(Steps { heading: format!("{what}{by}: {}", then.reason), steps });
    all.retain(|one| !one.steps.is_empty());
    if evidence.agreement == Agreement::Contradicts {
        let first = format!("what was seen contradicts this answer: {SEE_WHETHER}");
        if let Some(one) = all.first_mut() {
            one.steps.insert(0, first);
        }
    }
    Ok(all)
}

/// Steps as a person reads them. The description by flags has names that nobody has given, and an
/// address that stands for all: they are told in words.
fn in_words(edition: &Edition, steps: &[NextStep]) -> Vec<String> {
    let named = |text: String, name: &str, words: &str| text.replace(&format!("`{name}`"), words);
    let step = |step: &NextStep| {
        let text = match step {
            NextStep::CheckOtherSide { port, .. } => format!(
                "do the destinations answer on port {port} from elsewhere, and what do they say of your \
                 address?"
            ),
            step => step.to_string(),
        };
        let text = named(text, MACHINE, "the machine");
        format!("{}{}", named(text, SUBSCRIPTION, "the subscription"), in_brackets(edition, step))
    };
    steps.iter().map(step).collect()
}
