//! Evasion with the tools that others use, nmap, hping3 and scapy, over every data path and through
//! exported rules, and what must not be hurt by it.
//!
//! The oracle is a capture on either side of the edge: behind it is nothing that the reference drops,
//! and all that it passes. Nothing here depends on what a tool thinks that it has found, or when.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::frame::{Frame, FrameOptions, Origin, Outcome, outermost};
use egress25_skipped::skipped;

use crate::attacks::{TRACK, script};
use crate::exports::{ROUTER, export, load_iptables};
use crate::fair::{Running, SEND};
use crate::harness::{Lab, alone, impossible, installed, possible, scenario};
use crate::worlds::lines;

const HOSTS: &str = "[host.listener]\naddresses = [\"203.0.113.25\", \"2001:db8:2525::19\"]\n";
/// Who sends, and may not send mail, and to whom.
const OWN: (&str, &str) = ("10.1.0.4", "fd00:1::4");
const TO: (&str, &str) = ("203.0.113.25", "2001:db8:2525::19");
/// How the last of what is sent is called, by IPv4 and by IPv6: it has to arrive.
const LAST: [&str; 2] = ["587 control-end", "587 control-end6"];

const TOOLS: [&str; 3] = ["nmap", "hping3", "scapy"];

/// More turns, and more ways to load exported rules.
fn is_long() -> bool {
    std::env::var_os("EGRESS25_EVASION").is_some_and(|value| value == "long")
}

/// Says aloud what is missing; the others do without it, but for scapy, which sends what is to arrive.
fn is_possible() -> bool {
    let python = Path::new("/usr/bin/python3").exists();
    let scapy = python
        && Command::new("/usr/bin/python3")
            .args(["-c", "import scapy"])
            .status()
            .unwrap()
            .success();
    let there = TOOLS.map(|tool| if tool == "scapy" { scapy } else { installed(tool) });
    for (tool, _) in TOOLS.iter().zip(there).filter(|(_, there)| !there) {
        skipped(format!("{tool} is not installed"));
    }
    there[2]
}

/// What was captured on either side of the edge, and what a listener and nmap say.
struct Traffic {
    folder: tempfile::TempDir,
    /// Whether the edge translates addresses: what it cannot track it hands on as it is, and what
    /// answers that goes nowhere.
    translates: bool,
    delivered: BTreeSet<String>,
    open: BTreeSet<String>,
}

/// A plain packet by what neither a router nor a translator changes: protocol, IPv4's
/// identification, and of a TCP segment ports but the one that is translated, numbers and flags.
type Key = (u8, u16, Vec<u8>);

/// A plain packet, as far as it is one: no options, no fragment, and hops enough.
struct Plain {
    from: String,
    to: String,
    /// By the port that the sender, or the receiver, does not translate.
    sent: Key,
    answered: Key,
}

fn plain(frame: &[u8]) -> Option<Plain> {
    let (from, to, protocol, id, segment) = match frame.get(12..15)? {
        [8, 0, 0x45] => {
            let ip = frame.get(14..34)?;
            let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff;
            let sum =
                ip.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum::<u32>();
            let is_right = (sum & 0xffff) + (sum >> 16) == 0xffff;
            if fragment != 0 || ip[8] < 16 || !is_right {
                return None;
            }
            let address = |at: usize| Ipv4Addr::new(ip[at], ip[at + 1], ip[at + 2], ip[at + 3]);
            let id = u16::from_be_bytes([ip[4], ip[5]]);
            let segment = frame.get(34..14 + total)?;
            (address(12).to_string(), address(16).to_string(), ip[9], id, segment)
        }
        [0x86, 0xdd, _] => {
            let ip = frame.get(14..54)?;
            let payload = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
            let address = |at: usize| {
                let bytes: [u8; 16] = ip.get(at..at + 16)?.try_into().ok()?;
                Some(Ipv6Addr::from(bytes).to_string())
            };
            (address(8)?, address(24)?, ip[6], 0, frame.get(54..54 + payload)?)
        }
        _ => return None,
    };
    let (sent, answered) = match (protocol, segment) {
        (6, segment) if segment.len() >= 20 => {
            // Numbers, offset and flags; ports to the listener, and from it.
            let rest = &segment[4..14];
            ([&segment[2..4], rest].concat(), [&segment[..2], rest].concat())
        }
        (17, segment) if segment.len() >= 8 => {
            ([&segment[2..4], &segment[8..]].concat(), [&segment[..2], &segment[8..]].concat())
        }
        // An echo's number is translated as a port is.
        (1 | 58, segment) if segment.len() >= 8 && matches!(segment[0], 0 | 8 | 128 | 129) => {
            let echo = [&segment[..1], &segment[6..]].concat();
            (echo.clone(), echo)
        }
        _ => return None,
    };
    Some(Plain { from, to, sent: (protocol, id, sent), answered: (protocol, id, answered) })
}

/// A number of a TCP segment, by where it is in its key.
fn number((protocol, _, of): &Key, at: usize) -> Option<u32> {
    let bytes = of.get(at..at + 4).filter(|_| *protocol == 6)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// What the reference says of a frame that is sent: whether it is to be dropped where its sender may
/// not send mail.
fn is_dropped(frame: &Frame<'_>) -> Option<String> {
    let options = FrameOptions { origin: Origin::Live, ..FrameOptions::default() };
    match outermost(frame, &options) {
        Outcome::NoMatch(_) | Outcome::Encapsulated { carried: true, .. } => None,
        other => Some(format!("{other:?}")),
    }
}

/// What was seen: what ought not to have passed, what is lacking of what passes, and of its answers.
#[derive(Default)]
struct Found {
    leaked: BTreeSet<String>,
    lost: BTreeSet<String>,
    unanswered: BTreeSet<String>,
    /// How many plain packets passed, and how many answers came.
    passed: usize,
    answers: usize,
}

impl Traffic {
    fn each(&self, [side, way]: [&str; 2], mut look: impl FnMut(&Frame<'_>, Option<Plain>)) {
        let path = self.folder.path().join(format!("{side}-{way}.pcap"));
        let mut reader = CaptureReader::open(&path).unwrap();
        while let Some(record) = reader.next_record().unwrap() {
            let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
            look(&frame, plain(record.data));
        }
    }

    fn found(&self) -> Found {
        let mut found = Found::default();
        let is_to = |seen: &Plain| seen.to == TO.0 || seen.to == TO.1;
        let is_own = |address: &str| address == OWN.0 || address == OWN.1;
        // What was sent with borrowed addresses, by its number: what answers it goes to their owners.
        let (mut passes, mut borrowed) = (BTreeMap::new(), BTreeSet::new());
        self.each(["front", "out"], |frame, seen| {
            let Some(seen) = seen.filter(is_to) else { return };
            let what = format!("{} -> {}: {:x?}", seen.from, seen.to, seen.sent);
            if !is_own(&seen.from) {
                borrowed.extend(number(&seen.sent, 2));
            } else if is_dropped(frame).is_none() {
                passes.insert(seen.sent, what);
            }
        });
        let mut arrived = BTreeSet::new();
        self.each(["behind", "in"], |frame, seen| {
            if let Some(why) = is_dropped(frame) {
                let head = &frame.bytes[..frame.bytes.len().min(80)];
                found.leaked.insert(format!("{why}: {head:x?}"));
            }
            arrived.extend(seen.map(|seen| seen.sent));
        });
        for (key, what) in passes {
            if arrived.contains(&key) {
                found.passed += 1;
            } else {
                found.lost.insert(what);
            }
        }
        let is_of_others = |answer: &Key| {
            let asked = number(answer, 6);
            asked.is_some_and(|one| {
                [one, one.wrapping_sub(1)].iter().any(|one| borrowed.contains(one))
            })
        };
        let goes_nowhere = |seen: &Plain| self.translates && is_own(&seen.to);
        let mut came = BTreeSet::new();
        self.each(["front", "in"], |_, seen| came.extend(seen.map(|seen| seen.answered)));
        self.each(["behind", "out"], |_, seen| {
            let Some(seen) = seen else { return };
            if came.contains(&seen.answered) {
                found.answers += 1;
            } else if !goes_nowhere(&seen) && !is_of_others(&seen.answered) {
                found.unanswered.insert(format!("{} {:x?}", seen.to, seen.answered));
            }
        });
        found
    }
}

/// Reads lines as they come.
fn reading(child: &mut Child) -> Receiver<String> {
    let output = child.stdout.take().unwrap();
    let (say, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = say.send(line);
        }
    });
    said
}

/// Everything is sent by a machine of a lab.
fn through_a_lab(datapath: &str) -> Traffic {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    let hosts = hosts.display().to_string();
    let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &["--hosts", &hosts]);
    let listener = script("listener.py");
    let mut command = lab.command(&["exec", "listener", "--", "/usr/bin/python3", "-c", &listener]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let said = reading(lab.start_piped(command));
    assert_eq!(said.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));
    let at = folder.path().display().to_string();
    let captures = [("vm-web", "front"), ("listener", "behind")]
        .map(|(node, side)| Running::start(&lab, node, &[&script("capture.py"), &at, side]));
    let mut scan = lab.command(&["exec", "vm-web", "--", "sh", "-c", &script("scan.sh"), "scan"]);
    scan.args([TO.0, TO.1, turns()]).stdin(Stdio::null()).stdout(Stdio::piped());
    let scan = scan.stderr(Stdio::null()).spawn().unwrap();
    let scapied = script("scapied.py");
    let sent = [&["/usr/bin/python3", "-c", &scapied][..], &[OWN.0, OWN.1, TO.0, TO.1]].concat();
    let sent = lab.exec("vm-web", &sent);
    let open = scan.wait_with_output().unwrap();
    assert!(sent.status.success() && open.status.success(), "{}", text(&sent.stderr));
    let mut delivered = BTreeSet::new();
    // What was sent last has arrived, and nothing for a while after it.
    while let Ok(line) = {
        let done = LAST.iter().all(|name| delivered.contains(*name));
        said.recv_timeout(Duration::from_secs(if done { 1 } else { 20 }))
    } {
        delivered.insert(line);
    }
    for capture in captures {
        capture.count();
    }
    Traffic { folder, translates: true, delivered, open: names(&text(&open.stdout)) }
}

/// Everything is sent through a router on which rules were loaded.
fn through_rules(load: &str) -> Traffic {
    let folder = tempfile::tempdir().unwrap();
    for name in ["scan.sh", "scapied.py", "listener.py", "capture.py"] {
        std::fs::write(folder.path().join(name), script(name)).unwrap();
    }
    let begin = |node: &str, side: &str| {
        format!(
            "ip netns exec {node} /usr/bin/python3 capture.py . {side} </run/stop >{side} &\n\
             {side}=$!\nuntil grep -q capturing {side}; do sleep 0.05; done\n"
        )
    };
    let captures = begin("box", "front") + &begin("out", "behind");
    let script = format!(
        "{ROUTER}\n{load}\ncd {}\n\
         mkfifo /run/stop; sleep 1000 >/run/stop & stop=$!\n\
         ip netns exec out /usr/bin/python3 listener.py </run/stop >said &\n\
         until grep -q ready said; do sleep 0.05; done\n{captures}\
         ip netns exec box sh scan.sh {} {} {} >open 2>/dev/null & scan=$!\n\
         ip netns exec box /usr/bin/python3 scapied.py {} {} {} {}\nwait $scan\n\
         for i in $(seq 200); do grep -aqx '587 control-end' said && grep -aqx '587 control-end6' said && break\n\
         sleep 0.1\ndone\nsleep 1; kill $stop; wait $front; wait $behind\n",
        folder.path().display(),
        TO.0,
        TO.1,
        turns(),
        OWN.0,
        OWN.1,
        TO.0,
        TO.1
    );
    let output = Command::new("unshare")
        .args(["-Urnm", "--pid", "--fork", "--kill-child", "sh", "-ec", &script])
        .output()
        .unwrap();
    assert!(output.status.success(), "{load}: {}", text(&output.stderr));
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let (delivered, open) = (names(&text(&read("said"))), names(&text(&read("open"))));
    Traffic { folder, translates: false, delivered, open }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

/// How often hping3 sends what it sends.
fn turns() -> &'static str {
    if is_long() { "50" } else { "2" }
}

/// What has to be so wherever something judges.
fn holds(way: &str, traffic: &Traffic) {
    let found = traffic.found();
    eprintln!("{way}: {} plain packets passed, {} answers came", found.passed, found.answers);
    assert!(found.leaked.is_empty(), "{way}: behind the edge: {:#?}", found.leaked);
    assert!(found.lost.is_empty(), "{way}: nobody drops, and it is not there: {:#?}", found.lost);
    assert!(found.unanswered.is_empty(), "{way}: lost answers: {:#?}", found.unanswered);
    assert!(found.passed > 100 && found.answers > 20, "{way}: {} {}", found.passed, found.answers);
    for name in LAST {
        assert!(
            traffic.delivered.contains(name),
            "{way}: {name} was lost: {:?}",
            traffic.delivered
        );
    }
    let of_mail = |line: &&String| line.starts_with("25 ");
    let delivered: Vec<_> = traffic.delivered.iter().filter(of_mail).collect();
    assert!(delivered.is_empty(), "{way}: a blocked machine delivered {delivered:?}");
    let open: Vec<_> = traffic.open.iter().filter(|line| line.ends_with(" 25")).collect();
    assert!(open.is_empty(), "{way}: port 25 is open to {open:?}");
}

/// Where nothing is filtered most of it arrives: the evasions are none on paper only.
fn works(way: &str, traffic: &Traffic) {
    let found = traffic.found();
    eprintln!("{way}: {} kinds of packets are there that are to be dropped", found.leaked.len());
    assert!(found.leaked.len() > 50, "{way}: {:#?}", found.leaked);
    assert!(found.lost.is_empty(), "{way}: the oracle is wrong: {:#?}", found.lost);
    // What was answered to borrowed addresses goes to whom they are of.
    let delivered = traffic.delivered.iter().filter(|line| line.starts_with("25 scapy")).count();
    assert!(delivered > 20, "{way}: {:?}", traffic.delivered);
}

#[test]
fn nmap_hping3_and_scapy_get_nothing_past_the_edge_that_the_reference_drops() {
    let _alone = alone();
    if !is_possible() {
        return;
    }
    let ways: Vec<_> = std::iter::once("none").chain(possible()).collect();
    // They wait more than they work.
    let all: Vec<_> = std::thread::scope(|threads| {
        let begun: Vec<_> = ways.iter().map(|way| threads.spawn(|| through_a_lab(way))).collect();
        begun.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (way, traffic) in ways.iter().zip(&all) {
        if *way == "none" {
            works(way, traffic);
        } else {
            holds(way, traffic);
        }
    }
}

/// The ways to load exported rules: how each is called, what it needs, and the commands.
fn loads() -> Vec<(String, String)> {
    let of = |words: &str| export(words).replace("--interface p0", "--interface p0=vm-web");
    let mut all = vec![("no rules".to_owned(), "true".to_owned())];
    match impossible("nft") {
        Some(why) => skipped(why),
        None => {
            let load = format!("{} >/run/rules; nft -f /run/rules", of("nft"));
            all.push(("nft".to_owned(), load));
        }
    }
    for program in ["nft", "legacy"] {
        if !installed(&format!("iptables-{program}")) {
            skipped(format!("iptables-{program} is not installed"));
            continue;
        }
        let load = load_iptables(program, of);
        all.push((format!("iptables-{program}"), load));
    }
    if is_long() {
        let tracked = |(name, load): &(String, String)| {
            (format!("{name}, with connection tracking"), format!("{TRACK}\n{load}"))
        };
        all.extend(all[1..].iter().map(tracked).collect::<Vec<_>>());
    }
    all
}

#[test]
fn nmap_hping3_and_scapy_get_nothing_through_exported_rules_that_the_reference_drops() {
    let _alone = alone();
    if !is_possible() {
        return;
    }
    let ways = loads();
    let all: Vec<_> = std::thread::scope(|threads| {
        let begun = |load| threads.spawn(move || through_rules(load));
        let begun: Vec<_> = ways.iter().map(|(_, load)| begun(load)).collect();
        begun.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for ((way, load), traffic) in ways.iter().zip(&all) {
        if load == "true" {
            works(way, traffic);
        } else {
            holds(way, traffic);
        }
    }
}

/// Twenty megabytes each way, from inside and from outside, while the same machine sends SYNs that
/// are dropped as fast as it can.
#[test]
fn a_large_transfer_is_whole_beside_a_flood_of_what_is_dropped() {
    let _alone = alone();
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    let bytes = if is_long() { "200000000" } else { "20000000" };
    let program = script("transfer.py");
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    let hosts = hosts.display().to_string();
    for datapath in possible() {
        let inventory = scenario("mail-server.inventory.toml");
        let mut lab = Lab::up(&inventory, datapath, &["--hosts", &hosts]);
        for (node, port) in [("listener", "587"), ("vm-mail", "25")] {
            let serve = ["exec", node, "--", "/usr/bin/python3", "-c", &program, "serve", port];
            let said = lines(&mut lab, &serve);
            assert_eq!(said.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));
        }
        let flood = Running::start(&lab, "vm-mail", &[SEND, OWN.0, TO.0, "0", "0"]);
        let send = |node: &str, to: &str, port: &str| {
            let mut command =
                lab.command(&["exec", node, "--", "/usr/bin/python3", "-c", &program]);
            command.args(["send", to, port, bytes]).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let out = send("vm-mail", TO.0, "587");
        let inbound = send("listener", "198.51.100.104", "25");
        for (way, child) in [("out", out), ("in", inbound)] {
            let output = child.wait_with_output().unwrap();
            let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
            assert_eq!(said, "whole\n", "{datapath}, {way}");
        }
        assert!(flood.count() > 100, "{datapath}: there was a flood");
    }
}

/// A server that reads to the end and says then that it has.
const SINK: &str = r#"
import socket
server = socket.create_server(('::', 587), family=socket.AF_INET6, dualstack_ipv6=True)
print('ready', flush=True)
while True:
    connection, _ = server.accept()
    while connection.recv(65536):
        pass
    connection.sendall(b'.')
    connection.close()
"#;

/// What the Internet's router said came from an address of a link: no other router took that on.
#[test]
fn no_error_of_the_internets_router_arrived_and_a_narrow_link_was_a_hole() {
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    let hosts = hosts.display().to_string();
    for datapath in possible() {
        let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &["--hosts", &hosts]);
        let said = lines(&mut lab, &["exec", "listener", "--", "/usr/bin/python3", "-c", SINK]);
        assert_eq!(said.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));
        let narrow =
            "ip link set $(ip -o route get $0 | sed 's/.* dev \\([^ ]*\\).*/\\1/') mtu 1300";
        let made = lab.exec("internet", &["sh", "-c", narrow, TO.0]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let program = script("router_errors.py");
        let asks = ["/usr/bin/python3", "-c", &program, TO.0, TO.1, "587"];
        let output = lab.exec("vm-ea", &asks);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(said, "11-0 1300\n3-0 1300\n", "{datapath}");
    }
}
