//! Rules for iptables: the same content, as text for `iptables-restore`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use egress25_policy::{LeadsTo, NetworkName, Reason, Verdict, World, verdict_of};
use ipnet::IpNet;

use super::plain;
use super::verdicts::Content;

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
    let exits: BTreeMap<_, _> = content.exits.keys().zip(0_usize..).collect();
    for ((class, cells), number) in content.classes.iter().zip(0_usize..) {
        let chain = format!("EGRESS25-C{number}");
        let _ = writeln!(text, ":{chain} - [0:0]");
        for (address, of) in content.class_of.iter().filter(|(address, _)| ours(address)) {
            if of == class {
                let _ = writeln!(rules, "-A EGRESS25-JUDGE -s {address} -g {chain}");
            }
        }
        let mut by_target: BTreeMap<String, Vec<IpNet>> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| ours(&cell.first)) {
            let to = match &cell.leads_to {
                LeadsTo::Reason(reason) => target(*reason),
                LeadsTo::Edge => "-g EGRESS25-EDGE".to_owned(),
                LeadsTo::Exit(exit) => match exits.get(exit) {
                    Some(number) => format!("-g EGRESS25-EXIT{number}"),
                    None => "-j DROP".to_owned(),
                },
            };
            by_target.entry(to).or_default().extend(cell.prefixes());
        }
        // Together they are all destinations: what has the most prefixes is what the others are
        // not.
        let most = by_target.iter().max_by_key(|(_, prefixes)| prefixes.len());
        let rest = most.map_or_else(|| target(Reason::NoRoute), |(to, _)| to.clone());
        for (to, prefixes) in by_target.iter().filter(|(to, _)| **to != rest) {
            for prefix in prefixes {
                let _ = writeln!(rules, "-A {chain} -d {prefix} {to}");
            }
        }
        let _ = writeln!(rules, "-A {chain} {rest}");
    }
    let by_exit = exits
        .iter()
        .filter_map(|(exit, number)| Some((format!("EXIT{number}"), content.exits.get(*exit)?)));
    for (name, reasons) in by_exit.chain([("EDGE".to_owned(), &content.edge)]) {
        let _ = writeln!(text, ":EGRESS25-{name} - [0:0]");
        for (address, reason) in reasons.iter().filter(|(address, _)| ours(address)) {
            let _ = writeln!(rules, "-A EGRESS25-{name} -s {address} {}", target(*reason));
        }
        let _ = writeln!(rules, "-A EGRESS25-{name} -j DROP");
    }
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
