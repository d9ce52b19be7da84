//! What to do about each reason that was met, as `check` says it.

use std::collections::BTreeMap;

use egress25_evidence::{Agreement, Answer};
use egress25_policy::{Verdict, decide_seen};

use crate::commands::check::after_a_pass;
use crate::commands::connections::counts::DescribedConnection;
use crate::commands::connections::examples::FoundExamples;
use crate::commands::connections::moving::MovingInventory;
use crate::commands::connections::today::{Today, TodayAnswer};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html::Steps;
use crate::say::output::{labelled, section, steps_in_words};

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
    let mut examples = BTreeMap::new();
    for ((_, reason), example) in examples_found {
        let mut example = example.clone();
        if example.verdict == Verdict::Pass {
            // It is about the one that nobody answered.
            let Some(silent) = of(*reason).find(|one| one.answer == Answer::Silent) else {
                continue;
            };
            (example.source, example.source_port) =
                (silent.tuple.from.ip(), silent.tuple.from.port());
            example.destination = silent.tuple.to.ip();
        }
        examples.entry(*reason).or_insert(example);
    }
    let mut found = Vec::new();
    for (reason, example) in examples {
        let Some(edition) = inventory.edition_of(example.moment).cloned() else { continue };
        let question = example.question();
        let world = inventory.world_at(example.moment)?;
        let decision = decide_seen(world, &question, example.direction);
        let (what, steps) = match decision.verdict {
            Verdict::Pass => (
                "What to look at next where nobody answers",
                after_a_pass(world, &question, &decision),
            ),
            _ => ("What to do", decision.next_steps),
        };
        let steps = steps_in_words(&edition, &steps);
        let contradicts =
            |one: &DescribedConnection| one.finding().agreement == Agreement::Contradicts;
        let first = of(reason).any(contradicts).then(|| CONTRADICTED.to_owned());
        let of_today = |today: &Today| {
            let of_it = |answer: &&TodayAnswer| answer.judged == reason && answer.steps != steps;
            let answer = today.answers.iter().find(of_it)?;
            let heading = format!("What to do today, by edition {}: {reason}", today.edition.id);
            Some((heading, answer.steps.clone()))
        };
        let then = match today.and_then(of_today) {
            Some((heading, mut now)) => {
                now.splice(..0, first);
                found.push(Steps { heading, steps: now });
                Steps { heading: format!("{what} (by edition {}): {reason}", edition.id), steps }
            }
            None => {
                let steps = first.into_iter().chain(steps).collect();
                Steps { heading: format!("{what}: {reason}"), steps }
            }
        };
        found.push(then);
    }
    found.retain(|one| !one.steps.is_empty());
    Ok(found)
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
