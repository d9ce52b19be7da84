//! No command is left out: it stands in a table of those that write, or it writes nothing, which is
//! tried.

use std::collections::BTreeSet;

use clap::Command;
use clap::builder::ValueParser;

use super::{CASES, CrashCase, copied, files, labs, names, prepared, records, run};
use crate::program::repository;

/// Commands that write nothing, as they are tried; `REPOSITORY` is this one.
const NOTHING: &[&str] = &[
    "check --machine web --to 203.0.113.5 --store s.db",
    "flows REPOSITORY/fixtures/flow-logs/PT1H.json --offer EA",
    "diagnose REPOSITORY/fixtures/mail-logs/postfix/blocked.log",
    "explain not-granted",
    "matrix",
    "policy list",
    "policy show",
    "policy diff 2020-12 2023-12",
    "policy trace",
    "export nft inventory.toml --network net",
    "export iptables inventory.toml --network net",
    "exemption list --store s.db",
    "exemption show shop --store s.db",
    "vm list --store s.db",
    "firewall list --store s.db",
    "subscription list --store s.db",
    "log --store s.db",
    "store verify --store s.db",
    "validate inventory.toml",
    "graph inventory.toml",
    "schema inventory",
    "completions bash",
    "lab graph inventory.toml",
    "lab ls --run-dir .",
];

/// Commands that ask a lab that runs, and write nothing themselves.
const OF_A_LAB: &[&str] =
    &["lab down", "lab inspect", "lab exec", "lab events", "lab connect", "lab crash"];

/// Commands whose writing other tests end: where these stand, and their names.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    // Its file is one for the time being.
    ("bench", "tests/whole/signals.rs", "what_a_killed_bench_left_stayed_for_good"),
    // It writes rules into the kernel, and no file.
    (
        "filter",
        "crates/cli/tests/lab/standalone.rs",
        "an_interface_of_a_container_network_is_filtered_and_stays_so",
    ),
];

/// Arguments that are files or folders which are read, followed, or those of a lab, by their ids;
/// behind a command where it is that one's alone.
const READ: &[&str] = &[
    "inventory",
    "events",
    "hosts",
    "expect",
    "expect_connections",
    "store",
    "store verify: path",
    "run_dir",
    "files",
    "logs",
    "paths",
    "bench: capture",
];

fn cases() -> impl Iterator<Item = &'static CrashCase> {
    [CASES, files::CASES, labs::CASES, records::CASES].into_iter().flatten()
}

/// The commands that have none below them, with their definitions.
fn commands() -> Vec<(String, Command)> {
    fn walk(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        let below = || command.get_subcommands().filter(|below| below.get_name() != "help");
        if below().next().is_none() {
            found.push((path.trim().to_owned(), command.clone()));
        }
        for command in below() {
            walk(command, &format!("{path} {}", command.get_name()), found);
        }
    }
    let mut found = Vec::new();
    walk(&egress25_cli::command(), "", &mut found);
    found
}

/// Whether a line is one of a command.
fn is_of(line: &str, command: &str) -> bool {
    line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[test]
fn a_command_was_in_no_table_of_what_writes() {
    for (command, _) in commands() {
        let tables = [
            cases().any(|case| is_of(case.line, &command)),
            NOTHING.iter().any(|line| is_of(line, &command)),
            OF_A_LAB.contains(&&*command),
            ELSEWHERE.iter().any(|(elsewhere, ..)| *elsewhere == command),
        ];
        let tables = tables.iter().filter(|is_in| **is_in).count();
        assert_eq!(
            tables, 1,
            "`{command}` is in {tables} tables of the commands that write or not"
        );
    }
    for (command, file, test) in ELSEWHERE {
        let text = std::fs::read_to_string(repository().join(file)).expect("the tests");
        assert!(text.contains(&format!("fn {test}()")), "{command}: {file} has no {test}");
    }
}

#[test]
fn a_flag_that_writes_was_in_no_case() {
    let path = ValueParser::path_buf();
    let mut unknown = BTreeSet::new();
    for (command, definition) in commands() {
        for arg in definition.get_arguments() {
            let id = arg.get_id().as_str();
            let name = format!("{command}: {id}");
            let is_read = READ.contains(&id) || READ.contains(&&*name);
            if arg.get_value_parser().type_id() != path.type_id() || is_read {
                continue;
            }
            let flag = arg.get_long().map(|long| format!(" --{long} "));
            let is_tried = cases().any(|case| {
                is_of(case.line, &command)
                    && flag.as_ref().is_none_or(|flag| case.line.contains(flag))
            });
            if !is_tried {
                unknown.insert(name);
            }
        }
    }
    assert!(unknown.is_empty(), "neither read nor written by a case: {unknown:#?}");
}

#[test]
fn a_command_that_writes_nothing_left_something() {
    let pristine = prepared();
    let before = copied(pristine.path());
    let is_of_a_store = |name: &String| ["-wal", "-shm"].iter().any(|end| name.ends_with(end));
    for line in NOTHING {
        let output =
            run(pristine.path(), &line.replace("REPOSITORY", &repository().display().to_string()));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
        let found = names(pristine.path());
        let found: BTreeSet<_> = found.into_iter().filter(|name| !is_of_a_store(name)).collect();
        let right = names(before.path());
        let right: BTreeSet<_> = right.into_iter().filter(|name| !is_of_a_store(name)).collect();
        assert_eq!(found, right, "{line}");
        for name in found {
            let read = |folder: &std::path::Path| std::fs::read(folder.join(&name)).ok();
            assert!(read(pristine.path()) == read(before.path()), "{line}: {name} has changed");
        }
    }
}
