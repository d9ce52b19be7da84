//! A capture of one's own, which no inventory describes: from the file to the first verdict in one
//! command, on a terminal or not, and the sentence that helps where the file is another.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use egress25_skipped::skipped;
use serde_json::Value;

use crate::packets::{ethernet, ipv4, ipv6, mail, pcap, syn};
use crate::program::{binary, failure, json, repository, stdout};
use crate::replay::{captured, reasons};

const DAY: &str = "fixtures/captures/day-of-mail.pcapng";
const PAYG: &str = "--offer pay-as-you-go --created 2019-03-01";
const MX: [u8; 4] = [203, 0, 113, 25];

/// The program on a terminal of some columns, with what is typed there.
pub(crate) fn on_a_terminal(line: &str, columns: u16, typed: &str) -> Option<Output> {
    let inside = format!("stty cols {columns}; exec {} {line}", binary().display());
    let child = Command::new("script")
        .args(["-qec", &inside, "/dev/null"])
        .current_dir(repository())
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skipped("script is not installed: there is no terminal");
        return None;
    };
    child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("typed");
    Some(child.wait_with_output().expect("it ends"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).replace('\r', "")
}

#[test]
fn from_an_own_capture_to_the_first_verdict_were_seven_steps() {
    let report = json(&format!("replay {DAY} {PAYG} --format json"));
    assert_eq!(report["summary"]["dropped"], 215);
    let exempt =
        format!("replay {DAY} {PAYG} --exempt granted --started-since-grant --format json");
    assert_eq!(json(&exempt)["summary"]["passed"], 215);
    let unrestricted = json(&format!("replay {DAY} --offer EA --format json"));
    assert_eq!(unrestricted["summary"]["by_subscription"][0]["reason"], "unrestricted-offer");
}

#[test]
fn what_was_missing_was_an_inventory_and_not_a_line_to_type() {
    let (code, said) = failure(&format!("replay {DAY}"));
    let line = format!("egress25 replay {DAY} --offer pay-as-you-go --created 2019-03-01");
    assert!(code == 2 && said.contains(&line), "{said}");
    let (code, said) = failure(&format!("replay {DAY} --offer pay-as-you-go"));
    assert!(code == 2 && said.contains(&line), "{said}");
    for (with, what) in [
        ("--offer EA --inventory fixtures/inventories/day-of-mail.toml", "--inventory"),
        ("--mine 198.51.100.1 --store nowhere.db", "--store"),
        ("--offer EA --started-since-grant", "--exempt granted"),
        ("--offer EA --mine house", "a prefix such as"),
    ] {
        let (code, said) = failure(&format!("replay {DAY} {with}"));
        assert!(code == 2 && said.contains(what), "{with}: {said}");
    }
}

#[test]
fn every_private_sender_is_the_subscriptions_own_and_others_if_they_are_named() {
    let [private, shared, own, other] =
        [[172, 16, 9, 9], [100, 64, 1, 1], [198, 51, 100, 7], [198, 51, 100, 8]];
    let local = [0xfd00, 1, 0, 0, 0, 0, 0, 9];
    let far = [0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 25];
    let packets = [
        (0, mail(private, MX)),
        (1, mail(shared, MX)),
        (2, ipv6(6, local, far, &syn(25))),
        (3, mail(private, shared)),
        (4, mail(own, MX)),
        (5, mail(other, MX)),
        (6, mail(MX, private)),
        (7, mail(private, own)),
    ];
    let capture = captured(&pcap(&packets));
    let path = capture.path.display();
    let line = format!("replay {path} {PAYG} --mine 198.51.100.7 --format json");
    let report = json(&line);
    let right = ["not-granted", "not-granted", "not-granted", "internal", "not-granted"];
    assert_eq!(
        reasons(&report),
        [&right[..], &["unknown-source", "inbound", "not-granted"]].concat()
    );
    let people = stdout(&format!("replay {path} {PAYG} --mine 198.51.100.7"));
    assert!(people.contains("sender (172.16.9.9)"), "{people}");
    let few = captured(&pcap(&packets[5..6]));
    let warned = json(&format!("replay {} {PAYG} --format json", few.path.display()));
    assert!(warned["summary"]["warnings"].to_string().contains("--mine PREFIX"), "{warned}");
}

#[test]
fn what_init_writes_is_judged_as_what_the_flags_say() {
    let rows = |report: &Value| {
        let row = |row: &Value| format!("{} {} {}", row["packet"], row["verdict"], row["reason"]);
        report["rows"].as_array().expect("rows").iter().map(row).collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = folder.path().join("inventory.toml");
    for flags in [
        PAYG.to_owned(),
        format!("{PAYG} --exempt granted"),
        format!("{PAYG} --exempt granted --started-since-grant"),
        "--offer EA".to_owned(),
    ] {
        for capture in [DAY, "fixtures/captures/dual-stack.pcap"] {
            let written = stdout(&format!("init {capture} {flags}"));
            std::fs::write(&inventory, &written).expect("written");
            let by = format!("--inventory {}", inventory.display());
            let by_flags = json(&format!("replay {capture} {flags} --format json"));
            let by_file = json(&format!("replay {capture} {by} --format json"));
            assert_eq!(rows(&by_flags), rows(&by_file), "{capture} {flags}");
            stdout(&format!("validate {}", inventory.display()));
        }
    }
    assert!(stdout(&format!("init {PAYG}")).contains("[machine.sender]"));
}

#[test]
fn an_inventory_that_is_begun_replaces_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = folder.path().join("inventory.toml");
    let line = format!("init {DAY} {PAYG} --write {}", inventory.display());
    assert!(stdout(&line).contains("egress25 validate"));
    let written = std::fs::read_to_string(&inventory).expect("written");
    assert_eq!(written.trim_end(), stdout(&format!("init {DAY} {PAYG}")).trim_end());
    std::fs::write(&inventory, "mine").expect("written");
    let (code, said) = failure(&line);
    assert!(code == 2 && said.contains("--force"), "{said}");
    assert_eq!(std::fs::read_to_string(&inventory).expect("there"), "mine");
}

#[test]
fn who_ended_the_input_was_asked_again_and_told_that_nothing_is_no_offer() {
    let Some(output) = on_a_terminal(&format!("replay {DAY} --summary"), 120, "\u{4}") else {
        return;
    };
    assert!(text(&output).contains("was not answered"), "{}", text(&output));
}

#[test]
fn who_is_at_a_terminal_is_asked() {
    let typed = "nonsense\npayg\n2019-03-01\ngranted\ny\n";
    let Some(output) = on_a_terminal(&format!("replay {DAY} --summary"), 120, typed) else {
        return;
    };
    let said = text(&output);
    assert!(output.status.success() && said.contains("exempt"), "{said}");
    let flags = "--offer pay-as-you-go --created 2019-03-01 --exempt granted --started-since-grant";
    assert!(said.contains(&format!("egress25 replay {DAY} {flags}")), "{said}");
}

#[test]
fn a_json_file_was_called_a_bad_inventory_and_a_flow_log_a_capture_without_packets() {
    let resource = captured(b"{\"id\": \"/subscriptions/x/providers/Microsoft.Compute/vm\"}");
    let log = captured(b"{\"records\": [{\"flowRecords\": {\"flows\": []}}]}");
    let other = captured(b"{\"password\": \"hush\"}");
    let [resource, log, other] = [&resource, &log, &other].map(|file| file.path.display());
    for (line, right) in [
        (format!("validate {resource}"), "egress25 import"),
        (format!("check --inventory {resource} --machine a --to 203.0.113.5"), "egress25 import"),
        (format!("replay {DAY} --inventory {resource}"), "egress25 import"),
        (format!("replay {resource} --offer EA"), "egress25 import"),
        (format!("replay {log} --offer EA"), "flow log"),
        (format!("check --inventory {other} --machine a --to 203.0.113.5"), "is TOML"),
        (format!("replay {DAY} {PAYG} --events {other}"), "is no list of events"),
        (format!("replay {DAY} {PAYG} --edition {other}"), "is no edition"),
        (format!("init {other} --offer EA"), "is JSON, not pcap"),
    ] {
        let (code, said) = failure(&line);
        assert!(code == 2 && said.contains(right) && !said.contains("hush"), "{line}: {said}");
    }
}

#[test]
fn bare_packets_in_a_capture_that_says_ethernet_were_no_syn() {
    let bare: Vec<_> = (0..39).map(|at| (at, mail([10, 0, 1, 4], MX))).collect();
    let framed: Vec<_> = bare.iter().map(|(at, packet)| (*at, ethernet(packet))).collect();
    // The link type stands at byte 20 of a pcap file.
    let as_type = |packets: &[(u32, Vec<u8>)], link: u8| {
        let mut bytes = pcap(packets);
        bytes[20] = link;
        captured(&bytes)
    };
    for (packets, link, right) in [
        (&bare, 1, "39 of the first 39 packets do not look like EN10MB"),
        (&framed, 101, "39 of the first 39 packets do not look like RAW"),
    ] {
        let capture = as_type(packets, link);
        let report = json(&format!("replay {} {PAYG} --format json", capture.path.display()));
        let warnings = report["summary"]["warnings"].to_string();
        assert!(warnings.contains(right) && warnings.contains("editcap -T"), "{warnings}");
    }
    for (packets, link) in [(&bare, 101), (&framed, 1)] {
        let capture = as_type(packets, link);
        let report = json(&format!("replay {} {PAYG} --format json", capture.path.display()));
        assert!(!report["summary"]["warnings"].to_string().contains("look like"), "{report}");
    }
    // Not a packet of the odd ones that are really of their type: an UDP datagram in Ethernet.
    let odd = as_type(&[(0, ethernet(&ipv4(17, [8, 0, 1, 4], MX, &[], &[0; 8])))], 1);
    let report = json(&format!("replay {} {PAYG} --format json", odd.path.display()));
    assert!(!report["summary"]["warnings"].to_string().contains("look like"), "{report}");
}

#[test]
fn ids_were_broken_in_a_narrow_terminal() {
    for columns in [0, 60, 80, 100, 120] {
        let Some(output) = on_a_terminal("explain", columns, "") else { return };
        let said = text(&output);
        for id in ["waiting-for-stop-and-start", "azure-firewall-unsupported", "not-granted"] {
            assert!(said.contains(id), "{columns}: {said}");
        }
        let widest = said.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(columns == 0 || widest <= usize::from(columns), "{columns}: {widest}\n{said}");
        let Some(output) = on_a_terminal("matrix", columns, "") else { return };
        assert!(text(&output).contains("unrestricted"), "{columns}: {}", text(&output));
    }
}
