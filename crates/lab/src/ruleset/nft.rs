//! Rules for nftables: fixed chains, and maps whose elements follow the events.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use egress25_policy::{NetworkName, Reason, Verdict, World, verdict_of};

use super::verdicts::{Content, Meaning};
use super::{RuleOptions, RulePort, plain};
use crate::policy_state::{deferrable, through};

/// The table's name.
const TABLE: &str = "inet egress25";

/// The elements of a map: a sender's address and the chain that decides.
type Elements = BTreeMap<IpAddr, String>;

/// The rules of one network: a fixed text, and maps that change in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// What the table holds besides the elements of its maps; changes only with the structure.
    chains: String,
    /// The maps, by name; the name's end tells the family.
    maps: BTreeMap<String, Elements>,
}

/// What comes before anything is judged: what is not our business, and what hides something.
///
/// These rules cannot count extension headers. Nine of them, more than the filter walks, take at
/// least 72 bytes: with a TCP header behind them the payload is 92 bytes or more, and a SYN with
/// any extension header is dropped from there on. A shorter chain in so long a packet is dropped
/// here and judged by the filter; that is the safe side.
const SHAPE: &str = "\
    ip frag-off & 0x1fff 1-2 ip protocol tcp goto r_fragment-drop
    ip frag-off & 0x1fff != 0 accept
    ip frag-off & 0x2000 != 0 ip protocol tcp jump whole_header
    exthdr frag exists frag frag-off 1-2 meta l4proto tcp goto r_fragment-drop
    exthdr frag exists frag frag-off != 0 accept
    exthdr frag exists frag more-fragments 1 meta l4proto tcp jump whole_header
    ip protocol { 4, 41, 47 } goto r_tunnel-not-carried
    ip6 version 6 meta l4proto { 4, 41, 47 } goto r_tunnel-not-carried
    meta l4proto != tcp accept
    tcp dport != 25 accept
    tcp flags & (syn | ack) != syn accept
    tcp flags & rst == rst goto r_malformed
    tcp doff < 5 goto r_malformed
    ip6 nexthdr { 0, 43, 44, 51, 60, 140 } ip6 length >= 92 goto r_fragment-drop
    ip option lsrr exists goto r_source-routed
    ip option ssrr exists goto r_source-routed
    rt type 0 goto r_routing-header-0
    ip daddr { 0.0.0.0, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255 } goto r_martian-destination
    ip6 daddr { ::, ::1, ff00::/8 } goto r_martian-destination
    ip saddr { 224.0.0.0/4, 255.255.255.255 } goto r_malformed
    ip6 saddr { ff00::/8, ::ffff:0.0.0.0/96 } goto r_malformed
    ip6 daddr ::ffff:0.0.0.0/96 goto r_malformed
";

impl Ruleset {
    /// The rules of a network for packets from some interfaces.
    #[must_use]
    pub fn of(
        world: &World,
        network: &NetworkName,
        ports: &[RulePort],
        options: &RuleOptions,
    ) -> Self {
        let content = Content::of(world, network);
        let mut rules = Self { chains: String::new(), maps: BTreeMap::new() };
        let deferring = deferring(world, network, ports);
        rules.reasons(world, !deferring.is_empty(), options);
        rules.defer(&deferring);
        let numbers: BTreeMap<_, _> = content.subnets.keys().zip(0_usize..).collect();
        for ((place, destinations), number) in content.subnets.iter().zip(0_usize..) {
            rules.subnet(place, destinations, number);
        }
        for (address, place) in &content.subnet_of {
            if let Some(number) = numbers.get(place) {
                rules.element("subnet", *address, format!("s{number}"));
            }
        }
        for address in &content.down {
            rules.element("down", *address, chain(Reason::SenderNotRunning));
        }
        for (address, reason) in &content.edge {
            rules.element("edge", *address, chain(*reason));
        }
        rules.judge();
        rules.begin(ports);
        rules
    }

    fn element(&mut self, map: &str, address: IpAddr, chain: String) {
        let family = if address.is_ipv4() { 4 } else { 6 };
        self.maps.entry(format!("{map}{family}")).or_default().insert(address, chain);
    }

    fn add(&mut self, name: &str, rules: &str) {
        let _ = write!(self.chains, "  chain {name} {{\n{rules}  }}\n");
    }

    fn look_up(&mut self, map: &str) -> String {
        for family in [4, 6] {
            self.maps.entry(format!("{map}{family}")).or_default();
        }
        format!("    ip saddr vmap @{map}4\n    ip6 saddr vmap @{map}6\n")
    }

    /// A chain for every reason, where its packets are counted, told and finished.
    fn reasons(&mut self, world: &World, defer: bool, options: &RuleOptions) {
        for reason in Reason::ALL {
            let mut rules = String::new();
            if defer && deferrable(*reason) {
                rules.push_str("    jump defer\n");
            }
            rules.push_str("    counter\n");
            if let Some(group) = options.log_group {
                let _ = writeln!(rules, "    log prefix \"{reason}\" group {group}");
            }
            rules.push_str(match verdict_of(world, *reason) {
                Verdict::Pass => "    accept\n",
                Verdict::Drop => "    drop\n",
                Verdict::Reject => "    meta l4proto tcp reject with tcp reset\n    drop\n",
            });
            self.add(&chain(*reason), &rules);
        }
        let whole = "    tcp urgptr 0-65535 return\n    goto r_fragment-drop\n";
        self.add("whole_header", whole);
    }

    /// What goes on to an appliance that forwards is judged behind it.
    fn defer(&mut self, deferring: &BTreeMap<String, Vec<(ipnet::IpNet, bool)>>) {
        if deferring.is_empty() {
            return;
        }
        let mut first = String::new();
        for (number, (interface, prefixes)) in deferring.iter().enumerate() {
            let _ = writeln!(first, "    iifname \"{interface}\" goto defer{number}");
            let mut rules = String::new();
            for (prefix, goes_on) in prefixes {
                let end = if *goes_on { "accept" } else { "return" };
                let _ = writeln!(rules, "    {} {prefix} {end}", destination(prefix));
            }
            self.add(&format!("defer{number}"), &rules);
        }
        self.add("defer", &first);
    }

    fn subnet(
        &mut self,
        place: &(NetworkName, egress25_policy::SubnetName),
        destinations: &[(ipnet::IpNet, Meaning)],
        number: usize,
    ) {
        let mut rules = format!("    # subnet {}\n", plain(&format!("{}/{}", place.0, place.1)));
        for (at, (prefix, meaning)) in destinations.iter().enumerate() {
            let to = format!("{} {prefix}", destination(prefix));
            let family = if prefix.addr().is_ipv4() { "ip" } else { "ip6" };
            let version = if family == "ip" { 4 } else { 6 };
            let map = match meaning {
                Meaning::Fixed(reason) => {
                    let _ = writeln!(rules, "    {to} goto {}", chain(*reason));
                    continue;
                }
                Meaning::Edge => "edge".to_owned(),
                Meaning::Through(reasons) => {
                    let map = format!("through{number}_{at}_");
                    for (address, reason) in reasons {
                        self.element(&map, *address, chain(*reason));
                    }
                    map
                }
            };
            self.maps.entry(format!("{map}{version}")).or_default();
            let _ = writeln!(rules, "    {to} {family} saddr vmap @{map}{version}");
            // A sender that the map does not know fails closed.
            let _ = writeln!(rules, "    {to} goto {}", chain(Reason::UnknownSource));
        }
        let _ = writeln!(rules, "    goto {}", chain(Reason::NoRoute));
        self.add(&format!("s{number}"), &rules);
    }

    fn judge(&mut self) {
        let mut rules = self.look_up("down");
        rules.push_str(&self.look_up("subnet"));
        self.maps.entry("edge4".to_owned()).or_default();
        self.maps.entry("edge6".to_owned()).or_default();
        let _ = writeln!(rules, "    goto {}", chain(Reason::UnknownSource));
        self.add("judge", &rules);
        self.add("shape", SHAPE);
    }

    fn begin(&mut self, ports: &[RulePort]) {
        let names: Vec<_> = ports.iter().map(|port| format!("\"{}\"", port.interface)).collect();
        let mut rules =
            "    type filter hook prerouting priority -450; policy accept;\n".to_owned();
        if !names.is_empty() {
            let _ = writeln!(rules, "    iifname != {{ {} }} accept", names.join(", "));
        }
        rules.push_str("    jump shape\n    goto judge\n");
        self.add("port25", &rules);
    }

    /// The script that puts the rules in force in one transaction, whatever was there before.
    #[must_use]
    pub fn script(&self) -> String {
        let mut text = format!("add table {TABLE}\ndelete table {TABLE}\n{}", self.body());
        for (map, elements) in &self.maps {
            add_elements(&mut text, map, elements);
        }
        text
    }

    /// Chains have to be declared before a map or a rule names them.
    fn body(&self) -> String {
        let mut text = format!("table {TABLE} {{\n");
        let mut names = BTreeSet::new();
        for line in self.chains.lines() {
            if let Some(name) = line.strip_prefix("  chain ").and_then(|l| l.strip_suffix(" {")) {
                names.insert(name);
            }
        }
        for name in names.iter().filter(|name| **name != "port25") {
            let _ = writeln!(text, "  chain {name} {{ }}");
        }
        for map in self.maps.keys() {
            let kind = if map.ends_with('4') { "ipv4_addr" } else { "ipv6_addr" };
            let _ = writeln!(text, "  map {map} {{ type {kind} : verdict; }}");
        }
        let _ = writeln!(text, "{}}}", self.chains);
        text
    }

    /// The script that leads from other rules to these, in place where only elements differ.
    /// `None` where nothing differs.
    #[must_use]
    pub fn change_from(&self, old: &Self) -> Option<String> {
        if self == old {
            return None;
        }
        if self.chains != old.chains || !self.maps.keys().eq(old.maps.keys()) {
            return Some(self.script());
        }
        let mut text = String::new();
        for (map, elements) in &self.maps {
            let Some(before) = old.maps.get(map) else { continue };
            let gone: Vec<_> = before
                .iter()
                .filter(|(address, chain)| elements.get(*address) != Some(*chain))
                .map(|(address, _)| address.to_string())
                .collect();
            if !gone.is_empty() {
                let _ = writeln!(text, "delete element {TABLE} {map} {{ {} }}", gone.join(", "));
            }
            let new: Elements = elements
                .iter()
                .filter(|(address, chain)| before.get(*address) != Some(*chain))
                .map(|(address, chain)| (*address, chain.clone()))
                .collect();
            add_elements(&mut text, map, &new);
        }
        Some(text)
    }
}

fn add_elements(text: &mut String, map: &str, elements: &Elements) {
    if elements.is_empty() {
        return;
    }
    let list: Vec<_> = elements.iter().map(|(a, chain)| format!("{a} : goto {chain}")).collect();
    let _ = writeln!(text, "add element {TABLE} {map} {{ {} }}", list.join(", "));
}

fn chain(reason: Reason) -> String {
    format!("r_{reason}")
}

fn destination(prefix: &ipnet::IpNet) -> &'static str {
    if prefix.addr().is_ipv4() { "ip daddr" } else { "ip6 daddr" }
}

/// The prefixes of each port whose subnet sends something through somebody who forwards.
fn deferring(
    world: &World,
    network: &NetworkName,
    ports: &[RulePort],
) -> BTreeMap<String, Vec<(ipnet::IpNet, bool)>> {
    ports
        .iter()
        .filter_map(|port| {
            let prefixes = through(world, network, port.subnet.as_ref()?);
            let any = prefixes.iter().any(|(_, goes_on)| *goes_on);
            any.then(|| (port.interface.clone(), prefixes))
        })
        .collect()
}

/// The rules of a network for use outside of a lab, as a script for `nft -f`. Without
/// interfaces they count for everything that comes in.
#[must_use]
pub fn export_nft(world: &World, network: &NetworkName, interfaces: &[String]) -> String {
    let port = |interface: &String| RulePort { interface: interface.clone(), subnet: None };
    let ports: Vec<_> = interfaces.iter().map(port).collect();
    let rules = Ruleset::of(world, network, &ports, &RuleOptions::default());
    format!(
        "#!/usr/sbin/nft -f\n# egress25: outbound SMTP of network `{}`\n{}",
        plain(network.as_str()),
        rules.script()
    )
}
