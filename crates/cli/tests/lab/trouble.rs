//! What fails while a lab runs fails closed, and is said.

use std::process::{Command, Stdio};

use egress25_skipped::skipped;

use crate::harness::{Lab, egress25, impossible, is_root, processes, said, scenario, wait_until};

const MX: &str = "mx.example.net:25";

#[test]
fn machines_are_cut_off_while_the_rules_cannot_follow_the_policy() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    if !is_root() {
        return skipped("not root: the owner's file system cannot be entered");
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    for words in [["event", "exemption-asked", "shop"], ["event", "exemption-granted", "shop"]] {
        lab.print(&words);
    }
    for words in [["vm", "deallocate", "vm-web"], ["vm", "start", "vm-web"]] {
        lab.print(&words);
    }
    assert_eq!(lab.connect("vm-web", MX), "open");
    let owner = lab.process("own").to_string();
    let enter = |script: &str| {
        let done =
            Command::new("nsenter").args(["-t", &owner, "-m", "-p", "sh", "-c", script]).status();
        assert!(done.unwrap().success(), "{script}");
    };
    // Rules that are gone cannot be changed in place, and nothing can load them.
    let gone = lab.exec("network:shop-net", &["nft", "delete", "table", "inet", "egress25"]);
    assert!(gone.status.success());
    enter("mount --bind /dev/null $(readlink -f /usr/sbin/nft)");
    let revoked = lab.output(&["event", "exemption-revoked", "shop"]);
    assert_eq!(revoked.status.code(), Some(1), "the rules do not say what the policy says");
    assert_ne!(lab.connect("vm-web", MX), "open", "it was revoked");
    assert_ne!(lab.connect("vm-ea", MX), "open", "what the rules say is not known to be right");
    let complaints = lab.inspect()["lab"]["complaints"].to_string();
    assert!(complaints.contains("cut off"), "{complaints}");
    enter("umount $(readlink -f /usr/sbin/nft)");
    lab.print(&["event", "exemption-asked", "shop"]);
    assert_eq!(lab.connect("vm-ea", MX), "open");
    assert_eq!(lab.connect("vm-web", MX), "timeout");
    assert_eq!(lab.connect("vm-web", "relay.example.net:587"), "open");
    assert_eq!(lab.connect("vm-behind", MX), "open", "the way through the appliance is back");
    assert_eq!(lab.connect("vm-guarded", MX), "refused", "and the one through the firewall");
}

#[test]
fn rules_that_somebody_took_away_are_back_with_their_next_change() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", &[]);
    // The table itself, what it holds, what leads into it, and one element that says otherwise.
    let let_through = ["add", "element", "inet", "egress25", "sender4", "{ 10.1.0.4 : accept }"];
    let forget = ["delete", "element", "inet", "egress25", "sender4", "{ 10.1.0.4 }"];
    let ways: [&[&[&str]]; 4] = [
        &[&["delete", "table", "inet", "egress25"]],
        &[&["flush", "table", "inet", "egress25"]],
        &[&["flush", "chain", "inet", "egress25", "port25"]],
        &[&forget, &let_through],
    ];
    for way in ways {
        for words in way {
            let done = lab.exec("network:shop-net", &[&["nft"], *words].concat());
            assert!(done.status.success(), "{words:?}: {}", said(&done));
        }
        assert_eq!(lab.connect("vm-web", MX), "open", "{way:?}");
        lab.print(&["vm", "deallocate", "vm-trial"]);
        assert_eq!(lab.connect("vm-web", MX), "timeout", "{way:?}");
        assert_eq!(lab.connect("vm-ea", MX), "open", "{way:?}");
        lab.print(&["vm", "start", "vm-trial"]);
    }
}

#[test]
fn a_name_that_leads_out_of_the_labs_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.toml");
    // A node's folder has its name, and no file's has more than 255 bytes.
    let long = "x".repeat(256);
    for name in
        ["../../escaped", "/etc", "..", "two words", "a\\n127.0.0.1 x", "-web", "café", &long]
    {
        let text = format!(
            "[subscription.s]\noffer = \"free-trial\"\ncreated = \"2019-03-01\"\n\
             [network.n]\naddress_space = [\"10.0.0.0/24\"]\n\
             [machine.\"{name}\"]\nsubscription = \"s\"\nnetwork = \"n\"\n\
             addresses = [\"10.0.0.4\"]\n"
        );
        std::fs::write(&file, text).unwrap();
        let output =
            egress25().args(["lab", "graph"]).arg(&file).current_dir(folder.path()).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        let refused = ["is called by 1 to 255 of the letters a to z", "is no name"];
        assert!(refused.iter().any(|why| said.contains(why)), "{name}: {said}");
    }
}

#[test]
fn a_name_with_a_line_end_adds_no_rule_to_what_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.toml");
    let name = "n\\n    accept\\n-A EGRESS25 -j RETURN\\n";
    let text = format!(
        "[subscription.s]\noffer = \"free-trial\"\ncreated = \"2019-03-01\"\n\
         [network.\"{name}\"]\naddress_space = [\"10.0.0.0/24\"]\n\
         [machine.vm]\nsubscription = \"s\"\nnetwork = \"{name}\"\naddresses = [\"10.0.0.4\"]\n"
    );
    std::fs::write(&file, text).unwrap();
    for format in ["nft", "iptables"] {
        let output = egress25().args(["export", format]).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{format}: {said}");
        assert!(output.stdout.is_empty() && said.contains("is no name"), "{format}: {said}");
    }
}

#[test]
fn of_two_labs_that_come_up_in_one_folder_one_does() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let up = || {
        let mut command = egress25();
        command.args(["lab", "up", "--run-dir"]).arg(folder.path());
        command.arg(scenario("mail.inventory.toml")).stderr(Stdio::null()).spawn().unwrap()
    };
    let codes = [up(), up()].map(|mut child| child.wait().unwrap().code());
    let one = codes.iter().filter(|code| **code == Some(0)).count();
    let two = codes.iter().filter(|code| **code == Some(2)).count();
    let owners = processes(folder.path()).len();
    let down = egress25().args(["lab", "down", "--run-dir"]).arg(folder.path()).output().unwrap();
    assert!(down.status.success());
    assert_eq!((one, two), (1, 1), "{codes:?}");
    assert_eq!(owners, 3, "the processes of one lab");
    wait_until("they have ended", || processes(folder.path()).is_empty());
}

/// More SYNs at once than the kernel keeps for a program.
const BURST: &str = r#"
import socket, struct, sys
router = bytes.fromhex(sys.argv[1].replace(':', ''))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(('eth0', 0))
station = wire.getsockname()[4]
def total(data):
    n = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff
source, to = socket.inet_aton('10.1.0.5'), socket.inet_aton('203.0.113.25')
for n in range(40000):
    tcp = struct.pack('>HHIIBBHHH', 1024 + n % 60000, 25, n, 0, 0x50, 2, 1024, 0, 0)
    both = total(source + to + struct.pack('>HH', 6, 20) + tcp)
    tcp = tcp[:16] + struct.pack('>H', both) + tcp[18:]
    ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 40, 0, 0, 64, 6, 0, source, to)
    ip = ip[:10] + struct.pack('>H', total(ip)) + ip[12:]
    try:
        wire.send(router + station + b'\x08\x00' + ip + tcp)
    except OSError:
        pass
"#;

#[test]
fn a_queue_that_ran_over_is_judged_on() {
    for datapath in ["nfqueue", "afpacket"] {
        if let Some(why) = impossible(datapath) {
            skipped(why);
            continue;
        }
        let lab = Lab::up(&scenario("mail.inventory.toml"), datapath, &[]);
        assert_eq!(lab.connect("vm-ea", MX), "open");
        let neighbours = lab.exec("vm-ea", &["ip", "neigh", "show", "169.254.1.1"]);
        let neighbours = String::from_utf8_lossy(&neighbours.stdout).into_owned();
        let router = neighbours.split("lladdr ").nth(1).unwrap().split(' ').next().unwrap();
        let burst = lab.exec("vm-ea", &["/usr/bin/python3", "-c", BURST, router]);
        assert!(burst.status.success(), "{}", String::from_utf8_lossy(&burst.stderr));
        assert_eq!(lab.connect("vm-web", MX), "timeout", "{datapath}: blocked all the while");
        wait_until("the queue is judged on", || lab.connect("vm-ea", MX) == "open");
    }
}
