//! `diagnose --probe` behind the filter: what it says, how many connections it tries, and that it
//! sends nothing over them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::attacks::script;
use crate::harness::{Lab, possible, said, scenario};
use crate::worlds::lines;

const HOSTS: &str = "[host.listener]\naddresses = [\"203.0.113.25\", \"2001:db8:2525::19\"]\n\
                     [host.empty]\naddresses = [\"198.51.100.77\"]\n";
const BOTH: [&str; 2] = ["203.0.113.25", "2001:db8:2525::19"];

/// The seconds that a machine's connections are watched for: those of a probe, and some more.
const WATCHED: &str = "5";

/// A probe from a machine, and what the machine sent: SYNs by port and source port, and bytes.
fn probed(lab: &mut Lab, machine: &str, hosts: &[&str]) -> (Value, String, Vec<String>) {
    let watch =
        ["exec", machine, "--", "/usr/bin/python3", "-c", &script("probed.py"), "watch", WATCHED];
    let seen = lines(lab, &watch);
    assert_eq!(seen.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));
    let probe = [env!("CARGO_BIN_EXE_egress25"), "diagnose", "--timeout", "2", "--format", "json"];
    let probe = [&probe[..], &["--probe"], hosts].concat();
    let output = lab.exec(machine, &probe);
    assert!(output.status.success(), "{}", said(&output));
    let diagnosis = serde_json::from_slice(&output.stdout).unwrap();
    let announced = String::from_utf8_lossy(&output.stderr).into_owned();
    (diagnosis, announced, seen.iter().collect())
}

/// What is said of the ports of one destination and family, in their order.
fn ports<'a>(diagnosis: &'a Value, destination: &str, family: &str) -> Vec<&'a str> {
    let rows = diagnosis["rows"].as_array().unwrap().iter();
    let of_it = |row: &&Value| row["destination"] == destination && row["family"] == family;
    rows.filter(of_it).map(|row| row["outcome"].as_str().unwrap()).collect()
}

/// The connections of SYNs: a SYN that is sent again is no further one.
fn connections(sent: &[String]) -> BTreeSet<&str> {
    sent.iter().map(String::as_str).filter(|line| line.starts_with("SYN")).collect()
}

#[test]
fn a_probe_tells_the_block_over_every_data_path_and_sends_nothing() {
    for datapath in possible().chain(["none"]) {
        let folder = tempfile::tempdir().unwrap();
        let hosts = folder.path().join("hosts.toml");
        std::fs::write(&hosts, HOSTS).unwrap();
        let hosts = hosts.display().to_string();
        let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &["--hosts", &hosts]);
        let serve =
            ["exec", "listener", "--", "/usr/bin/python3", "-c", &script("probed.py"), "serve"];
        let served = lines(&mut lab, &serve);
        assert_eq!(served.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));

        // Whose subscription is restricted.
        let (diagnosis, announced, sent) = probed(&mut lab, "vm-web", &BOTH);
        assert!(announced.contains("2 hosts with 2 addresses: tries 8 connections"), "{announced}");
        let (fits, on_25) = match datapath {
            "none" => ("not-blocked", "connected"),
            _ => ("block", "timed-out"),
        };
        assert_eq!(diagnosis["fits"][0]["fits"], fits, "{datapath}: {diagnosis}");
        for (destination, family) in [("destination 1", "ipv4"), ("destination 2", "ipv6")] {
            let expected = [on_25, "connected", "connected", "connected"];
            assert_eq!(ports(&diagnosis, destination, family), expected, "{datapath}: {diagnosis}");
        }
        assert_eq!(connections(&sent).len(), 8, "{datapath}: {sent:?}");
        assert!(!sent.iter().any(|line| line.starts_with("bytes")), "{datapath}: {sent:?}");

        // Who may send, to a host that has no server, and by an address that it does not have.
        let hosts = ["203.0.113.25", "198.51.100.77", "no-such-name.example"];
        let (diagnosis, announced, sent) = probed(&mut lab, "vm-ea", &hosts);
        assert!(announced.contains("3 hosts with 2 addresses: tries 8 connections"), "{announced}");
        assert_eq!(ports(&diagnosis, "destination 1", "ipv4"), ["connected"; 4], "{datapath}");
        assert_eq!(ports(&diagnosis, "destination 2", "ipv4"), ["refused"; 4], "{datapath}");
        let fits: Vec<_> =
            diagnosis["fits"].as_array().unwrap().iter().map(|one| &one["fits"]).collect();
        let expected = ["not-blocked", "submission-open", "refused", "name-resolution"];
        assert_eq!(fits, expected, "{datapath}: {diagnosis}");
        assert_eq!(connections(&sent).len(), 8, "{datapath}: {sent:?}");
        assert!(!sent.iter().any(|line| line.starts_with("bytes")), "{datapath}: {sent:?}");
    }
}
