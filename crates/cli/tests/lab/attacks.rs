//! Attacks on the filter, by raw socket: no listener gets a byte from who is blocked.
//!
//! Every attack is one SYN that carries its own name to a listener which takes data in a SYN, so
//! that what is delivered says which attack got through. Over the lab's data paths, and over
//! exported rules on a router, with both programs of iptables, with and without its connection
//! tracking (which puts fragments together before the rules see them).

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use egress25_skipped::skipped;

use crate::exports::{ROUTER, export, load_iptables};
use crate::harness::{Lab, alone, impossible, installed, possible, root, scenario};

const HOSTS: &str = "[host.listener]\naddresses = [\"203.0.113.25\", \"2001:db8:2525::19\"]\n";
const BLOCKED: [&str; 4] = ["10.1.0.4", "fd00:1::4", "203.0.113.25", "2001:db8:2525::19"];
/// An exempt neighbour, an appliance, one behind it, the firewall, one behind it, a peered
/// network's machine, nobody.
const BORROWED: [&str; 8] = [
    "10.1.0.5",
    "fd00:1::5",
    "10.1.0.9",
    "10.1.2.4",
    "10.1.254.4",
    "10.1.1.4",
    "10.2.0.4",
    "10.1.0.200",
];

/// A program, behind the packets that it sends where it sends any.
pub(crate) fn script(name: &str) -> String {
    let text = |name: &str| {
        let path: PathBuf = root().join("crates/cli/tests/lab/attack").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    match name {
        "sender.py" | "kinds.py" | "burst.py" => text("packets.py") + &text(name),
        _ => text(name),
    }
}

/// The names that a listener is told, from its lines.
fn delivered(lines: impl Iterator<Item = String>) -> BTreeSet<String> {
    lines.filter(|line| line.starts_with("25 ") || line.starts_with("587 ")).collect()
}

/// What is delivered to the listener of a lab of what `node` sends.
fn deliver(lab: &Lab, said: &Receiver<String>, node: &str, arguments: &[&str]) -> BTreeSet<String> {
    let sender = script("sender.py");
    let command = [&["/usr/bin/python3", "-c", &sender], arguments].concat();
    let output = lab.exec(node, &command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut names = BTreeSet::new();
    // What was sent last has arrived, and nothing for a while after it.
    let last = ["587 control-end", "587 control-end6"];
    loop {
        let done = last.iter().all(|name| names.contains(*name));
        let wait = Duration::from_secs(if done { 1 } else { 10 });
        match said.recv_timeout(wait) {
            Ok(line) => names.extend(delivered(std::iter::once(line))),
            Err(_) => break,
        }
    }
    names
}

fn range(datapath: &str) -> (Lab, Receiver<String>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    let hosts = hosts.display().to_string();
    let mut lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &["--hosts", &hosts]);
    let listener = script("listener.py");
    let mut command = lab.command(&["exec", "listener", "--", "/usr/bin/python3", "-c", &listener]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = lab.start_piped(command);
    let output = child.stdout.take().unwrap();
    let (say, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = say.send(line);
        }
    });
    assert_eq!(said.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));
    (lab, said, folder)
}

/// What of a blocked sender's was delivered on port 25, and that the rest was.
fn leaked(delivered: &BTreeSet<String>, context: &str) -> Vec<String> {
    for control in ["587 control", "587 control6", "587 control-end", "587 control-end6"] {
        assert!(
            delivered.contains(control),
            "{context}: `{control}` did not arrive: {delivered:?}"
        );
    }
    delivered.iter().filter(|line| line.starts_with("25 ")).cloned().collect()
}

#[test]
fn no_attack_delivers_a_byte_over_any_data_path() {
    let _alone = alone();
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    let attack = [&BLOCKED[..], &BORROWED].concat();
    // Without a filter most of them deliver: the attacks are none on paper only.
    let (lab, said, _folder) = range("none");
    let open = deliver(&lab, &said, "vm-web", &attack);
    let worked = leaked(&open, "none");
    println!("{} of the attacks deliver where nothing is filtered: {worked:?}", worked.len());
    assert!(worked.len() > 50, "{worked:?}");
    drop(lab);
    for datapath in possible() {
        let (lab, said, _folder) = range(datapath);
        let arrived = deliver(&lab, &said, "vm-web", &attack);
        let leaked = leaked(&arrived, datapath);
        assert!(leaked.is_empty(), "{datapath}: a blocked machine delivered {leaked:?}");
        // Who may send does.
        let exempt = ["10.1.0.5", "fd00:1::5", "203.0.113.25", "2001:db8:2525::19"];
        let arrived = deliver(&lab, &said, "vm-ea", &exempt);
        for name in ["25 plain", "25 plain6", "25 ecn", "25 cut-24", "25 fast-open", "25 tagged"] {
            let sent = worked.iter().any(|line| line == name);
            assert!(arrived.contains(name) || !sent, "{datapath}: `{name}` was lost: {arrived:?}");
        }
    }
}

/// What is delivered through a router with some rules, by who is blocked, with borrowed addresses
/// as well where that is asked for, and by who is not.
fn through_a_router(load: &str, borrowing: bool) -> [BTreeSet<String>; 2] {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sender.py", "listener.py"] {
        std::fs::write(folder.path().join(name), script(name)).unwrap();
    }
    let at = folder.path().display();
    let send = |from: [&str; 2], borrowed: &[&str]| {
        format!(
            "ip netns exec box /usr/bin/python3 {at}/sender.py {} {} {} {} {}",
            from[0],
            from[1],
            BLOCKED[2],
            BLOCKED[3],
            borrowed.join(" ")
        )
    };
    let borrowed = if borrowing { &BORROWED[..] } else { &[] };
    let script = format!(
        "{ROUTER}\n{load}\n\
         all_said() {{ for i in $(seq 100); do grep -aq control-end6 /run/said && break\n\
         sleep 0.1\n\
         done; sleep 1; }}\n\
         mkfifo /run/stop; sleep 100 >/run/stop &\n\
         ip netns exec out /usr/bin/python3 {at}/listener.py </run/stop >/run/said &\n\
         until grep -q ready /run/said; do sleep 0.05; done\n\
         {} >/run/sent\n\
         all_said; cat /run/said; echo ----; : >/run/said\n{} >/run/sent\n\
         all_said; cat /run/said\n",
        send(["10.1.0.4", "fd00:1::4"], borrowed),
        send(["10.1.0.5", "fd00:1::5"], &[]),
    );
    let output = Command::new("unshare")
        .args(["-Urnm", "--pid", "--fork", "--kill-child", "sh", "-ec", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).replace('\0', "");
    let (blocked, exempt) = said.split_once("----\n").unwrap_or_else(|| {
        panic!("{said}{}", String::from_utf8_lossy(&output.stderr));
    });
    [blocked, exempt].map(|part| delivered(part.lines().map(str::to_owned)))
}

/// Connection tracking is there as soon as a rule asks for it, and fragments come whole then.
pub(crate) const TRACK: &str = "nft add table inet track; \
    nft add chain inet track seen '{ type filter hook forward priority 0; }'; \
    nft add rule inet track seen ct state invalid counter";

fn exported(name: &str, load: &str) {
    let _alone = alone();
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    let [open, _] = through_a_router("true", false);
    let worked = leaked(&open, "no rules");
    assert!(worked.len() > 40, "{worked:?}");
    for (tracking, more) in [("", "true"), (", with connection tracking", TRACK)] {
        let [blocked, exempt] = through_a_router(&format!("{more}\n{load}"), false);
        let leaked = leaked(&blocked, name);
        assert!(leaked.is_empty(), "{name}{tracking}: a blocked machine delivered {leaked:?}");
        for name in ["25 plain", "25 plain6", "25 ecn", "25 cut-24", "25 fast-open"] {
            assert!(exempt.contains(name), "{load}{tracking}: `{name}` was lost: {exempt:?}");
        }
    }
}

#[test]
fn no_attack_delivers_a_byte_through_exported_nftables_rules() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    exported("nft", &format!("{} >/run/rules; nft -f /run/rules", export("nft")));
}

#[test]
fn a_syn_that_is_cut_after_8_bytes_delivers_nothing_through_exported_iptables_rules() {
    if let Some(why) = impossible("nfqueue") {
        return skipped(why);
    }
    for program in ["legacy", "nft"] {
        if !installed(&format!("iptables-{program}")) {
            skipped(format!("iptables-{program} is not installed"));
            continue;
        }
        let load = load_iptables(program, export);
        exported(&format!("iptables-{program}"), &load);
    }
}

#[test]
fn a_port_that_is_said_to_be_a_machines_sends_by_no_borrowed_address_through_exported_rules() {
    let _alone = alone();
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    let of = |words: &str| export(words).replace("--interface p0", "--interface p0=vm-web");
    let mut ways = Vec::new();
    match impossible("nft") {
        Some(why) => skipped(why),
        None => ways.push(format!("{} >/run/rules; nft -f /run/rules", of("nft"))),
    }
    match impossible("nfqueue") {
        Some(why) => skipped(why),
        None => ways.push(format!(
            "{} >/run/v4; iptables-restore --noflush /run/v4\n\
             {} >/run/v6; ip6tables-restore --noflush /run/v6",
            of("iptables"),
            of("iptables --ipv6")
        )),
    }
    let [open, _] = through_a_router("true", true);
    let borrowed = open.iter().filter(|line| line.starts_with("25 as-")).count();
    assert!(borrowed > 0, "none is delivered where nothing is filtered: {open:?}");
    for load in ways {
        let [blocked, exempt] = through_a_router(&load, true);
        let leaked = leaked(&blocked, &load);
        assert!(leaked.is_empty(), "{load}: a blocked machine delivered {leaked:?}");
        // The exempt machine's own port is another one.
        assert!(!exempt.contains("25 plain"), "{load}: {exempt:?}");
    }
}

/// What is judged where it comes into a firewall does not pass there if the firewall sends it.
#[test]
fn a_firewalls_own_node_opened_port_25() {
    if !installed("python3") {
        return skipped("python3 is not installed");
    }
    const OPEN: &str = "import socket,sys\n\
                        try: socket.create_connection((sys.argv[1],int(sys.argv[2])),2)\n\
                        except OSError: print('closed')\n\
                        else: print('open')";
    for datapath in ["none"].into_iter().chain(possible()) {
        let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        let open = |host: &str, port: &str| {
            let output = lab.exec("fw", &["/usr/bin/python3", "-c", OPEN, host, port]);
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        let unfiltered = if datapath == "none" { "open" } else { "closed" };
        assert_eq!(open("mx.example.net", "25"), unfiltered, "{datapath}");
        assert_eq!(open("relay.example.net", "587"), "open", "{datapath}");
    }
}
