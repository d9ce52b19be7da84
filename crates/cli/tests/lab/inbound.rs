//! Public addresses and ways out: who is reached from outside, and by which address somebody goes out.

use std::collections::BTreeSet;
use std::thread;

use egress25_skipped::skipped;

use crate::fair::Running;
use crate::harness::{Lab, installed, possible, said, scenario};

/// Hosts without mail servers of the lab's: a server of the test's says whom it sees.
const HOSTS: &str = "[host.\"mx.example.net\"]\n\
                     addresses = [\"203.0.113.25\", \"2001:db8:2525::19\"]\n\
                     [host.office]\naddresses = [\"192.168.50.25\"]\non_premises = \"shop-net\"\n";

/// Tells whoever connects, or sends a datagram, to some ports what address it sees of him.
const SERVE: &str = r#"
import socket, sys, threading
def connections(server):
    while True:
        client, peer = server.accept()
        client.sendall(peer[0].replace('::ffff:', '').encode())
        client.close()
def datagrams(server):
    while True:
        peer = server.recvfrom(100)[1]
        server.sendto(peer[0].replace('::ffff:', '').encode(), peer)
for port in sys.argv[1:]:
    tcp = socket.create_server(('::', int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.bind(('::', int(port)))
    threading.Thread(target=connections, args=(tcp,), daemon=True).start()
    threading.Thread(target=datagrams, args=(udp,), daemon=True).start()
print('serving', flush=True)
sys.stdin.read()
"#;

/// Asks servers, all at once: `tcp`, `udp` or `ping`, an address, a port.
const ASK: &str = r#"
import socket, struct, sys, threading
def ask(kind, to, port):
    v6 = ':' in to
    family = socket.AF_INET6 if v6 else socket.AF_INET
    try:
        if kind == 'tcp':
            server = socket.create_connection((to, int(port)), 3)
        elif kind == 'udp':
            server = socket.socket(family, socket.SOCK_DGRAM)
            server.connect((to, int(port)))
            server.send(b'?')
        else:
            protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
            server = socket.socket(family, socket.SOCK_RAW, protocol)
            server.connect((to, 0))
            server.send(struct.pack('!BBHHH', 128 if v6 else 8, 0, 0xf7fe, 0, 1))
        server.settimeout(3)
        said = server.recv(100)
        while kind == 'ping' and said[0 if v6 else 20] != (129 if v6 else 0):
            said = server.recv(100)
        said = 'echo' if kind == 'ping' else said.decode()
    except (TimeoutError, socket.timeout):
        said = 'timeout'
    except OSError as error:
        said = str(error)
    sys.stdout.write('%s %s %s: %s\n' % (kind, to, port, said))
for words in sys.argv[1:]:
    threading.Thread(target=ask, args=words.split()).start()
"#;

/// Who asks whom, and what address is seen of him, or what else becomes of it.
type Asked = (&'static str, &'static [(&'static str, &'static str)]);

const REACHED: &[Asked] = &[
    (
        "mx.example.net",
        &[
            ("tcp 198.51.100.104 25", "203.0.113.25"),
            ("tcp 2001:db8:104::4 25", "2001:db8:2525::19"),
            ("udp 198.51.100.104 587", "203.0.113.25"),
            ("ping 198.51.100.104 0", "echo"),
            // The appliance hands it on to a server that answers through it.
            ("tcp 198.51.100.109 25", "203.0.113.25"),
        ],
    ),
    (
        "vm-mail",
        &[
            ("tcp 203.0.113.25 587", "198.51.100.104"),
            ("tcp 2001:db8:2525::19 587", "2001:db8:104::4"),
            ("udp 203.0.113.25 587", "198.51.100.104"),
            ("tcp 203.0.113.25 25", "timeout"),
            ("tcp 2001:db8:2525::19 25", "timeout"),
            // Its own, from outside.
            ("tcp 198.51.100.104 587", "198.51.100.104"),
            ("tcp 198.51.100.104 25", "timeout"),
        ],
    ),
    (
        "vm-web",
        &[
            ("tcp 203.0.113.25 587", "198.51.100.10"),
            ("tcp 198.51.100.104 587", "198.51.100.10"),
            ("tcp fd00:1::4 587", "fd00:1::5"),
            ("tcp 2001:db8:2525::19 587", "timeout"),
            ("udp 2001:db8:2525::19 587", "timeout"),
            ("ping 2001:db8:2525::19 0", "timeout"),
            ("tcp 2001:db8:2525::19 25", "timeout"),
        ],
    ),
    (
        "vm-private",
        &[
            ("tcp 203.0.113.25 587", "timeout"),
            ("udp 203.0.113.25 587", "timeout"),
            ("ping 203.0.113.25 0", "timeout"),
            ("tcp 203.0.113.25 25", "timeout"),
            ("tcp 10.1.0.4 25", "10.1.1.4"),
            ("tcp 192.168.50.25 587", "10.1.1.4"),
        ],
    ),
    ("vm-behind", &[("tcp 203.0.113.25 587", "198.51.100.10")]),
    ("vm-misled", &[("tcp 203.0.113.25 587", "timeout"), ("tcp 10.1.0.4 25", "10.1.3.4")]),
];

/// What becomes of everything that one node asks and is not as it is to be.
fn differences(lab: &Lab, (from, asked): &Asked) -> Vec<String> {
    let words = asked.iter().map(|(words, _)| *words);
    let command: Vec<&str> = ["/usr/bin/python3", "-c", ASK].into_iter().chain(words).collect();
    let became = said(&lab.exec(from, &command));
    let expected: BTreeSet<String> =
        asked.iter().map(|(words, seen)| format!("{words}: {seen}")).collect();
    let seen: BTreeSet<String> = became.lines().map(str::to_owned).collect();
    let missing = expected.difference(&seen).map(|line| format!("{from}: not {line}"));
    missing.chain(seen.difference(&expected).map(|line| format!("{from}: {line}"))).collect()
}

#[test]
fn a_public_address_led_nowhere_and_what_had_no_way_out_left_by_other_ports_than_25() {
    if !std::path::Path::new("/usr/bin/python3").exists() || !installed("nft") {
        return skipped("python3 or nft is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts.toml");
    std::fs::write(&hosts, HOSTS).unwrap();
    for datapath in possible() {
        let more = ["--hosts", &hosts.display().to_string()];
        let lab = Lab::up(&scenario("mail-server.inventory.toml"), datapath, &more);
        let hand_on = "table ip own { chain to { type nat hook prerouting priority -100; \
                       ip daddr 10.1.0.9 tcp dport 25 dnat to 10.1.2.4; }; }";
        let done = lab.exec("vm-nva", &["nft", hand_on]);
        assert!(done.status.success(), "{}", said(&done));
        let all = [
            ("vm-mail", &["25", "587"][..]),
            ("vm-behind", &["25"]),
            ("mx.example.net", &["25", "587"]),
            ("office", &["587"]),
        ];
        let _servers = all.map(|(on, ports)| Running::start(&lab, on, &[&[SERVE], ports].concat()));
        let wrong: Vec<String> = thread::scope(|scope| {
            let asking: Vec<_> =
                REACHED.iter().map(|asked| scope.spawn(|| differences(&lab, asked))).collect();
            asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect()
        });
        assert!(wrong.is_empty(), "{datapath}:\n{}", wrong.join("\n"));
        // What comes in is told where the appliance hands it on, and is nobody else's business.
        let counts = lab.inspect()["lab"]["counts"].clone();
        let told: BTreeSet<&str> =
            counts.as_array().unwrap().iter().map(|count| count[0].as_str().unwrap()).collect();
        let expected = ["inbound", "internal", "no-outbound-access", "not-granted"];
        assert_eq!(told, BTreeSet::from(expected), "{datapath}: {counts}");
    }
}
