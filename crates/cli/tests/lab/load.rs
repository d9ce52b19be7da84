//! Policy changes under load.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use egress25_lab::control::client::Client;
use egress25_lab::control::requests::Request;
use egress25_policy::Event;
use serde_json::{Value, json};

use crate::harness::{Lab, alone, possible, scenario};

/// Opens connections to port 25 as fast as it can, from many sockets that do not wait, until its
/// input ends.
const FLOOD: &str = r#"
import select, socket, sys, time
sockets, count = [], 0
while count % 20 or not select.select([sys.stdin], [], [], 0)[0]:
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex((sys.argv[1], 25))
    sockets.append(s)
    count += 1
    if len(sockets) > 200:
        sockets.pop(0).close()
    if count % 20 == 0:
        time.sleep(0.01)
print(count)
"#;

fn event(fields: Value) -> Event {
    let mut fields = fields;
    fields["at"] = json!(jiff::Timestamp::now());
    serde_json::from_value(fields).unwrap()
}

/// One turn: from blocked to exempt and back by four events that touch one machine.
fn turn() -> [Event; 4] {
    [
        event(json!({ "kind": "exemption-asked", "subscription": "shop" })),
        event(json!({ "kind": "exemption-granted", "subscription": "shop" })),
        event(json!({ "kind": "machine-redeployed", "machine": "vm-peer" })),
        event(json!({ "kind": "exemption-revoked", "subscription": "shop" })),
    ]
}

/// What vm-peer gets after so many changes, beginning with a turn.
fn standing(changes: u64) -> &'static str {
    match changes % 4 {
        0 if changes == 0 => "not-granted",
        1 => "request-pending",
        2 => "waiting-for-stop-and-start",
        3 => "exempt",
        _ => "revoked",
    }
}

/// A mail session that is open until its input ends, and asks then whether it still is. It says
/// something now and then: a server lets nobody be silent for ever.
const SESSION: &str = r#"
import select, socket, sys
s = socket.create_connection(('203.0.113.25', 25), 5)
s.recv(100)
print('open', flush=True)
def noop():
    s.sendall(b'NOOP\r\n')
    return s.recv(100).decode()
while not select.select([sys.stdin], [], [], 30)[0]:
    noop()
print(noop())
"#;

/// A program in a machine that goes on until its input ends.
struct Running(Child, BufReader<ChildStdout>);

impl Running {
    fn start(lab: &Lab, from: &str, program: &[&str]) -> Self {
        let words = [&["exec", from, "--", "/usr/bin/python3", "-c"], program].concat();
        let mut command = lab.command(&words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self(child, out)
    }

    /// A mail session of a machine, open.
    fn session(lab: &Lab, from: &str) -> Self {
        let mut this = Self::start(lab, from, &[SESSION]);
        let mut line = String::new();
        this.1.read_line(&mut line).unwrap();
        assert_eq!(line, "open\n", "{from} has a session");
        this
    }

    /// Ends its input and returns what it says then.
    fn end(mut self) -> String {
        drop(self.0.stdin.take());
        let mut said = String::new();
        self.1.read_to_string(&mut said).unwrap();
        assert!(self.0.wait().unwrap().success(), "{said}");
        said
    }
}

/// How long changes are made one by one; the rest of them comes in batches. `EGRESS25_LONG` says
/// another number of seconds.
fn one_by_one() -> Duration {
    let long = std::env::var("EGRESS25_LONG").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(long.unwrap_or(12))
}

const CHANGES: u64 = 10_000;

/// How many verdicts have to be given meanwhile, for the changes to have been made under load.
const VERDICTS: u64 = 3_000;

/// Makes the changes, each a transaction of its own as long as there is time, and more of them
/// until there was load enough. Returns the generations that were in force in the kernel.
fn change(client: &mut Client, datapath: &str, heard: &AtomicU64) -> BTreeSet<u64> {
    let mut made = 4;
    let mut in_force = BTreeSet::from([made]);
    let mut ask = |events: &[Event]| {
        client.exchange(&Request::Apply { events: events.to_vec() }).unwrap();
        made += u64::try_from(events.len()).unwrap();
        in_force.insert(made);
        made
    };
    let begun = Instant::now();
    let mut singly = 0;
    let enough = |changes: u64| changes >= CHANGES && heard.load(Ordering::Relaxed) >= VERDICTS;
    while !enough(singly) && begun.elapsed() < one_by_one() {
        for one in turn() {
            singly = ask(&[one]);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = singly as f64 / seconds;
    eprintln!("{datapath}: {singly} changes one by one in {seconds:.1} s: {rate:.0} a second");
    let mut all = singly;
    while all < CHANGES {
        // The last turn of a batch ends exempt, the next begins blocked: both are seen.
        let batch: Vec<Event> = (0..25).flat_map(|_| turn()).collect();
        let (most, last) = batch.split_at(batch.len() - 1);
        ask(most);
        all = ask(last);
    }
    eprintln!("{datapath}: {all} changes in {:.1} s", begun.elapsed().as_secs_f64());
    in_force
}

/// Whether a verdict is the old policy's or the new one's. Over nft a change may lie between a packet's
/// rules, which the kernel takes when it comes, and the elements of a map, when it looks them up: that
/// change is all events of a request. nfqueue and afpacket take one event after the other.
fn allowed(event: &Value, datapath: &str, in_force: &BTreeSet<u64>) -> bool {
    let reason = event["reason"].as_str().unwrap_or_default();
    match event["machine"].as_str() {
        Some("vm-ea") => reason == "unrestricted-offer" && event["verdict"] == "pass",
        Some("vm-peer") => {
            let right = if reason == "exempt" { "pass" } else { "drop" };
            let generation = event["generation"].as_u64().unwrap();
            let next = match datapath {
                "nft" => in_force.range(generation + 1..).next().copied(),
                _ => Some(generation + 1),
            };
            let mut now = [Some(generation), next].into_iter().flatten();
            event["verdict"] == right && now.any(|generation| standing(generation) == reason)
        }
        _ => event.get("missed").is_some(),
    }
}

#[test]
fn ten_thousand_changes_give_no_verdict_that_is_neither_old_nor_new() {
    let _alone = alone();
    for datapath in possible() {
        // One event that lets an exemption reach a machine, and leaves its links as they are.
        let set = ["--set", "redeploy_counts=yes"];
        let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &set);
        let mut events = lab.command(&["events", "--format", "ndjson"]);
        events.stdout(Stdio::piped());
        let stdout = lab.start(events).stdout.take().unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let counts = count.clone();
        let heard = std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let each = |line: String| {
                counts.fetch_add(1, Ordering::Relaxed);
                serde_json::from_str::<Value>(&line).unwrap()
            };
            lines.map(each).collect::<Vec<_>>()
        });
        let mut client = Client::connect(&lab.folder.path().join("default")).unwrap();
        let [asked, granted, redeployed, revoked] = turn();
        client.exchange(&Request::Apply { events: vec![asked, granted, redeployed] }).unwrap();
        // Sessions that are open already: somebody else's, and one that its own policy forbids
        // from now on.
        let sessions = ["vm-ea", "vm-peer"].map(|from| Running::session(&lab, from));
        client.exchange(&Request::Apply { events: vec![revoked] }).unwrap();
        let floods =
            ["vm-ea", "vm-peer"].map(|from| Running::start(&lab, from, &[FLOOD, "203.0.113.25"]));
        let in_force = change(&mut client, datapath, &count);
        for flood in floods {
            flood.end();
        }
        for session in sessions {
            let said = session.end();
            assert!(said.starts_with("250"), "{datapath}: an open session was cut: {said}");
        }
        drop(lab);
        let verdicts = heard.join().unwrap();
        let wrong: Vec<_> =
            verdicts.iter().filter(|event| !allowed(event, datapath, &in_force)).take(5).collect();
        assert!(wrong.is_empty(), "{datapath}: {wrong:?}");
        let of = |reason: &str| verdicts.iter().filter(|event| event["reason"] == reason).count();
        let (exempt, revoked) = (of("exempt"), of("revoked"));
        eprintln!("{datapath}: {} verdicts, {exempt} exempt, {revoked} revoked", verdicts.len());
        assert!(verdicts.len() > 1_000, "{datapath}: too little load");
        assert!(of("unrestricted-offer") > 100 && exempt > 10 && revoked > 10, "{datapath}");
    }
}
