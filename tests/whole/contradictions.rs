//! Descriptions that contradict the text, and what somebody types who tries to break the program.

use std::path::Path;

use serde_json::Value;

use crate::program::{egress25, failure, words};

fn inventory(folder: &Path, offer: &str, created: &str) -> String {
    let text = format!(
        r#"
[subscription.shop]
offer = "{offer}"
created = "{created}"
[network.hub]
address_space = ["10.0.0.0/16"]
[machine.web]
subscription = "shop"
network = "hub"
addresses = ["10.0.0.4"]
[[event]]
at = "2024-10-15T09:00:00Z"
kind = "exemption-asked"
subscription = "shop"
channel = "portal"
[[event]]
at = "2024-11-01T09:00:00Z"
kind = "exemption-granted"
subscription = "shop"
[[event]]
at = "2024-11-02T09:00:00Z"
kind = "machine-deallocated"
machine = "web"
[[event]]
at = "2024-11-02T10:00:00Z"
kind = "machine-started"
machine = "web"
"#
    );
    let path = folder.join(format!("{offer}.toml"));
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn decision(of: &str, edition: &str) -> Value {
    let line = format!(
        "check {of} --machine web --to 203.0.113.5 --at 2024-12-01 --edition {edition} \
         --format json"
    );
    let output = egress25(words(&line)).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {stderr}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    answer["decision"].clone()
}

#[test]
fn a_file_without_an_edition_had_a_history_of_2020_12_that_nobody_chose() {
    let folder = tempfile::tempdir().expect("a folder");
    for (offer, reason, cited) in
        [("pay-as-you-go", "offer-never-exempt", "BL2"), ("enterprise-dev-test", "exempt", "ED1")]
    {
        let file = inventory(folder.path(), offer, "2018-03-01");
        let store = folder.path().join(format!("{offer}.db")).display().to_string();
        let begin = format!("store init --inventory {file} --store {store} --edition in-force");
        assert_eq!(failure(&begin).0, 0, "{}", failure(&begin).1);
        let of_file = decision(&format!("--inventory {file}"), "in-force");
        assert_eq!(of_file["reason"], reason, "{of_file}");
        let statements = of_file["statements"].as_array().expect("statements");
        assert!(statements.contains(&Value::from(cited)), "{of_file}");
        let warned = of_file["warnings"].to_string().contains("contradicts the text");
        assert_eq!(warned, reason == "offer-never-exempt", "{of_file}");
        assert_eq!(of_file, decision(&format!("--store {store}"), "in-force"));
        assert_eq!(
            of_file["reason"],
            decision(&format!("--inventory {file}"), "by-date")["reason"]
        );
    }
}

#[test]
fn a_golden_file_of_a_replay_was_not_that_of_the_same_replay() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join("golden.ndjson");
    let replay = "replay --inventory fixtures/inventories/day-of-mail.toml \
                  fixtures/captures/day-of-mail.pcap --format ndjson";
    let of = |edition: &str, more: &[&str]| {
        let line = format!("{replay} --edition {edition}");
        egress25(words(&line).iter().chain(more)).output().expect("the program runs")
    };
    for edition in ["2022-11", "in-force", "by-date"] {
        let first = of(edition, &[]);
        assert!(first.status.success(), "{edition}: {}", String::from_utf8_lossy(&first.stderr));
        std::fs::write(&golden, &first.stdout).expect("written");
        let again = of(edition, &["--expect", golden.to_str().expect("a path")]);
        let stderr = String::from_utf8_lossy(&again.stderr);
        assert_eq!(again.status.code(), Some(0), "{edition}: {stderr}");
        let text = String::from_utf8_lossy(&first.stdout).replace("nsg-overview", "elsewhere");
        if text.as_bytes() != first.stdout {
            std::fs::write(&golden, text).expect("written");
            let other = of(edition, &["--expect", golden.to_str().expect("a path")]);
            assert_eq!(other.status.code(), Some(3), "{edition}");
        }
    }
}

#[test]
fn what_was_typed_did_something_to_the_terminal() {
    let bad = "x\u{1b}[31my";
    for line in [
        format!("check --to 203.0.113.5 --quota-id {bad}"),
        format!("check --to 203.0.113.5 --offer EA --set {bad}=yes"),
        format!("check --to 203.0.113.5 --offer EA --edition {bad}"),
        format!("check --to 203.0.113.5 --offer {bad}"),
        format!("explain {bad}"),
        format!("vm start {bad} --store {bad}.db"),
    ] {
        let (code, stderr) = failure(&line);
        assert_eq!(code, 2, "{line:?}: {stderr}");
        assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bad.toml");
    std::fs::write(&file, "edition = \"\\u001b[31m\"\n").expect("written");
    let (code, stderr) = failure(&format!("validate {}", file.display()));
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("\\u{1b}[31m") && !stderr.contains('\u{1b}'), "{stderr:?}");
}

#[test]
fn a_reading_of_new_machines_turned_the_answer_for_a_firewall() {
    for new_machines in ["yes", "no"] {
        let line = format!(
            "check --offer pay-as-you-go --created 2021-05-01 --exempt granted \
             --deployed-since-grant --edition 2022-11 --via azure-firewall --to 203.0.113.5 \
             --set new_vm_after_exemption={new_machines} --expect exempt"
        );
        assert_eq!(failure(&line).0, 0, "{new_machines}");
    }
}

//= DV2 type=test
#[test]
fn a_history_that_asks_for_what_is_never_granted_let_the_portal_grant_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = inventory(folder.path(), "msdn", "2018-03-01");
    let text = std::fs::read_to_string(&file).expect("a text");
    let (asked, _) = text.split_once("[[event]]\nat = \"2024-11-01").expect("a grant");
    std::fs::write(&file, asked).expect("written");
    let store = folder.path().join("msdn.db").display().to_string();
    assert_eq!(failure(&format!("store init --inventory {file} --store {store}")).0, 0);
    for verb in ["grant", "request"] {
        let (code, stderr) = failure(&format!("exemption {verb} shop --store {store}"));
        assert_eq!(code, 1, "{verb}: {stderr}");
        assert!(stderr.contains("names no way to an exemption for MSDN [DV2]"), "{verb}: {stderr}");
    }
}
