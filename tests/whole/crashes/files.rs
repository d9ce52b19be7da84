//! Commands that write files which are no stores: what stands under a name is what an undisturbed
//! run writes.

use std::path::Path;

use egress25_skipped::skipped;

use super::{
    CrashCase, PLAIN, Range, Way, copied, demand, fail_all, kill_all, names, scratch, tries,
    untraceable,
};
use crate::program::repository;

const WAY: Way = Way { range, examine, tries: 10, ..PLAIN };

pub(super) const CASES: &[CrashCase] = &[
    CrashCase {
        name: "inventory of a capture",
        line: "init day.pcapng --offer pay-as-you-go --created 2019-03-01 --write begun.toml",
        made: &["begun.toml"],
    },
    CrashCase {
        name: "inventory of an export",
        line: "import export.json --offer EA --created 2019-03-01 --write imported.toml",
        made: &["imported.toml"],
    },
    CrashCase { name: "manual pages", line: "man --dir pages", made: &["pages"] },
];

/// What Resource Graph prints of a subscription.
const EXPORT: &str = r#"[{"id":"/subscriptions/00000000-0000-0000-0000-000000000025","name":"shop",
"type":"microsoft.resources/subscriptions","subscriptionId":"00000000-0000-0000-0000-000000000025",
"properties":{"subscriptionPolicies":{"quotaId":"EnterpriseAgreement_2014-09-01"}}}]"#;

fn range() -> Range {
    let pristine = scratch();
    std::fs::write(pristine.path().join("export.json"), EXPORT).expect("written");
    let capture = repository().join("fixtures/captures/day-of-mail.pcapng");
    std::fs::copy(capture, pristine.path().join("day.pcapng")).expect("copied");
    let whole = copied(pristine.path());
    for case in CASES {
        demand(whole.path(), case.line);
    }
    Range { pristine, whole }
}

/// Every file but those that are not whole yet, and say so, is as an undisturbed run leaves it.
fn examine(case: &CrashCase, whole: &Path, folder: &Path, done: bool, what: &str) {
    let context = format!("{}, {what}", case.name);
    let found = names(folder);
    for name in found.iter().filter(|name| !name.contains(".partial")) {
        let (at, right) = (folder.join(name), whole.join(name));
        assert!(right.exists(), "{context}: {name} is nobody's");
        let same = at.is_dir() || std::fs::read(at).ok() == std::fs::read(right).ok();
        assert!(same, "{context}: {name} is not what a whole run writes");
    }
    let made = |name: &String| case.made.iter().any(|made| Path::new(name).starts_with(made));
    let missing: Vec<_> =
        names(whole).into_iter().filter(made).filter(|name| !found.contains(name)).collect();
    assert!(!done || missing.is_empty(), "{context}: missing: {missing:?}");
}

#[test]
fn commands_that_write_a_file_are_killed_at_any_moment() {
    let tries = tries("EGRESS25_KILLS", WAY.tries);
    kill_all(CASES, &Way { tries, ..WAY }, |_, _, _, _| {});
}

#[test]
fn every_call_that_a_file_is_written_with_fails_once() {
    if let Some(why) = untraceable() {
        return skipped(why);
    }
    let tries = tries("EGRESS25_FAULTS", 6);
    fail_all(CASES, &Way { tries, ..WAY }, |_, _, _, _| {});
}
