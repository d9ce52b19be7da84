//! What of root's powers the programs keep that judge packets, and those that run in a lab's nodes.

use std::collections::BTreeMap;
use std::process::Command;

use egress25_lab::privileges::{FILES, FRAMES, JUDGE, NODE, NOTHING, OWNER};
use egress25_skipped::skipped;

use crate::harness::{
    Lab, egress25, impossible, installed, is_root, possible, processes, said, scenario,
};
use crate::people::Somebody;

/// The capabilities of a thread, by the names of `/proc/PID/status`, and whether it can gain any.
type Sets = BTreeMap<String, u64>;

fn sets(status: &str) -> Sets {
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        let sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"];
        sets.contains(&name).then(|| (name.to_owned(), u64::from_str_radix(value, 16).unwrap()))
    };
    let sets: Sets = status.lines().filter_map(line).collect();
    assert_eq!(sets.len(), 6, "{status}");
    sets
}

/// The threads of a process by their names, each with its capabilities.
fn threads(pid: u32) -> Vec<(String, Sets)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let read = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        // It may have ended since.
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        Some((name.trim().to_owned(), sets(&status)))
    };
    tasks.filter_map(read).collect()
}

/// What the tests themselves may hand on.
fn bound() -> u64 {
    sets(&std::fs::read_to_string("/proc/self/status").unwrap())["CapBnd"]
}

/// Holds a thread's capabilities against what it may have, and what programs that it starts may.
fn holds(who: &str, found: &Sets, kept: u64, bounding: u64) {
    let bound = bound();
    for name in ["CapPrm", "CapEff"] {
        assert_eq!(found[name], kept & bound, "{who}: {name} {:x}", found[name]);
    }
    for name in ["CapInh", "CapAmb"] {
        assert_eq!(found[name] & !kept, 0, "{who}: {name} {:x}", found[name]);
    }
    assert_eq!(found["CapBnd"], bounding & bound, "{who}: CapBnd {:x}", found["CapBnd"]);
}

/// All threads of a lab's three processes.
fn lab_holds(stage: impl Fn(&str) -> u32, files: u64) {
    for first in ["leave", "attend"] {
        for (name, found) in threads(stage(first)) {
            let who = format!("{first}, {name}");
            holds(&who, &found, NOTHING.bits(), NOTHING.bits());
            assert_eq!(found["NoNewPrivs"], 1, "{who}");
        }
    }
    let all = threads(stage("own"));
    assert!(all.len() > 2, "{all:?}");
    for (name, found) in all {
        let kept = match name.as_str() {
            "afpacket" | "afpacket-back" | "nflog" => NOTHING.bits(),
            "nfqueue" => (JUDGE | FRAMES).bits(),
            // It removes what is not whole when a signal comes.
            "signals" => files,
            _ => OWNER.bits() | files,
        };
        // Without the capability that a change of it takes, it is the process's.
        let bounding = if name == "signals" { files } else { OWNER.bits() | files };
        holds(&name, &found, kept, bounding);
        assert_eq!(found["NoNewPrivs"], 1, "{name}");
    }
}

#[test]
fn the_processes_of_a_lab_kept_all_of_roots_powers() {
    for datapath in possible() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db").display().to_string();
        // A store, with the files that it takes, is the same over all of them.
        let (more, files) = match datapath {
            "nft" => (&["--store", &store][..], FILES),
            _ => (&[][..], NOTHING),
        };
        let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, more);
        lab_holds(|stage| lab.process(stage), files.bits());
        assert_eq!(lab.connect("vm-ea", "mx.example.net:25"), "open", "{datapath}");
    }
}

#[test]
fn an_ordinary_users_lab_kept_all_powers_over_his_namespaces() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    if !is_root() {
        return skipped("not root, so the other tests show it already");
    }
    let somebody = Somebody::new();
    somebody.print(&["up", "mail.inventory.toml", "--datapath", "nft"]);
    let stage = |stage: &str| {
        let of = |pid: &u32| {
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.contains(&format!("--stage\0{stage}"))
        };
        let mut all = processes(somebody.folder.path()).into_iter().filter(of);
        all.next().unwrap()
    };
    lab_holds(stage, NOTHING.bits());
    let inside = sets(&somebody.print(&["exec", "vm-web", "--", "cat", "/proc/self/status"]));
    holds("a program", &inside, NODE.bits(), NODE.bits());
    somebody.print(&["down"]);
}

/// Enters every network that can be reached from a node, and takes the rules there away.
const ENTERS: &str = "for net in /proc/[0-9]*/task/[0-9]*/ns/net; do \
     nsenter --net=$net nft delete table inet egress25 2>/dev/null && echo taken away; done; \
     echo tried";

#[test]
fn a_program_in_a_machine_entered_the_network_that_judges_it_and_took_its_rules_away() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    if !installed("nsenter") {
        return skipped("`nsenter` is not installed");
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    let seen = sets(&lab.print(&["exec", "vm-web", "--", "cat", "/proc/self/status"]));
    holds("a program", &seen, NODE.bits(), NODE.bits());
    let entered = lab.exec("vm-web", &["sh", "-c", ENTERS]);
    assert_eq!(said(&entered), "tried\n");
    assert_eq!(lab.connect("vm-web", "mx.example.net:25"), "timeout");
    // Whoever has the lab can take them away where they are: that is not asked of a machine.
    let away = lab.exec("network:shop-net", &["nft", "delete", "table", "inet", "egress25"]);
    assert!(away.status.success(), "{}", said(&away));
}

/// Gets into every thread that can be seen, as a debugger does, and says into whose.
const DEBUGS: &str = r#"
import ctypes, glob, os
libc = ctypes.CDLL(None, use_errno=True)
ATTACH, DETACH = 16, 17
for task in glob.glob('/proc/[0-9]*/task/[0-9]*'):
    tid = int(task.split('/')[-1])
    with open(task + '/comm') as comm:
        name = comm.read().strip()
    if os.getpid() != tid and libc.ptrace(ATTACH, tid, None, None) == 0:
        os.waitpid(tid, 0x40000000)
        libc.ptrace(DETACH, tid, None, None)
        print(name, tid)
print('tried')
"#;

#[test]
fn a_program_in_a_machine_got_into_a_thread_of_the_lab_that_had_given_up_its_powers() {
    for datapath in possible() {
        let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        let tried = lab.exec("vm-web", &["/usr/bin/python3", "-c", DEBUGS]);
        assert_eq!(said(&tried), "tried\n", "{datapath}");
    }
}

#[test]
fn root_of_a_machine_does_what_root_does_in_one() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    let raw = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW).bind(('eth0', 0)); \
               socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)";
    let all: [&[&str]; 5] = [
        &["tcpdump", "-i", "eth0", "-d", "port 25"],
        &["iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE"],
        &["nft", "add", "table", "inet", "mine"],
        &["ip", "address", "add", "10.1.0.77/32", "dev", "eth0"],
        &["python3", "-c", raw],
    ];
    for command in all {
        if !installed(command[0]) {
            skipped(format!("`{}` is not installed", command[0]));
            continue;
        }
        let done = lab.exec("vm-web", command);
        assert!(done.status.success(), "{command:?}: {}", said(&done));
    }
    if !is_root() {
        return skipped("not root: programs of a lab can take no other user");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file").display().to_string();
    let other = format!(
        "umask 077; echo mine >{file}; chown nobody {file}; chmod 600 {file}; cat {file}; \
         su -s /bin/sh nobody -c 'id -un'; chroot / true"
    );
    let done = lab.exec("vm-web", &["sh", "-ec", &other]);
    assert_eq!(said(&done), "mine\nnobody\n");
}

/// A network of its own with an interface that takes every packet and answers none.
const SILENT: &str = "ip link add d0 type veth peer name d1; ip address add 192.0.2.1/24 dev d0; \
     ip link set d1 up; ip link set d0 up; \
     ip neighbour add 192.0.2.25 lladdr 02:00:00:00:00:19 dev d0";

/// The capabilities of a program's threads, once it is at work in a network of its own.
fn at_work(program: &str, ready: &str) -> Vec<(String, Sets)> {
    let script = format!(
        "{SILENT}\n{program} >/dev/null 2>&1 & pid=$!\n\
         trap 'kill $pid' EXIT\n\
         for n in $(seq 400); do {{ {ready}; }} && break; kill -0 $pid; sleep 0.05; done\n\
         sleep 0.2\n\
         for task in /proc/$pid/task/*; do echo thread $(cat $task/comm); cat $task/status; done"
    );
    let output = Command::new("unshare").args(["-Urn", "sh", "-ec", &script]).output().unwrap();
    assert!(output.status.success(), "{program}: {}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let of = |block: &str| (block.lines().next().unwrap_or_default().to_owned(), sets(block));
    text.split("thread ").filter(|block| block.contains("CapEff")).map(of).collect()
}

#[test]
fn a_filter_and_a_probe_kept_all_of_roots_powers() {
    let program = env!("CARGO_BIN_EXE_egress25");
    let inventory = scenario("mail.inventory.toml").display().to_string();
    let filter = format!("{program} filter --inventory {inventory} --network shop-net");
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db").display().to_string();
    let begin = ["store", "init", "--store", &store, "--inventory", &inventory];
    assert!(egress25().args(begin).output().unwrap().status.success());
    let loaded = "nft list tables | grep -q egress25_";
    let queued = "grep -q '^ *7 ' /proc/self/net/netfilter/nfnetlink_queue";
    let tried = "ss -tn state syn-sent | grep -q 192.0.2.25";
    let none = NOTHING.bits();
    let (judge, files) = (JUDGE.bits(), FILES.bits());
    let queue = judge | FRAMES.bits();
    // Of which program, when it is at work, what its first thread keeps, its others, and what it
    // starts.
    type Kept<'a> = (u64, &'a [(&'a str, u64)], u64);
    let rows: [(&str, String, &str, Kept<'_>); 4] = [
        ("nft", format!("{filter} --interface d0"), loaded, (none, &[("nflog", none)], judge)),
        (
            "nft",
            format!("{filter} --interface d0 --store {store}"),
            loaded,
            (files, &[("nflog", none), ("feed", judge | files)], judge | files),
        ),
        ("nfqueue", format!("{filter} --queue 7"), queued, (none, &[("queue", queue)], queue)),
        (
            "ss",
            format!("{program} diagnose --probe 192.0.2.25 --timeout 60"),
            tried,
            (none, &[], none),
        ),
    ];
    for (needs, program, ready, (first, others, bounding)) in rows {
        let missing = match needs {
            "ss" => (!installed("ss")).then(|| "`ss` is not installed".to_owned()),
            datapath => impossible(datapath),
        };
        if let Some(why) = missing {
            skipped(why);
            continue;
        }
        let found = at_work(&program, ready);
        assert!(found.len() > others.len(), "{program}: {found:?}");
        for (name, sets) in found {
            let other = others.iter().find(|(other, _)| *other == name);
            holds(
                &format!("{program}: {name}"),
                &sets,
                other.map_or(first, |(_, kept)| *kept),
                bounding,
            );
            assert_eq!(sets["NoNewPrivs"], 1, "{program}");
        }
    }
}
