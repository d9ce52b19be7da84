//! How a lab comes up, goes down, and dies.

use std::process::Command;

use egress25_exemption_store::{ExpectedRevision, NewEntry, SqliteLog, SqliteOptions, Store};
use egress25_policy::Event;
use egress25_skipped::skipped;
use serde_json::json;

use crate::harness::{Lab, impossible, is_root, possible, processes, scenario, wait_until};

#[test]
fn syns_stay_dropped_when_the_filter_dies() {
    for datapath in ["nfqueue", "afpacket"] {
        if let Some(why) = impossible(datapath) {
            skipped(why);
            continue;
        }
        let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
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

/// Waits until its link is down, sets it up again, and says whether a host can be reached then.
const STUBBORN: &str = r#"
import socket, subprocess, sys, time
sh = lambda line: subprocess.run(line, shell=True, capture_output=True, text=True).stdout
print('ready', flush=True)
while 'state UP' in sh('ip -o link show eth0'): time.sleep(0.02)
sh('ip link set eth0 up')
sh('ip route replace default via 169.254.1.1 dev eth0 onlink')
try:
    socket.create_connection((sys.argv[1], 587), 3).close()
    print('open', flush=True)
except OSError as error:
    print(error, flush=True)
"#;

#[test]
fn a_deallocated_machines_root_cannot_set_its_link_up_again() {
    for datapath in possible() {
        let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        let relay = lab.exec("vm-web", &["getent", "ahostsv4", "relay.example.net"]);
        let relay = String::from_utf8_lossy(&relay.stdout).into_owned();
        let relay = relay.split_whitespace().next().unwrap().to_owned();
        let inside = ["exec", "vm-web", "--", "/usr/bin/python3", "-c", STUBBORN, &relay];
        let said = crate::worlds::lines(&mut lab, &inside);
        let next = || said.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        assert_eq!(next(), "ready");
        lab.print(&["vm", "deallocate", "vm-web"]);
        assert_ne!(next(), "open", "{datapath}");
        // Nothing runs in it: nobody gets in either.
        let refused = lab.exec("vm-web", &["true"]);
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && why.contains("`deallocated`"), "{datapath}: {why}");
        let rows = lab.print(&["inspect", "--format", "csv"]);
        assert!(rows.starts_with("node,kind,addresses,notes\n"), "{rows}");
        lab.print(&["vm", "start", "vm-web"]);
        assert_eq!(lab.connect("vm-web", "relay.example.net:587"), "open", "{datapath}");
        let again = lab.output(&["vm", "start", "vm-web"]);
        assert_ne!(again.status.code(), Some(0), "it runs already");
    }
}

#[test]
fn a_grant_in_the_store_reaches_the_running_lab() {
    if let Some(why) = impossible("nfqueue") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = path.display().to_string();
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nfqueue", &["--store", &store]);
    assert_eq!(lab.connect("vm-web", "mx.example.net:25"), "timeout");
    // Somebody else, with a connection of his own.
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let mut other = Store::open(log).unwrap();
    for kind in ["exemption-asked", "exemption-granted"] {
        let at = jiff::Timestamp::now();
        let event: Event =
            serde_json::from_value(json!({ "at": at, "kind": kind, "subscription": "shop" }))
                .unwrap();
        other.append(ExpectedRevision::Any, &[NewEntry::new(event, at, "somebody")]).unwrap();
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
        return skipped(why);
    }
    if !is_root() {
        return skipped("not root: a file system without the programs cannot be made");
    }
    // The same machine, with nothing at the place where the rules' program is.
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount --bind /dev/null $(readlink -f /usr/sbin/iptables-restore) && \
         exec {} lab up {} --run-dir {} --datapath nfqueue",
        env!("CARGO_BIN_EXE_egress25"),
        scenario("mail.inventory.toml").display(),
        folder.path().display()
    );
    let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("`nfqueue` cannot be used"), "{said}");
    assert!(processes(folder.path()).is_empty());
}
