//! Rules for iptables: the same content, as text for `iptables-restore`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use egress25_policy::{
    CellMap, Forwarder, LeadsTo, NetworkName, Reason, Verdict, World, verdict_of,
};
use ipnet::IpNet;

use crate::rules::verdicts::RuleContent;
use crate::rules::{RulePort, mark, preface};

/// An address family: iptables has a program for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `iptables-restore`.
    V4,
    /// `ip6tables-restore`.
    V6,
}

/// The rules of a network for `iptables-restore --noflush` (or `ip6tables-restore`), hooked
/// into FORWARD, which is where a host filters what it forwards. Without ports they count for
/// everything that is forwarded.
#[must_use]
pub fn export_iptables(
    world: &World,
    network: &NetworkName,
    ports: &[RulePort],
    family: Family,
) -> String {
    let content = RuleContent::of(&mut CellMap::new(world), world, network, false);
    let ours = |address: &IpAddr| address.is_ipv4() == (family == Family::V4);
    let root = format!("EGRESS25-{}", mark(network, ports));
    let mut text = format!("{}*filter\n:{root} - [0:0]\n", preface(network, ports));
    let mut rules = String::new();
    let target = |reason: Reason| target(world, reason);
    for protocol in ["4", "41", "47"] {
        let _ = writeln!(rules, "-A {root} -p {protocol} -j DROP");
    }
    shape(&root, family, &mut text, &mut rules);
    behind_headers(&root, family, &mut text, &mut rules);
    let _ = writeln!(rules, "-A {root} -p tcp --dport 25 --tcp-flags SYN,ACK SYN -j {root}-JUDGE");
    let _ = writeln!(rules, "-A {root} -j RETURN");
    let _ = writeln!(text, ":{root}-JUDGE - [0:0]");
    own_addresses(&root, family, ports, &target(Reason::SpoofedSource), [&mut text, &mut rules]);
    for address in content.down.iter().filter(|address| ours(address)) {
        let to = target(Reason::SenderNotRunning);
        let _ = writeln!(rules, "-A {root}-JUDGE -s {address} {to}");
    }
    let exits: BTreeMap<_, _> = content.exits.keys().zip(0_usize..).collect();
    let leads = |to: &LeadsTo| match to {
        LeadsTo::Reason(reason) => target(*reason),
        LeadsTo::Edge => format!("-g {root}-EDGE"),
        LeadsTo::Exit(exit) => match exits.get(exit) {
            Some(number) => format!("-g {root}-EXIT{number}"),
            None => "-j DROP".to_owned(),
        },
        LeadsTo::BySourcePort(_) => "-j DROP".to_owned(),
    };
    let mut by_source_port: Vec<Vec<(u16, LeadsTo)>> = Vec::new();
    for ((class, cells), number) in content.classes.iter().zip(0_usize..) {
        let chain = format!("{root}-C{number}");
        let _ = writeln!(text, ":{chain} - [0:0]");
        for (address, of) in content.class_of.iter().filter(|(address, _)| ours(address)) {
            if of == class {
                let _ = writeln!(rules, "-A {root}-JUDGE -s {address} -g {chain}");
            }
        }
        let mut by_target: BTreeMap<String, Vec<IpNet>> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| ours(&cell.first)) {
            let to = match &cell.leads_to {
                LeadsTo::BySourcePort(ports) => {
                    let known = by_source_port.iter().position(|other| other == ports);
                    let number = known.unwrap_or_else(|| {
                        by_source_port.push(ports.clone());
                        by_source_port.len().saturating_sub(1)
                    });
                    format!("-g {root}-SPORT{number}")
                }
                other => leads(other),
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
    source_ports(&root, &by_source_port, &leads, [&mut text, &mut rules]);
    by_sender(&root, (&content, &exits), &ours, &target, [&mut text, &mut rules]);
    for address in known(world, network, &content).iter().filter(|address| ours(address)) {
        let _ = writeln!(rules, "-A {root}-JUDGE -d {address} {}", target(Reason::Inbound));
    }
    let _ = writeln!(rules, "-A {root}-JUDGE {}", target(Reason::UnknownSource));
    hook(&root, ports, &mut rules);
    format!("{text}{rules}COMMIT\n")
}

/// What leads packets to the rules.
fn hook(root: &str, ports: &[RulePort], rules: &mut String) {
    if ports.is_empty() {
        let _ = writeln!(rules, "-I FORWARD 1 -j {root}");
    }
    for port in ports {
        let _ = writeln!(rules, "-I FORWARD 1 -i {} -j {root}", port.interface);
    }
}

/// Who is known: what nobody known sends to them is inbound (N1).
fn known(world: &World, network: &NetworkName, content: &RuleContent) -> BTreeSet<IpAddr> {
    let services = world.in_reach(network).flat_map(|of| world.service_addresses(Some(of)));
    content.class_of.keys().copied().chain(world.public_addresses()).chain(services).collect()
}

/// The chains in which senders are told apart: at the edge, and at each exit.
fn by_sender(
    root: &str,
    (content, exits): (&RuleContent, &BTreeMap<&Forwarder, usize>),
    ours: &impl Fn(&IpAddr) -> bool,
    target: &impl Fn(Reason) -> String,
    [text, rules]: [&mut String; 2],
) {
    let by_exit = exits
        .iter()
        .filter_map(|(exit, number)| Some((format!("EXIT{number}"), content.exits.get(*exit)?)));
    for (name, reasons) in by_exit.chain([("EDGE".to_owned(), &content.edge)]) {
        let _ = writeln!(text, ":{root}-{name} - [0:0]");
        for (address, reason) in reasons.iter().filter(|(address, _)| ours(address)) {
            let _ = writeln!(rules, "-A {root}-{name} -s {address} {}", target(*reason));
        }
        let _ = writeln!(rules, "-A {root}-{name} -j DROP");
    }
}

/// The chains in which source ports decide.
fn source_ports(
    root: &str,
    all: &[Vec<(u16, LeadsTo)>],
    leads: &impl Fn(&LeadsTo) -> String,
    [text, rules]: [&mut String; 2],
) {
    for (number, ports) in all.iter().enumerate() {
        let chain = format!("{root}-SPORT{number}");
        let _ = writeln!(text, ":{chain} - [0:0]");
        let mut first = 0;
        for (last, to) in ports {
            // A protocol may be said once.
            let to = leads(to).replace(" -p tcp", "");
            let _ = writeln!(rules, "-A {chain} -p tcp --sport {first}:{last} {to}");
            first = last.saturating_add(1);
        }
        let _ = writeln!(rules, "-A {chain} -j DROP");
    }
}

/// What comes from a machine's port bears one of its addresses, or is not judged but dropped.
fn own_addresses(
    root: &str,
    family: Family,
    ports: &[RulePort],
    spoofed: &str,
    [text, rules]: [&mut String; 2],
) {
    for (number, port) in ports.iter().enumerate() {
        let Some(addresses) = port.own_addresses() else { continue };
        let chain = format!("{root}-P{number}");
        let _ = writeln!(text, ":{chain} - [0:0]");
        let _ = writeln!(rules, "-A {root}-JUDGE -i {} -j {chain}", port.interface);
        for address in addresses.iter().filter(|a| a.is_ipv4() == (family == Family::V4)) {
            let _ = writeln!(rules, "-A {chain} -s {address} -j RETURN");
        }
        let _ = writeln!(rules, "-A {chain} {spoofed}");
    }
}

/// What hides the flags of a TCP header is dropped, before they are read. The `tcp` match of
/// iptables-legacy drops that itself; with iptables-nft it does not match, and the packet goes on.
fn shape(root: &str, family: Family, text: &mut String, rules: &mut String) {
    let tcp = format!("-A {root} -p tcp");
    match family {
        Family::V4 => {
            // What lies over another fragment's header (RFC 3128); other later fragments go on.
            let _ = writeln!(rules, "{tcp} -m u32 --u32 \"4&0x1FFF=1:2\" -j DROP");
            let _ = writeln!(rules, "{tcp} -f -j RETURN");
            // Less than 20 bytes behind the IP header, however long that is (RFC 1858).
            let _ = writeln!(rules, "{tcp} -m u32 ! --u32 \"0>>22&0x3C@16=0:0xFFFFFFFF\" -j DROP");
        }
        Family::V6 => {
            let over = "4>>8&0xFF=44&&40>>3&0x1FFF=1:2";
            let _ = writeln!(rules, "{tcp} -m u32 --u32 \"{over}\" -j DROP");
            let _ = writeln!(rules, "{tcp} -m frag --fragfirst -j {root}-FIRST");
            // Flags that can be read are set or not; what is neither cannot be read.
            let _ = writeln!(text, ":{root}-FIRST - [0:0]");
            for not in ["", "! "] {
                let _ =
                    writeln!(rules, "-A {root}-FIRST -p tcp {not}--tcp-flags SYN SYN -j RETURN");
            }
            let _ = writeln!(rules, "-A {root}-FIRST -j DROP");
        }
    }
}

/// What stands before a TCP header and iptables does not walk over: an authentication header
/// (iptables-legacy walks over it in IPv6), and in IPv6 Shim6. Where it comes first, the segment
/// behind is looked at by its bytes; where it does not, nobody can tell, and it is dropped. So is
/// what no TCP may stand behind (mobility, host identity), and in IPv6 what nobody knows (148 to
/// 255).
fn behind_headers(root: &str, family: Family, text: &mut String, rules: &mut String) {
    // The header's length in bytes but for its first eight: in words, or in eights.
    let (words, eights) = (">>14&0x3FC@", ">>13&0x7F8@");
    let mut behind = |chain: &str, which: &str, (to, at): (&str, u8), length: &str| {
        let chain = format!("{root}-{chain}");
        let _ = writeln!(text, ":{chain} - [0:0]");
        let _ = writeln!(rules, "-A {root} {which} -g {chain}");
        let segment = format!("{to}{at}{length}");
        let (ports, flags) = (at.saturating_add(8), at.saturating_add(20));
        // Each matches only what is there; what is too short for all of them is dropped.
        for (what, target) in [
            (format!("{to}{at}>>24=0:5,7:255"), "-j RETURN".to_owned()),
            (format!("{segment}{ports}&0xFFFF=0:24,26:65535"), "-j RETURN".to_owned()),
            (format!("{segment}{flags}>>16&0x12=0,16,18"), "-j RETURN".to_owned()),
            (format!("{segment}{flags}>>16&0x12=2"), format!("-g {root}-JUDGE")),
        ] {
            let _ = writeln!(rules, "-A {chain} -m u32 --u32 \"{what}\" {target}");
        }
        let _ = writeln!(rules, "-A {chain} -j DROP");
    };
    match family {
        Family::V4 => {
            behind("AH", "-p 51 ! -f", ("0>>22&0x3C@", 0), words);
        }
        Family::V6 => {
            // Behind the IPv6 header, which has 40 bytes and says at 6 what follows it.
            behind("AH", "-m u32 --u32 \"3&0xFF=51\"", ("", 40), words);
            behind("SHIM", "-m u32 --u32 \"3&0xFF=140\"", ("", 40), eights);
            let none = "3&0xFF=135,139&&40>>24=59";
            let _ = writeln!(rules, "-A {root} -m u32 --u32 \"{none}\" -j RETURN");
            for number in [51, 135, 139, 140] {
                let _ = writeln!(rules, "-A {root} -p {number} -j DROP");
            }
            for unknown in ["3&0xFF=148:255", "3&0xFF=0,43,44,60&&37&0xFF=148:255"] {
                let _ = writeln!(rules, "-A {root} -m u32 --u32 \"{unknown}\" -j DROP");
            }
        }
    }
}

fn target(world: &World, reason: Reason) -> String {
    let comment = format!("-m comment --comment {reason}");
    match verdict_of(&world.settings, reason) {
        Verdict::Pass => format!("{comment} -j RETURN"),
        Verdict::Drop => format!("{comment} -j DROP"),
        Verdict::Reject => format!("{comment} -p tcp -j REJECT --reject-with tcp-reset"),
    }
}
