//! The commands that need a lab: the store that `lab up` makes, what `lab run` writes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use egress25_skipped::skipped;

use super::{CrashCase, Way, command, fail_all, kill_all, run, scratch, tries, untraceable};

/// A command that leaves a lab, or ends with one.
const WAY: Way = Way {
    range: super::range,
    begin,
    // What the lab's own processes write is written by `store init`, too.
    trace: &[],
    end,
    clean,
    examine: super::examine,
    tries: 8,
};

pub(super) const CASES: &[CrashCase] = &[
    CrashCase {
        name: "lab up",
        line: "lab up inventory.toml --run-dir run --datapath none --store new.db",
        made: &["new.db"],
    },
    CrashCase {
        name: "lab run",
        line: "lab run scenario.toml --datapath none --junit report.xml --happened happened.toml \
               --verdicts verdicts.ndjson --capture judged.pcapng",
        made: &["report.xml", "happened.toml", "verdicts.ndjson", "judged.pcapng"],
    },
    CrashCase {
        name: "lab capture",
        line: "lab capture judged.pcapng --run-dir run",
        made: &["judged.pcapng"],
    },
    CrashCase { name: "lab vm", line: "lab vm restart spare --run-dir run", made: &["s.db"] },
    CrashCase {
        name: "lab event",
        line: "lab event exemption-asked other --run-dir run",
        made: &["s.db"],
    },
];

/// Those that ask a lab which runs already; it follows the store `s.db`.
const OF_A_LAB: &[&str] = &["lab capture ", "lab vm ", "lab event "];

/// What lets the machine of [`super::lab`] send again: three events, each a step.
const SCENARIO: &str = r#"name = "asked again"
inventory = "inventory.toml"
[[step]]
event = { kind = "exemption-asked", subscription = "shop" }
[[step]]
event = { kind = "exemption-granted", subscription = "shop" }
[[step]]
event = { kind = "exemption-revoked", subscription = "shop" }
"#;

/// Why no lab can be built here, if none can.
pub(super) fn impossible() -> Option<String> {
    let namespaces = Command::new("unshare").args(["-Urn", "true"]).output();
    if !namespaces.is_ok_and(|output| output.status.success()) {
        return Some("the kernel allows no user and network namespaces here".to_owned());
    }
    let folder = scratch();
    std::fs::write(folder.path().join("inventory.toml"), super::lab()).expect("written");
    let output = begin(folder.path(), CASES[0].line).output().expect("it runs");
    clean(folder.path());
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The command, with all that a lab leaves in a folder of the try's own.
fn begin(folder: &Path, line: &str) -> Command {
    std::fs::create_dir_all(folder.join("run")).expect("a folder");
    let scenario = folder.join("scenario.toml");
    std::fs::write(scenario, SCENARIO).expect("written");
    let mut asked = command(folder, line);
    if OF_A_LAB.iter().any(|of| line.starts_with(of)) {
        let up = "lab up inventory.toml --run-dir run --datapath none --store s.db";
        let output = command(folder, up).output().expect("it runs");
        assert!(output.status.success(), "{up}: {}", String::from_utf8_lossy(&output.stderr));
    }
    if line.starts_with("lab capture ") {
        // It goes on until it is told to end, and is found by the folder among its arguments.
        asked = until_told(&asked, folder);
    }
    asked.env("TMPDIR", folder.join("run"));
    asked
}

/// A command that is told to end once its output is begun, and ends with the code of its own. The draft
/// of one that was killed may be there before it catches SIGTERM.
fn until_told(inner: &Command, folder: &Path) -> Command {
    const SCRIPT: &str = "\"$@\" & told=$!
        catches() { grep -q '^SigCgt:.*[4-7c-f]...$' /proc/$told/status 2>/dev/null; }
        until catches && ls -d ./*.partial ./.*.partial 2>/dev/null | grep -q . || ! kill -0 $told; do
            sleep 0.01
        done
        sleep 0.05; kill -TERM $told; wait $told";
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh"]).arg(inner.get_program());
    let path = |word: &std::ffi::OsStr| match word == "run" {
        true => folder.join(word).into(),
        false => word.to_owned(),
    };
    command.args(inner.get_args().map(path)).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The processes of the labs of a try: their arguments name its folder.
fn processes(folder: &Path) -> Vec<u32> {
    let folder = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| {
            let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&folder)
        })
        .collect()
}

/// Kills the command and its lab, and waits until nothing of them is left.
fn end(folder: &Path, child: &mut Child) {
    let _ = child.kill();
    kill_labs(folder);
}

fn kill_labs(folder: &Path) {
    let begun = Instant::now();
    loop {
        let left: Vec<_> = processes(folder).iter().map(u32::to_string).collect();
        if left.is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "processes that do not end: {left:?}");
        // One may have ended by itself.
        let _ = Command::new("kill").arg("-9").args(&left).output();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn clean(folder: &Path) {
    // There may be no lab any more.
    let _ = command(folder, "lab down --run-dir run").output();
    kill_labs(folder);
}

/// What a lab writes is there whole or not at all.
fn look(case: &CrashCase, folder: &Path, done: bool, what: &str) {
    if case.made.contains(&"judged.pcapng") {
        look_at_the_capture(folder, done, what);
    }
    let event = match case.name {
        "lab vm" => "\"kind\":\"machine-restarted\",\"machine\":\"spare\"",
        "lab event" => "\"kind\":\"exemption-asked\",\"subscription\":\"other\"",
        "lab run" => return look_at_the_reports(folder, done, what),
        _ => return,
    };
    let log = run(folder, "store export - --store s.db");
    let is_there = String::from_utf8_lossy(&log.stdout).contains(event);
    assert!(!done || is_there, "{}, {what}: it was acknowledged and is not there", case.name);
}

fn look_at_the_capture(folder: &Path, done: bool, what: &str) {
    if !folder.join("judged.pcapng").exists() {
        assert!(!done, "{what}: judged.pcapng is missing");
        return;
    }
    let output = run(folder, "replay judged.pcapng --offer EA --format json --summary");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("\"complete\": true"), "{what}: judged.pcapng is cut: {said}");
}

fn look_at_the_reports(folder: &Path, done: bool, what: &str) {
    for (name, end) in [("report.xml", "</testsuite>\n"), ("happened.toml", "\"shop\"\n")] {
        let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
            assert!(!done, "{what}: {name} is missing");
            continue;
        };
        let steps = text.matches("<testcase").count() + text.matches("[[event]]").count();
        assert!(text.ends_with(end) && steps == 3, "{what}: {name} is cut: {text}");
    }
}

/// Brings a lab up with a store, and down again.
pub(super) fn takes(folder: &Path, store: &str) {
    let line = format!("lab up inventory.toml --run-dir run --datapath none --store {store}");
    let output = begin(folder, &line).output().expect("it runs");
    clean(folder);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    std::fs::remove_dir_all(folder.join("run")).expect("removed");
}

/// Lets a lab make a store, and write to it.
pub(super) fn wrote(folder: &Path, store: &str) {
    let line = format!("lab up inventory.toml --run-dir run --datapath none --store {store}");
    let output = begin(folder, &line).output().expect("it runs");
    let event = command(folder, "lab vm deallocate web --run-dir run").output().expect("it runs");
    clean(folder);
    for output in [output, event] {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
    }
    std::fs::remove_dir_all(folder.join("run")).expect("removed");
}

#[test]
fn labs_that_write_are_killed_at_any_moment() {
    if let Some(why) = impossible() {
        return skipped(why);
    }
    let tries = tries("EGRESS25_LAB_KILLS", WAY.tries);
    kill_all(&CASES[..2], &Way { tries, ..WAY }, look);
}

#[test]
fn what_a_running_lab_writes_for_who_is_killed_or_with_it_is_whole() {
    if let Some(why) = impossible() {
        return skipped(why);
    }
    let tries = tries("EGRESS25_LAB_KILLS", 3);
    kill_all(&CASES[2..], &Way { tries, ..WAY }, look);
}

#[test]
fn every_call_that_writes_a_scenarios_report_fails_once() {
    if let Some(why) = impossible().or(untraceable().map(str::to_owned)) {
        return skipped(why);
    }
    let tries = tries("EGRESS25_LAB_FAULTS", 6);
    fail_all(&CASES[1..2], &Way { tries, ..WAY }, look);
}
