//! What to do about each reason that was met, as `check` says it.

use std::collections::BTreeMap;

use egress25_evidence::Answer;
use egress25_policy::{NextStep, Reason, Verdict, decide_seen};

use crate::commands::check::after_a_pass;
use crate::commands::replay::connections::DescribedConnection;
use crate::commands::replay::judge::ReplayJudge;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{in_brackets, labelled, section};

/// What to do about a reason.
#[derive(Debug)]
pub(super) struct WhatToDo {
    reason: Reason,
    verdict: Verdict,
    /// The steps, each with the statements that it rests on.
    steps: Vec<String>,
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
    let is_silent = |reason| {
        connections.iter().any(|one| one.judged.1 == reason && one.answer == Answer::Silent)
    };
    let mut examples = BTreeMap::new();
    for ((_, reason), example) in judge.examples().found() {
        if example.verdict != Verdict::Pass || is_silent(*reason) {
            examples.entry(*reason).or_insert_with(|| example.clone());
        }
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
        let in_words = |step: &NextStep| {
            let ids = edition.as_ref().map(|edition| in_brackets(edition, step));
            format!("{step}{}", ids.unwrap_or_default())
        };
        let steps: Vec<_> = steps.iter().map(in_words).collect();
        if !steps.is_empty() {
            found.push(WhatToDo { reason, verdict: example.verdict, steps });
        }
    }
    Ok(found)
}

/// Writes it.
///
/// # Errors
/// The write failed.
pub(super) fn write(console: &mut Console, all: &[WhatToDo]) -> Result<(), Failure> {
    for WhatToDo { reason, verdict, steps } in all {
        let what = match verdict {
            Verdict::Pass => "What to look at next where nobody answers",
            _ => "What to do",
        };
        section(console, &format!("{what}: {reason}"))?;
        for (place, step) in steps.iter().enumerate() {
            let label = format!("  {:<3}", format!("{}.", place.saturating_add(1)));
            labelled(console, &label, 5, step)?;
        }
    }
    Ok(())
}
