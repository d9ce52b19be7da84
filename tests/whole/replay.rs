//! `replay`: captures and inventories in, verdicts out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::frame::{self, Frame, FrameOptions};
use egress25_policy::{Edition, InventoryFile, Question, Source, decide};
use serde_json::Value;

use crate::packets::{ethernet, ipv4, ipv6, mail, pcap, syn, udp};
use crate::program::{egress25, failure, json, repository, stdout, words};

const DAY: &str =
    "replay fixtures/captures/day-of-mail.pcapng --inventory fixtures/inventories/day-of-mail.toml";

/// A capture in a folder of its own.
pub(crate) struct Captured {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn captured(bytes: &[u8]) -> Captured {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("capture");
    std::fs::write(&path, bytes).expect("written");
    Captured { _folder: folder, path }
}

/// Replays a capture of bare IP packets by an inventory, as JSON.
pub(crate) fn replay(packets: &[(u32, Vec<u8>)], inventory: &str, more: &str) -> Value {
    let capture = captured(&pcap(packets));
    let path = capture.path.display();
    json(&format!(
        "replay {path} --inventory fixtures/inventories/{inventory}.toml --format json {more}"
    ))
}

/// The reasons of the rows, in order.
pub(crate) fn reasons(report: &Value) -> Vec<&str> {
    let rows = report["rows"].as_array().expect("rows");
    rows.iter().map(|row| row["reason"].as_str().expect("a reason")).collect()
}

const WEB: [u8; 4] = [10, 0, 1, 4];
const MX: [u8; 4] = [203, 0, 113, 25];

#[test]
fn timings_are_said_where_they_are_asked_for() {
    let stages = ["load", "read", "walk", "judge", "report"];
    let report = json(&format!("{DAY} --format json --timings"));
    let timings = report["summary"]["timings"].as_object().expect("timings");
    assert_eq!(timings.len(), stages.len());
    assert!(stages.iter().all(|stage| timings[*stage].is_u64()), "{timings:?}");
    assert!(json(&format!("{DAY} --format json"))["summary"].get("timings").is_none());
}

#[test]
fn a_day_of_mail_changes_with_its_events() {
    let report = json(&format!("{DAY} --format json"));
    assert_eq!(report["schema_version"], 2);
    assert_eq!(report["edition"]["id"], "2020-12");
    assert_eq!(report["note"], "replay only reports: nothing was sent, nothing was blocked");
    let mut by_reason: BTreeMap<&str, (u64, &str, &str)> = BTreeMap::new();
    for row in report["rows"].as_array().expect("rows") {
        if row["machine"] != "vm-web" {
            continue;
        }
        let time = row["time"].as_str().expect("a time");
        let reason = row["reason"].as_str().expect("a reason");
        let entry = by_reason.entry(reason).or_insert((0, time, time));
        entry.0 += 1;
        entry.2 = time;
    }
    // Asked at 09:00, granted at 10:30, stopped at 12:00 and started at 12:10, revoked at 18:00.
    let expected = [
        ("exempt", 11, "2020-12-08T12:30:07Z", "2020-12-08T17:30:07Z"),
        ("not-granted", 90, "2020-12-08T00:00:07Z", "2020-12-08T08:30:22Z"),
        ("request-pending", 15, "2020-12-08T09:00:07Z", "2020-12-08T10:00:22Z"),
        ("revoked", 60, "2020-12-08T18:00:07Z", "2020-12-08T23:30:22Z"),
        ("waiting-for-stop-and-start", 15, "2020-12-08T10:30:07Z", "2020-12-08T11:30:22Z"),
    ];
    let found: Vec<_> = by_reason
        .into_iter()
        .map(|(reason, (count, first, last))| (reason, count, first, last))
        .collect();
    assert_eq!(found, expected);
    let summary = &report["summary"];
    assert_eq!(summary["packets"], 817);
    assert_eq!(summary["judged"], 215);
    assert_eq!(summary["unjudged"], 602);
    assert_eq!(summary["events_happened"], 6);
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["warnings"], serde_json::json!([]));
}

#[test]
fn every_form_of_the_day_gives_the_same_rows() {
    let golden = stdout(&format!("{DAY} --format csv"));
    for form in [
        "day-of-mail.pcap",
        "day-of-mail.pcap.gz",
        "day-of-mail-ns-be.pcap",
        "day-of-mail.pcapng.zst",
    ] {
        let line = format!(
            "replay fixtures/captures/{form} --inventory fixtures/inventories/day-of-mail.toml --format csv"
        );
        assert!(stdout(&line) == golden, "{form}");
    }
}

/// What the reference says of the day: who sends which packet where, and the answer to it.
fn decided_day() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("fixtures/inventories/day-of-mail.toml"));
    let file = InventoryFile::parse(&text.expect("an inventory")).expect("an inventory");
    let edition = Edition::default_edition().expect("an edition");
    let inventory = file.build(&edition, &[]).expect("an inventory that fits");
    let mut timeline = inventory.timeline(vec![]).expect("events that can happen");
    let capture = repository().join("fixtures/captures/day-of-mail.pcapng");
    let mut reader = CaptureReader::open(&capture).expect("a capture");
    let (mut rows, mut packet) = (Vec::new(), 0);
    while let Some(record) = reader.next_record().expect("a packet") {
        packet += 1;
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        let outcome = frame::outermost(&frame, &FrameOptions::default());
        let Some(syn) = outcome.candidate() else { continue };
        let happened = timeline.position_at(record.timestamp.expect("a time"));
        timeline.move_to(happened, |_, _| {}).expect("they can happen");
        let (source, destination) = (syn.source, syn.destination);
        let sender = Source::Address { network: None, address: source };
        let port = syn.destination_port;
        let question = Question { port, ..Question::smtp(sender, destination) };
        let decision = decide(timeline.world(), &question);
        let ids: Vec<_> = decision.statements.iter().map(|id| id.as_str()).collect();
        let (verdict, reason) = (decision.verdict, decision.reason);
        rows.push(format!("{packet},{source},{destination},{verdict},{reason},{}", ids.join(" ")));
    }
    rows
}

#[test]
fn every_row_of_the_day_is_what_the_reference_says() {
    let csv = stdout(&format!("{DAY} --format csv"));
    let (mut rows, mut seen) = (Vec::new(), BTreeSet::new());
    let mut golden = String::new();
    for (at, line) in csv.lines().enumerate() {
        let cells: Vec<_> = line.split(',').collect();
        if at > 0 {
            rows.push([1, 7, 9, 11, 12, 14].map(|column| cells[column]).join(","));
        }
        // A person reads the first row of each machine, reason and assumption.
        if seen.insert([4, 12, 15].map(|column| cells[column])) {
            golden.push_str(&format!("{line}\n"));
        }
    }
    assert_eq!(rows, decided_day());
    let path = repository().join("tests/golden/replay-day-of-mail.csv");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &golden).expect("written");
    }
    assert_eq!(golden, std::fs::read_to_string(&path).expect("a golden file"));
}

#[test]
fn the_golden_rows_of_the_small_fixtures_are_what_is_found() {
    for (capture, inventory) in [
        ("hub-and-spokes.pcap", "hub-and-spokes"),
        ("overlapping-interfaces.pcapng", "overlapping"),
        ("overlapping-vlans.pcap", "overlapping"),
        ("dual-stack.pcap", "dual-stack"),
    ] {
        let stem = capture.split('.').next().expect("a name");
        let golden = repository().join(format!("tests/golden/replay-{stem}.csv"));
        let line = format!(
            "replay fixtures/captures/{capture} --inventory fixtures/inventories/{inventory}.toml"
        );
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, stdout(&format!("{line} --format csv"))).expect("written");
        }
        let (code, text) = failure(&format!("{line} --summary --expect {}", golden.display()));
        // Some are of a later time than the text of the edition that answers, which is said.
        let of_another_time = |line: &str| line.starts_with("warning: edition 2020-12 is not");
        assert!(code == 0 && text.lines().all(of_another_time), "{capture}: {code}, {text}");
    }
}

#[test]
fn the_other_hops_subscription_is_named() {
    let line = "replay fixtures/captures/hub-and-spokes.pcap --inventory fixtures/inventories/hub-and-spokes.toml";
    let report = json(&format!("{line} --format json"));
    let rows = report["rows"].as_array().expect("rows");
    let brief: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or("-");
            format!("{} {} {}", text("machine"), text("reason"), text("decided_by"))
        })
        .collect();
    assert_eq!(
        brief,
        [
            "app unrestricted-offer hub",
            "app internal -",
            "shop azure-firewall-unsupported -",
            "shop on-premises -",
            "crm not-granted legacy",
            "nva unrestricted-offer -",
            "- unknown-source -",
        ]
    );
}

#[test]
fn overlapping_networks_are_told_apart_or_said_to_be_ambiguous() {
    let line = "replay fixtures/captures/overlapping-vlans.pcap \
                --inventory fixtures/inventories/overlapping.toml --format json";
    let report = json(line);
    assert_eq!(reasons(&report), ["not-granted", "unrestricted-offer", "ambiguous-network"]);
    // Unless somebody knows which network it was.
    let report = json(&format!("{line} --network red"));
    assert_eq!(reasons(&report), ["offer-never-exempt"; 3]);
    let (code, text) = failure(&format!("{line} --network pink"));
    assert_eq!(code, 2);
    assert!(text.contains("blue, green, red"), "{text}");
}

#[test]
fn what_is_inside_a_tunnel_is_judged_where_that_is_asked_for() {
    let mut vxlan = vec![8, 0, 0, 0, 0x00, 0x10, 0x92, 0];
    vxlan.extend(ethernet(&mail([10, 0, 0, 4], MX)));
    let outer = ipv4(17, [10, 0, 0, 9], [10, 0, 0, 10], &[], &udp((40_000, 4789), &vxlan));
    let packets = [(1, outer)];
    assert_eq!(reasons(&replay(&packets, "overlapping", "")), Vec::<&str>::new());
    let report = replay(&packets, "overlapping", "--look-inside");
    assert_eq!(reasons(&report), ["offer-never-exempt"]);
    let row = &report["rows"][0];
    assert_eq!((&row["machine"], &row["network"]), (&"red-mail".into(), &"red".into()));
    assert_eq!((&row["tunnel"], &row["depth"]), (&"vxlan".into(), &1.into()));
}

#[test]
fn vxlan_on_a_gateway_load_balancers_ports_is_looked_into_where_they_are_named() {
    let mut vxlan = vec![8, 0, 0, 0, 0x00, 0x10, 0x92, 0];
    vxlan.extend(ethernet(&mail([10, 0, 0, 4], MX)));
    let on = |port| ipv4(17, [10, 0, 0, 9], [10, 0, 0, 10], &[], &udp((40_000, port), &vxlan));
    let packets = [(1, on(10_800)), (2, on(10_801)), (3, on(4789))];
    for (ports, count) in [("", 1), ("10800", 1), ("10800,10801", 2), ("10800,10801,4789", 3)] {
        let named = if ports.is_empty() { String::new() } else { format!("--vxlan-port {ports}") };
        let report = replay(&packets, "overlapping", &format!("--look-inside {named}"));
        assert_eq!(reasons(&report), vec!["offer-never-exempt"; count], "{ports}");
    }
    let capture = captured(&pcap(&packets));
    let line =
        format!("replay {} --inventory fixtures/inventories/revoked.toml", capture.path.display());
    for (ports, part) in [("1,2,3,4,5,6,7,8,9", "at most 8"), ("0", "0"), ("x", "x")] {
        let (code, text) = failure(&format!("{line} --vxlan-port {ports}"));
        assert_eq!(code, 2);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_capture_of_tunnels_names_the_option_that_looks_into_them() {
    let mut vxlan = vec![8, 0, 0, 0, 0x00, 0x10, 0x92, 0];
    vxlan.extend(ethernet(&mail([10, 0, 0, 4], MX)));
    let outer = ipv4(17, [10, 0, 0, 9], [10, 0, 0, 10], &[], &udp((40_000, 4789), &vxlan));
    let quiet = ipv4(6, WEB, MX, &[], &syn(80));
    let warnings = |packets: &[(u32, Vec<u8>)], more: &str| {
        replay(packets, "overlapping", more)["summary"]["warnings"].to_string()
    };
    let packets = [(1, outer.clone()), (2, quiet.clone()), (3, outer)];
    let text = warnings(&packets, "");
    assert!(text.contains("tunnels among them: 2, and --look-inside judges"), "{text}");
    assert_eq!(warnings(&packets, "--look-inside"), "[]");
    let text = warnings(&[(1, quiet.clone())], "");
    assert!(text.contains("none of the 1 packets") && !text.contains("--look-inside"), "{text}");
    // What comes from a pipe cannot be read again.
    let output = egress25(words("replay - --inventory fixtures/inventories/overlapping.toml"))
        .write_stdin(pcap(&[(1, quiet)]))
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("was not looked at (--look-inside)"), "{text}");
}

#[test]
fn other_encapsulations_are_counted() {
    let ayiya = [&[0x45, 0x52, 0x11, 4, 0, 0, 0, 0][..], &[7; 36], &mail(WEB, MX)].concat();
    let packets = [(1, ipv4(17, WEB, MX, &[], &udp((5072, 5072), &ayiya)))];
    let report = replay(&packets, "day-of-mail", "--look-inside");
    assert_eq!(report["summary"]["other_encapsulation"], 1);
    assert_eq!(report["rows"][0]["tunnel"], "ayiya");
    let warnings = replay(&packets, "day-of-mail", "")["summary"]["warnings"].to_string();
    assert!(warnings.contains("tunnels among them: 1"), "{warnings}");
}

/// A packet for each reason that is about the packet itself, in the order of the test below.
pub(crate) fn odd_packets() -> Vec<(u32, Vec<u8>)> {
    let source_route = [131, 7, 4, 192, 0, 2, 1, 0];
    let mut short = syn(25);
    short[12] = 0x40;
    let mut fragment = ipv4(6, WEB, MX, &[], &syn(25)[..8]);
    fragment[6..8].copy_from_slice(&[0x20, 0]);
    let gre = [&[0, 0, 8, 0][..], &mail(WEB, MX)].concat();
    let mut routing = vec![6, 2, 0, 0, 0, 0, 0, 0];
    routing.extend([0; 16]);
    routing.extend(syn(25));
    let six = [0xfd00, 0x25, 0, 0, 0, 0, 0, 4];
    vec![
        (1, ipv4(6, WEB, MX, &source_route, &syn(25))),
        (2, mail(WEB, [224, 0, 0, 1])),
        (3, ipv4(47, WEB, MX, &[], &gre)),
        (4, ipv4(6, WEB, MX, &[], &short)),
        (5, fragment),
        (6, ipv6(0, six, [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], &[253, 0, 1, 4, 0, 0, 0, 0])),
        (7, ipv6(43, six, [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], &routing)),
    ]
}

#[test]
fn packets_that_are_odd_in_themselves_have_reasons_of_their_own() {
    let report = replay(&odd_packets(), "day-of-mail", "");
    assert_eq!(
        reasons(&report),
        [
            "source-routed",
            "martian-destination",
            "tunnel-not-carried",
            "malformed",
            "fragment-drop",
            "indeterminate",
            "routing-header-0",
        ]
    );
    let rows = report["rows"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["verdict"] == "drop"));
    assert!(rows.iter().all(|row| row["detail"].is_string()), "each says what is wrong");
    let summary = &report["summary"];
    assert_eq!(summary["malformed"], 1);
    assert_eq!(summary["fragments_dropped"], 1);
    assert_eq!(summary["indeterminate"], 1);
}

#[test]
fn an_older_packet_is_judged_by_the_lab_as_it_was() {
    let hour = 3_600;
    let packets: Vec<_> = [15, 8, 15, 11, 19].map(|at| (at * hour, mail(WEB, MX))).to_vec();
    let report = replay(&packets, "day-of-mail", "");
    assert_eq!(
        reasons(&report),
        ["exempt", "not-granted", "exempt", "waiting-for-stop-and-start", "revoked"]
    );
}

#[test]
fn a_machine_that_is_deployed_meanwhile_is_known_from_then_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = folder.path().join("events.toml");
    let text = "[[event]]\nat = \"2020-12-08T01:00:00Z\"\nkind = \"machine-deployed\"\n\
                machine = \"new\"\nsubscription = \"veteran\"\nnetwork = \"hub\"\n\
                subnet = \"mail\"\naddresses = [\"10.0.1.99\"]\n";
    std::fs::write(&events, text).expect("written");
    let packets = [10, 7_200].map(|at| (at, mail([10, 0, 1, 99], MX)));
    let report = replay(&packets, "day-of-mail", &format!("--events {}", events.display()));
    assert_eq!(reasons(&report), ["unknown-source", "predates-restriction"]);
    assert_eq!(report["rows"][1]["machine"], "new");
}

#[test]
fn nothing_judged_is_said() {
    let quiet = captured(&pcap(&[(1, ipv4(6, WEB, MX, &[], &syn(80)))]));
    let empty = captured(&pcap(&[]));
    for (capture, part) in [(quiet, "none of the 1 packets"), (empty, "there is no packet in")] {
        let line = format!(
            "replay {} --inventory fixtures/inventories/revoked.toml",
            capture.path.display()
        );
        let (code, text) = failure(&line);
        assert_eq!(code, 0);
        assert!(text.starts_with("warning: ") && text.contains(part), "{text}");
        let report = json(&format!("{line} --format json"));
        assert!(report["summary"]["warnings"][0].as_str().is_some_and(|text| text.contains(part)));
        assert_eq!(report["rows"], serde_json::json!([]));
    }
}

#[test]
fn a_lab_that_does_not_fit_is_said() {
    let capture = captured(&pcap(&[(1, mail([172, 16, 0, 1], MX))]));
    let line =
        format!("replay {} --inventory fixtures/inventories/revoked.toml", capture.path.display());
    let (code, text) = failure(&line);
    assert_eq!(code, 0);
    assert!(text.contains("does it fit the capture?"), "{text}");
}

#[test]
fn a_cut_tail_is_a_warning_and_the_rest_is_judged() {
    let mut bytes = pcap(&[(1, mail(WEB, MX)), (2, mail(WEB, MX))]);
    bytes.truncate(bytes.len() - 5);
    let capture = captured(&bytes);
    let line = format!(
        "replay {} --inventory fixtures/inventories/day-of-mail.toml",
        capture.path.display()
    );
    let (code, text) = failure(&line);
    assert_eq!(code, 0);
    assert!(text.contains("the file ends inside the record"), "{text}");
    let report = json(&format!("{line} --format json"));
    assert_eq!(reasons(&report), ["not-granted"]);
    assert_eq!(report["summary"]["complete"], false, "packets are missing");
}

#[test]
fn a_hole_of_zeros_in_a_pcap_does_not_hide_what_is_behind_it() {
    let mut bytes = pcap(&[(1, mail(WEB, MX))]);
    let record = bytes.get(24..).expect("a record").to_vec();
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&record);
    let capture = captured(&bytes);
    let line = format!(
        "replay {} --inventory fixtures/inventories/day-of-mail.toml",
        capture.path.display()
    );
    let report = json(&format!("{line} --format json"));
    let judged = reasons(&report).into_iter().filter(|reason| *reason == "not-granted").count();
    assert_eq!(judged, 2, "{report}");
    assert_eq!(report["summary"]["packets"], 3, "tcpdump and tshark count three, too");
}

#[test]
fn a_setting_of_the_command_line_is_not_blamed_on_the_lab_file() {
    let (code, text) = failure(&format!("{DAY} --set foo=bar"));
    assert_eq!(code, 2);
    assert!(text.contains("`foo` is no setting"), "{text}");
    assert!(!text.contains("day-of-mail.toml"), "{text}");
}

#[test]
fn an_expectation_with_an_endless_line_is_refused() {
    let expected = captured(format!("{{\"a\":\"{}", "a".repeat(2_000_000)).as_bytes());
    let (code, text) = failure(&format!("{DAY} --expect {}", expected.path.display()));
    assert_eq!(code, 2);
    assert!(text.contains("a line is longer than 1048576 bytes"), "{text}");
}

#[test]
fn a_corrupt_record_ends_the_replay_after_what_was_judged() {
    let mut bytes = pcap(&[(1, mail(WEB, MX)), (2, mail(WEB, MX))]);
    let second = 24 + 16 + 40;
    bytes[second + 8..second + 16].copy_from_slice(&[0xff; 8]);
    let capture = captured(&bytes);
    let line = format!(
        "replay {} --inventory fixtures/inventories/day-of-mail.toml --format json",
        capture.path.display()
    );
    let output = egress25(words(&line)).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_slice(&output.stdout).expect("whole JSON all the same");
    assert_eq!(reasons(&report), ["not-granted"]);
    assert_eq!(report["summary"]["complete"], false);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("record 2 at byte offset 80"), "{text}");
}

#[test]
fn what_is_no_capture_is_refused_by_name() {
    for (bytes, part) in [
        (&b"#!/bin/sh\n"[..], "not a capture that we know"),
        (&b""[..], "is empty"),
        (&b"XCP\0\0\0\0\0\0\0\0\0"[..], "not a capture"),
        (&b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\x69\0\0\0"[..], "link type"),
    ] {
        let capture = captured(bytes);
        let path = capture.path.display();
        let (code, text) =
            failure(&format!("replay {path} --inventory fixtures/inventories/revoked.toml"));
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(part) || text.contains("not pcap or pcapng"), "{text}");
    }
    let (code, text) = failure("replay no-such-file --inventory fixtures/inventories/revoked.toml");
    assert_eq!(code, 2);
    assert!(text.contains("cannot open `no-such-file`"), "{text}");
}

#[test]
fn only_some_rows_are_shown_and_all_are_counted() {
    for (only, rows) in [
        ("passed", 35),
        ("dropped", 180),
        ("blocked", 180),
        ("rejected", 0),
        ("revoked,exempt", 71),
        ("passed --only revoked", 95),
    ] {
        let report = json(&format!("{DAY} --format json --only {only}"));
        assert_eq!(report["rows"].as_array().map(Vec::len), Some(rows), "{only}");
        assert_eq!(report["summary"]["judged"], 215);
    }
    assert_eq!(failure(&format!("{DAY} --only maybe")).0, 2);
}

#[test]
fn people_get_rows_and_a_summary() {
    let text = stdout(DAY);
    let row = " platform    2020-12-08T00:00:07Z  vm-web   shop          203.0.113.25       5     15.0  \
               silent    drop     not-granted                 agrees    PG3, PG4";
    assert!(text.lines().nth(1) == Some(row), "{text}");
    assert!(text.contains("817 packets, 215 judged: 35 passed, 180 dropped, 0 rejected"));
    assert!(text.contains("Edition 2020-12; replay only reports"));
    let text = stdout(&format!("{DAY} --summary"));
    assert!(!text.contains("00:00:07Z"), "{text}");
    assert!(text.contains("waiting-for-stop-and-start       15"), "{text}");
}

#[test]
fn another_edition_and_other_settings_judge_the_same_events() {
    let report = json(&format!("{DAY} --format json --summary --edition in-force"));
    let counts = report["summary"]["by_subscription"].as_array().expect("counts");
    let of = |reason: &str| -> u64 {
        let counts = counts.iter().filter(|one| one["reason"] == reason);
        counts.filter_map(|one| one["packets"].as_u64()).sum()
    };
    // What was granted then goes on working; what was never granted is not to be had any more.
    assert_eq!(of("exempt"), 11);
    assert!(of("offer-never-exempt") > 100);
    let report = json(&format!("{DAY} --format json --summary --set guest_restart_counts=yes"));
    let counts = report["summary"]["by_subscription"].as_array().expect("counts");
    let exempt = counts.iter().find(|one| one["reason"] == "exempt").expect("some");
    assert!(exempt["packets"].as_u64() > Some(11));
}

#[test]
fn a_capture_of_another_time_than_the_editions_text_was_judged_without_a_word() {
    let warnings = |edition: &str| {
        let report = json(&format!("{DAY} --edition {edition} --summary --format json"));
        report["summary"]["warnings"].to_string()
    };
    assert_eq!(warnings("2020-12"), "[]");
    let text = warnings("in-force");
    assert!(
        text.contains("edition 2023-12 is not the text of 2020-12-08: that was 2020-12"),
        "{text}"
    );
}
