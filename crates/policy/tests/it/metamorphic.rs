//! A setting that is named in an answer changes it when it is changed, and one that is not named
//! changes neither verdict nor reason; another subscription's history changes nothing.

use std::fmt::Write as _;

use crate::every_edition::facts::EDITIONS;
use crate::every_edition::{Case, DATES, MORE_WAYS, STATES, WAYS};
use crate::oracle_differences::description;
use crate::support::{INTERNET, ask, events};
use egress25_policy::{Decision, Edition, InventoryFile, Setting, Verdict};

/// What an inventory says in a case, under settings; `None` where it is refused.
fn answer(
    file: &InventoryFile,
    happened: &str,
    case: Case,
    set: &[Setting],
    value: &str,
) -> Option<Decision> {
    let edition = Edition::named(file.edition().unwrap()).unwrap();
    let set: Vec<_> = set.iter().map(|one| (one.name().to_owned(), value.to_owned())).collect();
    let inventory = file.build(&edition, &set).ok()?;
    let mut timeline = inventory.timeline(events(happened)).ok()?;
    timeline.move_to(timeline.events().len(), |_, _| {}).ok()?;
    let to = if case.way == "internal" { "10.0.1.9" } else { INTERNET };
    Some(ask(timeline.world(), "web", to))
}

/// The same answer, what is assumed told apart by the settings' names.
fn alike(left: &Decision, right: &Decision) -> bool {
    let names = |decision: &Decision| {
        decision.assumed.iter().map(|one| one.setting.clone()).collect::<Vec<_>>()
    };
    (left.verdict, left.reason) == (right.verdict, right.reason)
        && left.statements == right.statements
        && left.next_steps == right.next_steps
        && names(left) == names(right)
}

/// What is wrong with the settings that an answer names and with those that it does not.
fn faults(file: &InventoryFile, happened: &str, case: Case, faults: &mut String) {
    let before = answer(file, happened, case, &[], "").unwrap();
    for setting in Setting::ALL {
        let assumption = before.assumed.iter().find(|one| one.setting == setting.name());
        let now = assumption
            .map_or_else(|| default_of(file, *setting), |assumption| assumption.value.clone());
        let others = setting.values().iter().filter(|value| **value != now);
        let after: Vec<_> =
            others.map(|value| answer(file, happened, case, &[*setting], value)).collect();
        let changes =
            |after: &Option<Decision>| after.as_ref().is_none_or(|after| !alike(&before, after));
        let turns = |after: &Option<Decision>| {
            // A description that is refused has no other verdict.
            after.as_ref().is_some_and(|after| {
                (after.verdict, after.reason) != (before.verdict, before.reason)
            })
        };
        let wrong = match assumption {
            Some(_) if !after.iter().any(changes) => "named, and changes nothing",
            // It is named where a pass rests on it; what is blocked is so, whatever the way out (N6).
            None if *setting == Setting::DefaultOutboundWhenUnsaid
                && before.verdict != Verdict::Pass =>
            {
                continue;
            }
            None if after.iter().any(turns) => "not named, and changes the answer",
            _ => continue,
        };
        let edition = file.edition().unwrap();
        writeln!(faults, "{edition} {case:?} {}: {setting}: {wrong}", before.reason).unwrap();
    }
}

fn default_of(file: &InventoryFile, setting: Setting) -> String {
    let edition = Edition::named(file.edition().unwrap()).unwrap();
    edition.default_settings().unwrap().get(setting).to_owned()
}

/// The first and the last offer of every row, every date and state, every way.
fn each_case(mut see: impl FnMut(&str, Case)) {
    for edition in EDITIONS {
        let built_in = Edition::named(edition.id).unwrap();
        let named = built_in.rules.iter().chain([&built_in.unnamed]);
        let mut offers: Vec<_> =
            named.flat_map(|row| row.offers.first().into_iter().chain(row.offers.last())).collect();
        offers.dedup();
        for offer in offers {
            for created in DATES {
                for state in STATES.into_iter().chain(["lapsed"]) {
                    for way in WAYS.into_iter().chain(MORE_WAYS) {
                        see(edition.id, Case { offer: offer.name(), created, state, way });
                    }
                }
            }
        }
    }
}

#[test]
fn a_setting_that_is_named_changes_the_answer_and_no_other_does() {
    let (mut cases, mut found) = (0, String::new());
    each_case(|edition, case| {
        let (lab, happened) = description(edition, case);
        let file = InventoryFile::parse(&lab).unwrap();
        cases += 1;
        faults(&file, &happened, case, &mut found);
    });
    assert!(cases > 5_000, "{cases}");
    assert!(found.is_empty(), "{} of {cases}\n{found}", found.lines().count());
}

#[test]
fn another_subscriptions_history_changes_nothing() {
    let of_another = |edition: &str| {
        format!(
            "{edition}-25T01:00:00Z subscription-added subscription=other offer=pay-as-you-go created=2018-01-01
             {edition}-25T02:00:00Z exemption-asked subscription=other channel=CHANNEL why=because
             {edition}-25T03:00:00Z offer-changed subscription=other offer=enterprise-agreement"
        )
    };
    each_case(|edition, case| {
        let (lab, happened) = description(edition, case);
        let file = InventoryFile::parse(&lab).unwrap();
        let built_in = Edition::named(edition).unwrap();
        let (rule, _) = built_in.rule(egress25_policy::Offer::PayAsYouGo);
        let more = match rule.request.first() {
            Some(channel) => of_another(edition).replace("CHANNEL", channel.name()),
            None => of_another(edition).lines().take(1).collect(),
        };
        let before = answer(&file, &happened, case, &[], "");
        let after = answer(&file, &format!("{happened}{more}"), case, &[], "");
        assert!(after.is_some());
        assert_eq!(before, after, "{edition} {case:?}");
    });
}
