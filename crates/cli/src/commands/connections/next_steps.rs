//! What to do about each reason that was met, as `check` says it.

use std::collections::BTreeMap;

use egress25_evidence::{Agreement, Answer};
use egress25_policy::{Reason, Verdict, decide_seen};
use jiff::Timestamp;

use crate::commands::check::after_a_pass;
use crate::commands::connections::counts::DescribedConnection;
use crate::commands::connections::examples::{Example, FoundExamples};
use crate::commands::connections::moving::MovingInventory;
use crate::commands::connections::today::{Today, TodayAnswer};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html::Steps;
use crate::say::output::{counted, labelled, section, steps_in_words};

/// What comes first where mail left that should not have.
const CONTRADICTED: &str = "what was seen contradicts this answer: before anything else, see whether the \
                            description is right (offer, day of creation, exemption, stopped and \
                            started since)";

/// What to do about each reason, asked of one packet of it: of what does not pass, and of what passes
/// and is never answered. What the text of today advises comes first where that is something else.
///
/// # Errors
/// The world of a packet cannot be built.
pub(crate) fn of(
    inventory: &mut MovingInventory,
    examples_found: &FoundExamples,
    connections: &[DescribedConnection],
    today: Option<&Today>,
) -> Result<Vec<Steps>, Failure> {
    let of = |reason| connections.iter().filter(move |one| one.judged.1 == reason);
    let mut found: Vec<_> = rules(connections).into_iter().collect();
    let examples = examples(examples_found, connections);
    let is_one_of_several = examples.len() > 1;
    for (reason, last, example) in examples {
        let Some(edition) = inventory.edition_of(example.moment).cloned() else { continue };
        let question = example.question();
        let world = inventory.world_at(example.moment)?;
        let decision = decide_seen(world, &question, example.direction);
        let is_stopped_before = of(reason).all(DescribedConnection::is_stopped_otherwise);
        let (what, steps) = match decision.verdict {
            Verdict::Pass => (
                "What to look at next where nobody answers",
                after_a_pass(world, &question, &decision),
            ),
            _ if is_stopped_before && of(reason).next().is_some() => {
                ("What to do once nothing else denies it", decision.next_steps)
            }
            _ => ("What to do", decision.next_steps),
        };
        let steps = steps_in_words(&edition, &steps);
        let contradicts =
            |one: &DescribedConnection| one.finding().agreement == Agreement::Contradicts;
        let first = of(reason).any(contradicts).then(|| CONTRADICTED.to_owned());
        // What was met last is what holds, as far as anybody knows.
        let about = match last.filter(|_| is_one_of_several) {
            Some(last) => format!("{reason} (met last at {last:.0})"),
            None => reason.to_string(),
        };
        let of_today = |today: &Today| {
            let of_it = |answer: &&TodayAnswer| answer.judged == reason && answer.steps != steps;
            let answer = today.answers.iter().find(of_it)?;
            let heading = format!("What to do today, by edition {}: {about}", today.edition.id);
            Some((heading, answer.steps.clone()))
        };
        let then = match today.and_then(of_today) {
            Some((heading, mut now)) => {
                now.splice(..0, first);
                found.push(Steps { heading, steps: now });
                Steps { heading: format!("{what} (by edition {}): {about}", edition.id), steps }
            }
            None => {
                let steps = first.into_iter().chain(steps).collect();
                Steps { heading: format!("{what}: {about}"), steps }
            }
        };
        found.push(then);
    }
    found.retain(|one| !one.steps.is_empty());
    Ok(found)
}

/// The security rules that a log shows to have denied something, which nothing else makes good.
fn rules(connections: &[DescribedConnection]) -> Option<Steps> {
    let mut denied: BTreeMap<&str, u64> = BTreeMap::new();
    for rule in connections.iter().filter_map(|one| one.denied_by.as_deref()) {
        let count = denied.entry(rule).or_default();
        *count = count.saturating_add(1);
    }
    let step = |(rule, count): (&str, u64)| {
        format!(
            "look at the rule `{rule}`: it denied {}, before the platform's filter was asked; while it \
             does, nothing else that you do lets this mail out",
            counted(count, "flow", "flows")
        )
    };
    let steps: Vec<_> = denied.into_iter().map(step).collect();
    (!steps.is_empty()).then(|| Steps { heading: "Your own rules first".to_owned(), steps })
}

/// An example of each reason that there is something to do about, with the time when that was met last:
/// what holds now comes first.
fn examples(
    found: &FoundExamples,
    connections: &[DescribedConnection],
) -> Vec<(Reason, Option<Timestamp>, Example)> {
    let of = |reason| connections.iter().filter(move |one| one.judged.1 == reason);
    let mut examples: Vec<(Reason, Option<Timestamp>, Example)> = Vec::new();
    for ((_, reason), example) in found {
        let mut example = example.clone();
        if examples.iter().any(|(known, ..)| known == reason) {
            continue;
        }
        if example.verdict == Verdict::Pass {
            // It is about the one that nobody answered.
            let Some(silent) = of(*reason).find(|one| one.answer == Answer::Silent) else {
                continue;
            };
            (example.source, example.source_port) =
                (silent.tuple.from.ip(), silent.tuple.from.port());
            example.destination = silent.tuple.to.ip();
        }
        let last = of(*reason).filter_map(|one| one.last_try.or(one.first)).max();
        examples.push((*reason, last, example));
    }
    examples.sort_by_key(|(reason, last, _)| (std::cmp::Reverse(*last), *reason));
    examples
}

/// Writes it.
///
/// # Errors
/// The write failed.
pub(crate) fn write(console: &mut Console, all: &[Steps]) -> Result<(), Failure> {
    for Steps { heading, steps } in all {
        section(console, heading)?;
        for (place, step) in steps.iter().enumerate() {
            let label = format!("  {:<3}", format!("{}.", place.saturating_add(1)));
            labelled(console, &label, 5, step)?;
        }
    }
    Ok(())
}
