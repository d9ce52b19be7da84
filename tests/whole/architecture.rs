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

#[test]
fn the_table_of_unsafe_is_complete() {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("the text");
    let rows = text.lines().filter(|line| line.starts_with("| `") && line.contains(".rs` |"));
    let listed: BTreeSet<String> =
        rows.filter_map(|row| row.split('`').nth(1)).map(Into::into).collect();
    let all = ["crates", "benches"]
        .into_iter()
        .flat_map(|top| rust_files(&repository().join(top)).expect("sources"));
    let name = |file: PathBuf| {
        let below = file.strip_prefix(repository()).expect("a file of the repository");
        below.display().to_string()
    };
    let found: BTreeSet<String> = all.filter(|file| is_unsafe(file)).map(name).collect();
    assert_eq!(listed, found);
}
