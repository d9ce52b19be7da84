//! How a capture of a lab ends: whole, or not at all and said.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use egress25_skipped::skipped;

use crate::harness::{Lab, egress25, impossible, kill, said, scenario, wait_until};

const MX: &str = "mx.example.net:25";

/// Everything below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            all.extend(files(&entry.path()));
        }
        all.push(entry.path());
    }
    all
}

/// A capture that has begun: what it writes first is in the file.
fn begin(lab: &Lab, file: &Path) -> Child {
    let command = lab.command(&["capture", file.to_str().unwrap()]).spawn().unwrap();
    let written = || {
        let all = files(file.parent().unwrap());
        all.iter().any(|path| path.is_file() && path.metadata().is_ok_and(|found| found.len() > 0))
    };
    wait_until("the capture has begun", written);
    command
}

/// How many packets of `vm-web` a capture has.
fn packets(file: &Path) -> usize {
    let mut command = egress25();
    command.arg("replay").arg(file).arg("--inventory").arg(scenario("mail.inventory.toml"));
    let output = command.args(["--format", "ndjson"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).matches("\"machine\":\"vm-web\"").count()
}

#[test]
fn a_capture_onto_a_full_disk_ended_well_and_said_nothing() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    let disk = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=64k none $1; \
                  dd if=/dev/zero of=$1/fill bs=4k 2>/dev/null || true; \
                  code=0; $2 lab capture $1/out.pcapng --run-dir $3 || code=$?; \
                  echo ended with $code; ls -A $1";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-ec", script, "sh"]).arg(disk.path());
    command.arg(env!("CARGO_BIN_EXE_egress25")).arg(lab.folder.path());
    let output = command.output().unwrap();
    let text = said(&output);
    assert!(text.starts_with("ended with 1\nfill\n"), "{text}");
    assert!(text.contains("out.pcapng` cannot be written") && text.contains("No space"), "{text}");
    let complaints = lab.inspect()["lab"]["complaints"].to_string();
    assert!(complaints.contains("a capture has ended before its time"), "{complaints}");
}

#[test]
fn a_capture_that_is_interrupted_is_whole() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    for signal in ["INT", "TERM", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.pcapng");
        let mut capture = begin(&lab, &file);
        assert_eq!(lab.connect("vm-web", MX), "timeout");
        kill(signal, capture.id());
        assert_eq!(capture.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(files(folder.path()), std::slice::from_ref(&file), "{signal}");
        assert!(packets(&file) > 0, "{signal}");
    }
}

#[test]
fn a_capture_ends_with_its_lab_and_is_whole_if_the_lab_has_ended_well() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    for (ends_well, code) in [(true, 0), (false, 1)] {
        let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.pcapng");
        let mut capture = begin(&lab, &file);
        assert_eq!(lab.connect("vm-web", MX), "timeout");
        if ends_well {
            lab.print(&["down"]);
        } else {
            kill("KILL", lab.process("own"));
        }
        assert_eq!(capture.wait().unwrap().code(), Some(code));
        assert_eq!(files(folder.path()).len(), usize::from(ends_well));
        assert!(!ends_well || packets(&file) > 0);
    }
}

#[test]
fn a_capture_replaced_a_file_that_somebody_else_wrote() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    let file = lab.folder.path().join("letter");
    std::fs::write(&file, "mine").unwrap();
    let output = lab.output(&["capture", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn what_was_judged_before_was_shown_to_nobody_who_listens_later() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    assert_eq!(lab.connect("vm-web", MX), "timeout");
    wait_until("it is told", || lab.inspect()["lab"]["counts"][0].is_array());
    let words = ["events", "--since-start", "--count", "1", "--format", "ndjson"];
    let event: serde_json::Value = serde_json::from_str(&lab.print(&words)).unwrap();
    assert_eq!((&event["seq"], &event["machine"]), (&1.into(), &"vm-web".into()), "{event}");
}
