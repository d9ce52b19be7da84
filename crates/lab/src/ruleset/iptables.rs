//! Rules for iptables: the same content, as text for `iptables-restore`.

use std::fmt::Write as _;
use std::net::IpAddr;

use egress25_policy::{NetworkName, Reason, Verdict, World, verdict_of};

use super::plain;
use super::verdicts::{Content, Meaning};

/// An address family: iptables has a program for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `iptables-restore`.
    V4,
    /// `ip6tables-restore`.
    V6,
}

/// The rules of a network for `iptables-restore --noflush` (or `ip6tables-restore`), hooked
/// into FORWARD, which is where a host filters what it forwards. Without interfaces they count
/// for everything that is forwarded.
#[must_use]
pub fn export_iptables(
    world: &World,
    network: &NetworkName,
    interfaces: &[String],
    family: Family,
) -> String {
    let content = Content::of(world, network);
    let ours = |address: &IpAddr| address.is_ipv4() == (family == Family::V4);
    let name = plain(network.as_str());
    let mut text = format!("# egress25: outbound SMTP of network `{name}`\n*filter\n");
    let mut rules = String::new();
    text.push_str(":EGRESS25 - [0:0]\n");
    let target = |reason: Reason| target(world, reason);
    for protocol in ["4", "41", "47"] {
        let _ = writeln!(rules, "-A EGRESS25 -p {protocol} -j DROP");
    }
    // The tcp match itself drops a first fragment without a whole TCP header, and one that would
    // overwrite the flags of another; so no rule lets fragments go before it.
    rules.push_str("-A EGRESS25 -p tcp --dport 25 --tcp-flags SYN,ACK SYN -j EGRESS25-JUDGE\n");
    rules.push_str("-A EGRESS25 -j RETURN\n");
    text.push_str(":EGRESS25-JUDGE - [0:0]\n");
    for address in content.down.iter().filter(|address| ours(address)) {
        let to = target(Reason::SenderNotRunning);
        let _ = writeln!(rules, "-A EGRESS25-JUDGE -s {address} {to}");
    }
    for ((place, destinations), number) in content.subnets.iter().zip(0_usize..) {
        let chain = format!("EGRESS25-S{number}");
        let _ = writeln!(text, ":{chain} - [0:0]");
        for (address, at) in content.subnet_of.iter().filter(|(address, _)| ours(address)) {
            if at == place {
                let _ = writeln!(rules, "-A EGRESS25-JUDGE -s {address} -g {chain}");
            }
        }
        for (prefix, meaning) in destinations.iter().filter(|(prefix, _)| ours(&prefix.addr())) {
            match meaning {
                Meaning::Fixed(reason) => {
                    let _ = writeln!(rules, "-A {chain} -d {prefix} {}", target(*reason));
                }
                Meaning::Edge => {
                    let _ = writeln!(rules, "-A {chain} -d {prefix} -g EGRESS25-EDGE");
                }
                Meaning::Through(reasons) => {
                    for (address, reason) in reasons {
                        let to = target(*reason);
                        let _ = writeln!(rules, "-A {chain} -s {address} -d {prefix} {to}");
                    }
                    let _ = writeln!(rules, "-A {chain} -d {prefix} -j DROP");
                }
            }
        }
        let _ = writeln!(rules, "-A {chain} {}", target(Reason::NoRoute));
    }
    text.push_str(":EGRESS25-EDGE - [0:0]\n");
    for (address, reason) in content.edge.iter().filter(|(address, _)| ours(address)) {
        let _ = writeln!(rules, "-A EGRESS25-EDGE -s {address} {}", target(*reason));
    }
    let _ = writeln!(rules, "-A EGRESS25-EDGE -j DROP");
    let _ = writeln!(rules, "-A EGRESS25-JUDGE {}", target(Reason::UnknownSource));
    if interfaces.is_empty() {
        rules.push_str("-I FORWARD 1 -j EGRESS25\n");
    }
    for interface in interfaces {
        let _ = writeln!(rules, "-I FORWARD 1 -i {interface} -j EGRESS25");
    }
    format!("{text}{rules}COMMIT\n")
}

fn target(world: &World, reason: Reason) -> String {
    let comment = format!("-m comment --comment {reason}");
    match verdict_of(world, reason) {
        Verdict::Pass => format!("{comment} -j RETURN"),
        Verdict::Drop => format!("{comment} -j DROP"),
        Verdict::Reject => format!("{comment} -p tcp -j REJECT --reject-with tcp-reset"),
    }
}
