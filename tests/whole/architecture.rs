//! What ARCHITECTURE.md says of files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use egress25_cli::commands::policy::scan::rust_files;

use crate::program::repository;

/// The names of source files that stand in a text, in backticks.
fn named(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs")).collect()
}

#[test]
fn the_files_that_architecture_names_are_there() {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("the text");
    let missing: Vec<_> = named(&text)
        .into_iter()
        .filter(|name| name.contains('/') && !repository().join(name).is_file())
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn five_commands_had_their_arguments_in_a_file_of_another_name() {
    for command in egress25_cli::command().get_subcommands() {
        let file = format!("crates/cli/src/args/{}.rs", command.get_name());
        assert!(repository().join(&file).is_file(), "{file}");
    }
}

/// Whether a file's code has an unsafe block, function or implementation.
fn is_unsafe(file: &Path) -> bool {
    let text = std::fs::read_to_string(file).expect("a source file");
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(|line| line.split(|at: char| !at.is_alphanumeric() && at != '_'))
        .any(|word| word == "unsafe")
}

/// The files that a document has a row for each.
fn rows_of_files(document: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join(document)).expect("the text");
    let rows = text.lines().filter(|line| line.starts_with("| `") && line.contains(".rs` |"));
    rows.filter_map(|row| row.split('`').nth(1)).map(Into::into).collect()
}

#[test]
fn the_tables_of_unsafe_are_complete() {
    let all = ["crates", "benches"]
        .into_iter()
        .flat_map(|top| rust_files(&repository().join(top)).expect("sources"));
    let name = |file: PathBuf| {
        let below = file.strip_prefix(repository()).expect("a file of the repository");
        below.display().to_string()
    };
    let found: BTreeSet<String> = all.filter(|file| is_unsafe(file)).map(name).collect();
    for document in ["ARCHITECTURE.md", "docs/security.md"] {
        assert_eq!(rows_of_files(document), found, "{document}");
    }
}

/// The names of functions in the sources.
fn functions() -> BTreeSet<String> {
    let all = ["crates", "tests", "benches"]
        .into_iter()
        .flat_map(|top| rust_files(&repository().join(top)).expect("sources"));
    let mut names = BTreeSet::new();
    for file in all {
        let text = std::fs::read_to_string(file).expect("a source file");
        let begun = text.split("fn ").skip(1);
        let name = |rest: &str| {
            let end = rest.find(|at: char| !at.is_alphanumeric() && at != '_');
            rest.get(..end.unwrap_or(rest.len())).map(Into::into)
        };
        names.extend(begun.filter_map(name));
    }
    names
}

#[test]
fn the_tests_that_the_threat_model_names_are_there() {
    let text = std::fs::read_to_string(repository().join("docs/security.md")).expect("the text");
    let is_test = |name: &&str| {
        let of_a_name = |at: char| at.is_ascii_lowercase() || at.is_ascii_digit() || at == '_';
        name.chars().all(of_a_name) && name.matches('_').count() > 3
    };
    let named: BTreeSet<&str> = text.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 30, "{named:?}");
    let functions = functions();
    let missing: Vec<_> = named.into_iter().filter(|name| !functions.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
