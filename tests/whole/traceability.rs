//! Every rule and lifecycle statement of edition 2020-12 has code that carries it and a test
//! that shows it; no id dangles; every reason is reached by some test.

use std::collections::BTreeMap;

use egress25_cli::commands::policy::scan::{self, Place};
use egress25_policy::{Edition, Reason, StatementKind};

use crate::program::repository;

fn places() -> Vec<Place> {
    scan::scan(&repository()).expect("the sources can be read")
}

#[test]
fn every_rule_and_lifecycle_statement_has_code_and_test() {
    let places = places();
    let edition = Edition::default_edition().expect("an edition");
    let mut missing = Vec::new();
    for statement in &edition.statements {
        if !matches!(statement.kind, StatementKind::Rule | StatementKind::Lifecycle) {
            continue;
        }
        for (what, test) in [("code", false), ("test", true)] {
            let id = statement.id.as_str();
            if !places.iter().any(|place| place.id == id && place.test == test) {
                missing.push(format!("{id} has no {what}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join(", "));
}

#[test]
fn no_id_dangles() {
    let default = Edition::default_edition().expect("an edition");
    for place in places() {
        let known = match place.id.split_once('/') {
            Some((edition, id)) => {
                Edition::named(edition).is_ok_and(|edition| edition.statement(id).is_some())
            }
            None => default.statement(&place.id).is_some(),
        };
        assert!(known, "{}:{}: there is no statement `{}`", place.file, place.line, place.id);
    }
}

#[test]
fn the_binary_was_built_from_these_sources() {
    let trace = crate::program::json("policy trace --format json");
    let mut built = Vec::new();
    for statement in trace["statements"].as_array().expect("a list") {
        for key in ["code", "tests"] {
            for place in statement[key].as_array().expect("places") {
                built.push(place.as_str().expect("a text").to_owned());
            }
        }
    }
    built.sort();
    let mut now: Vec<_> = places()
        .into_iter()
        .filter(|place| !place.id.contains('/'))
        .map(|place| format!("{}:{}", place.file, place.line))
        .collect();
    now.sort();
    assert_eq!(built, now, "build the binary anew: `cargo build -p egress25`");
}

/// The test modules of a source file, and whole files of tests.
fn test_text(file: &str, text: &str) -> String {
    let is_test_file = file.contains("/tests/") || file.starts_with("tests/");
    if is_test_file {
        return text.to_owned();
    }
    text.split_once("#[cfg(test)]").map(|(_, tests)| tests.to_owned()).unwrap_or_default()
}

#[test]
fn every_reason_is_reached_by_some_test() {
    let repository = repository();
    let mut reached: BTreeMap<&str, bool> =
        Reason::ALL.iter().map(|reason| (reason.name(), false)).collect();
    let mut texts = Vec::new();
    for folder in scan::FOLDERS {
        for path in scan::rust_files(&repository.join(folder)).expect("sources") {
            let file = path.strip_prefix(&repository).unwrap_or(&path).display().to_string();
            let text = std::fs::read_to_string(&path).expect("a source file");
            texts.push(test_text(&file, &text));
        }
    }
    for lab in crate::expectations::labs() {
        let text = std::fs::read_to_string(lab.lab.with_extension("expect.toml"));
        texts.push(text.unwrap_or_default());
    }
    for reason in Reason::ALL {
        // In a test's code: `Reason::NotGranted`; in a golden file: "not-granted".
        let (variant, quoted) = (format!("Reason::{reason:?}"), format!("\"{reason}\""));
        let is_there = |text: &String| text.contains(&variant) || text.contains(&quoted);
        if texts.iter().any(is_there) {
            reached.insert(reason.name(), true);
        }
    }
    let missing: Vec<_> =
        reached.iter().filter(|(_, there)| !**there).map(|(name, _)| *name).collect();
    assert!(missing.is_empty(), "no test reaches: {}", missing.join(", "));
}
