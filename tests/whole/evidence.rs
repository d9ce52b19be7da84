//! `replay`: connections, what came back, and what contradicts the description.

use std::path::Path;

use serde_json::Value;

use crate::packets::{MIDNIGHT, ethernet, ipv4, pcap, udp};
use crate::program::{egress25, failure, stdout, words};
use crate::replay::{Captured, captured};

const SYN: u8 = 0x02;
const RST_ACK: u8 = 0x14;
const SYN_ACK: u8 = 0x12;

const WEB: [u8; 4] = [10, 0, 1, 4];
const MX: [u8; 4] = [203, 0, 113, 25];

/// A TCP segment.
pub(crate) fn tcp(ports: (u16, u16), flags: u8, seq: u32, ack: u32) -> Vec<u8> {
    let mut bytes = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    bytes.extend([seq.to_be_bytes(), ack.to_be_bytes()].concat());
    bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes
}

/// A SYN from a port of an address, whose number is that of the port.
fn syn(from: [u8; 4], port: u16) -> Vec<u8> {
    ipv4(6, from, MX, &[], &tcp((port, 25), SYN, u32::from(port), 0))
}

/// What comes back to it.
fn back(to: [u8; 4], port: u16, flags: u8) -> Vec<u8> {
    ipv4(6, MX, to, &[], &tcp((25, port), flags, 90, u32::from(port) + 1))
}

/// An inventory of one machine.
fn inventory(folder: &Path, offer: &str, created: &str, more: &str) -> String {
    let path = folder.join("inventory.toml");
    let text = format!(
        "[subscription.shop]\noffer = \"{offer}\"\ncreated = \"{created}\"\n[network.hub]\n\
         address_space = [\"10.0.0.0/16\"]\n[machine.web]\nsubscription = \"shop\"\nnetwork = \
         \"hub\"\naddresses = [\"10.0.1.4\"]\n{more}"
    );
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

struct Case {
    capture: Captured,
    _folder: tempfile::TempDir,
    inventory: String,
}

/// Packets of a machine of a subscription of an offer.
fn case(offer: &str, packets: &[(u32, Vec<u8>)]) -> Case {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = inventory(folder.path(), offer, "2021-05-01", "");
    Case { capture: captured(&pcap(packets)), _folder: folder, inventory }
}

impl Case {
    /// The exit code, stdout and stderr.
    fn run(&self, more: &str) -> (i32, String, String) {
        let line =
            format!("replay {} --inventory {} {more}", self.capture.path.display(), self.inventory);
        let output = egress25(words(&line)).output().expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let code = output.status.code().expect("it was not killed");
        (code, text(output.stdout), text(output.stderr))
    }

    fn json(&self, more: &str) -> Value {
        let (code, stdout, stderr) = self.run(&format!("--connections --format json {more}"));
        assert!(code == 0 || code == 3, "{stderr}");
        serde_json::from_str(&stdout).expect("JSON")
    }
}

fn answered() -> Case {
    let packets = [syn(WEB, 42_000), back(WEB, 42_000, SYN_ACK)];
    case("csp", &packets.map(|packet| (0, packet)))
}

fn three() -> Case {
    let mut packets = vec![
        (0, syn(WEB, 1)),
        (0, back(WEB, 1, SYN_ACK)),
        (1, syn(WEB, 2)),
        (1, back(WEB, 2, RST_ACK)),
    ];
    packets.extend([2, 3, 17, 33].map(|at| (at, syn(WEB, 3))));
    case("pay-as-you-go", &packets)
}

#[test]
fn an_answered_syn_that_should_be_dropped_was_told_to_be_dropped_without_a_warning() {
    let case = answered();
    let said = "1 of 1 connections that should be dropped was answered: the description does not \
                fit (offer? date? exemption? started since?)";
    let (code, stdout, stderr) = case.run("--edition 2022-11");
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains(said), "{stderr}");
    assert!(stdout.contains("contradicts"), "{stdout}");
    let (code, stdout, stderr) = case.run("--edition 2022-11 --summary --fail-on contradiction");
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.matches(said).count() == 2, "{stderr}");
    assert!(!stdout.contains("answered  drop"), "{stdout}");
    // It counts in packets' rows, too, where it is asked for, and is not looked for otherwise.
    assert_eq!(case.run("--edition 2022-11 --format csv --fail-on contradiction").0, 3);
    let (code, _, stderr) = case.run("--edition 2022-11 --format csv");
    assert!(code == 0 && !stderr.contains("does not fit"), "{stderr}");
    let report = case.json("--edition 2022-11");
    assert_eq!(report["summary"]["connections"]["contradictions"][0], said);
    let row = &report["rows"][0];
    assert_eq!(row["kind"], "connection");
    assert_eq!(
        [&row["verdict"], &row["seen"], &row["evidence"]],
        ["drop", "answered", "contradicts"]
    );
    assert_eq!(row["because"], "it was answered, so nothing dropped it");
}

#[test]
fn one_answered_one_refused_and_one_silent_were_three_drops() {
    let report = three().json("");
    let rows = report["rows"].as_array().expect("rows");
    let brief: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
            let [seen, by, evidence] = ["seen", "refused_by", "evidence"].map(text);
            format!("{seen} {by} {evidence} {} tries {} s", row["tries"], row["seconds"])
        })
        .collect();
    assert_eq!(
        brief,
        [
            "answered - contradicts 1 tries 0.0 s",
            "refused RST contradicts 1 tries 0.0 s",
            "silent - agrees 4 tries 31.0 s",
        ]
    );
    let (_, stdout, stderr) = three().run("");
    assert!(stderr.contains("1 of 3 connections that should be dropped was answered"), "{stderr}");
    assert!(stderr.contains("was refused by a RST"), "{stderr}");
    // What the text of today advises comes first, where that is something else.
    let [today, then] =
        ["What to do today, by edition", "What to do (by edition 2020-12): not-granted"]
            .map(|heading| stdout.find(heading).expect("a heading"));
    assert!(today < then, "{stdout}");
    assert!(stdout.contains("what was seen contradicts this answer"), "{stdout}");
    assert!(stdout.contains("Nothing here is of another port than 25"), "{stdout}");
    let web = ipv4(6, WEB, MX, &[], &tcp((7, 80), SYN, 7, 0));
    let (_, shown, _) = case("csp", &[(0, syn(WEB, 1)), (0, web)]).run("");
    assert!(shown.contains("No relay is in use"), "{shown}");
    assert_eq!(stdout.matches("What to do").count(), 2, "each reason once: {stdout}");
}

#[test]
fn what_passes_and_is_never_answered_is_not_this_filters() {
    let packets = [0, 1, 3, 7].map(|at| (at, syn(WEB, 1)));
    let (code, stdout, stderr) = case("enterprise-agreement", &packets).run("");
    assert!(code == 0 && !stderr.contains("does not fit"), "{stderr}");
    let stdout = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "1 of 1 connections that should pass was never answered: not this filter (security \
                group, way out, the other side), or the description is wrong.";
    assert!(stdout.contains(said), "{stdout}");
    assert!(stdout.contains("What to look at next where nobody answers"), "{stdout}");
    assert!(!stdout.contains("No relay is in use"), "{stdout}");
    assert!(stdout.contains("does it have both directions?"), "{stdout}");
    assert!(!three().run("").1.contains("does it have both directions?"));
}

/// A cooked capture (link type 113): each packet with the kind of its direction.
fn cooked(packets: &[(u32, u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 113] {
        file.extend(word.to_le_bytes());
    }
    for (seconds, kind, packet) in packets {
        let mut frame = vec![0, *kind, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0];
        frame.extend(packet);
        let length = u32::try_from(frame.len()).expect("a short packet");
        for word in [MIDNIGHT + seconds, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

#[test]
fn a_container_and_its_machine_were_two() {
    let pod = [172, 22, 1, 253];
    for bridge in [0, 3, 4] {
        let mut case = answered();
        let mut packets = Vec::new();
        for at in [0, 1, 3, 7] {
            packets.push((at, bridge, syn(pod, 42_000)));
            packets.push((at, 4, syn(WEB, 42_000)));
        }
        case.capture = captured(&cooked(&packets));
        let report = case.json("");
        let rows = report["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), 1, "{bridge}: {report}");
        assert_eq!(rows[0]["machine"], "web");
        assert_eq!(rows[0]["tries"], 4);
        assert_eq!(rows[0]["behind"], serde_json::json!(["172.22.1.253"]));
        let (_, stdout, _) = case.run("");
        assert!(stdout.contains("web (behind it 172.22.1.253)"), "{stdout}");
    }
}

#[test]
fn connections_are_compared_with_a_golden_file_of_connections() {
    let case = three();
    let golden = case.capture.path.with_extension("golden");
    let named = golden.display();
    for format in ["ndjson", "csv"] {
        let (code, rows, _) = case.run(&format!("--connections --format {format}"));
        assert_eq!(code, 0);
        std::fs::write(&golden, &rows).expect("written");
        let line = format!("--summary --expect-connections {named}");
        assert_eq!(case.run(&line).0, 0, "{}", case.run(&line).2);
        std::fs::write(&golden, rows.replace("silent", "answered")).expect("written");
        let (code, _, stderr) = case.run(&line);
        assert_eq!(code, 3);
        assert!(stderr.contains("~ packet 5: seen `silent`, expected `answered`"), "{stderr}");
    }
    // Packets go on to be compared as packets.
    let (_, rows, _) = case.run("--format ndjson");
    std::fs::write(&golden, &rows).expect("written");
    assert_eq!(rows.matches("\"kind\":\"packet\"").count(), 6);
    assert_eq!(case.run(&format!("--summary --expect {named}")).0, 0);
    assert_eq!(case.run(&format!("--summary --expect-connections {named}")).0, 2);
}

#[test]
fn connections_beyond_a_number_are_counted() {
    let case = three();
    let (code, _, stderr) = case.run("--max-connections 2");
    assert!(code == 0 && stderr.contains("4 SYNs are of connections beyond"), "{stderr}");
    let report = case.json("--max-connections 2");
    assert_eq!(report["summary"]["connections"]["syns_not_kept"], 4);
    assert_eq!(report["summary"]["dropped"], 6);
}

#[test]
fn only_shows_the_connections_that_have_such_packets() {
    let case = three();
    let rows = |more: &str| case.json(more)["rows"].as_array().expect("rows").len();
    assert_eq!(rows("--only dropped"), 3);
    assert_eq!(rows("--only passed"), 0);
    assert_eq!(rows("--only not-granted"), 3);
    assert_eq!(rows("--only exempt"), 0);
}

#[test]
fn what_tunnels_carry_is_held_against_what_they_carry_back() {
    let vxlan = |from: [u8; 4], to: [u8; 4], packet: &[u8]| {
        let payload = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &ethernet(packet)].concat();
        (0, ipv4(17, from, to, &[], &udp((5_000, 4_789), &payload)))
    };
    let hosts = [[192, 0, 2, 1], [192, 0, 2, 2]];
    let packets = [
        vxlan(hosts[0], hosts[1], &syn(WEB, 1)),
        vxlan(hosts[1], hosts[0], &back(WEB, 1, SYN_ACK)),
    ];
    let report = case("csp", &packets).json("--look-inside");
    let row = &report["rows"][0];
    assert_eq!((&row["depth"], &row["machine"]), (&1.into(), &"web".into()), "{report}");
    assert_eq!(row["evidence"], "contradicts");
    let report = case("csp", &packets).json("");
    assert_eq!(report["summary"]["connections"]["connections"], 0);
}

/// Waits until a process catches SIGINT.
#[cfg(target_os = "linux")]
fn until_it_catches_sigint(process: u32) {
    let catches = || {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok());
        caught.is_some_and(|caught| caught & 2 != 0)
    };
    for _ in 0..1_000 {
        if catches() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{process} does not catch SIGINT");
}

#[cfg(target_os = "linux")]
#[test]
fn what_ended_tcpdump_ended_the_report_too() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().expect("a folder");
    let inventory = inventory(folder.path(), "csp", "2021-05-01", "");
    let mut replay = Command::new(crate::program::binary())
        .args(["replay", "-", "--inventory", &inventory])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    until_it_catches_sigint(replay.id());
    let interrupt = Command::new("kill").args(["-INT", &replay.id().to_string()]).status();
    assert!(interrupt.expect("kill runs").success());
    let capture = pcap(&[(0, syn(WEB, 1)), (0, back(WEB, 1, SYN_ACK))]);
    let mut stdin = replay.stdin.take().expect("a pipe");
    stdin.write_all(&capture).expect("written");
    drop(stdin);
    let output = replay.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{:?}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 connection: 1 answered"), "{text}");
}

#[test]
fn packets_that_differ_were_not_told_where_connections_differ_too() {
    let day = "replay fixtures/captures/day-of-mail.pcapng --inventory \
               fixtures/inventories/day-of-mail.toml";
    let folder = tempfile::tempdir().expect("a folder");
    let falsified = |name: &str, more: &str| {
        let rows = stdout(&format!("{day} --format ndjson {more}"));
        let path = folder.path().join(name);
        std::fs::write(&path, rows.replacen("not-granted", "revoked", 1)).expect("written");
        path.display().to_string()
    };
    let (packets, connections) =
        (falsified("packets", ""), falsified("connections", "--connections"));
    let line = format!("{day} --summary --expect {packets} --expect-connections {connections}");
    let (code, said) = failure(&line);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&packets) && said.contains(&connections), "{said}");
}

#[test]
fn a_golden_file_that_says_nothing_or_is_of_other_rows_was_taken() {
    let line = "replay fixtures/captures/dual-stack.pcap --offer EA --summary";
    let rows = |more: &str| {
        stdout(&format!("replay fixtures/captures/dual-stack.pcap --offer EA --format csv {more}"))
    };
    let (packets, connections) = (rows(""), rows("--connections"));
    for (flag, golden, what) in [
        ("--expect", String::new(), "it is empty"),
        ("--expect", "{}\n".to_owned(), "has no `kind`"),
        ("--expect", "packet,depth\n2,0\n".to_owned(), "neither `verdict` nor `reason`"),
        ("--expect", "packet,depth,Verdict\n2,0,pass\n".to_owned(), "`Verdict` is no column"),
        ("--expect", connections.clone(), "is no column of a packet's row"),
        ("--expect-connections", packets.clone(), "is no column of a connection's row"),
    ] {
        let file = captured(golden.as_bytes());
        let (code, said) = failure(&format!("{line} {flag} {}", file.path.display()));
        assert!(code == 2 && said.contains(what), "{flag} {golden}: {said}");
    }
    for (flag, golden) in [("--expect", packets), ("--expect-connections", connections)] {
        let file = captured(golden.as_bytes());
        assert_eq!(failure(&format!("{line} {flag} {}", file.path.display())).0, 0, "{flag}");
    }
}

#[test]
fn connections_that_were_not_kept_were_held_against_nothing_and_passed() {
    let line =
        "replay fixtures/captures/day-of-mail.pcap --offer EA --summary --fail-on contradiction";
    assert_eq!(failure(line).0, 0);
    let (code, said) = failure(&format!("{line} --max-connections 1"));
    assert!(code == 3 && said.contains("were not kept"), "{said}");
    assert_eq!(failure(&format!("{line} --max-connections 0")).0, 2);
}

#[test]
fn an_answer_that_was_not_captured_made_a_delivered_mail_fit_the_block() {
    // What the sender acknowledges came back to it, whatever the capture lost of that.
    let ack = ipv4(6, WEB, MX, &[], &tcp((7, 25), 0x10, 8, 91));
    let data = ipv4(6, WEB, MX, &[], &tcp((8, 25), 0x18, 9, 91));
    let late = ipv4(6, WEB, MX, &[], &tcp((9, 25), 0x10, 5_000, 91));
    let packets =
        [(0, syn(WEB, 7)), (0, syn(WEB, 8)), (0, syn(WEB, 9)), (1, ack), (1, data), (1, late)];
    let report = case("csp", &packets).json("--edition 2022-11");
    let seen: Vec<_> =
        report["rows"].as_array().expect("rows").iter().map(|row| &row["seen"]).collect();
    assert_eq!(seen, ["answered", "answered", "silent"]);
}

#[test]
fn a_syn_with_data_that_was_taken_at_once_was_called_silent() {
    // TCP Fast Open: what answers acknowledges the data, too.
    let mut segment = tcp((7, 25), SYN, 7, 0);
    segment.extend(b"EHLO x\r\n");
    let answer = ipv4(6, MX, WEB, &[], &tcp((25, 7), SYN_ACK, 90, 8 + 8));
    let packets = [(0, ipv4(6, WEB, MX, &[], &segment)), (0, answer)];
    assert_eq!(case("csp", &packets).json("")["rows"][0]["seen"], "answered");
}

#[test]
fn what_hangs_on_a_bound_of_the_day_of_creation_was_a_contradiction() {
    let case = case("pay-as-you-go", &[(0, syn(WEB, 7)), (0, back(WEB, 7, SYN_ACK))]);
    let text = std::fs::read_to_string(&case.inventory).expect("there");
    let between = "created_after = \"2017-01-01\"\ncreated_before = \"2018-01-01\"";
    let text = text.replace("created = \"2021-05-01\"", between);
    std::fs::write(&case.inventory, text).expect("written");
    let row = &case.json("")["rows"][0];
    assert_eq!([&row["verdict"], &row["evidence"]], ["drop", "no-evidence"], "{row}");
    assert!(row["because"].as_str().is_some_and(|why| why.contains("hangs on a bound")), "{row}");
    for format in ["json", "human", "csv"] {
        let (code, _, stderr) = case.run(&format!(" --format {format} --fail-on contradiction"));
        assert!(code == 0 && !stderr.contains("does not fit"), "{format}: {stderr}");
    }
}

#[test]
fn silence_of_a_machine_that_does_not_run_agreed() {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = inventory(folder.path(), "csp", "2021-05-01", "power = \"deallocated\"\n");
    let case = Case { capture: captured(&pcap(&[(0, syn(WEB, 7))])), _folder: folder, inventory };
    let row = &case.json("")["rows"][0];
    assert_eq!([&row["reason"], &row["evidence"]], ["sender-not-running", "no-evidence"]);
}

#[test]
fn a_capture_in_which_nothing_is_judged_passed_every_check() {
    let other = ipv4(6, WEB, MX, &[], &tcp((7, 80), SYN, 7, 0));
    let case = case("csp", &[(0, other)]);
    assert_eq!(case.run("--fail-on contradiction").0, 0);
    let (code, _, stderr) = case.run("--fail-on contradiction,nothing-judged");
    assert!(code == 3 && stderr.contains("nothing in the capture is judged"), "{stderr}");
    // Nor is a packet without bytes, and one of somebody else, anybody's who is described.
    let foreign = captured(&pcap(&[(0, Vec::new()), (1, syn([10, 200, 9, 9], 7))]));
    let case = Case { capture: foreign, ..case };
    let (code, _, stderr) = case.run("--fail-on nothing-judged");
    assert!(code == 3 && stderr.contains("of anybody whom the inventory knows"), "{stderr}");
    // And one by nobody's inventory is refused.
    std::fs::write(
        &case.inventory,
        "[subscription.shop]\noffer = \"csp\"\ncreated = \"2021-05-01\"\n",
    )
    .expect("written");
    let (code, _, stderr) = case.run("");
    assert!(code == 2 && stderr.contains("no machine"), "{stderr}");
}

#[test]
fn golden_packets_in_the_place_of_connections_passed_where_nothing_is_judged() {
    let case = answered();
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join("golden.ndjson");
    std::fs::write(&golden, case.run("--format ndjson").1).expect("written");
    let golden = golden.display();
    assert_eq!(case.run(&format!("--expect {golden}")).0, 0);
    let (code, _, stderr) = case.run(&format!("--expect-connections {golden}"));
    assert!(code == 2 && stderr.contains("is of a packet"), "{stderr}");
}
