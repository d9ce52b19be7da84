//! Who may use whom, and who may do what: the architecture's invariants.

use std::path::Path;

use egress25_cli::commands::policy::scan::rust_files;

use crate::program::repository;

fn manifest(name: &str) -> toml::Table {
    let path = repository().join("crates").join(name).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    toml::from_str(&text).expect("TOML")
}

/// The crates of ours that a crate uses.
fn uses(name: &str) -> Vec<String> {
    let manifest = manifest(name);
    let mut ours: Vec<_> = manifest
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().filter(|key| key.starts_with("egress25")).cloned().collect())
        .unwrap_or_default();
    ours.sort();
    ours
}

#[test]
fn the_crates_use_each_other_in_one_direction_only() {
    assert_eq!(uses("policy"), Vec::<String>::new());
    for name in ["packet-filter", "exemption-store"] {
        let used = uses(name);
        assert!(
            used.is_empty() || used == ["egress25-policy"],
            "{name} may use the policy alone, and uses {used:?}"
        );
    }
    if repository().join("crates/lab").is_dir() {
        let allowed = ["egress25-packet-filter", "egress25-policy"];
        let used = uses("lab");
        assert!(used.iter().all(|name| allowed.contains(&name.as_str())), "lab uses {used:?}");
    }
}

/// The code of a library without its comments and its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    let text = text.split_once("#[cfg(test)]").map_or(text.as_str(), |(code, _)| code);
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_command_line_prints_reads_the_clock_or_the_environment() {
    let forbidden = [
        "println!",
        "eprintln!",
        "print!(",
        "std::env::",
        "env::var",
        "env::args",
        "Timestamp::now",
        "Zoned::now",
        "SystemTime::now",
        "io::stdout",
        "io::stderr",
    ];
    for name in ["policy", "packet-filter", "exemption-store", "lab"] {
        let folder = repository().join("crates").join(name).join("src");
        for path in rust_files(&folder).expect("sources") {
            let code = code(&path);
            for word in forbidden {
                assert!(!code.contains(word), "{} has `{word}`", path.display());
            }
        }
    }
}

#[test]
fn the_policy_is_pure() {
    let folder = repository().join("crates/policy/src");
    for path in rust_files(&folder).expect("sources") {
        let code = code(&path);
        for word in ["std::fs", "std::net::Tcp", "std::thread", "async fn", "tokio", "unsafe"] {
            assert!(!code.contains(word), "{} has `{word}`", path.display());
        }
    }
}
