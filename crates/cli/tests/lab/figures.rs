//! What the filter costs: connections a second and throughput through each data path, against the
//! same lab without a filter. `just lab-figures` takes the figures; they depend on the machine and
//! on what else it does, so nothing is asserted about them.

use std::process::Stdio;
use std::time::Duration;

use egress25_skipped::skipped;
use serde_json::{Value, json};

use crate::harness::{Lab, alone, impossible, installed, scenario};

/// Seconds that each measurement takes, and how many there are: the median counts.
const MEASURE: &str = "4";
const ROUNDS: usize = 3;

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

fn connections(lab: &Lab) -> f64 {
    let words =
        ["exec", "vm-ea", "--", "/usr/bin/python3", "-c", CONNECTS, "203.0.113.25", MEASURE];
    lab.print(&words).trim().parse().unwrap()
}

/// Gbit/s of one TCP connection.
fn throughput(lab: &mut Lab) -> f64 {
    let mut server = lab.command(&["exec", "relay.example.net", "--", "iperf3", "-s", "-1"]);
    server.stdout(Stdio::null());
    lab.start(server);
    std::thread::sleep(Duration::from_secs(1));
    let words = ["exec", "vm-ea", "--", "iperf3", "-c", "203.0.113.87", "-t", MEASURE, "-J"];
    let report: Value = serde_json::from_str(&lab.print(&words)).unwrap();
    report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap_or(0.0) / 1e9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "figures, not a check: `just lab-figures`"]
fn figures() {
    let _alone = alone();
    if !installed("iperf3") {
        return skipped("iperf3 is not installed");
    }
    let before = load_average();
    let mut rows = Vec::new();
    let mut plain = None;
    println!("{:>9}  {:>22}  {:>20}", "data path", "connections/s", "Gbit/s");
    for datapath in ["none", "nft", "nfqueue", "afpacket"] {
        if let Some(why) = (datapath != "none").then(|| impossible(datapath)).flatten() {
            skipped(why);
            continue;
        }
        let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        let connects = median((0..ROUNDS).map(|_| connections(&lab)).collect());
        let gigabits = median((0..ROUNDS).map(|_| throughput(&mut lab)).collect());
        let (all_connects, all_gigabits) = *plain.get_or_insert((connects, gigabits));
        println!(
            "{datapath:>9}  {connects:>13.0} ({:>4.0} %)  {gigabits:>11.2} ({:>4.0} %)",
            100.0 * connects / all_connects,
            100.0 * gigabits / all_gigabits,
        );
        rows.push(json!({
            "datapath": datapath, "connections_per_second": connects, "gbit_per_second": gigabits,
        }));
    }
    let after = load_average();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores, load average before {before}, after {after}");
    let report = json!({
        "schema_version": 1, "rows": rows, "rounds": ROUNDS, "cores": cores,
        "seconds": MEASURE, "load_average": { "before": before, "after": after },
    });
    match std::env::var_os("EGRESS25_FIGURES") {
        Some(path) => std::fs::write(path, format!("{report:#}\n")).unwrap(),
        None => println!("{report}"),
    }
}
