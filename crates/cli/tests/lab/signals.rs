//! What signals leave of the commands around a lab, and what the next run finds of it.

use std::process::{Command, Stdio};

use egress25_skipped::skipped;

use crate::ends::{endless, names, running, start, wait_for_the_second_step};
use crate::harness::{
    Lab, egress25, impossible, kill, processes, said, scenario, stop, wait_until,
};

#[test]
fn a_program_went_on_when_lab_exec_was_told_to_end() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut exec = lab.command(&["exec", "vm-web", "--", "sleep", "3121"]);
        // With a terminal Ctrl-C comes to both.
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(exec.get_program()).args(exec.get_args());
        exec = command;
        exec.stdin(Stdio::null()).stderr(Stdio::piped());
        let child = exec.spawn().unwrap();
        wait_until("it runs", || running("sleep 3121") == 1);
        let words = [lab.folder.path().display().to_string(), "3121".to_owned()];
        let of_exec = processes(lab.folder.path()).into_iter().find(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.contains("exec")
                && !line.contains("setsid")
                && words.iter().all(|w| line.contains(w))
        });
        kill(signal, of_exec.unwrap());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{signal}: {}", said(&output));
        assert_eq!(running("sleep 3121"), 0, "{signal}");
    }
}

/// Nobody can hand on a SIGKILL: the docs say that the program goes on until the lab goes down.
#[test]
fn what_a_killed_lab_exec_leaves_ends_with_the_lab() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    let mut exec = lab.command(&["exec", "vm-web", "--", "sleep", "3122"]).spawn().unwrap();
    wait_until("it runs", || running("sleep 3122") == 1);
    exec.kill().unwrap();
    exec.wait().unwrap();
    assert_eq!(running("sleep 3122"), 1);
    lab.print(&["down"]);
    assert_eq!(running("sleep 3122"), 0);
}

#[test]
fn what_a_killed_capture_left_stayed_for_good() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    let out = tempfile::tempdir().unwrap();
    let begin = || {
        let mut command = lab.command(&["capture"]);
        command.arg(out.path().join("c.pcapng")).stderr(Stdio::null()).spawn().unwrap()
    };
    let left = |name: &String| name.ends_with(".partial");
    let mut capture = begin();
    wait_until("it has begun", || names(out.path()).iter().any(left));
    capture.kill().unwrap();
    capture.wait().unwrap();
    let before = names(out.path());
    assert_eq!(before.len(), 1, "{before:?}");
    let mut capture = begin();
    wait_until("another has begun, alone", || {
        let now = names(out.path());
        now.len() == 1 && now != before
    });
    // Before the lab has the file, the signal leaves nothing; then it is whole.
    kill("TERM", capture.id());
    capture.wait().unwrap();
    let now = names(out.path());
    assert!(now.is_empty() || now == ["c.pcapng"], "{now:?}");
}

#[test]
fn what_a_run_left_that_was_killed_with_all_of_its_lab_stayed_for_good() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let junit = folder.path().join("junit.xml");
    let mut run = start(&endless(folder.path(), "wait = 3000"), &work, &junit);
    wait_for_the_second_step(&mut run);
    let all: Vec<u32> = processes(&work).into_iter().chain([run.id()]).collect();
    all.iter().for_each(|pid| stop(*pid));
    for pid in &all {
        // One that has ended with another is as it is to be.
        let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
    }
    run.wait().unwrap();
    wait_until("they have ended", || processes(&work).is_empty());
    // One that is dying has no arguments any more, and its last thread still has its locks.
    let is_free = |path: &std::path::Path| {
        std::fs::File::open(path).is_ok_and(|file| file.try_lock().is_ok())
    };
    wait_until("nobody has their locks", || {
        names(&work).iter().all(|name| {
            let log = work.join(name).join("scenario").join("log");
            is_free(&work.join(name)) && (!log.exists() || is_free(&log))
        })
    });
    let left = names(&work);
    assert_eq!(left.len(), 2, "{left:?}");
    // Another run that lives keeps what it has.
    let mut other = start(&endless(folder.path(), "wait = 3001"), &work, &folder.path().join("j2"));
    wait_for_the_second_step(&mut other);
    let now = names(&work);
    assert!(now.len() == 2 && now.iter().all(|name| !left.contains(name)), "{left:?} {now:?}");
    let mut third = start(&endless(folder.path(), "wait = 3002"), &work, &folder.path().join("j3"));
    wait_for_the_second_step(&mut third);
    assert_eq!(names(&work).len(), 4);
    for run in [other, third] {
        kill("TERM", run.id());
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    }
    assert_eq!(names(&work), [""; 0]);
}

#[test]
fn down_left_the_empty_folder_around_the_labs() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let lab = |words: &[&str]| {
        let mut command = egress25();
        command.arg("lab").args(words).env("XDG_RUNTIME_DIR", folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", said(&output));
    };
    let inventory = scenario("mail.inventory.toml").display().to_string();
    lab(&["up", &inventory, "--datapath", "none"]);
    lab(&["up", &inventory, "--datapath", "none", "--name", "other"]);
    lab(&["down"]);
    assert_eq!(names(&folder.path().join("egress25")), ["other"]);
    lab(&["down", "--name", "other"]);
    assert_eq!(names(folder.path()), [""; 0]);
}
