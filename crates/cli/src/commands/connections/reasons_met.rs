//! What the reasons mean that a replay met, with the texts of what they rest on.

use std::collections::{BTreeMap, BTreeSet};

use egress25_policy::{Assumption, Edition, Reason, Setting, StatementId, Verdict, decide_seen};

use crate::commands::connections::by_time::TableByTime as _;
use crate::commands::connections::examples::FoundExamples;
use crate::commands::connections::moving::MovingInventory;
use crate::say::failure::Failure;
use crate::say::html::MeantReason;

/// The reasons that were met, and the settings that their answers assume.
#[derive(Debug, Default)]
pub(crate) struct ReasonsMet {
    by: BTreeMap<(Reason, Verdict), BTreeMap<StatementId, String>>,
    assumed: BTreeSet<Assumption>,
}

impl ReasonsMet {
    /// Asks about one packet of each reason and subscription.
    pub(crate) fn of(
        inventory: &mut MovingInventory,
        found: &FoundExamples,
        judged: impl Iterator<Item = (Reason, Verdict)>,
    ) -> Result<Self, Failure> {
        let mut met = Self::default();
        let mut examples: Vec<_> = found.values().collect();
        // By time, so that the world is gone through once.
        examples.sort_by_key(|example| example.moment);
        for example in examples {
            let world = inventory.world_at(example.moment)?;
            let decision = decide_seen(world, &example.question(), example.direction);
            let texts = met.by.entry((decision.reason, decision.verdict)).or_default();
            add(texts, &world.edition, decision.statements.iter().map(StatementId::as_str));
            met.assumed.extend(decision.assumed);
        }
        // What the reference decision is not asked for rests on what its reason names.
        let edition = inventory.edition_of(inventory.moment());
        for (reason, verdict) in judged {
            let texts = met.by.entry((reason, verdict)).or_default();
            if let Some(edition) = edition.filter(|_| texts.is_empty()) {
                add(texts, edition, reason.rests_on().iter().copied());
            }
        }
        Ok(met)
    }

    /// They, each with what it means.
    pub(crate) fn meant(&self) -> Vec<MeantReason> {
        let one = |((reason, verdict), texts): (&(Reason, Verdict), &BTreeMap<_, String>)| {
            let rests_on =
                texts.iter().map(|(id, text): (&StatementId, _)| (id.to_string(), text.clone()));
            MeantReason {
                name: reason.name(),
                becomes: (*verdict).into(),
                line: reason.line(),
                rests_on: rests_on.collect(),
            }
        };
        self.by.iter().map(one).collect()
    }

    /// The settings that the answers assume, each with its value and the question that it answers.
    pub(crate) fn assumed(&self) -> impl Iterator<Item = (&str, &str, &'static str)> {
        self.assumed.iter().map(|one| {
            let question = Setting::named(&one.setting).map_or("", Setting::question);
            (one.setting.as_str(), one.value.as_str(), question)
        })
    }
}

/// Adds the statements that some ids name, as the edition quotes them.
fn add<'a>(
    texts: &mut BTreeMap<StatementId, String>,
    edition: &Edition,
    ids: impl Iterator<Item = &'a str>,
) {
    for statement in ids.filter_map(|id| edition.statement(id)) {
        texts.entry(statement.id.clone()).or_insert_with(|| edition.quoted(statement));
    }
}
