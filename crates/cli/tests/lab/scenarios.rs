//! The scenarios that are shipped, over every data path, and their verdict logs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use egress25_skipped::skipped;
use serde_json::Value;

use crate::harness::{egress25, impossible, possible, scenario};

fn run(name: &str, datapath: &str, more: &[&std::ffi::OsStr]) -> Output {
    egress25()
        .args(["lab", "run"])
        .arg(scenario(name))
        .args(["--datapath", datapath])
        .args(more)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Who, to where, which verdict, which reason, in order of the connections' first appearance.
/// A SYN that is sent again is one line: how often that happens is the kernel's timing. The kernel
/// may take one source port for two destinations, so a connection is told by both its ends.
fn essence(log: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        // A replay ends with a summary.
        if event.get("verdict").is_none() || event.get("kind").is_some_and(|kind| kind != "packet")
        {
            continue;
        }
        let connection = ["network", "source", "source_port", "destination", "destination_port"]
            .map(|field| event[field].to_string());
        if seen.insert(connection) {
            lines.push(
                ["network", "machine", "source", "destination", "verdict", "reason"]
                    .map(|field| event[field].as_str().unwrap_or("-").to_owned())
                    .join(" "),
            );
        }
    }
    lines
}

/// The verdicts of a replay of what was captured, in the same form.
fn replayed(capture: &Path, happened: &Path) -> Vec<String> {
    let output = egress25()
        .args(["replay"])
        .arg(capture)
        .arg("--inventory")
        .arg(scenario("mail.inventory.toml"))
        .arg("--events")
        .arg(happened)
        .args(["--format", "ndjson"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    essence(&String::from_utf8_lossy(&output.stdout))
}

/// Plays a scenario over every data path and compares the verdict logs.
fn equal_over_all(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut logs = Vec::new();
    for datapath in possible() {
        let verdicts = folder.path().join(format!("{datapath}.ndjson"));
        let capture = folder.path().join(format!("{datapath}.pcapng"));
        let happened = folder.path().join(format!("{datapath}.toml"));
        let more = [
            "--verdicts".as_ref(),
            verdicts.as_os_str(),
            "--capture".as_ref(),
            capture.as_os_str(),
            "--happened".as_ref(),
            happened.as_os_str(),
        ];
        let output = run(name, datapath, &more);
        assert_eq!(output.status.code(), Some(0), "{datapath}:\n{}", text(&output));
        let log = std::fs::read_to_string(&verdicts).unwrap();
        logs.push((datapath, essence(&log)));
        logs.push(("replay", replayed(&capture, &happened)));
    }
    for pair in logs.windows(2) {
        assert_eq!(pair[0].1, pair[1].1, "{} and {} differ", pair[0].0, pair[1].0);
    }
    if let Some((_, log)) = logs.first() {
        assert!(log.len() > 4, "the log is empty: {log:?}");
    }
}

#[test]
fn an_exemption_reaches_a_machine_at_its_next_start_over_every_data_path() {
    equal_over_all("exemption.toml");
}

#[test]
fn offers_and_routes_decide_alike_over_every_data_path() {
    equal_over_all("routes.toml");
}

#[test]
fn a_step_that_ends_otherwise_gives_exit_code_3_and_a_failure_in_the_report() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let lab = scenario("mail.inventory.toml");
    let file = folder.path().join("wrong.toml");
    let steps = "[[step]]\nconnect = { from = \"vm-ea\", to = \"mx.example.net:25\" }\n\
                 expect = \"timeout\"\n";
    std::fs::write(&file, format!("name = \"wrong\"\ninventory = \"{}\"\n{steps}", lab.display()))
        .unwrap();
    let junit = folder.path().join("junit.xml");
    let output =
        egress25().args(["lab", "run"]).arg(&file).arg("--junit").arg(&junit).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let report = std::fs::read_to_string(junit).unwrap();
    assert!(report.contains("failures=\"1\""), "{report}");
    assert!(report.contains("`timeout` was expected, and it was `open`"), "{report}");
}

#[test]
fn a_reason_was_taken_from_the_verdict_on_another_connection() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    let played = format!(
        "name = \"other\"\ninventory = \"{}\"\n\
         [[step]]\nconnect = {{ from = \"vm-web\", to = \"mx.example.net:25\" }}\n\
         expect = \"timeout\"\npatience = 0.05\n\
         [[step]]\nconnect = {{ from = \"vm-web\", to = \"relay.example.net:587\" }}\n\
         expect = \"open\"\nreason = \"not-granted\"\n",
        scenario("mail.inventory.toml").display()
    );
    std::fs::write(&path, played).unwrap();
    let output = egress25().args(["lab", "run"]).arg(&path).output().unwrap();
    let said = text(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("the reason `not-granted` was expected"), "{said}");
}
