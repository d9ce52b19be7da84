//! Machines that are deployed while a lab runs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use egress25_skipped::skipped;
use serde_json::{Value, json};

use crate::harness::{
    Lab, apply, impossible, is_root, kill, possible, processes, said, scenario, wait_until,
};

const MX: &str = "mx.example.net:25";
const RELAY: &str = "relay.example.net:587";

fn deployed(machine: &str, subscription: &str, network: &str, more: &Value) -> Value {
    let mut event = json!({
        "kind": "machine-deployed", "machine": machine, "subscription": subscription,
        "network": network,
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

#[test]
fn a_machine_that_is_deployed_while_the_lab_runs_gets_its_place_before_the_filter() {
    for datapath in possible() {
        let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        let becomes = |from: &str, to: &str, expected: &str| {
            assert_eq!(lab.connect(from, to), expected, "{datapath}: {from} to {to}");
        };
        let both = json!({ "subnet": "web", "addresses": ["10.1.0.50", "fd00:1::50"] });
        apply(&lab, deployed("vm-late", "corporate", "shop-net", &both)).unwrap();
        let poor = json!({ "subnet": "web", "addresses": ["10.1.0.51", "fd00:1::51"] });
        apply(&lab, deployed("vm-poor", "shop", "shop-net", &poor)).unwrap();
        // The first of its subnet, which routes through the firewall.
        let by_firewall = json!({ "subnet": "behind-firewall", "addresses": ["10.1.1.50"] });
        apply(&lab, deployed("vm-hind", "corporate", "shop-net", &by_firewall)).unwrap();
        // In a network of which the address is somebody's elsewhere.
        let twin = json!({ "addresses": ["10.1.0.50"] });
        apply(&lab, deployed("vm-twin-late", "shop", "twin-net", &twin)).unwrap();
        becomes("vm-late", MX, "open");
        becomes("vm-late", "[2001:db8:2525::19]:25", "open");
        becomes("vm-poor", MX, "timeout");
        becomes("vm-poor", "[2001:db8:2525::19]:25", "timeout");
        becomes("vm-hind", MX, "refused");
        becomes("vm-twin-late", MX, "timeout");
        for machine in ["vm-late", "vm-poor", "vm-hind", "vm-twin-late"] {
            becomes(machine, RELAY, "open");
        }
        // Those who were there know its name, and it has one.
        becomes("vm-web", "vm-late:25", "refused");
        becomes("vm-late", "vm-peer:25", "refused");
        assert_eq!(lab.exec("vm-late", &["hostname"]).stdout, b"vm-late\n");
        let names = lab.exec("vm-web", &["cat", "/etc/hosts"]).stdout;
        assert!(String::from_utf8_lossy(&names).contains("10.1.0.50 vm-late"), "{datapath}");
        // It lives as the others do.
        lab.print(&["vm", "deallocate", "vm-late"]);
        becomes("vm-late", RELAY, "unreachable");
        lab.print(&["vm", "start", "vm-late"]);
        becomes("vm-late", MX, "open");
        // And the others go on.
        becomes("vm-ea", MX, "open");
        becomes("vm-web", MX, "timeout");
        becomes("vm-behind", MX, "open");
        becomes("vm-guarded", MX, "refused");
        assert_eq!(lab.inspect()["lab"]["complaints"], json!([]), "{datapath}");
    }
}

#[test]
fn what_cannot_join_a_running_lab_is_told_by_events_and_inspect() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let mut lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    let mut events = lab.command(&["events", "--format", "ndjson"]);
    events.stdout(Stdio::piped());
    let mut heard = BufReader::new(lab.start(events).stdout.take().unwrap());
    // Somebody is judged, so that the listener is known to listen.
    let mut line = String::new();
    let listening = std::thread::spawn(move || {
        heard.read_line(&mut line).unwrap();
        (heard, line)
    });
    wait_until("the events are listened to", || {
        lab.connect("vm-ea", MX);
        listening.is_finished()
    });
    let (mut heard, mut line) = listening.join().unwrap();
    assert!(line.contains("\"machine\":\"vm-ea\""), "the lab's own probes are not told: {line}");
    let counts = lab.inspect()["lab"]["counts"].to_string();
    assert!(!counts.contains("unknown-source"), "nor counted: {counts}");
    let added = json!({
        "kind": "network-added", "network": "new-net", "address_space": ["10.8.0.0/16"],
    });
    apply(&lab, added).unwrap();
    let place = json!({ "addresses": ["10.8.0.4"] });
    let refused = apply(&lab, deployed("vm-new", "shop", "new-net", &place)).unwrap_err();
    assert!(refused.contains("`new-net` came after the lab was built"), "{refused}");
    let complaints = lab.inspect()["lab"]["complaints"].to_string();
    for said in ["network `new-net` came after", "`vm-new` is deployed, but is not in the lab"] {
        assert!(complaints.contains(said), "{complaints}");
        line.clear();
        while !line.contains("\"note\"") {
            line.clear();
            assert_ne!(heard.read_line(&mut line).unwrap(), 0);
        }
        let note: Value = serde_json::from_str(&line).unwrap();
        assert!(note["note"].as_str().unwrap().contains(said), "{line}");
    }
    assert_eq!(lab.connect("vm-ea", MX), "open", "the others go on");
}

/// Puts nothing in the place of nft for a lab, or takes it away again.
fn hide_nft(lab: &Lab, hide: bool) {
    let mount = match hide {
        true => "mount --bind /dev/null $(readlink -f /usr/sbin/nft)",
        false => "umount $(readlink -f /usr/sbin/nft)",
    };
    let owner = lab.process("own").to_string();
    let enter = ["-t", &owner, "-m", "-p", "sh", "-c", mount];
    let done = Command::new("nsenter").args(enter).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
}

/// The packet queues that are open in a network.
fn queues(lab: &Lab) -> Vec<u16> {
    let list = "/proc/self/net/netfilter/nfnetlink_queue";
    let list = lab.exec("network:shop-net", &["cat", list]).stdout;
    let first = |line: &str| line.split_whitespace().next()?.parse().ok();
    String::from_utf8_lossy(&list).lines().filter_map(first).collect()
}

/// Takes the queue that the next port of a lab would have, as long as it is told to.
fn while_the_next_queue_is_taken(lab: &mut Lab, meanwhile: impl FnOnce(&Lab)) {
    let folder = tempfile::tempdir().unwrap();
    let inventory = folder.path().join("inventory.toml");
    std::fs::copy(scenario("mail.inventory.toml"), &inventory).unwrap();
    let next = queues(lab).into_iter().max().unwrap() + 1;
    let (inventory, number) = (inventory.display().to_string(), next.to_string());
    let program = env!("CARGO_BIN_EXE_egress25");
    let filter = [program, "filter", "--inventory", &inventory, "--network", "shop-net"];
    let words = [&["exec", "network:shop-net", "--"], &filter[..], &["--queue", &number]].concat();
    let taking = lab.command(&words);
    lab.start(taking);
    wait_until("the queue is taken", || queues(lab).contains(&next));
    meanwhile(lab);
    processes(folder.path()).into_iter().for_each(|pid| kill("KILL", pid));
    wait_until("the queue is free", || !queues(lab).contains(&next));
}

#[test]
fn a_machine_that_could_not_join_leaves_its_place_to_the_next() {
    if !is_root() {
        return skipped("not root: nobody can be kept out of a lab");
    }
    for datapath in possible().filter(|datapath| *datapath != "afpacket") {
        let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        let keep_out = |lab: &Lab| {
            let place = json!({ "subnet": "web", "addresses": ["10.1.0.60", "fd00:1::60"] });
            let kept_out = deployed("vm-kept-out", "corporate", "shop-net", &place);
            let refused = apply(lab, kept_out).unwrap_err();
            let complaints = lab.inspect()["lab"]["complaints"].to_string();
            let said = "`vm-kept-out` is deployed, but is not in the lab";
            assert!(complaints.contains(said), "{datapath}: {refused}: {complaints}");
        };
        if datapath == "nft" {
            hide_nft(&lab, true);
            keep_out(&lab);
            hide_nft(&lab, false);
        } else {
            while_the_next_queue_is_taken(&mut lab, keep_out);
        }
        let place = json!({ "subnet": "web", "addresses": ["10.1.0.61", "fd00:1::61"] });
        apply(&lab, deployed("vm-next", "corporate", "shop-net", &place)).unwrap();
        for to in [MX, "[2001:db8:2525::19]:25", RELAY] {
            assert_eq!(lab.connect("vm-next", to), "open", "{datapath}: {to}");
        }
        assert_eq!(lab.connect("vm-web", MX), "timeout", "{datapath}: the others go on");
        lab.print(&["vm", "deallocate", "vm-trial"]);
        assert_eq!(lab.connect("vm-ea", MX), "open", "{datapath}: and follow events");
    }
}
