//! How labs end: by whoever runs them, by signals, and with nothing left.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use egress25_skipped::skipped;
use serde_json::Value;

use crate::harness::{
    Lab, egress25, impossible, kill, processes, said, scenario, stop, wait_until,
};

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A scenario of which the second step does not end by itself.
pub(crate) fn endless(folder: &Path, step: &str) -> PathBuf {
    let lab = scenario("mail.inventory.toml");
    let text = format!(
        "name = \"endless\"\ninventory = \"{}\"\n\
         [[step]]\nconnect = {{ from = \"vm-ea\", to = \"mx.example.net:25\" }}\n\
         [[step]]\n{step}\n[[step]]\nwait = 1\n",
        lab.display()
    );
    let file = folder.join("endless.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// Starts to play it, with `work` as the folder for temporary files.
pub(crate) fn start(file: &Path, work: &Path, junit: &Path) -> Child {
    let mut command = egress25();
    command.args(["lab", "run"]).arg(file).arg("--junit").arg(junit).env("TMPDIR", work);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the first step has been played.
pub(crate) fn wait_for_the_second_step(child: &mut Child) {
    let mut line = String::new();
    let mut out = std::io::BufReader::new(child.stdout.as_mut().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert!(line.starts_with("ok"), "{line}");
    // Enough for the next step to be under way; before it is, the outcome is the same.
    std::thread::sleep(Duration::from_millis(300));
}

const STEPS: [&str; 4] = [
    "wait = 3000",
    "exec = { on = \"vm-ea\", command = [\"sleep\", \"3000\"] }\ntimeout = 3000",
    "connect = { from = \"vm-web\", to = \"mx.example.net:25\" }\nexpect = \"timeout\"\n\
     patience = 3000",
    "wait = 3000",
];

#[test]
fn a_run_that_a_signal_ended_left_its_lab_and_no_report() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    for (signal, step) in ["INT", "TERM", "HUP", "KILL"].into_iter().zip(STEPS) {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        std::fs::create_dir(&work).unwrap();
        let junit = folder.path().join("junit.xml");
        let mut child = start(&endless(folder.path(), step), &work, &junit);
        wait_for_the_second_step(&mut child);
        kill(signal, child.id());
        let output = child.wait_with_output().unwrap();
        if signal == "KILL" {
            wait_until("its processes have ended", || processes(&work).is_empty());
            wait_until("its folders have gone", || names(&work).is_empty());
            continue;
        }
        assert_eq!(output.status.code(), Some(1), "{signal}: {}", said(&output));
        assert_eq!(processes(&work), [0_u32; 0], "{signal}");
        assert_eq!(names(&work), [""; 0], "{signal}");
        let report = std::fs::read_to_string(&junit).unwrap();
        let counts = "tests=\"3\" failures=\"0\" errors=\"1\" skipped=\"1\"";
        assert!(report.contains(counts), "{signal}: {report}");
        assert!(report.contains(&format!("ended by SIG{signal}")), "{report}");
    }
}

/// A pipe that nobody writes to, from which a lab waits to be read.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn a_run_that_is_ended_while_its_lab_comes_up_has_a_report() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let file = endless(folder.path(), "wait = 3000");
    let junit = folder.path().join("junit.xml");
    let child = start(&file, &work, &junit);
    // The third process of the lab, which stops before the lab is up.
    wait_until("the lab comes up", || processes(&work).len() == 3);
    for pid in processes(&work) {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        if String::from_utf8_lossy(&line).contains("--stage\0own") {
            stop(pid);
        }
    }
    kill("TERM", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("ended by SIGTERM while the lab came up"), "{}", said(&output));
    assert_eq!((processes(&work), names(&work)), (vec![], vec![]));
    let report = std::fs::read_to_string(&junit).unwrap();
    assert!(report.contains("errors=\"1\" skipped=\"2\""), "{report}");
}

#[test]
fn a_lab_whose_up_was_killed_came_up_told_to_nobody() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = pipe(folder.path());
    for signal in ["KILL", "INT", "TERM", "HUP"] {
        let mut up = egress25();
        up.args(["lab", "up", "--run-dir"]).arg(folder.path()).arg("--hosts").arg(&hosts);
        let mut up = up.arg(scenario("mail.inventory.toml")).spawn().unwrap();
        wait_until("its processes have started", || processes(folder.path()).len() == 4);
        kill(signal, up.id());
        up.wait().unwrap();
        wait_until("they have ended", || processes(folder.path()).is_empty());
        wait_until("its folder has gone", || names(folder.path()) == ["pipe"]);
    }
}

#[test]
fn down_came_back_before_the_lab_had_gone_and_up_failed() {
    for datapath in crate::harness::possible() {
        let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        for _ in 0..4 {
            lab.print(&["down"]);
            assert_eq!(processes(lab.folder.path()), [0_u32; 0], "{datapath}");
            assert_eq!(names(lab.folder.path()), [""; 0], "{datapath}");
            let file = scenario("mail.inventory.toml").display().to_string();
            lab.print(&["up", &file, "--datapath", datapath]);
        }
    }
}

#[test]
fn down_waited_for_the_end_of_the_lab_that_came_up_after_its_own() {
    if let Some(why) = impossible("none") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let lab = |verb: &str| {
        let mut command = egress25();
        command.args(["lab", verb, "--run-dir"]).arg(folder.path());
        command
    };
    let up = || {
        let mut up = lab("up");
        let of = scenario("mail.inventory.toml");
        up.args(["--datapath", "none"]).arg(of).stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(up());
    for _ in 0..6 {
        let mut down = lab("down").stderr(Stdio::piped()).spawn().unwrap();
        wait_until("the next one is up", up);
        let code = down.wait().unwrap().code();
        let mut why = String::new();
        down.stderr.take().unwrap().read_to_string(&mut why).unwrap();
        assert_eq!(code, Some(0), "{why}");
    }
    assert!(lab("down").status().unwrap().success());
    assert_eq!((processes(folder.path()), names(folder.path())), (vec![], vec![]));
}

#[test]
fn labs_that_run_and_what_dead_ones_left_were_listed_nowhere() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    let file = scenario("mail.inventory.toml").display().to_string();
    let list = || {
        let text = lab.print(&["ls", "--format", "json"]);
        let list: Value = serde_json::from_str(&text).unwrap();
        list["labs"].as_array().unwrap().clone()
    };
    let owner = lab.process("own");
    lab.print(&["up", &file, "--name", "other"]);
    // Not a lab's.
    std::fs::create_dir(lab.folder.path().join("mine")).unwrap();
    let rows = list();
    let said = |row: &Value| [row["name"].clone(), row["state"].clone(), row["datapath"].clone()];
    assert_eq!(said(&rows[0]), ["default", "running", "none"]);
    assert_eq!(said(&rows[1]), ["other", "running", "nft"]);
    assert_eq!((rows.len(), rows[0]["machines"].as_u64()), (2, Some(8)), "{rows:?}");
    assert_eq!(rows[0]["pid"].as_u64(), Some(u64::from(owner)));
    rows[0]["since"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let table = lab.print(&["ls", "--format", "csv"]);
    assert!(table.starts_with("name,state,data path,since,pid,machines,folder\n"), "{table}");
    kill("KILL", owner);
    wait_until("it is a dead one's", || list()[0]["state"] == "left-over");
    lab.print(&["down"]);
    let rows = list();
    assert_eq!((rows.len(), &rows[0]["name"]), (1, &Value::from("other")), "{rows:?}");
    lab.print(&["down", "--name", "other"]);
    assert!(list().is_empty());
    assert_eq!(lab.output(&["down"]).status.code(), Some(1), "there is no lab");
}

/// How many programs of this machine have some words for arguments.
pub(crate) fn running(words: &str) -> usize {
    let line = format!("{}\0", words.replace(' ', "\0"));
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|found| found == line.as_bytes()).count()
}

#[test]
fn a_program_that_does_not_end_held_a_scenario_for_ever() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let program = "[\"sh\", \"-c\", \"sleep 3111 & sleep 3111\"]";
    let step = format!("exec = {{ on = \"vm-ea\", command = {program} }}\ntimeout = 1");
    let file = endless(folder.path(), &step);
    let output = egress25().args(["lab", "run"]).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("it was `timeout`"), "{}", said(&output));
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    let command = ["--", "sh", "-c", "sleep 3112 & sleep 3112"];
    let words = [&["exec", "vm-web", "--timeout", "1"], &command[..]].concat();
    assert_eq!(lab.output(&words).status.code(), Some(124));
    wait_until("both have ended", || running("sleep 3112") == 0);
    let in_time = lab.output(&["exec", "vm-web", "--timeout", "60", "--", "sh", "-c", "exit 7"]);
    assert_eq!(in_time.status.code(), Some(7));
}

#[test]
fn a_program_that_a_signal_ended_ended_with_125_without_a_word() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    for (command, code, word) in [
        (&["sh", "-c", "kill -KILL $$"][..], 137, "ended by signal 9"),
        (&["sh", "-c", "kill -TERM $$"], 143, "ended by signal 15"),
        (&["no-such-program"], 127, "`no-such-program` cannot be run"),
        (&["/etc/passwd"], 126, "`/etc/passwd` cannot be run"),
        (&["sh", "-c", "exit 7"], 7, ""),
    ] {
        let output = lab.exec("vm-web", command);
        assert_eq!(output.status.code(), Some(code), "{command:?}: {}", said(&output));
        assert!(said(&output).contains(word), "{command:?}: {}", said(&output));
    }
}

#[test]
fn a_lab_held_what_its_caller_had_left_open() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let leaked = tempfile::NamedTempFile::new().unwrap();
    let line = "exec 9<$1; shift; exec \"$@\"";
    // Comes up by the harness, then once more from a shell that has the file open.
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    lab.print(&["down"]);
    let mut up = Command::new("sh");
    up.args(["-c", line, "sh"]).arg(leaked.path()).arg(env!("CARGO_BIN_EXE_egress25"));
    up.args(["lab", "up", "--datapath", "none", "--run-dir"]).arg(lab.folder.path());
    let output = up.arg(scenario("mail.inventory.toml")).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for stage in ["leave", "attend", "own"] {
        let open = std::fs::read_dir(format!("/proc/{}/fd", lab.process(stage))).unwrap().flatten();
        let mut open = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        assert!(!open.any(|path| path == leaked.path()), "{stage}");
    }
}
