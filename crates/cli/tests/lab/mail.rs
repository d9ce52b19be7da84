//! Real mail programs: Postfix, swaks, smtp-sink, aiosmtpd.

use std::time::{Duration, Instant};

use egress25_skipped::skipped;

use crate::harness::{DATAPATHS, Lab, egress25, impossible, installed, is_root, scenario};

/// The lab's hosts without mail servers of its own: others listen.
const HOSTS: &str = "[host.\"mx.example.net\"]\naddresses = [\"203.0.113.25\"]\n\
                     [host.\"relay.example.net\"]\naddresses = [\"203.0.113.87\"]\n";

/// Plays a scenario with a Postfix over a data path.
fn with_postfix(name: &str, datapath: &str) {
    if !is_root() || !installed("postfix") {
        return skipped("Postfix changes to its own user: needs root and Postfix");
    }
    if let Some(why) = impossible(datapath) {
        return skipped(why);
    }
    let mut command = egress25();
    command.args(["lab", "run", "--datapath", datapath]).arg(scenario(name));
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn postfix_defers_until_the_machine_was_deallocated_and_started_over_every_data_path() {
    // It waits most of the time: all three at once.
    std::thread::scope(|scope| {
        for datapath in DATAPATHS {
            scope.spawn(move || with_postfix("postfix.toml", datapath));
        }
    });
}

#[test]
fn postfix_waits_half_a_minute_for_a_blocked_port_where_nobody_configured_it() {
    with_postfix("postfix-default.toml", "nft");
}

fn wait_for(lab: &Lab, to: &str) {
    let begun = Instant::now();
    while lab.connect("vm-ea", to) != "open" {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody listens at {to}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told from beginning to end")]
fn swaks_delivers_to_smtp_sink_and_to_aiosmtpd_where_it_may_and_times_out_where_not() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    if !installed("swaks") || !installed("smtp-sink") {
        return skipped("swaks or smtp-sink is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    let hosts = hosts.display().to_string();
    let mut lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &["--hosts", &hosts]);
    let sink = if is_root() {
        ["/usr/sbin/smtp-sink", "-u", "root", "0.0.0.0:25", "100"].to_vec()
    } else {
        // Which users and groups a user namespace has does not suit smtp-sink.
        ["/usr/bin/python3", "-m", "aiosmtpd", "-n", "-l", "0.0.0.0:25"].to_vec()
    };
    let words = [&["exec", "mx.example.net", "--"], sink.as_slice()].concat();
    let sink = lab.command(&words);
    lab.start(sink);
    wait_for(&lab, "mx.example.net:25");
    let aiosmtpd = lab
        .exec("relay.example.net", &["/usr/bin/python3", "-c", "import aiosmtpd"])
        .status
        .success();
    let mut servers = vec!["mx.example.net:25"];
    if aiosmtpd {
        let listen = "0.0.0.0:587";
        let command = [
            "exec",
            "relay.example.net",
            "--",
            "/usr/bin/python3",
            "-m",
            "aiosmtpd",
            "-n",
            "-l",
            listen,
        ];
        let command = lab.command(&command);
        lab.start(command);
        wait_for(&lab, "relay.example.net:587");
        servers.push("relay.example.net:587");
    } else {
        skipped("aiosmtpd is not installed");
    }
    let swaks = |from: &str, server: &str| {
        let output = lab.exec(
            from,
            &[
                "swaks",
                "--to",
                "user@example.net",
                "--from",
                "lab@example.org",
                "--server",
                server,
                "--timeout",
                "4",
            ],
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    };
    for server in &servers {
        let said = swaks("vm-ea", server);
        assert!(said.contains("<-  250"), "{said}");
    }
    if aiosmtpd {
        let said = swaks("vm-web", "relay.example.net:587");
        assert!(said.contains("<-  250"), "587 is open for everybody: {said}");
    }
    let said = swaks("vm-web", "mx.example.net:25");
    assert!(said.to_lowercase().contains("time"), "blocked is silence: {said}");
    let said = swaks("vm-guarded", "mx.example.net:25");
    assert!(said.contains("refused"), "Azure Firewall rejects: {said}");
}
