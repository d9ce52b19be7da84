//! Policy changes under load, and figures.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use egress25_lab::client::Client;
use egress25_lab::owner::Request;
use egress25_policy::Event;
use serde_json::{Value, json};

use crate::harness::{DATAPATHS, Lab, alone, impossible, scenario, skip};

/// Opens connections to port 25 as fast as it can, from many sockets that do not wait.
const FLOOD: &str = r#"
import socket, sys, time
end = time.monotonic() + float(sys.argv[2])
sockets, count = [], 0
while time.monotonic() < end:
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
fn turn() -> Vec<Event> {
    vec![
        event(json!({ "kind": "exemption-asked", "subscription": "shop" })),
        event(json!({ "kind": "exemption-granted", "subscription": "shop" })),
        event(json!({ "kind": "machine-redeployed", "machine": "vm-peer" })),
        event(json!({ "kind": "exemption-revoked", "subscription": "shop" })),
    ]
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told from beginning to end")]
fn ten_thousand_changes_give_no_verdict_that_is_neither_old_nor_new() {
    let _alone = alone();
    for datapath in DATAPATHS {
        if let Some(why) = impossible(datapath) {
            skip(&why);
            continue;
        }
        let mut lab = Lab::up(&scenario("mail.lab.toml"), datapath, &[]);
        let mut events = lab.command(&["events", "--format", "ndjson"]);
        events.stdout(Stdio::piped());
        let stdout = lab.start(events).stdout.take().unwrap();
        let heard = std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.map(|line| serde_json::from_str::<Value>(&line).unwrap()).collect::<Vec<_>>()
        });
        // A session that is open already, by another machine.
        let session = [
            "exec",
            "vm-ea",
            "--",
            "/usr/bin/python3",
            "-c",
            "import socket,sys,time\ns=socket.create_connection(('203.0.113.25',25),5)\n\
             s.recv(100)\nsys.stdin.read()\ns.sendall(b'NOOP\\r\\n')\nprint(s.recv(100).decode())",
        ];
        let mut session =
            lab.command(&session).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let floods: Vec<_> = ["vm-peer", "vm-ea"]
            .map(|from| {
                let seconds = "8";
                let words =
                    ["exec", from, "--", "/usr/bin/python3", "-c", FLOOD, "203.0.113.25", seconds];
                lab.command(&words).stdout(Stdio::piped()).spawn().unwrap()
            })
            .into_iter()
            .collect();
        let folder = lab.folder.path().join("default");
        let mut client = Client::connect(&folder).unwrap();
        let mut changes = 0;
        let begun = Instant::now();
        // The kernel's rules change in transactions, each with some events.
        let together = if datapath == "nft" { 25 } else { 1 };
        while changes < 10_000 {
            let batch: Vec<Event> = (0..together).flat_map(|_| turn()).collect();
            changes += batch.len();
            if together > 1 {
                // The last turn of a batch ends exempt, the next begins blocked: both are seen.
                let (most, last) = batch.split_at(batch.len() - 1);
                client.ask(&Request::Apply { events: most.to_vec() }).unwrap();
                client.ask(&Request::Apply { events: last.to_vec() }).unwrap();
            } else {
                for one in batch {
                    client.ask(&Request::Apply { events: vec![one] }).unwrap();
                }
            }
        }
        eprintln!("{datapath}: {changes} changes in {:.1} s", begun.elapsed().as_secs_f64());
        for flood in floods {
            assert!(flood.wait_with_output().unwrap().status.success());
        }
        drop(session.stdin.take());
        let answer = session.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(said.starts_with("250"), "{datapath}: the open session was cut: {said}");
        drop(lab);
        let verdicts = heard.join().unwrap();
        let allowed = |event: &Value| match event["machine"].as_str() {
            Some("vm-ea") => event["reason"] == "unrestricted-offer" && event["verdict"] == "pass",
            Some("vm-peer") => match event["reason"].as_str() {
                Some("exempt") => event["verdict"] == "pass",
                Some(
                    "not-granted" | "request-pending" | "waiting-for-stop-and-start" | "revoked",
                ) => event["verdict"] == "drop",
                // A redeployed machine's link goes up again; for a moment nothing is sent.
                _ => false,
            },
            _ => event.get("missed").is_some(),
        };
        let wrong: Vec<_> = verdicts.iter().filter(|event| !allowed(event)).take(5).collect();
        assert!(wrong.is_empty(), "{datapath}: {wrong:?}");
        let of = |reason: &str| verdicts.iter().filter(|event| event["reason"] == reason).count();
        eprintln!(
            "{datapath}: {} verdicts, {} exempt, {} revoked",
            verdicts.len(),
            of("exempt"),
            of("revoked")
        );
        assert!(verdicts.len() > 1_000, "{datapath}: too little load");
        assert!(of("unrestricted-offer") > 100, "{datapath}");
    }
}

/// Seconds that each measurement takes.
const MEASURE: &str = "5";

/// Connections a second to a listener on port 25.
const CONNECTS: &str = r#"
import socket, sys, time
end, count = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    s = socket.create_connection((sys.argv[1], 25), 5)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')
    s.close()
    count += 1
print(count / float(sys.argv[2]))
"#;

#[test]
fn figures() {
    if std::env::var_os("EGRESS25_FIGURES").is_none() {
        return skip("figures are taken with EGRESS25_FIGURES=1");
    }
    for datapath in ["none", "nft", "nfqueue", "afpacket"] {
        let mut lab = Lab::up(&scenario("mail.lab.toml"), datapath, &[]);
        let words =
            ["exec", "vm-ea", "--", "/usr/bin/python3", "-c", CONNECTS, "203.0.113.25", MEASURE];
        let connections = lab.print(&words);
        let server = lab.command(&["exec", "relay.example.net", "--", "iperf3", "-s", "-1"]);
        lab.start(server);
        std::thread::sleep(std::time::Duration::from_secs(1));
        let words = ["exec", "vm-ea", "--", "iperf3", "-c", "203.0.113.87", "-t", MEASURE, "-J"];
        let report: Value = serde_json::from_str(&lab.print(&words)).unwrap();
        let bits = report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap_or(0.0);
        println!(
            "{datapath:>9}: {:>7.0} connections/s, {:>6.2} Gbit/s",
            connections.trim().parse::<f64>().unwrap(),
            bits / 1e9
        );
    }
}
