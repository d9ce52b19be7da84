//! What the fuzzer has kept goes through the same functions as there.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking, outside of `#[test]` functions, too"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use egress25_any_input::TARGETS;

/// A corpus of fewer inputs than this is none.
const LEAST: usize = 10;

fn fuzz(below: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(below)
}

/// The files in a folder, in the order of their names.
fn files(below: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(fuzz(below)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Their names, without an ending.
fn names(below: &str) -> BTreeSet<String> {
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files(below).into_iter().map(name).collect()
}

/// Has a target try every input of its corpus.
fn holds_of_its_corpus(name: &str) {
    let (_, target) = TARGETS.iter().find(|(of, _)| *of == name).unwrap();
    let files = files(&format!("corpus/{name}"));
    assert!(files.len() >= LEAST, "{} inputs", files.len());
    for file in files {
        let input = fs::read(&file).unwrap();
        let held = std::panic::catch_unwind(|| target(&input));
        assert!(held.is_ok(), "{}", file.display());
    }
}

#[test]
fn frames_are_judged_alike_on_every_level() {
    holds_of_its_corpus("frame");
}

#[test]
fn captures_come_to_the_same_however_they_are_read() {
    holds_of_its_corpus("captures");
}

#[test]
fn inventories_are_judged_alike_by_table_and_reference() {
    holds_of_its_corpus("inventory");
}

#[test]
fn editions_answer_by_statements_that_they_have() {
    holds_of_its_corpus("edition");
}

#[test]
fn events_are_written_as_they_are_read_and_taken_back() {
    holds_of_its_corpus("events");
}

#[test]
fn stores_are_exported_as_they_were_imported() {
    holds_of_its_corpus("store");
}

#[test]
fn exports_of_azure_become_inventories() {
    holds_of_its_corpus("azure");
}

#[test]
fn flow_logs_are_the_same_in_pieces() {
    holds_of_its_corpus("flow-logs");
}

#[test]
fn mail_logs_lose_no_try() {
    holds_of_its_corpus("mail-logs");
}

#[test]
fn scenarios_are_refused_with_a_place_or_reported_as_xml() {
    holds_of_its_corpus("scenario");
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    let programs: BTreeSet<String> = targets.iter().map(|name| name.replace('-', "_")).collect();
    assert_eq!(names("fuzz_targets"), programs);
}
