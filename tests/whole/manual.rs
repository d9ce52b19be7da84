//! Help, manual pages and completions: complete, and with examples.

use clap::Command;

use crate::program::{egress25, stdout};

fn commands() -> Vec<Vec<String>> {
    fn walk(command: &Command, path: &[String], found: &mut Vec<Vec<String>>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let mut path = path.to_vec();
            path.push(sub.get_name().to_owned());
            found.push(path.clone());
            walk(sub, &path, found);
        }
    }
    let mut found = Vec::new();
    walk(&egress25_cli::command(), &[], &mut found);
    found
}

#[test]
fn the_definition_of_the_arguments_holds_together() {
    egress25_cli::command().debug_assert();
}

#[test]
fn every_flag_has_help_and_an_environment_variable() {
    fn walk(command: &Command, prefix: &str) {
        for arg in command.get_arguments() {
            let name = arg.get_id();
            if ["help", "version"].contains(&name.as_str()) {
                continue;
            }
            assert!(arg.get_help().is_some(), "{}: {name} has no help", command.get_name());
            if let Some(long) = arg.get_long() {
                let variable = format!("{prefix}_{}", long.replace('-', "_").to_uppercase());
                let found = arg.get_env().map(|name| name.to_string_lossy().into_owned());
                assert_eq!(found, Some(variable), "{}", command.get_name());
            }
        }
        for below in command.get_subcommands() {
            let name = below.get_name().replace('-', "_").to_uppercase();
            walk(below, &format!("{prefix}_{name}"));
        }
    }
    walk(&egress25_cli::command(), "EGRESS25");
}

#[test]
fn a_variable_reached_the_processes_of_a_lab_and_removed_any_folder() {
    fn walk(command: &Command) {
        assert!(!command.is_hide_set(), "{} is hidden and has variables", command.get_name());
        command.get_subcommands().for_each(walk);
    }
    walk(&egress25_cli::command());
    let folder = tempfile::tempdir().expect("a folder");
    let victim = folder.path().join("victim");
    std::fs::create_dir(&victim).expect("made");
    let run_dir = folder.path().join("run").display().to_string();
    for line in [["lab", "up", "no-such-file.toml"], ["lab", "own", "no-such-file.toml"]] {
        let mut command = egress25(line);
        command.args(["--run-dir", &run_dir]).env("EGRESS25_LAB_OWN_REMOVE", &victim);
        command.env("EGRESS25_LAB_OWN_FOLDER", &run_dir);
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{line:?}: {said}");
        assert!(victim.exists(), "{line:?}: {said}");
    }
    for line in ["man", "lab --help", "completions bash", "completions zsh"] {
        assert!(!stdout(line).contains("LAB_OWN") && !stdout(line).contains("lab-own"), "{line}");
    }
    assert!(!stdout("completions bash").contains("lab,own"));
}

#[test]
fn the_help_said_of_all_commands_that_they_change_nothing() {
    let help = stdout("--help");
    for part in ["only reports", "`filter` puts rules in force", "needs no Azure account"] {
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn every_command_has_help_that_says_what_it_does() {
    for path in commands() {
        let line = format!("{} --help", path.join(" "));
        let text = stdout(&line);
        assert!(text.contains("Usage: egress25"), "{line}");
        // Groups list their commands; the two others take nothing that needs an example.
        let plain = ["policy list", "policy trace"].contains(&path.join(" ").as_str());
        let group = text.contains("Commands:");
        assert!(text.contains("Examples:") || plain || group, "{line} has no examples");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display().to_string();
    egress25(["man", "--dir", &path]).assert().success();
    for command in commands() {
        let page = folder.path().join(format!("egress25-{}.1", command.join("-")));
        let text = std::fs::read_to_string(&page);
        let text = text.unwrap_or_else(|_| panic!("{} is missing", page.display()));
        assert!(text.contains(".TH"), "{}", page.display());
    }
    let page = stdout("man");
    assert!(page.contains("EGRESS25_"), "the environment is in the manual page");
}

#[test]
fn there_are_completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&format!("completions {shell}"));
        assert!(script.contains("validate"), "{shell}");
    }
}
