//! What stays behind when a lab dies: nothing. And what its processes leave while it lives.

use std::path::PathBuf;
use std::process::Command;

use egress25_skipped::skipped;

use crate::harness::{
    DATAPATHS, Lab, impossible, installed, is_root, kill, processes, scenario, wait_until,
};

fn pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn namespace(pid: u32, kind: &str) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()
}

/// Who holds one of some namespaces: processes that live in it, or have it open.
fn holders(spaces: &[PathBuf]) -> Vec<u32> {
    let holds = |pid: &u32| {
        let lives = ["pid", "net"].iter().filter_map(|kind| namespace(*pid, kind));
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
        let open = files.into_iter().flatten().flatten();
        let open = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        lives.chain(open).any(|space| spaces.contains(&space))
    };
    pids().into_iter().filter(holds).collect()
}

/// The network namespace of a node, as it is called outside.
fn network_of(lab: &Lab, node: &str) -> PathBuf {
    let output = lab.exec(node, &["readlink", "/proc/self/ns/net"]);
    String::from_utf8_lossy(&output.stdout).trim().into()
}

/// Starts whatever people start in labs: something in the foreground, something that has left
/// its session, and a Postfix.
fn populate(lab: &mut Lab) -> usize {
    let sleep = lab.command(&["exec", "vm-web", "--", "sleep", "600"]);
    lab.start(sleep);
    let daemon = "setsid sh -c 'sleep 600 & sleep 600' >/dev/null 2>&1 </dev/null & exit 0";
    assert!(lab.exec("vm-ea", &["sh", "-c", daemon]).status.success());
    4
}

fn start_postfix(lab: &Lab) -> bool {
    if !is_root() || !installed("postfix") {
        skipped("no Postfix is started: needs root and Postfix");
        return false;
    }
    let folder = lab.folder.path().join("postfix");
    for name in ["config", "spool", "data"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    let at = folder.display();
    let open = "chmod 755 $(dirname $1); chown postfix $1/data";
    let shared = Command::new("sh").args(["-c", open, "sh", &at.to_string()]).status().unwrap();
    assert!(shared.success());
    let main = format!(
        "compatibility_level = 3.6\nqueue_directory = {at}/spool\ndata_directory = {at}/data\n\
         maillog_file_prefixes = /\nmaillog_file = {at}/log\ninet_interfaces = loopback-only\n"
    );
    std::fs::write(folder.join("config/main.cf"), main).unwrap();
    let master = "qmgr unix n - n 300 1 qmgr\npickup unix n - n 60 1 pickup\n\
                  postlog unix-dgram n - n - 1 postlogd\n";
    std::fs::write(folder.join("config/master.cf"), master).unwrap();
    let config = folder.join("config").display().to_string();
    let begin = format!("postfix -c {config} start >/dev/null 2>&1");
    assert!(lab.exec("vm-web", &["sh", "-c", &begin]).status.success());
    true
}

#[test]
fn nothing_stays_behind_whichever_of_the_labs_processes_is_killed() {
    for (stage, datapath) in ["own", "attend", "leave"].into_iter().zip(DATAPATHS) {
        if let Some(why) = impossible(datapath) {
            skipped(why);
            continue;
        }
        let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        let mut expected = populate(&mut lab);
        if start_postfix(&lab) {
            expected += 3;
        }
        let owner = lab.process("own");
        let mut spaces = vec![namespace(owner, "pid").unwrap()];
        spaces.extend(["vm-web", "vm-ea", "network:shop-net"].map(|node| network_of(&lab, node)));
        wait_until("the programs run", || holders(&spaces).len() >= expected + 2);
        let stages = ["leave", "attend", "own"].map(|stage| lab.process(stage));
        kill("KILL", lab.process(stage));
        wait_until("nobody holds a namespace of the lab", || holders(&spaces).is_empty());
        wait_until("its processes have ended", || {
            !processes(lab.folder.path()).iter().any(|pid| stages.contains(pid))
        });
        assert_eq!(lab.output(&["inspect"]).status.code(), Some(1), "{stage}");
        // The same folder serves again.
        let again = lab.command(&["up"]).arg(scenario("mail.inventory.toml")).output().unwrap();
        assert!(again.status.success(), "{stage}: {}", String::from_utf8_lossy(&again.stderr));
    }
}

#[test]
fn whoever_loses_his_parent_in_a_lab_is_reaped() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    let first = lab.process("attend");
    let children = |state: &str| {
        let of = |pid: &u32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.contains(&format!("PPid:\t{first}\n"))
                && status.contains(&format!("State:\t{state}"))
        };
        pids().into_iter().filter(of).count()
    };
    for _ in 0..10 {
        let orphans = "for n in 1 2 3; do (sleep 0.5 >/dev/null 2>&1 &); done";
        assert!(lab.exec("vm-web", &["sh", "-c", orphans]).status.success());
    }
    // The owner itself is the one child that stays.
    wait_until("the orphans have come and gone", || children("S") == 1 && children("Z") == 0);
    assert_eq!(lab.exec("vm-web", &["sh", "-c", "exit 7"]).status.code(), Some(7));
}
