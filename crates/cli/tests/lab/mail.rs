//! Real mail programs: Postfix, swaks, smtp-sink, aiosmtpd.

use std::time::{Duration, Instant};

use egress25_skipped::skipped;

use crate::fair::Running;
use crate::harness::{
    DATAPATHS, Lab, egress25, impossible, installed, is_root, scenario, wait_until,
};

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
fn a_mail_server_that_could_not_send_did_not_receive_either() {
    std::thread::scope(|scope| {
        for datapath in DATAPATHS {
            scope.spawn(move || with_postfix("mail-server.toml", datapath));
        }
    });
}

#[test]
fn postfix_waits_half_a_minute_for_a_blocked_port_where_nobody_configured_it() {
    with_postfix("postfix-default.toml", "nft");
}

/// Opens so many sessions with a mail server, sends a mail by each while all are open, and keeps
/// them until its input ends.
const SESSIONS: &str = r#"
import socket, sys
servers = [socket.create_connection((sys.argv[1], 25), 20) for _ in range(int(sys.argv[2]))]
def all_say(text, expected):
    for server in servers:
        server.sendall(text)
    for server in servers:
        said = server.recv(200)
        assert said.startswith(expected), said
all_say(b'', b'220')
all_say(b'EHLO me\r\n', b'250')
all_say(b'MAIL FROM:<me@example.org>\r\n', b'250')
all_say(b'RCPT TO:<you@example.net>\r\n', b'250')
all_say(b'DATA\r\n', b'354')
all_say(b'Subject: one\r\n\r\nHello.\r\n.\r\n', b'250')
print('talking', flush=True)
sys.stdin.read()
"#;

#[test]
fn two_hundred_clients_at_once_take_no_thread_of_the_lab() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    let owner = lab.process("own");
    let threads = || std::fs::read_dir(format!("/proc/{owner}/task")).unwrap().count();
    let before = threads();
    let _sessions = Running::start(&lab, "vm-ea", &[SESSIONS, "203.0.113.25", "200"]);
    let sockets = || {
        let open = std::fs::read_dir(format!("/proc/{owner}/fd")).unwrap().flatten();
        let links = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        links.filter(|to| to.to_string_lossy().starts_with("socket:")).count()
    };
    assert!(sockets() >= 200, "the sessions are open in the lab's process: {}", sockets());
    // That of the control connection by which the program has entered ends with it.
    wait_until("two hundred clients have threads", || threads() <= before);
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
