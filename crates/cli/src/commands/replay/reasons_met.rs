//! What the reasons mean that a replay met, with the texts of what they rest on.

use std::collections::{BTreeMap, BTreeSet};

use egress25_policy::{Assumption, Edition, Reason, Setting, StatementId, Verdict, decide_seen};

use crate::commands::replay::by_time::TableByTime as _;
use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::summary::Summary;
use crate::say::failure::Failure;
use crate::say::html::MeantReason;

/// The reasons that were met, and the settings that their answers assume.
#[derive(Debug, Default)]
pub(super) struct ReasonsMet {
    by: BTreeMap<(Reason, Verdict), BTreeMap<StatementId, String>>,
    assumed: BTreeSet<Assumption>,
}

impl ReasonsMet {
    /// Asks about one packet of each reason and subscription.
    pub(super) fn of(judge: &mut ReplayJudge, summary: &Summary) -> Result<Self, Failure> {
        let mut met = Self::default();
        let found = judge.examples().found().iter();
        let mut examples: Vec<_> = found.map(|(_, example)| example.clone()).collect();
        // By time, so that the world is gone through once.
        examples.sort_by_key(|example| example.moment);
        for example in examples {
            let world = judge.world_at(example.moment)?;
            let decision = decide_seen(world, &example.question(), example.direction);
            let texts = met.by.entry((decision.reason, decision.verdict)).or_default();
            add(texts, &world.edition, decision.statements.iter().map(StatementId::as_str));
            met.assumed.extend(decision.assumed);
        }
        // What the reference decision is not asked for rests on what its reason names.
        let edition = judge.inventory().edition_of(judge.inventory().moment());
        for count in &summary.by_subscription {
            let texts = met.by.entry((count.reason, count.verdict)).or_default();
            if let Some(edition) = edition.filter(|_| texts.is_empty()) {
                add(texts, edition, count.reason.rests_on().iter().copied());
            }
        }
        Ok(met)
    }

    /// They, each with what it means.
    pub(super) fn meant(&self) -> Vec<MeantReason> {
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
    pub(super) fn assumed(&self) -> impl Iterator<Item = (&str, &str, &'static str)> {
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
