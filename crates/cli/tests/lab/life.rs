//! How a lab comes up, goes down, and dies.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use egress25_exemption_store::{Expected, NewEntry, SqliteLog, SqliteOptions, Store};
use egress25_policy::Event;
use serde_json::json;

use crate::harness::{DATAPATHS, Lab, impossible, is_root, scenario, skip};

/// The processes whose arguments name a folder: the owner of its lab and what it started.
fn processes(folder: &Path) -> Vec<u32> {
    let folder = folder.display().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
        })
        .collect()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_stays_behind_when_the_owner_is_killed() {
    if let Some(why) = impossible("nft") {
        return skip(&why);
    }
    let mut lab = Lab::up(&scenario("mail.lab.toml"), "nft", &[]);
    let folder = lab.folder.path().to_owned();
    // A program in a machine, which has to die too.
    let mut sleep = lab.command(&["exec", "vm-web", "--", "sleep", "600"]);
    sleep.env("MARK", "1");
    lab.start(sleep);
    wait_until("the program runs", || lab.exec("vm-web", &["true"]).status.success());
    let owners: Vec<u32> = processes(&folder)
        .into_iter()
        .filter(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.contains("--settled"))
        })
        .collect();
    assert_eq!(owners.len(), 1, "one process owns the lab");
    let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let space = namespace(owners[0]);
    let inside = || -> Vec<u32> {
        std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| namespace(*pid) == space && space.is_some())
            .collect()
    };
    assert!(inside().len() >= 2, "the owner and the program share a process namespace");
    let killed = Command::new("kill").args(["-9", &owners[0].to_string()]).status().unwrap();
    assert!(killed.success());
    wait_until("every process of the lab has ended", || {
        inside().is_empty() && !processes(&folder).iter().any(|pid| owners.contains(pid))
    });
    let output = lab.output(&["inspect"]);
    assert_eq!(output.status.code(), Some(1));
    // The same folder serves again.
    let again = lab.command(&["up"]).arg(scenario("mail.lab.toml")).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn syns_stay_dropped_when_the_filter_dies() {
    for datapath in ["nfqueue", "afpacket"] {
        if let Some(why) = impossible(datapath) {
            skip(&why);
            continue;
        }
        let lab = Lab::up(&scenario("mail.lab.toml"), datapath, &[]);
        assert_eq!(lab.connect("vm-ea", "mx.example.net:25"), "open", "{datapath}");
        lab.print(&["crash"]);
        assert_eq!(lab.connect("vm-ea", "mx.example.net:25"), "timeout", "{datapath}");
        assert_eq!(lab.connect("vm-web", "mx.example.net:25"), "timeout", "{datapath}");
        if datapath == "nfqueue" {
            // Only SYNs to port 25 need the filter.
            assert_eq!(lab.connect("vm-ea", "relay.example.net:587"), "open");
        }
    }
}

#[test]
fn a_user_without_privileges_has_a_lab() {
    if let Some(why) = impossible("nft") {
        return skip(&why);
    }
    if !is_root() {
        return skip("not root, so the other tests show it already");
    }
    let folder = tempfile::tempdir().unwrap();
    let chown = Command::new("chown").arg("65534").arg(folder.path()).status().unwrap();
    assert!(chown.success());
    // The program may lie where another user cannot read.
    let program = folder.path().join("egress25");
    std::fs::copy(env!("CARGO_BIN_EXE_egress25"), &program).unwrap();
    let lab = folder.path().join("lab.toml");
    std::fs::copy(scenario("mail.lab.toml"), &lab).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(["lab", words[0], "--run-dir"])
            .arg(folder.path().join("run"))
            .args(&words[1..])
            .current_dir(folder.path());
        command.output().unwrap()
    };
    for datapath in DATAPATHS {
        if let Some(why) = impossible(datapath) {
            skip(&why);
            continue;
        }
        let up = run(&["up", "lab.toml", "--datapath", datapath]);
        assert!(up.status.success(), "{datapath}: {}", String::from_utf8_lossy(&up.stderr));
        let say = |words: &[&str]| {
            let output = run(words);
            format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        };
        let blocked = say(&["connect", "vm-web", "mx.example.net:25", "--patience", "2"]);
        let open = say(&["connect", "vm-ea", "mx.example.net:25"]);
        let inside = say(&["exec", "vm-web", "--", "hostname"]);
        let down = run(&["down"]);
        assert_eq!(blocked.trim(), "timeout", "{datapath}");
        assert_eq!(open.trim(), "open", "{datapath}");
        assert_eq!(inside.trim(), "vm-web", "{datapath}");
        assert!(down.status.success());
    }
}

#[test]
fn the_links_of_a_deallocated_machine_are_down() {
    if let Some(why) = impossible("nft") {
        return skip(&why);
    }
    let lab = Lab::up(&scenario("mail.lab.toml"), "nft", &[]);
    let state = || {
        let output = lab.exec("vm-web", &["ip", "-o", "link", "show", "eth0"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(state().contains("state UP"), "{}", state());
    lab.print(&["vm", "deallocate", "vm-web"]);
    assert!(state().contains("state DOWN"), "{}", state());
    lab.print(&["vm", "start", "vm-web"]);
    assert!(state().contains("state UP"), "{}", state());
    assert_eq!(lab.connect("vm-web", "relay.example.net:587"), "open");
    let refused = lab.output(&["vm", "start", "vm-web"]);
    assert_ne!(refused.status.code(), Some(0), "it runs already");
}

#[test]
fn a_grant_in_the_store_reaches_the_running_lab() {
    if let Some(why) = impossible("nfqueue") {
        return skip(&why);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = path.display().to_string();
    let lab = Lab::up(&scenario("mail.lab.toml"), "nfqueue", &["--store", &store]);
    assert_eq!(lab.connect("vm-web", "mx.example.net:25"), "timeout");
    // Somebody else, with a connection of his own.
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let mut other = Store::open(log).unwrap();
    for kind in ["exemption-asked", "exemption-granted"] {
        let at = jiff::Timestamp::now();
        let event: Event =
            serde_json::from_value(json!({ "at": at, "kind": kind, "subscription": "shop" }))
                .unwrap();
        other.append(Expected::Any, &[NewEntry::new(event, at, "somebody")]).unwrap();
    }
    wait_until("the events have reached the lab", || lab.inspect()["lab"]["generation"] == 2);
    lab.print(&["vm", "deallocate", "vm-web"]);
    lab.print(&["vm", "start", "vm-web"]);
    assert_eq!(lab.connect("vm-web", "mx.example.net:25"), "open", "{}", lab.log());
    // What the lab was asked for is in the store.
    let mut kinds = Vec::new();
    other.sync(|entry, _, _| kinds.push(entry.event.kind.name())).unwrap();
    assert_eq!(kinds, ["machine-deallocated", "machine-started"]);
}

#[test]
fn a_lab_that_cannot_enforce_does_not_come_up() {
    if let Some(why) = impossible("nfqueue") {
        return skip(&why);
    }
    if !is_root() {
        return skip("not root: a file system without the programs cannot be made");
    }
    // The same machine, with nothing at the place where the rules' program is.
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount --bind /dev/null $(readlink -f /usr/sbin/iptables-restore) && \
         exec {} lab up {} --run-dir {} --datapath nfqueue",
        env!("CARGO_BIN_EXE_egress25"),
        scenario("mail.lab.toml").display(),
        folder.path().display()
    );
    let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("`nfqueue` cannot be used"), "{said}");
    assert!(processes(folder.path()).is_empty());
}
