//! What to do about each reason that was met, as `check` says it.

use std::collections::BTreeMap;

use egress25_evidence::{Agreement, Answer};
use egress25_policy::{Reason, Verdict, decide_seen};

use crate::commands::check::after_a_pass;
use crate::commands::replay::connections::DescribedConnection;
use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::today::{Today, TodayAnswer};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html::Steps;
use crate::say::output::{labelled, section, steps_in_words};

/// What comes first where mail left that should not have.
const CONTRADICTED: &str = "what was seen contradicts this answer: before anything else, see whether the \
                            description is right (offer, day of creation, exemption, stopped and \
                            started since)";

/// What to do about a reason.
#[derive(Debug)]
pub(super) struct WhatToDo {
    reason: Reason,
    verdict: Verdict,
    /// The edition whose steps they are.
    edition: String,
    /// The steps, each with the statements that it rests on.
    steps: Vec<String>,
    /// Whether what was seen contradicts it.
    is_contradicted: bool,
}

/// Asks about one packet of each reason: of what does not pass, and of what passes and is never
/// answered.
///
/// # Errors
/// The world of a packet cannot be built.
pub(super) fn of(
    judge: &mut ReplayJudge,
    connections: &[DescribedConnection],
) -> Result<Vec<WhatToDo>, Failure> {
    let of = |reason| connections.iter().filter(move |one| one.judged.1 == reason);
    let mut examples = BTreeMap::new();
    for ((_, reason), example) in judge.examples().found() {
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
        let edition = judge.inventory().edition_of(example.moment).cloned();
        let question = example.question();
        let world = judge.world_at(example.moment)?;
        let decision = decide_seen(world, &question, example.direction);
        let steps = match decision.verdict {
            Verdict::Pass => after_a_pass(world, &question, &decision),
            _ => decision.next_steps,
        };
        let Some(edition) = edition else { continue };
        let steps = steps_in_words(&edition, &steps);
        if steps.is_empty() {
            continue;
        }
        let contradicts =
            |one: &DescribedConnection| one.finding().agreement == Agreement::Contradicts;
        let is_contradicted = of(reason).any(contradicts);
        let (verdict, edition) = (example.verdict, edition.id.clone());
        found.push(WhatToDo { reason, verdict, edition, steps, is_contradicted });
    }
    Ok(found)
}

/// It as lists; what the text of today knows no more is not to be tried first.
pub(super) fn lists(all: Vec<WhatToDo>, today: Option<&Today>) -> Vec<Steps> {
    let mut lists = Vec::new();
    for WhatToDo { reason, verdict, edition, steps, is_contradicted } in all {
        let first = is_contradicted.then(|| CONTRADICTED.to_owned());
        let what = match verdict {
            Verdict::Pass => "What to look at next where nobody answers",
            _ => "What to do",
        };
        let now = today.and_then(|today| {
            let of_it = |answer: &&TodayAnswer| answer.judged == reason && answer.steps != steps;
            let answer = today.answers.iter().find(of_it)?;
            Some((&today.edition.id, &answer.steps))
        });
        let mut list = |heading: String, first: Option<String>, steps: Vec<String>| {
            let steps: Vec<_> = first.into_iter().chain(steps).collect();
            if !steps.is_empty() {
                lists.push(Steps { heading, steps });
            }
        };
        match now {
            Some((id, of_today)) => {
                let today = format!("What to do today, by edition {id}: {reason}");
                list(today, first, of_today.clone());
                list(format!("{what} (by edition {edition}): {reason}"), None, steps);
            }
            None => list(format!("{what}: {reason}"), first, steps),
        }
    }
    lists
}

/// Writes lists.
///
/// # Errors
/// The write failed.
pub(super) fn write(console: &mut Console, lists: &[Steps]) -> Result<(), Failure> {
    for Steps { heading, steps } in lists {
        section(console, heading)?;
        for (place, step) in steps.iter().enumerate() {
            let label = format!("  {:<3}", format!("{}.", place.saturating_add(1)));
            labelled(console, &label, 5, step)?;
        }
    }
    Ok(())
}
