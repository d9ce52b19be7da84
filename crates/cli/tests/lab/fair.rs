//! A flood of one machine's, and what is left to its neighbour.

use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use crate::harness::{Lab, alone, possible};

/// Two machines side by side: one may send, the other may not.
const INVENTORY: &str = r#"
[subscription.corporate]
offer = "enterprise-agreement"
created = "2019-03-01"

[subscription.trial]
offer = "free-trial"
created = "2020-02-01"

[network.net]
address_space = ["10.1.0.0/16"]

[network.net.subnet.web]
prefixes = ["10.1.0.0/24"]

[machine.vm-quiet]
subscription = "corporate"
network = "net"
addresses = ["10.1.0.4"]

[machine.vm-loud]
subscription = "trial"
network = "net"
addresses = ["10.1.0.5"]
"#;

const QUIET: &str = "10.1.0.4";
const LOUD: &str = "10.1.0.5";
const MAIL_HOST: &str = "203.0.113.25";

/// How many SYNs the quiet machine sends, and how many milliseconds pass between two.
const SYNS: u32 = 1_000;
const PAUSE: &str = "2";

/// Sends SYNs to port 25 from an address to another, so many, or until its input ends (0), with so
/// many milliseconds between two.
pub(crate) const SEND: &str = r#"
import select, socket, struct, sys, time
source, to, count, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) / 1e3
ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 40, 0, 0, 64, 6, 0, socket.inet_aton(source),
                 socket.inet_aton(to))
wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
sent = 0
print('sending', flush=True)
while sent < count if count else sent % 100 or not select.select([sys.stdin], [], [], 0)[0]:
    tcp = struct.pack('!HHIIBBHHH', 1024 + sent % 60000, 25, sent, 0, 0x50, 2, 1024, 0, 0)
    try:
        wire.sendto(ip + tcp, (to, 0))
    except OSError:
        pass
    sent += 1
    if pause:
        time.sleep(pause)
print(sent)
"#;

/// Counts the SYNs to port 25 that come from an address, until its input ends and no more come.
const COUNT: &str = r#"
import select, socket, sys
wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
source, came, ended = socket.inet_aton(sys.argv[1]), 0, False
print('counting', flush=True)
while True:
    ready = select.select([wire] if ended else [wire, sys.stdin], [], [], 0.5 if ended else None)[0]
    if wire in ready:
        packet = wire.recv(65535)
        tcp = packet[(packet[0] & 15) * 4:]
        came += packet[12:16] == source and tcp[2:4] == b'\0\x19' and tcp[13] & 0x12 == 2
    elif ended:
        break
    ended = ended or sys.stdin in ready
print(came)
"#;

/// A program on a node, which has begun.
pub(crate) struct Running(Child, BufReader<ChildStdout>);

impl Running {
    pub(crate) fn start(lab: &Lab, on: &str, program: &[&str]) -> Self {
        let words = [&["exec", on, "--", "/usr/bin/python3", "-c"], program].concat();
        let mut command = lab.command(&words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut begun = String::new();
        out.read_line(&mut begun).unwrap();
        assert!(begun.ends_with("ing\n"), "{on}: {begun}");
        Self(child, out)
    }

    /// Gives it a line, and waits for the next line that it says.
    pub(crate) fn ask(&mut self) -> String {
        writeln!(self.0.stdin.as_mut().unwrap()).unwrap();
        let mut said = String::new();
        self.1.read_line(&mut said).unwrap();
        said.trim().to_owned()
    }

    /// What it has counted by its end, which is the end of its input for one that goes on till then.
    pub(crate) fn count(mut self) -> u32 {
        drop(self.0.stdin.take());
        let mut said = String::new();
        self.1.read_to_string(&mut said).unwrap();
        assert!(self.0.wait().unwrap().success(), "{said}");
        said.trim().parse().unwrap()
    }
}

/// How many of the quiet machine's SYNs arrive.
fn delivered(lab: &Lab) -> u32 {
    let counting = Running::start(lab, "mx.example.net", &[COUNT, QUIET]);
    let count = SYNS.to_string();
    let sent = Running::start(lab, "vm-quiet", &[SEND, QUIET, MAIL_HOST, &count, PAUSE]).count();
    assert_eq!(sent, SYNS);
    counting.count()
}

#[test]
fn a_flood_takes_no_more_than_half_of_a_neighbours_packets() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let inventory = folder.path().join("inventory.toml");
    std::fs::write(&inventory, INVENTORY).unwrap();
    for datapath in possible() {
        let lab = Lab::up(&inventory, datapath, &[]);
        let undisturbed = delivered(&lab);
        let flood = Running::start(&lab, "vm-loud", &[SEND, LOUD, MAIL_HOST, "0", "0"]);
        let disturbed = delivered(&lab);
        let flooded = flood.count();
        println!("{datapath}: {undisturbed} of {SYNS} alone, {disturbed} beside {flooded}");
        assert!(flooded > 10 * SYNS, "{datapath}: {flooded} SYNs are no flood");
        assert!(2 * disturbed >= undisturbed, "{datapath}: {disturbed} of {undisturbed}");
        assert!(undisturbed > SYNS / 2, "{datapath}: {undisturbed} alone");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
