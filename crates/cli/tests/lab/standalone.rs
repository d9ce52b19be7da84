//! The rules and the filter outside of a lab.

use std::process::Command;

use egress25_skipped::skipped;

use crate::harness::{egress25, impossible, scenario};

fn export(words: &[&str]) -> String {
    let output = egress25()
        .arg("export")
        .args(words)
        .arg(scenario("mail.inventory.toml"))
        .args(["--network", "shop-net"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The rules that are in force after two exports and two filters were loaded one after another.
#[test]
fn rules_that_are_loaded_later_take_no_others_away() {
    for needs in ["nft", "nfqueue"] {
        if let Some(why) = impossible(needs) {
            return skipped(why);
        }
    }
    let program = env!("CARGO_BIN_EXE_egress25");
    let lab = scenario("mail.inventory.toml").display().to_string();
    let export = |kind: &str, network: &str, interface: &str| {
        format!("{program} export {kind} {lab} --network {network} --interface {interface}")
    };
    let filter = |network: &str, interface: &str| {
        format!("{program} filter --inventory {lab} --network {network} --interface {interface}")
    };
    let mut script =
        "trap 'kill $filters' EXIT; ip link add p0 type veth peer name p1\n".to_owned();
    let pairs = [("shop-net", "p0"), ("partner-net", "p1")];
    for (network, interface) in pairs {
        script += &format!("{} | nft -f -\n", export("nft", network, interface));
        script += &format!("{} | iptables-restore -n\n", export("iptables", network, interface));
        script += &format!(
            "{} >/dev/null 2>&1 & filters=\"$filters $!\"\n\
             until nft list tables | grep -q egress25_on{}; do \
             sleep 0.05; kill -0 $!; done\n",
            filter(network, interface),
            if interface == "p0" { "7030" } else { "7031" }
        );
    }
    script += &format!(
        "nft list tables | grep -c egress25_; iptables -S FORWARD | grep -c EGRESS25\n\
         iptables -S | grep -c -- 'EGRESS25-.*-C0 '\n\
         {} --remove; nft list tables | grep -c egress25_\n\
         {} --remove 2>&1 || echo failed\n",
        filter("shop-net", "p0"),
        filter("shop-net", "p0")
    );
    let (_, said) = in_a_network(&script);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.first(), Some(&"4"), "tables of both exports and both filters: {said}");
    assert_eq!(lines.get(1), Some(&"2"), "hooks of both exports: {said}");
    assert_eq!(lines.get(3), Some(&"3"), "one filter's rules were removed: {said}");
    assert!(said.contains("no rules of `filter` are in force"), "{said}");
}

#[test]
fn a_second_filter_of_an_interface_put_its_rules_in_the_place_of_the_first_ones() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let program = env!("CARGO_BIN_EXE_egress25");
    let lab = scenario("mail.inventory.toml").display().to_string();
    let filter = |network: &str| {
        format!("{program} filter --inventory {lab} --network {network} --interface p0")
    };
    let script = format!(
        "trap 'kill $first' EXIT; ip link add p0 type veth peer name p1\n\
         {first} >/dev/null 2>&1 & first=$!\n\
         until nft list tables | grep -q egress25_on; do sleep 0.05; kill -0 $first; done\n\
         nft list ruleset >before\n\
         timeout 20 {second} || echo \"ended with $?\"\n\
         nft list ruleset | sed 's/packets .*//' >after; sed -i 's/packets .*//' before\n\
         cmp before after && echo same; kill $first; wait $first || true\n\
         {second} >/dev/null 2>&1 & first=$!\n\
         while nft list ruleset | sed 's/packets .*//' | cmp -s before -; do\n\
         sleep 0.05; kill -0 $first; done; echo 'another may begin'\n",
        first = filter("shop-net"),
        second = filter("partner-net"),
    );
    let folder = tempfile::tempdir().unwrap();
    let (_, said) = in_a_network(&format!("cd {}\n{script}", folder.path().display()));
    for part in ["has its rules in force on `p0`", "ended with 2", "same", "another may begin"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// Runs a script as root of a network of its own.
fn in_a_network(script: &str) -> (bool, String) {
    let output = Command::new("unshare").args(["-Urn", "sh", "-ec", script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

#[test]
fn exported_rules_load_as_they_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let rules = [
        ("nft", vec!["nft"], "nft -f"),
        ("nfqueue", vec!["iptables"], "iptables-restore --noflush"),
        ("nfqueue", vec!["iptables", "--ipv6"], "ip6tables-restore --noflush"),
    ];
    for (needs, words, load) in rules {
        if let Some(why) = impossible(needs) {
            skipped(why);
            continue;
        }
        let file = folder.path().join("rules");
        let text = export(&words);
        assert!(text.contains("not-granted"), "{text}");
        std::fs::write(&file, &text).unwrap();
        let (loaded, said) = in_a_network(&format!("{load} {}", file.display()));
        assert!(loaded, "{load}: {said}\n{text}");
    }
}

/// A host with a container network: `box` behind the bridge `br0`, and a listener outside.
fn container_network(filter: &str, check: &str) -> String {
    let connect = |port: u16| {
        format!(
            "ip netns exec box /usr/bin/python3 -c 'import socket; \
             socket.create_connection((\"203.0.113.25\", {port}), 2)'"
        )
    };
    format!(
        "mount -t tmpfs none /run; mkdir -p /run/netns; ip link set lo up\n\
         ip netns add box; ip netns add out\n\
         ip link add br0 type bridge; ip link add p0 type veth peer name eth0 netns box\n\
         ip link add p1 type veth peer name eth0 netns out\n\
         ip link set p0 master br0; ip link set p0 up; ip link set br0 up; ip link set p1 up\n\
         ip addr add 10.1.0.1/24 dev br0; ip addr add 203.0.113.1/24 dev p1\n\
         sysctl -qw net.ipv4.ip_forward=1\n\
         for n in box out; do ip -n $n link set lo up; ip -n $n link set eth0 up; done\n\
         ip -n box addr add 10.1.0.4/24 dev eth0; ip -n box route add default via 10.1.0.1\n\
         ip -n box addr add 10.1.0.5/24 dev eth0\n\
         ip -n out addr add 203.0.113.25/24 dev eth0; ip -n out route add default via 203.0.113.1\n\
         for port in 25 587; do ip netns exec out /usr/bin/python3 -c \"import socket,time\n\
s=socket.create_server(('0.0.0.0',$port))\ntime.sleep(60)\" & done\n\
         sleep 1; {}; echo unfiltered\n{filter}\n{}; echo relay\n\
         if {}; then echo LEAKED; else echo blocked; fi\n{check}\n",
        connect(25),
        connect(587),
        connect(25)
    )
}

fn enforced(filter: &str, check: &str) {
    let script = container_network(filter, check);
    let output = Command::new("unshare")
        .args(["-Urnm", "--pid", "--fork", "--kill-child", "sh", "-ec", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("unfiltered\n"), "{said}{errors}");
    assert!(said.contains("relay\n") && said.contains("blocked\n"), "{said}{errors}");
    assert!(!said.contains("LEAKED"), "{said}{errors}");
    assert!(said.contains("still blocked\n"), "{said}{errors}");
}

/// After the program was killed nothing passes that it would have judged.
const KILLED: &str = "kill -9 $filter; sleep 0.3\n\
     if ip netns exec box /usr/bin/python3 -c 'import socket; \
     socket.create_connection((\"203.0.113.25\", 25), 2)'; then echo LEAKED; \
     else echo still blocked; fi";

/// What makes a filter judge a queue.
const QUEUE: &str = "--network shop-net --queue 7";

/// A filter with the scenarios' inventory, as a command line.
fn filter(arguments: &str) -> String {
    let inventory = scenario("mail.inventory.toml");
    let program = env!("CARGO_BIN_EXE_egress25");
    format!("{program} filter --inventory {} {arguments}", inventory.display())
}

/// The command line that puts the rules in force which hand SYNs to the queue.
fn queue_rules() -> String {
    let rules = filter("--queue 7 --rules");
    format!("{rules} | sed '/ip6tables/,$d' | iptables-restore --noflush")
}

#[test]
fn an_interface_of_a_container_network_is_filtered_and_stays_so() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let filter = filter("--network shop-net --interface br0");
    enforced(&format!("{filter} & filter=$!; sleep 2"), KILLED);
}

#[test]
fn a_queue_is_judged_and_drops_when_nobody_judges_it() {
    if let Some(why) = impossible("nfqueue") {
        return skipped(why);
    }
    let (rules, filter) = (queue_rules(), filter(QUEUE));
    enforced(&format!("{rules}\n{filter} & filter=$!; sleep 2"), KILLED);
}

#[test]
fn a_queue_that_somebody_judges_already_was_told_of_as_operation_not_permitted() {
    if let Some(why) = impossible("nfqueue") {
        return skipped(why);
    }
    let filter = filter(QUEUE);
    let (done, said) = in_a_network(&format!(
        "{filter} 2>/dev/null & first=$!\n\
         until grep -q '^ *7 ' /proc/self/net/netfilter/nfnetlink_queue; do sleep 0.05; done\n\
         code=0; {filter} || code=$?; kill $first; echo ended with $code >&2"
    ));
    assert!(done, "{said}");
    assert!(said.contains("ended with 2"), "{said}");
    assert!(said.contains("`egress25` (process ") && said.contains("judges it already"), "{said}");
}

/// A SYN of a machine that may send, told to nobody: three in a row have to be let through.
#[test]
fn a_filter_ended_when_the_reader_of_its_verdicts_went() {
    if let Some(why) = impossible("nfqueue") {
        return skipped(why);
    }
    let (rules, filter) = (queue_rules(), filter(QUEUE));
    let filter = format!(
        "{rules}\n\
         mkfifo /run/verdicts; : </run/verdicts &\n\
         {filter} >/run/verdicts & filter=$!; sleep 2\n\
         for nth in 1 2 3; do ip netns exec box /usr/bin/python3 -c 'import socket; \
         socket.create_connection((\"203.0.113.25\", 25), 5, (\"10.1.0.5\", 0))'; done\n\
         kill -0 $filter; echo goes on"
    );
    let script = container_network(&filter, KILLED);
    let output = Command::new("unshare")
        .args(["-Urnm", "--pid", "--fork", "--kill-child", "sh", "-ec", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("goes on\n") && said.contains("still blocked\n"), "{said}{errors}");
    assert!(errors.contains("the filter stays in force"), "{said}{errors}");
}

/// Somebody takes the rules away while `filter` is at work: the next event brings them back.
#[test]
fn rules_that_somebody_flushed_stayed_empty_when_the_policy_changed_in_place() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db").display().to_string();
    let program = env!("CARGO_BIN_EXE_egress25");
    let script = format!(
        "{program} store init --store {store} --inventory {lab} >/dev/null\n\
         ip link add p0 type veth peer name p1\n\
         {program} filter --inventory {lab} --store {store} --network shop-net --interface p0 >/dev/null 2>&1 &\n\
         trap \"kill $!\" EXIT\n\
         table() {{ nft list tables | sed -n 's/^table inet \\(egress25_on7030_.*\\)/\\1/p'; }}\n\
         until [ -n \"$(table)\" ]; do sleep 0.05; kill -0 $!; done\n\
         nft flush chain inet \"$(table)\" port25\n\
         {program} exemption request shop --store {store} --good-standing yes --payment-history yes -q >/dev/null\n\
         for _ in $(seq 100); do\n\
             nft list chain inet \"$(table)\" port25 | grep -q judge && echo back && exit 0\n\
             sleep 0.05\n\
         done; echo gone",
        lab = scenario("mail.inventory.toml").display()
    );
    let (_, said) = in_a_network(&script);
    assert_eq!(said.lines().last(), Some("back"), "{said}");
}
