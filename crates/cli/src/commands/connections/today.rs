//! What the edition in force answers to the packets of a capture that another one judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use egress25_policy::{Edition, Reason, StatementId, SubscriptionName, Verdict, decide_seen};
use serde::Serialize;

use crate::commands::connections::examples::FoundExamples;
use crate::commands::connections::moving::MovingInventory;
use crate::read::edition::ChosenEdition;
use crate::read::inventory::InventoryInput;
use crate::say::failure::Failure;
use crate::say::output::{EditionName, assignments, steps_in_words};
use crate::say::today;

/// What the edition in force answers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Today {
    /// The edition in force.
    pub edition: EditionName,
    /// Its answers, each to one packet of a subscription that was judged for a reason.
    pub answers: Vec<TodayAnswer>,
    /// Why there are none: the inventory cannot be so under that edition.
    pub error: Option<String>,
}

/// What the edition in force answers to one packet.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TodayAnswer {
    /// The packet's number in the capture, from 1.
    pub packet: u64,
    /// The sender's subscription.
    pub subscription: Option<SubscriptionName>,
    /// Why it was judged as it was.
    pub judged: Reason,
    /// Whether the verdict or the reason is another today.
    pub differs: bool,
    /// What becomes of it today.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The statements that this rests on.
    pub statements: Vec<StatementId>,
    /// The settings that it rests on, as `name=value`.
    pub assumed: Vec<String>,
    #[serde(skip)]
    in_words: String,
    /// What to do about it today, as a person reads it.
    #[serde(skip)]
    pub(crate) steps: Vec<String>,
}

/// Asks the edition in force about one packet of each kind; nothing where it judged itself.
///
/// # Errors
/// A built-in edition is bad.
pub(crate) fn of(
    source: &InventoryInput,
    chosen: &ChosenEdition,
    inventory: &MovingInventory,
    examples: &FoundExamples,
) -> Result<Option<Today>, Failure> {
    let edition = Edition::in_force()?;
    let judged_itself = matches!(chosen, ChosenEdition::One(one) if one.id == edition.id);
    if judged_itself || examples.is_empty() {
        return Ok(None);
    }
    let name = EditionName::of(&edition);
    let (answers, error) = match answers(source, inventory, examples, &edition) {
        // What it judged itself is not asked again.
        Ok(answers) if answers.is_empty() => return Ok(None),
        Ok(answers) => (answers, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Ok(Some(Today { edition: name, answers, error }))
}

fn answers(
    source: &InventoryInput,
    inventory: &MovingInventory,
    examples: &FoundExamples,
    edition: &Arc<Edition>,
) -> Result<Vec<TodayAnswer>, Failure> {
    let mut timeline = source.timeline(edition)?;
    let mut answers = Vec::new();
    let by_another = |moment| inventory.edition_of(moment) != Some(edition);
    for ((subscription, judged), example) in examples.iter().filter(|(_, of)| by_another(of.moment))
    {
        let moved = timeline.move_to(example.moment.happened, |_, _| {});
        moved.map_err(|error| Failure::Usage(error.to_string()))?;
        let now = decide_seen(timeline.world(), &example.question(), example.direction);
        let subscriptions = timeline.world().subscriptions();
        let known = subscription.as_ref().and_then(|name| subscriptions.get(name));
        let then = (example.verdict, *judged);
        answers.push(TodayAnswer {
            packet: example.packet,
            subscription: subscription.clone(),
            judged: *judged,
            differs: (now.verdict, now.reason) != then,
            in_words: today::in_words(edition, &now, then, known.map(|known| known.offer)),
            steps: steps_in_words(edition, &now.next_steps),
            verdict: now.verdict,
            reason: now.reason,
            statements: now.statements,
            assumed: assignments(&now.assumed),
        });
    }
    Ok(answers)
}

impl Today {
    /// Each answer in words, with what it was asked about.
    pub(crate) fn in_words(&self) -> impl Iterator<Item = (&TodayAnswer, &str)> {
        self.answers.iter().map(|answer| (answer, answer.in_words.as_str()))
    }

    /// It in words; `noun` is what was asked about.
    pub(crate) fn lines(&self, noun: &str) -> Vec<String> {
        let id = &self.edition.id;
        if let Some(error) = &self.error {
            return vec![format!("Today, under edition {id}, this cannot be so: {error}")];
        }
        let mut alike: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for TodayAnswer { packet, subscription, judged, in_words, .. } in &self.answers {
            let of = subscription.as_ref().map_or("no subscription", SubscriptionName::as_str);
            let kinds = alike.entry(in_words).or_default();
            kinds.push(format!("{of} {judged} ({noun} {packet})"));
        }
        let head =
            format!("Today edition {id} is in force. It answers, asked of one {noun} of each:");
        let answers =
            alike.iter().map(|(answer, kinds)| format!("- {}: {answer}.", kinds.join(", ")));
        [head].into_iter().chain(answers).collect()
    }
}
