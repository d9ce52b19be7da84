//! The lab does what the reference says, hop by hop: random small worlds over every data path.
//!
//! From every port of a world SYNs are sent to hosts outside, with the port's own addresses and
//! with borrowed ones. Each is known by its source port: what the lab tells of it, and whether a
//! listener's wire saw it, is held against `decide` and `decide_forwarded`. Of SYNs to another port
//! nothing is told, and they take the same way. From outside SYNs are sent to public addresses: a
//! machine that runs answers, if there is a way back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use egress25_policy::{
    AzureFirewall, Decision, Edition, FirewallName, ForwardingPort, HopKind, Interface,
    InventoryFile, Machine, MachineName, NetworkName, Power, Question, Reason, SMTP_PORT, Source,
    Verdict, World, decide, decide_forwarded,
};
use egress25_skipped::skipped;
use serde_json::Value;

use crate::harness::{Lab, alone, possible};
use crate::random_worlds::{self as worlds, Dice};

/// Sends SYNs by raw socket: one a line of stdin, `interface source destination` and both ports.
const SENDER: &str = r#"
import socket, struct, sys, time
def total(data):
    data += b'\0' * (len(data) % 2)
    s = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
wires, routers = {}, {}
def wire(name):
    if name not in wires:
        w = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        w.bind((name, 0))
        w.settimeout(0.5)
        station = w.getsockname()[4]
        ask = bytes.fromhex('0001080006040001') + station + b'\0\0\0\0' + b'\0' * 6 + bytes([169, 254, 1, 1])
        for _ in range(20):
            w.send(b'\xff' * 6 + station + b'\x08\x06' + ask)
            end, found = time.monotonic() + 0.5, None
            while time.monotonic() < end and not found:
                try: frame = w.recv(2000)
                except (TimeoutError, socket.timeout): break
                if frame[12:14] == b'\x08\x06' and frame[20:22] == b'\0\2' and frame[28:32] == bytes([169, 254, 1, 1]):
                    found = frame[22:28]
            if found: break
        if not found: sys.exit('no router answers at ' + name)
        wires[name] = (w, station, found)
    return wires[name]
for line in sys.stdin:
    name, source, to, port, service = line.split()
    w, station, router = wire(name)
    v6 = ':' in to
    family = socket.AF_INET6 if v6 else socket.AF_INET
    s, d = socket.inet_pton(family, source), socket.inet_pton(family, to)
    tcp = struct.pack('!HHIIBBHHH', int(port), int(service), 1, 0, 0x50, 2, 1024, 0, 0)
    pseudo = s + d + (struct.pack('!IHBB', 20, 0, 0, 6) if v6 else struct.pack('!BBH', 0, 6, 20))
    tcp = tcp[:16] + struct.pack('!H', total(pseudo + tcp)) + tcp[18:]
    if v6:
        packet = struct.pack('!IHBB', 6 << 28, 20, 6, 64) + s + d + tcp
    else:
        ip = struct.pack('!BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, 0) + s + d
        packet = ip[:10] + struct.pack('!H', total(ip)) + ip[12:] + tcp
    w.send(router + station + (b'\x86\xdd' if v6 else b'\x08\x00') + packet)
    time.sleep(0.0005)
"#;

/// Prints of every SYN to port 25 or 587 that comes to a host its source port and address; of what
/// answers from port 25 that nobody listens there, the port that it comes to and its address.
const LISTENER: &str = r#"
import socket, sys
w = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
w.bind(('eth0', 0))
w.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
print('ready', flush=True)
while True:
    frame = w.recv(2000)
    if frame[12:14] == b'\x08\x00' and frame[23] == 6:
        tcp, source = frame[14 + (frame[14] & 15) * 4:], socket.inet_ntop(socket.AF_INET, frame[26:30])
    elif frame[12:14] == b'\x86\xdd' and frame[20] == 6:
        tcp, source = frame[54:], socket.inet_ntop(socket.AF_INET6, frame[22:38])
    else: continue
    if frame[6:12] == w.getsockname()[4]: continue
    ports = [int.from_bytes(tcp[at:at + 2], 'big') for at in (0, 2)]
    if tcp[13] & 0x12 == 2 and ports[1] in (25, 587): print(ports[0], source, flush=True)
    elif tcp[13] & 4 and ports[0] == 25: print(ports[1], source, flush=True)
"#;

/// The port that is not filtered.
const OTHER_PORT: u16 = 587;

/// A SYN that a test sends, and what has to become of it.
#[derive(Default)]
struct Shot {
    from: String,
    line: String,
    port: u16,
    /// What is told of it; `None`: nothing.
    told: Option<(Verdict, Reason)>,
    /// Whether it comes to the host outside, or the answer to it; `None`: either is right.
    seen: Option<bool>,
    /// The address that it has then, where that is known.
    seen_as: Option<IpAddr>,
    by: String,
}

fn world(seed: u64) -> (String, World) {
    let text = worlds::inventory(seed, false).replace("started_since_grant = true\n", "");
    let lab = InventoryFile::parse(&text).unwrap();
    let lab = lab.build(&Edition::default_edition().unwrap(), &[]).unwrap();
    (text, lab.world)
}

/// Every SYN of a world: each port's own addresses, and borrowed ones, to hosts outside.
fn shots(seed: u64, world: &World) -> Vec<Shot> {
    let everybody = world
        .machines()
        .iter()
        .flat_map(|(name, machine)| machine.interfaces.iter().map(move |one| (name, one)))
        .collect();
    let dice = Dice::new(seed ^ 0x5eed);
    let mut shooter = Shooter { world, dice, everybody, shots: Vec::new(), port: 10_000 };
    for (name, machine) in world.machines() {
        if machine.state.power == Power::Running {
            for place in 0..machine.interfaces.len() {
                shooter.own(name, machine, place);
                shooter.borrowed(name, machine, place);
                shooter.other_port(name, machine, place);
            }
        }
        shooter.inbound(machine);
    }
    for (name, firewall) in world.firewalls() {
        shooter.firewall(name, firewall);
    }
    shooter.shots
}

struct Shooter<'w> {
    world: &'w World,
    dice: Dice,
    everybody: Vec<(&'w MachineName, &'w Interface)>,
    shots: Vec<Shot>,
    port: u16,
}

fn address(interface: &Interface, to: IpAddr) -> Option<IpAddr> {
    interface.addresses.iter().copied().find(|one| one.is_ipv4() == to.is_ipv4())
}

fn asked(network: &NetworkName, address: IpAddr, destination: IpAddr) -> Question {
    let source = Source::Address { network: Some(network.clone()), address };
    Question::smtp(source, destination)
}

/// What is decided of an interface's SYN to port 25, and of one to the other port.
fn both_ports(
    world: &World,
    interface: &Interface,
    from: IpAddr,
    to: IpAddr,
) -> (Decision, Decision) {
    let on_25 = asked(&interface.network, from, to);
    let elsewhere = Question { port: OTHER_PORT, ..on_25.clone() };
    (decide(world, &on_25), decide(world, &elsewhere))
}

/// Whether what nobody filters comes to the host outside; `None`: the lab does not follow the
/// reference there, because it judges port 25 alone (who may send on what, and by which of a load
/// balancer's ports).
fn comes_out(on_25: &Decision, elsewhere: &Decision) -> Option<bool> {
    match (on_25.reason, elsewhere.reason) {
        (Reason::PlatformAddress, _) => None,
        // Inside, or on premises.
        (Reason::Internal | Reason::OnPremises, _) => Some(false),
        (_, Reason::NoOutboundAccess | Reason::RoutingLoop) => Some(false),
        (Reason::NoRoute, Reason::NoRoute) => Some(false),
        (Reason::NoRoute, _) => None,
        _ => (elsewhere.verdict == Verdict::Pass).then_some(true),
    }
}

impl Shooter<'_> {
    fn add(&mut self, from: &str, line: &str, service: u16, shot: Shot) {
        self.port += 1;
        let line = format!("{line} {} {service}\n", self.port);
        self.shots.push(Shot { from: from.to_owned(), line, port: self.port, ..shot });
    }

    /// A SYN to port 25 that is judged.
    fn shoot(&mut self, from: &str, device: &str, source: IpAddr, to: IpAddr, expected: Decision) {
        let Decision { verdict, reason, .. } = untranslated(self.world, expected);
        let seen = match reason {
            // Inside, or on premises: the listener outside never sees it.
            Reason::Internal | Reason::OnPremises => Some(false),
            Reason::PlatformAddress => None,
            _ => Some(verdict == Verdict::Pass),
        };
        let told = Some((verdict, reason));
        let by = format!("{source} from {from}/{device} to {to}");
        let shot = Shot { told, seen, by, ..Shot::default() };
        self.add(from, &format!("{device} {source} {to}"), SMTP_PORT, shot);
    }

    /// SYNs to a port that is not filtered: what finds no way out stays inside all the same.
    fn other_port(&mut self, name: &MachineName, machine: &Machine, place: usize) {
        let interface = &machine.interfaces[place];
        for _ in 0..4 {
            let to = self.outside();
            let Some(from) = address(interface, to) else { continue };
            let (on_25, elsewhere) = both_ports(self.world, interface, from, to);
            let public = interface.public_addresses.iter().copied();
            let mut public = public.filter(|public| public.is_ipv4() == to.is_ipv4());
            let seen_as = public.next().filter(|_| self.stays_in(&elsewhere, interface));
            let seen = comes_out(&on_25, &elsewhere);
            let by = format!("{from} from {name}/eth{place} to {to}:{OTHER_PORT}");
            let shot = Shot { seen, seen_as, by, ..Shot::default() };
            self.add(name.as_str(), &format!("eth{place} {from} {to}"), OTHER_PORT, shot);
        }
    }

    /// Whether what an interface sends leaves by its own network's edge.
    fn stays_in(&self, decided: &Decision, interface: &Interface) -> bool {
        decided.path.iter().all(|hop| match &hop.at {
            HopKind::Machine { network, .. } => *network == interface.network,
            HopKind::Firewall { firewall } => {
                self.world.firewalls()[firewall].network == interface.network
            }
        })
    }

    /// SYNs from outside to a machine's public addresses. It answers by the interface of its default
    /// route; what comes to another leaves there with an address that is not that one's.
    fn inbound(&mut self, machine: &Machine) {
        let interface = &machine.interfaces[machine.forwards_by.unwrap_or(0)];
        for public in &interface.public_addresses {
            for _ in 0..3 {
                let from = self.outside();
                let Some(private) = address(interface, *public) else { continue };
                if from.is_ipv4() != public.is_ipv4() {
                    continue;
                }
                let (on_25, elsewhere) = both_ports(self.world, interface, private, from);
                let seen = match comes_out(&on_25, &elsewhere) {
                    _ if machine.state.power != Power::Running => Some(false),
                    // Another network's edge does not know what is answered.
                    Some(true) if !self.stays_in(&elsewhere, interface) => None,
                    seen => seen,
                };
                let by = format!("{from} from outside to {public}, which is {private}");
                let shot = Shot { seen, seen_as: Some(*public), by, ..Shot::default() };
                self.add("mx", &format!("eth0 {from} {public}"), SMTP_PORT, shot);
            }
        }
    }

    fn outside(&mut self) -> IpAddr {
        self.dice.one(worlds::OUTSIDE).parse().unwrap()
    }

    /// Whether a network's ports can be asked about another's addresses.
    fn in_reach(&self, network: &NetworkName, other: &NetworkName) -> bool {
        self.world.in_reach(network).any(|reached| reached == other)
    }

    fn own(&mut self, name: &MachineName, machine: &Machine, place: usize) {
        let interface = &machine.interfaces[place];
        for _ in 0..10 {
            let to = self.outside();
            let Some(from) = address(interface, to) else { continue };
            let expected = decide(self.world, &asked(&interface.network, from, to));
            self.shoot(name.as_str(), &format!("eth{place}"), from, to, expected);
        }
    }

    fn borrowed(&mut self, name: &MachineName, machine: &Machine, place: usize) {
        let interface = &machine.interfaces[place];
        for _ in 0..6 {
            let to = self.outside();
            let (owner, other) = *self.dice.one(&self.everybody);
            let Some(borrowed) = address(other, to) else { continue };
            if interface.addresses.contains(&borrowed)
                || !self.in_reach(&interface.network, &other.network)
            {
                continue;
            }
            let question = asked(&other.network, borrowed, to);
            let expected = if interface.ip_forwarding {
                let port = ForwardingPort::Machine(name.clone(), place);
                decide_forwarded(self.world, &port, &question)
            } else {
                let (verdict, reason) = (Verdict::Drop, Reason::SpoofedSource);
                Decision { verdict, reason, ..decide(self.world, &question) }
            };
            // A kernel takes nothing on that bears an address of its own.
            if !passes_by(&expected, owner) {
                self.shoot(name.as_str(), &format!("eth{place}"), borrowed, to, expected);
            }
        }
    }

    fn firewall(&mut self, name: &FirewallName, firewall: &AzureFirewall) {
        for _ in 0..8 {
            let to = self.outside();
            let (_, other) = *self.dice.one(&self.everybody);
            let (network, source) = if self.dice.happens(30) && to.is_ipv4() {
                (&firewall.network, Some(firewall.address))
            } else {
                (&other.network, address(other, to))
            };
            let Some(source) = source else { continue };
            if self.in_reach(&firewall.network, network) {
                let port = ForwardingPort::Firewall(name.clone());
                let expected = decide_forwarded(self.world, &port, &asked(network, source, to));
                self.shoot(name.as_str(), "eth0", source, to, expected);
            }
        }
    }
}

/// What becomes of a packet that nobody on its way translates, as these machines do not: an
/// interface by which an appliance sends on, and which does not forward, sends by its own addresses
/// alone. The reference follows the packet of an appliance that works, which translates there.
fn untranslated(world: &World, decided: Decision) -> Decision {
    let is_out = |interface: &Interface, network: &NetworkName, address: IpAddr| {
        interface.network == *network && interface.addresses.contains(&address)
    };
    let held = decided.path.iter().skip(1).any(|hop| match &hop.at {
        HopKind::Machine { machine, network, address } => {
            let found = world.machines().get(machine);
            let mut all = found.into_iter().flat_map(|found| &found.interfaces);
            all.any(|one| is_out(one, network, *address) && !one.ip_forwarding)
        }
        HopKind::Firewall { .. } => false,
    });
    // What is lost further on is told where it was sent.
    let lost = matches!(
        decided.reason,
        Reason::NoRoute
            | Reason::NextHopUnknown
            | Reason::ApplianceNotForwarding
            | Reason::RoutingLoop
            | Reason::SenderNotRunning
            | Reason::UnknownSource
    );
    if held && !lost {
        let (verdict, reason) = (Verdict::Drop, Reason::SpoofedSource);
        return Decision { verdict, reason, ..decided };
    }
    decided
}

/// Whether a packet comes to a machine on its way.
fn passes_by(decided: &Decision, machine: &MachineName) -> bool {
    decided.path.iter().skip(1).any(|hop| match &hop.at {
        HopKind::Machine { machine: at, .. } => at == machine,
        HopKind::Firewall { .. } => false,
    })
}

/// The lines of a command that goes on, as they come.
pub(crate) fn lines(lab: &mut Lab, words: &[&str]) -> Receiver<String> {
    let mut command = lab.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let output = lab.start(command).stdout.take().unwrap();
    let (say, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if say.send(line).is_err() {
                return;
            }
        }
    });
    said
}

fn send(lab: &Lab, from: &str, stdin: &str) {
    use std::io::Write as _;
    let mut command: Command = lab.command(&["exec", from, "--", "/usr/bin/python3", "-c", SENDER]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{from}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What is told and seen of SYNs, by source port, until nothing has come for a while.
fn gather(events: &Receiver<String>, seen: &Receiver<String>, shots: &[Shot]) -> Observed {
    let mut told = BTreeMap::<u16, Vec<(String, String)>>::new();
    let mut arrived = BTreeMap::new();
    let judged = shots.iter().filter(|shot| shot.told.is_some()).count();
    let mut quiet = 0;
    // Everything is told before long; what comes twice or unasked for may still follow.
    while quiet < if told.len() == judged { 2 } else { 20 } {
        quiet += 1;
        while let Ok(line) = seen.try_recv() {
            let (port, source) = line.split_once(' ').unwrap();
            arrived.insert(port.parse::<u16>().unwrap(), source.parse::<IpAddr>().unwrap());
            quiet = 0;
        }
        while let Ok(line) = events.recv_timeout(Duration::from_millis(100)) {
            let event: Value = serde_json::from_str(&line).unwrap();
            let Some(port) = event["source_port"].as_u64() else { continue };
            let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            let port = u16::try_from(port).unwrap();
            if (10_000..20_000).contains(&port) {
                told.entry(port).or_default().push((text("verdict"), text("reason")));
                quiet = 0;
            }
        }
    }
    Observed { told, arrived }
}

struct Observed {
    told: BTreeMap<u16, Vec<(String, String)>>,
    arrived: BTreeMap<u16, IpAddr>,
}

fn differences(shots: &[Shot], observed: &Observed) -> Vec<String> {
    let mut wrong = Vec::new();
    for shot in shots {
        let expected = shot.told.map(|(verdict, reason)| (verdict.to_string(), reason.to_string()));
        let told = observed.told.get(&shot.port).cloned().unwrap_or_default();
        if !told.iter().eq(&expected) {
            wrong.push(format!("{}: told {told:?}, expected {expected:?}", shot.by));
        }
        let arrived = observed.arrived.get(&shot.port);
        if shot.seen.is_some_and(|seen| seen != arrived.is_some()) {
            let what = if arrived.is_some() { "was seen outside" } else { "was not seen outside" };
            wrong.push(format!("{}: {what}, told {expected:?}", shot.by));
        }
        if let (Some(arrived), Some(expected)) = (arrived, &shot.seen_as)
            && shot.seen.is_some()
            && arrived != expected
        {
            wrong.push(format!("{}: came from {arrived}, expected {expected}", shot.by));
        }
    }
    wrong
}

fn check(seed: u64, datapath: &str) -> usize {
    let (text, world) = world(seed);
    let folder = tempfile::tempdir().unwrap();
    let (inventory, hosts) =
        (folder.path().join("inventory.toml"), folder.path().join("hosts.toml"));
    std::fs::write(&inventory, &text).unwrap();
    let addresses = format!("{:?}", worlds::OUTSIDE);
    std::fs::write(&hosts, format!("[host.mx]\naddresses = {addresses}\n")).unwrap();
    let mut lab = Lab::up(&inventory, datapath, &["--hosts", &hosts.display().to_string()]);
    let shots = shots(seed, &world);
    let seen = lines(&mut lab, &["exec", "mx", "--", "/usr/bin/python3", "-c", LISTENER]);
    assert_eq!(seen.recv_timeout(Duration::from_secs(20)).as_deref(), Ok("ready"));
    let events = lines(&mut lab, &["events", "--format", "ndjson"]);
    let Some(first) = shots.iter().find(|shot| shot.told.is_some()) else { return 0 };
    // Until the first one is told, nobody may be listening yet.
    let test = first.line.replace(&format!(" {} ", first.port), " 9999 ");
    crate::harness::wait_until("somebody listens to the events", || {
        send(&lab, &first.from, &test);
        let told = events.recv_timeout(Duration::from_millis(500));
        told.is_ok_and(|line| line.contains("9999"))
    });
    let mut by_node = BTreeMap::<&str, String>::new();
    for shot in &shots {
        by_node.entry(&shot.from).or_default().push_str(&shot.line);
    }
    for (from, stdin) in by_node {
        send(&lab, from, &stdin);
    }
    let wrong = differences(&shots, &gather(&events, &seen, &shots));
    assert!(
        wrong.is_empty(),
        "world {seed} over {datapath}: {} of {} differ:\n{}\n\n{text}",
        wrong.len(),
        shots.len(),
        wrong.join("\n")
    );
    shots.len()
}

/// How many worlds are tried: 12, or as many as `EGRESS25_WORLDS` says.
fn seeds() -> std::ops::Range<u64> {
    let first = std::env::var("EGRESS25_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let worlds = std::env::var("EGRESS25_WORLDS").ok().and_then(|count| count.parse().ok());
    first..first + worlds.unwrap_or(12)
}

#[test]
fn the_lab_does_what_the_reference_says_in_random_worlds() {
    let _alone = alone();
    if !std::path::Path::new("/usr/bin/python3").exists() {
        return skipped("python3 is not installed");
    }
    // A world is mostly waited for, so the paths go side by side.
    std::thread::scope(|scope| {
        for datapath in possible() {
            scope.spawn(move || {
                let sent: usize = seeds().map(|seed| check(seed, datapath)).sum();
                println!("{datapath}: {} worlds, {sent} SYNs", seeds().count());
                assert!(sent > 0);
            });
        }
    });
}
