//! Exported rules on a router that nothing of ours runs on: what real connections become.

use std::collections::BTreeMap;
use std::process::Command;

use egress25_skipped::skipped;

use crate::harness::{impossible, scenario};

/// A router between a box, which has the addresses of several machines, and a host outside.
pub(crate) const ROUTER: &str = r#"
mount -t tmpfs none /run; mkdir -p /run/netns; ip link set lo up
ip netns add box; ip netns add out
ip link add p0 type veth peer name eth0 netns box
ip link add p1 type veth peer name eth0 netns out
for n in box out; do
    ip netns exec $n sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
done
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
sysctl -qw net.ipv6.conf.p0.accept_dad=0 net.ipv6.conf.p1.accept_dad=0
for p in p0 p1; do ip link set $p up; done
for n in box out; do ip -n $n link set lo up; ip -n $n link set eth0 up; done
ip addr add 10.1.0.1/16 dev p0; ip addr add fd00:1::1/64 dev p0 nodad
ip addr add 203.0.113.1/24 dev p1; ip addr add 192.168.50.1/24 dev p1
ip addr add 2001:db8:2525::1/64 dev p1 nodad
for a in 10.1.0.4 10.1.0.5 10.1.0.7 10.1.1.4 10.1.0.200; do
    ip -n box addr add $a/16 dev eth0
done
for a in fd00:1::4 fd00:1::5; do ip -n box addr add $a/64 dev eth0 nodad; done
ip -n box route add default via 10.1.0.1; ip -n box -6 route add default via fd00:1::1
ip -n out addr add 203.0.113.25/24 dev eth0; ip -n out addr add 192.168.50.25/24 dev eth0
ip -n out addr add 2001:db8:2525::19/64 dev eth0 nodad
ip -n out route add default via 203.0.113.1
ip -n out -6 route add default via 2001:db8:2525::1
"#;

/// A listener outside. The filter is loaded, and every address tries to connect.
const CONNECTIONS: &str = r#"
ip netns exec out /usr/bin/python3 -c "
import socket, threading, time
for port in (25, 587):
    s = socket.create_server(('::', port), family=socket.AF_INET6, dualstack_ipv6=True)
    s.listen(50)
    threading.Thread(target=lambda s=s: [s.accept() for _ in iter(int, 1)], daemon=True).start()
open('/run/ready', 'w').close()
time.sleep(120)" &
while [ ! -e /run/ready ]; do sleep 0.05; done
try() { ip netns exec box /usr/bin/python3 -c "
import socket, sys, threading
def one(source, to, port):
    s = socket.socket(socket.AF_INET6 if ':' in to else socket.AF_INET)
    s.settimeout(3)
    try:
        s.bind((source, 0)); s.connect((to, port)); became = 'open'
    except ConnectionRefusedError: became = 'refused'
    except (TimeoutError, OSError): became = 'timeout'
    sys.stdout.write('$1 %s %s %d %s\n' % (source, to, port, became))
pairs = [(s, t, p) for s in ('10.1.0.4', '10.1.0.5', '10.1.0.7', '10.1.1.4', '10.1.0.200')
         for t in ('203.0.113.25', '192.168.50.25') for p in (25, 587)]
pairs += [(s, '2001:db8:2525::19', p) for s in ('fd00:1::4', 'fd00:1::5') for p in (25, 587)]
threads = [threading.Thread(target=one, args=pair) for pair in pairs]
for t in threads: t.start()
for t in threads: t.join()
"; }
try before
"#;

/// What becomes of a connection from an address once the rules of `shop-net` are in force.
fn expected(source: &str, to: &str, port: &str) -> &'static str {
    match (source, to, port) {
        (_, _, "587") => "open",
        // Nobody's address: dropped wherever it goes.
        ("10.1.0.200", ..) => "timeout",
        // All of that subnet's traffic goes through Azure Firewall, but for the gateway's routes.
        ("10.1.1.4", "203.0.113.25", _) => "refused",
        (_, "192.168.50.25", _) | ("10.1.0.5" | "fd00:1::5", ..) => "open",
        _ => "timeout",
    }
}

/// Loads rules in a network of its own, and compares what becomes of connections.
fn judged(load: &str) {
    let script = format!("{ROUTER}{CONNECTIONS}\n{load}\ntry after\n");
    let output = Command::new("unshare")
        .args(["-Urnm", "--pid", "--fork", "--kill-child", "sh", "-ec", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut seen = BTreeMap::new();
    for line in said.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [when, source, to, port, became] = words[..] else { panic!("{line}") };
        let right = if when == "before" { "open" } else { expected(source, to, port) };
        seen.insert((when, source, to, port), (became, right));
    }
    assert_eq!(seen.len(), 48, "{said}{errors}");
    let wrong: Vec<_> = seen.iter().filter(|(_, (became, right))| became != right).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{errors}");
}

/// The command that exports rules of `shop-net` for what comes from `p0`.
pub(crate) fn export(words: &str) -> String {
    format!(
        "{} export {words} {} --network shop-net --interface p0",
        env!("CARGO_BIN_EXE_egress25"),
        scenario("mail.inventory.toml").display()
    )
}

/// The commands that load exported rules of both families by one of iptables' programs; `export` gives the
/// command that writes rules.
pub(crate) fn load_iptables(program: &str, export: impl Fn(&str) -> String) -> String {
    format!(
        "{} >/run/v4; iptables-{program}-restore --noflush /run/v4\n\
         {} >/run/v6; ip6tables-{program}-restore --noflush /run/v6",
        export("iptables"),
        export("iptables --ipv6")
    )
}

#[test]
fn exported_nftables_rules_judge_real_connections() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    judged(&format!("{} >/run/rules; nft -f /run/rules", export("nft")));
}

#[test]
fn exported_iptables_rules_judge_real_connections() {
    if let Some(why) = impossible("nfqueue") {
        return skipped(why);
    }
    judged(&format!(
        "{} >/run/v4; iptables-restore --noflush /run/v4\n\
         {} >/run/v6; ip6tables-restore --noflush /run/v6",
        export("iptables"),
        export("iptables --ipv6")
    ));
}

/// A mail server at the box's addresses, which answers from outside or not, and one outside, to which
/// the box can send or not.
const INBOUND: &str = r#"
for node in box out; do ip netns exec $node /usr/bin/python3 -c "
import socket, time
server = socket.create_server(('::', 25), family=socket.AF_INET6, dualstack_ipv6=True)
open('/run/ready-$node', 'w').close()
time.sleep(60)" & done
while [ ! -e /run/ready-box ] || [ ! -e /run/ready-out ]; do sleep 0.05; done
answers() { ip netns exec out /usr/bin/python3 -c "
import socket
for to in ('10.1.0.4', 'fd00:1::4'):
    try: socket.create_connection((to, 25), 3); print('$1', to, 'answers')
    except OSError as error: print('$1', to, error)"; }
sends() { ip netns exec box /usr/bin/python3 -c "
import socket
try: socket.create_connection(('203.0.113.25', 25), 1, ('10.1.0.4', 0)); print('sends')
except TimeoutError: print('is blocked')
except OSError as error: print(error)"; }
answers before
"#;

#[test]
fn a_mail_server_behind_the_rules_did_not_answer_from_outside() {
    for needs in ["nft", "nfqueue"] {
        if let Some(why) = impossible(needs) {
            return skipped(why);
        }
    }
    let program = env!("CARGO_BIN_EXE_egress25");
    let inventory = scenario("mail.inventory.toml").display().to_string();
    let export = |words: &str| format!("{program} export {words} {inventory} --network shop-net");
    let filter = |words: &str| {
        format!("{program} filter --inventory {inventory} --network shop-net {words}")
    };
    let at_interface = |interface: &str| {
        format!(
            "{} >/run/said 2>&1 &\nuntil nft list tables | grep -q egress25_on; do sleep 0.05; \
             kill -0 $!; done",
            filter(&format!("--interface {interface}"))
        )
    };
    let iptables = |words: &str| {
        format!(
            "{} | iptables-restore --noflush; {} | ip6tables-restore --noflush",
            export(&format!("iptables {words}")),
            export(&format!("iptables --ipv6 {words}"))
        )
    };
    let blocked = "is blocked";
    let loads = [
        (format!("{} | nft -f -", export("nft")), blocked),
        (format!("{} | nft -f -", export("nft --interface p0=vm-web --interface p1")), blocked),
        (iptables(""), blocked),
        (iptables("--interface p0 --interface p1"), blocked),
        // The server's own interface: its answers pass.
        (at_interface("p0"), blocked),
        (at_interface("p0=vm-web"), blocked),
        // The outer one: nothing that the server sends is judged.
        (at_interface("p1"), "sends"),
    ];
    for (load, sends) in loads {
        let script = format!("{ROUTER}{INBOUND}\n{load}\nanswers after\nsends\n");
        let output = Command::new("unshare")
            .args(["-Urnm", "--pid", "--fork", "--kill-child", "sh", "-ec", &script])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let answers = |when: &str| format!("{when} 10.1.0.4 answers\n{when} fd00:1::4 answers\n");
        let expected = format!("{}{}{sends}\n", answers("before"), answers("after"));
        assert_eq!(said, expected, "{load}: {errors}");
    }
}
