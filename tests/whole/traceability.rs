//! Every rule and lifecycle statement of edition 2020-12 has code that carries it and a test
//! that shows it; no id dangles.

use egress25_cli::commands::policy::scan::{self, SourcePlace};
use egress25_policy::{Edition, StatementKind};

use crate::program::repository;

fn places() -> Vec<SourcePlace> {
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
