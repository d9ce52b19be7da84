//! Who may use whom, as cargo has it. Who may do what (print, read the clock, the environment or a
//! file) is clippy's to say: `clippy.toml` here and in `crates/policy`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::program::repository;

/// What each package may use of ours, dependencies of tests and build scripts apart.
const MAY_USE: &[(&str, &[&str])] = &[
    ("egress25-policy", &[]),
    ("egress25-packet-filter", &["egress25-policy"]),
    ("egress25-azure", &["egress25-policy"]),
    ("egress25-exemption-store", &["egress25-policy"]),
    ("egress25-evidence", &["egress25-packet-filter", "egress25-policy"]),
    ("egress25-lab", &["egress25-packet-filter", "egress25-policy"]),
    (
        "egress25",
        &[
            "egress25-evidence",
            "egress25-azure",
            "egress25-exemption-store",
            "egress25-lab",
            "egress25-packet-filter",
            "egress25-policy",
        ],
    ),
    ("egress25-benches", &["egress25-packet-filter", "egress25-policy"]),
    ("egress25-fixtures", &["egress25-packet-filter"]),
    ("egress25-skipped", &[]),
    (
        "egress25-any-input",
        &[
            "egress25-azure",
            "egress25-evidence",
            "egress25-exemption-store",
            "egress25-lab",
            "egress25-packet-filter",
            "egress25-policy",
            "egress25-skipped",
        ],
    ),
    ("egress25-tests", &[]),
];

/// The packages of the workspace, with those of ours that each uses and what for; `null` is for the
/// package itself.
fn packages() -> BTreeMap<String, Vec<(String, Value)>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = cargo.current_dir(repository()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let name = |of: &Value| of["name"].as_str().expect("a name").to_owned();
    let list = |of: &Value| of.as_array().expect("a list").clone();
    let uses = |package: &Value| {
        let ours = list(&package["dependencies"]).into_iter().filter(|one| one["path"].is_string());
        ours.map(|one| (name(&one), one["kind"].clone())).collect()
    };
    list(&metadata["packages"]).iter().map(|package| (name(package), uses(package))).collect()
}

#[test]
fn the_packages_use_each_other_in_one_direction_only() {
    let packages = packages();
    assert_eq!(packages.len(), MAY_USE.len(), "{:?}", packages.keys());
    for (package, may_use) in MAY_USE {
        for (used, kind) in &packages[*package] {
            let is_fine = !kind.is_null() || may_use.contains(&used.as_str());
            assert!(is_fine, "`{package}` may not use `{used}`");
        }
    }
}

#[test]
fn no_package_comes_back_to_itself_not_even_by_what_its_tests_use() {
    let packages = packages();
    for package in packages.keys() {
        let (mut reached, mut next) = (BTreeSet::new(), vec![package]);
        while let Some(from) = next.pop() {
            for (used, _) in &packages[from] {
                assert!(used != package, "`{package}` comes back to itself by `{from}`");
                if reached.insert(used) {
                    next.push(used);
                }
            }
        }
    }
}
