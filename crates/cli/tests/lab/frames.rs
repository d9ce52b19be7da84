//! Awkward frames by raw socket: none that the reference drops makes a real listener answer.

use std::collections::BTreeMap;
use std::path::Path;

use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::frame::{Frame, FrameOptions, Origin, Outcome, outermost};
use egress25_packet_filter::link::LinkType;
use egress25_skipped::skipped;

use crate::harness::{Lab, alone, possible, root};

/// The machine and the listener have the addresses of the frames.
const LAB: &str = r#"
[subscription.sender]
offer = "OFFER"
created = "2019-03-01"

[network.net]
address_space = ["10.99.0.1/32", "fd99::1/128"]

[network.net.subnet.default]
prefixes = ["10.99.0.1/32", "fd99::1/128"]
route_table = "out"

[route-table.out]
routes = [{ prefix = "10.99.0.2/32", next_hop = "internet" }]

[machine.vm]
subscription = "sender"
network = "net"
addresses = ["10.99.0.1", "fd99::1"]
"#;

const HOSTS: &str = "[host.listener]\naddresses = [\"10.99.0.2\", \"fd99::2\"]\nsmtp = [25]\n";

/// Sends the Ethernet frames of capture files from `eth0` and prints for each file whether a
/// SYN with ACK from port 25 came back.
const SENDER: &str = r#"
import socket, struct, sys, time
router = bytes.fromhex(sys.argv[1].replace(':', ''))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(('eth0', 0))
wire.setblocking(False)
station = wire.getsockname()[4]
def answer(frame):
    kind = frame[12:14]
    if kind == b'\x08\x00' and frame[23] == 6:
        tcp = frame[14 + (frame[14] & 15) * 4:]
    elif kind == b'\x86\xdd' and frame[20] == 6:
        tcp = frame[54:]
    else:
        return False
    return frame[0:6] == station and tcp[0:2] == b'\x00\x19' and tcp[13] & 0x12 == 0x12
def listen(seconds):
    end, heard = time.monotonic() + seconds, False
    while time.monotonic() < end:
        try:
            heard = answer(wire.recv(70000)) or heard
        except BlockingIOError:
            time.sleep(0.002)
    return heard
for path in sys.argv[2:]:
    data = open(path, 'rb').read()
    order = '<' if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    listen(0)
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + 'I', data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        try:
            wire.send(router + station + frame[12:])
        except OSError:
            pass
    print(path.rsplit('/', 1)[1], int(listen(0.06)), flush=True)
"#;

/// What the reference says of the frames of a file: whether any is a match, and whether any is
/// dropped for what it is.
fn reference(path: &Path) -> Option<(bool, bool)> {
    let mut reader = CaptureReader::open(path).ok()?;
    let options = FrameOptions { origin: Origin::Live, ..FrameOptions::default() };
    let (mut matched, mut dropped) = (false, false);
    while let Some(record) = reader.next_record().unwrap() {
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        if record.link != LinkType::Ethernet || frame.bytes.len() != frame.wire_len as usize {
            return None;
        }
        match outermost(&frame, &options) {
            Outcome::Match(_) => matched = true,
            Outcome::NoMatch(_) => {}
            Outcome::Encapsulated { carried: true, .. } => {}
            _ => dropped = true,
        }
    }
    Some((matched, dropped))
}

/// A lab in which the sender's offer is allowed or not.
struct Range {
    lab: Lab,
    router: String,
    _folder: tempfile::TempDir,
}

impl Range {
    fn open(offer: &str, datapath: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (lab, hosts) = (folder.path().join("inventory.toml"), folder.path().join("hosts.toml"));
        std::fs::write(&lab, LAB.replace("OFFER", offer)).unwrap();
        std::fs::write(&hosts, HOSTS).unwrap();
        let lab = Lab::up(&lab, datapath, &["--hosts", &hosts.display().to_string()]);
        // The router answers for itself when it is asked.
        assert_eq!(lab.connect("vm", "listener:587"), "refused");
        let neighbours = lab.exec("vm", &["ip", "neigh", "show", "169.254.1.1"]);
        let neighbours = String::from_utf8_lossy(&neighbours.stdout).into_owned();
        let router = neighbours.split("lladdr ").nth(1).unwrap().split(' ').next().unwrap();
        Self { lab, router: router.to_owned(), _folder: folder }
    }

    /// Sends files and says which of them were answered.
    fn answers(&self, files: &[String]) -> BTreeMap<String, bool> {
        let mut command = vec!["/usr/bin/python3", "-c", SENDER, &self.router];
        command.extend(files.iter().map(String::as_str));
        let output = self.lab.exec("vm", &command);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| {
                let (name, heard) = line.rsplit_once(' ').unwrap();
                (name.to_owned(), heard == "1")
            })
            .collect()
    }

    /// Whether a file is answered when nothing else is on the way: an answer may also be a late
    /// one to the file before, because all have the same addresses and ports.
    fn alone(&self, files: &[String], name: &str) -> bool {
        let file = files.iter().find(|file| file.ends_with(name)).unwrap();
        (0..3).all(|_| {
            std::thread::sleep(std::time::Duration::from_secs(3));
            self.answers(std::slice::from_ref(file))[name]
        })
    }
}

#[test]
fn no_frame_that_the_reference_drops_makes_a_listener_answer() {
    let _alone = alone();
    let corpus = root().join("../shared/corpus/_synthetic");
    if !corpus.exists() {
        return skipped("the corpus of frames is not here");
    }
    if !Path::new("/usr/bin/python3").exists() {
        return skipped("python3 is not installed");
    }
    let mut files = Vec::new();
    let mut expected = BTreeMap::new();
    for entry in std::fs::read_dir(&corpus).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "pcap") {
            continue;
        }
        if let Some(said) = reference(&path) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            expected.insert(name, said);
            files.push(path.display().to_string());
        }
    }
    files.sort();
    assert!(files.len() > 50, "only {} files can be sent", files.len());
    for datapath in possible() {
        let range = Range::open("enterprise-agreement", datapath);
        let allowed = range.answers(&files);
        assert_eq!(allowed.len(), files.len());
        let answered: Vec<_> = allowed.iter().filter(|(_, heard)| **heard).collect();
        assert!(answered.len() > 10, "{datapath}: too few answers to show anything: {answered:?}");
        for (name, _) in &answered {
            let (matched, dropped) = expected[*name];
            let right = matched && !dropped;
            assert!(right || !range.alone(&files, name), "{datapath}: `{name}` was answered");
        }
        drop(range);
        let range = Range::open("pay-as-you-go", datapath);
        let blocked = range.answers(&files);
        let leaked: Vec<_> = blocked.iter().filter(|(_, heard)| **heard).collect();
        assert!(leaked.is_empty(), "{datapath}: answered although blocked: {leaked:?}");
    }
}
