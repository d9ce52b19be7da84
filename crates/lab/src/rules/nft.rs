//! Rules for nftables: fixed chains, and maps whose elements follow the events.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::net::IpAddr;

use egress25_policy::{
    Cell, CellMap, Cells, Forwarder, LeadsTo, NetworkName, Reason, SenderClass, SourceClass,
    Verdict, World, exit_reason, in_a_line, verdict_of,
};

use crate::enforce::policy_state::deferrable;
use crate::network::plan::Stands;
use crate::rules::verdicts::RuleContent;
use crate::rules::{RuleOptions, RulePort, mark, preface};

/// What the table's name begins with.
pub(crate) const TABLE: &str = "egress25";

/// What becomes of a sender that a map knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SenderVerdict {
    /// A chain decides.
    Goto(String),
    /// The rules go on.
    Return,
}

impl fmt::Display for SenderVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goto(chain) => write!(f, "goto {chain}"),
            Self::Return => f.write_str("return"),
        }
    }
}

/// The elements of a map: a sender's address and what becomes of it.
type Elements = BTreeMap<IpAddr, SenderVerdict>;

/// What leads from some rules to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RulesetChange<'a> {
    /// They have to be loaded anew, by [`Ruleset::script`].
    Anew,
    /// Elements alone differ.
    InPlace(InPlace<'a>),
}

/// A change of elements, and of the mark that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InPlace<'a> {
    /// The name of the table; its family is `inet`.
    pub(crate) table: &'a str,
    /// What the chain `stamp` marks packets with from now on.
    pub(crate) stamp: Option<u32>,
    /// The maps whose elements differ.
    pub(crate) maps: Vec<MapChange<'a>>,
}

/// A change of a map: what goes first, then what comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MapChange<'a> {
    pub(crate) map: &'a str,
    pub(crate) gone: Vec<IpAddr>,
    pub(crate) new: Vec<(IpAddr, &'a SenderVerdict)>,
}

impl<'a> MapChange<'a> {
    fn of(map: &'a str, old: &Elements, new: &'a Elements) -> Self {
        let gone = old.iter().filter(|(address, verdict)| new.get(*address) != Some(*verdict));
        let come = new.iter().filter(|(address, verdict)| old.get(*address) != Some(*verdict));
        Self {
            map,
            gone: gone.map(|(address, _)| *address).collect(),
            new: come.map(|(address, verdict)| (*address, verdict)).collect(),
        }
    }
}

/// The rules of one network: a fixed text, and maps that change in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// The name of the table; its family is `inet`.
    table: String,
    /// What the table holds besides the elements of its maps; changes only with the structure.
    chains: String,
    /// The maps, by name; the name's end tells the family.
    maps: BTreeMap<String, Elements>,
    /// What told packets are marked with while they are told: the number of events before these
    /// rules, and one, because a mark of 0 is not told.
    stamp: Option<u32>,
    /// What source ports decide, by the number of its chain.
    by_source_port: Vec<Vec<(u16, LeadsTo)>>,
}

/// What comes before anything is judged: what is not our business, and what hides something.
///
/// These rules cannot count extension headers. Nine of them, more than the filter walks, take at
/// least 72 bytes: with a TCP header behind them the payload is 92 bytes or more, and a SYN with
/// any extension header is dropped from there on. A shorter chain in so long a packet is dropped
/// here and judged by the filter; that is the safe side.
///
/// A field that is not in the packet matches nothing, not even by `!=`: where it has to be there,
/// a chain returns what has it. A source route is looked for by its bytes behind up to three that
/// pad, because `ip option` matches none whose pointer a receiver would refuse.
const SHAPE: &str = "\
    ip frag-off & 0x1fff 1-2 ip protocol tcp goto r_fragment-drop
    ip frag-off & 0x1fff != 0 accept
    ip frag-off & 0x2000 != 0 ip protocol tcp jump whole_header
    exthdr frag exists frag frag-off 1-2 meta l4proto tcp goto r_fragment-drop
    exthdr frag exists frag frag-off != 0 accept
    exthdr frag exists frag more-fragments 1 meta l4proto tcp jump whole_header
    ip protocol { 4, 41, 47 } goto r_tunnel-not-carried
    ip6 version 6 meta l4proto { 4, 41, 47 } goto r_tunnel-not-carried
    ip6 version 6 meta l4proto { 135, 139 } @th,0,8 != 59 goto r_malformed
    ip6 version 6 meta l4proto 148-255 goto r_indeterminate
    meta l4proto 51 goto behind_authentication
    ip6 version 6 meta l4proto 140 goto behind_shim
    meta l4proto != tcp accept
    tcp dport != 25 accept
    tcp flags & (syn | ack) != syn accept
    tcp flags & rst == rst goto r_malformed
    tcp doff < 5 goto r_malformed
    jump whole_segment
    ip6 length 0 goto r_malformed
    ip6 nexthdr { 0, 43, 44, 51, 60, 140 } ip6 length >= 92 goto r_fragment-drop
    rt type != 0 rt seg-left != 0 goto r_indeterminate
    ip hdrlength > 5 jump source_route
    rt type 0 goto r_routing-header-0
    goto addresses
";

/// The addresses that nothing of ours has or is sent to.
const ADDRESSES: &str = "\
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
        // In a lab every port is judged, a forwarder's among them; elsewhere nobody knows.
        let in_a_lab = options.generation.is_some();
        let mut map = CellMap::new(world);
        let content = RuleContent::of(&mut map, world, network, in_a_lab);
        let mark = options.mark.as_ref().map(|mark| format!("_{mark}")).unwrap_or_default();
        let table = format!("{TABLE}{mark}");
        let next = options.generation.map(|generation| generation.saturating_add(1));
        let stamp = next.map(|next| u32::try_from(next).unwrap_or(u32::MAX));
        let (chains, maps, by_source_port) = (String::new(), BTreeMap::new(), Vec::new());
        let mut rules = Self { table, chains, maps, stamp, by_source_port };
        let deferring = if in_a_lab { deferring(&mut map, ports) } else { BTreeMap::default() };
        rules.reasons(world, !deferring.is_empty(), options);
        rules.defer(&deferring);
        let exits: BTreeMap<_, _> = content.exits.keys().zip(0_usize..).collect();
        rules.ports(world, &mut map, ports, &content, &exits);
        for ((class, cells), number) in content.classes.iter().zip(0_usize..) {
            rules.class(class, cells, number, &exits);
            for (address, _) in content.class_of.iter().filter(|(_, of)| *of == class) {
                rules.element("class", *address, &format!("c{number}"));
                rules.element("inbound", *address, &chain(Reason::Inbound));
            }
        }
        let services = world.in_reach(network).flat_map(|of| world.service_addresses(Some(of)));
        for address in world.public_addresses().chain(services) {
            rules.element("inbound", address, &chain(Reason::Inbound));
        }
        rules.source_ports(&exits);
        for (exit, number) in &exits {
            for (address, reason) in content.exits.get(*exit).into_iter().flatten() {
                rules.element(&format!("exit{number}_"), *address, &chain(*reason));
            }
            // What leaves a firewall has been routed through it, whatever source it bears.
            let nobodys = exit_reason(world, exit, Reason::UnknownSource);
            rules.by_sender(&format!("exit{number}_"), nobodys);
        }
        rules.by_sender("edge", Reason::UnknownSource);
        for address in &content.down {
            rules.element("sender", *address, &chain(Reason::SenderNotRunning));
        }
        for (address, reason) in &content.edge {
            rules.element("edge", *address, &chain(*reason));
            rules.verdict("sender", *address, SenderVerdict::Return);
        }
        rules.judge();
        rules.begin(ports);
        rules
    }

    fn element(&mut self, map: &str, address: IpAddr, chain: &str) {
        self.verdict(map, address, SenderVerdict::Goto(chain.to_owned()));
    }

    fn verdict(&mut self, map: &str, address: IpAddr, verdict: SenderVerdict) {
        let family = if address.is_ipv4() { 4 } else { 6 };
        self.maps.entry(format!("{map}{family}")).or_default().insert(address, verdict);
    }

    fn add(&mut self, name: &str, rules: &str) {
        let _ = write!(self.chains, "  chain {name} {{\n{rules}  }}\n");
    }

    /// A chain that looks a sender up in a map of the same name, with what becomes of one that the
    /// map does not know.
    fn by_sender(&mut self, map: &str, nobodys: Reason) {
        let mut rules = self.look_up("saddr", map);
        let _ = writeln!(rules, "    goto {}", chain(nobodys));
        self.add(map, &rules);
    }

    /// What leaves a port that its own addresses do not bear: a machine's is dropped, or judged as
    /// sent on by it where it forwards; a firewall's is judged as routed through it.
    fn ports(
        &mut self,
        world: &World,
        map: &mut CellMap<'_>,
        ports: &[RulePort],
        content: &RuleContent,
        exits: &BTreeMap<&Forwarder, usize>,
    ) {
        let mut first = Vec::new();
        for (number, port) in ports.iter().enumerate() {
            let Some(at) = &port.at else { continue };
            first.push(format!("\"{}\" : goto port{number}", port.interface));
            let begins = match at {
                Stands::Machine { addresses, forwards: false, .. } => {
                    let spoofed = chain(Reason::SpoofedSource);
                    let rules = return_own_addresses(addresses);
                    self.add(&format!("port{number}"), &format!("{rules}    goto {spoofed}\n"));
                    continue;
                }
                Stands::Machine { addresses, .. } => {
                    format!("{}    jump sender\n", return_own_addresses(addresses))
                }
                Stands::Firewall { .. } => String::new(),
            };
            let by_source = self.by_source(world, map, (at, number), content, exits);
            let leads = self.sent_on(world, map, at, None, exits);
            self.add(&format!("port{number}"), &format!("{begins}{by_source}{leads}"));
        }
        let mut rules = String::new();
        if !first.is_empty() {
            let _ = writeln!(rules, "    iifname vmap {{ {} }}", first.join(", "));
        }
        self.add("ports", &rules);
    }

    /// What a forwarder sends on, as security rules see its source: nothing where there are none.
    fn by_source(
        &mut self,
        world: &World,
        map: &mut CellMap<'_>,
        (at, number): (&Stands, usize),
        content: &RuleContent,
        exits: &BTreeMap<&Forwarder, usize>,
    ) -> String {
        let mut of_source: BTreeMap<&SourceClass, Vec<IpAddr>> = BTreeMap::new();
        for (address, class) in &content.class_of {
            if let Some(screened) = &class.screened {
                of_source.entry(&screened.source).or_default().push(*address);
            }
        }
        if of_source.is_empty() {
            return String::new();
        }
        let sources = format!("from{number}_");
        for ((source, addresses), place) in of_source.iter().zip(0_usize..) {
            let name = format!("port{number}_{place}");
            let leads = self.sent_on(world, map, at, Some(source), exits);
            self.add(&name, &leads);
            for address in addresses {
                self.element(&sources, *address, &name);
            }
        }
        self.look_up("saddr", &sources)
    }

    /// Where a forwarder's packets of a source lead.
    fn sent_on(
        &mut self,
        world: &World,
        map: &mut CellMap<'_>,
        at: &Stands,
        source: Option<&SourceClass>,
        exits: &BTreeMap<&Forwarder, usize>,
    ) -> String {
        let leads = match at {
            Stands::Machine { machine, class, addresses, .. } => {
                let first = addresses.first();
                let owner = first.and_then(|first| world.owner(&class.network, *first));
                let class = match owner {
                    Some((.., interface)) => class.clone().screened(interface, source.cloned()),
                    None => class.clone(),
                };
                self.by_leads(&map.cells(&class), exits, |to| to.forwarded_by(machine))
            }
            Stands::Firewall { firewall, .. } => {
                self.by_leads(&map.firewall_cells(firewall, source), exits, LeadsTo::clone)
            }
        };
        format!("{leads}    goto {}\n", chain(Reason::NoRoute))
    }

    /// As [`by_destination`], with what the place where they lead stands for.
    fn by_leads(
        &mut self,
        cells: &Cells,
        exits: &BTreeMap<&Forwarder, usize>,
        to: impl Fn(&LeadsTo) -> LeadsTo,
    ) -> String {
        let numbers = &mut self.by_source_port;
        by_destination(cells, |cell| {
            Some(match to(&cell.leads_to) {
                LeadsTo::BySourcePort(ports) => {
                    let known = numbers.iter().position(|other| *other == ports);
                    let number = known.unwrap_or(numbers.len());
                    if known.is_none() {
                        numbers.push(ports);
                    }
                    format!("goto sport{number}")
                }
                other => leads(&other, exits)?,
            })
        })
    }

    /// The chains in which source ports decide.
    fn source_ports(&mut self, exits: &BTreeMap<&Forwarder, usize>) {
        for (number, ports) in std::mem::take(&mut self.by_source_port).iter().enumerate() {
            let mut first = 0;
            let mut elements = Vec::with_capacity(ports.len());
            for (last, to) in ports {
                let to = leads(to, exits).unwrap_or_else(|| "drop".to_owned());
                elements.push(format!("{first}-{last} : {to}"));
                first = last.saturating_add(1);
            }
            let rules = format!("    tcp sport vmap {{ {} }}\n    drop\n", elements.join(", "));
            self.add(&format!("sport{number}"), &rules);
        }
    }

    /// Rules that look a packet's `saddr` or `daddr` up in a map.
    fn look_up(&mut self, field: &str, map: &str) -> String {
        for family in [4, 6] {
            self.maps.entry(format!("{map}{family}")).or_default();
        }
        format!("    ip {field} vmap @{map}4\n    ip6 {field} vmap @{map}6\n")
    }

    /// What nobody known sends: what comes to somebody known is inbound (N1).
    fn nobody_sends(&mut self) {
        let rules = self.look_up("daddr", "inbound");
        let unknown = chain(Reason::UnknownSource);
        self.add("from_nobody", &format!("{rules}    goto {unknown}\n"));
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
                let log = format!("log prefix \"{reason}\" group {group}");
                let _ = match self.stamp {
                    Some(_) => writeln!(rules, "    jump stamp\n    {log}\n    meta mark set 0"),
                    None => writeln!(rules, "    {log}"),
                };
            }
            rules.push_str(match verdict_of(&world.settings, *reason) {
                Verdict::Pass => "    accept\n",
                Verdict::Drop => "    drop\n",
                Verdict::Reject => "    meta l4proto tcp reject with tcp reset\n    drop\n",
            });
            self.add(&chain(*reason), &rules);
        }
        self.whole();
    }

    /// The chains that return what has what it has to have, and that which looks for source routes.
    fn whole(&mut self) {
        let fixed = "    tcp urgptr 0-65535 return\n";
        self.add("whole_header", &format!("{fixed}    goto r_fragment-drop\n"));
        // The options of a first fragment may follow in IPv4, and must not in IPv6 (RFC 7112, 5).
        let mut rules = "    ip frag-off & 0x2000 != 0 return\n".to_owned();
        rules.push_str(&fixed.replace("tcp", "tcp doff 5 tcp"));
        for words in 6..=15 {
            let last = words * 32 - 8;
            let _ = writeln!(rules, "    tcp doff {words} @th,{last},8 0-255 return");
        }
        rules.push_str("    exthdr frag exists frag more-fragments 1 goto r_fragment-drop\n");
        rules.push_str("    goto r_malformed\n");
        self.add("whole_segment", &rules);
        let mut rules = String::new();
        let before = ["", "@nh,160,8 1 ", "@nh,160,16 0x0101 ", "@nh,160,24 0x010101 "];
        for (before, at) in before.iter().zip([160, 168, 176, 184]) {
            let _ = writeln!(rules, "    {before}@nh,{at},8 {{ 131, 137 }} goto r_source-routed");
        }
        rules.push_str("    ip option lsrr exists goto r_source-routed\n");
        rules.push_str("    ip option ssrr exists goto r_source-routed\n");
        self.add("source_route", &rules);
    }

    /// What looks for a SYN behind a header that the kernel does not walk over, by its length:
    /// the rest is none of our business. Authentication headers of up to 64 bytes (RFC 4302), and
    /// headers of Shim6 of as many (RFC 5533).
    fn behind(&mut self) {
        let authentication = (1..=14_u32).map(|length| (length, (length + 2) * 32));
        let shim = (0..=7_u32).map(|length| (length, (length + 1) * 64));
        let syn = |(length, bits): (u32, u32)| {
            let (port, flags) = (bits + 16, bits + 104);
            format!(
                "    @th,0,16 {} @th,{port},16 25 @th,{flags},8 & 0x12 == 2 goto addresses\n",
                0x0600 | length
            )
        };
        let authentication: String = authentication.map(syn).collect();
        let shim: String = shim.map(syn).collect();
        self.add("behind_authentication", &(authentication + "    accept\n"));
        self.add("behind_shim", &(shim + "    accept\n"));
    }

    /// What goes on to a forwarder is judged behind it.
    fn defer(&mut self, deferring: &BTreeMap<String, Cells>) {
        if deferring.is_empty() {
            return;
        }
        let mut first = String::new();
        for (number, (interface, cells)) in deferring.iter().enumerate() {
            let _ = writeln!(first, "    iifname \"{interface}\" goto defer{number}");
            let goes_on = |cell: &Cell| cell.next.is_some().then(|| "accept".to_owned());
            self.add(&format!("defer{number}"), &by_destination(cells, goes_on));
        }
        self.add("defer", &first);
    }

    fn class(
        &mut self,
        class: &SenderClass,
        cells: &Cells,
        number: usize,
        exits: &BTreeMap<&Forwarder, usize>,
    ) {
        let SenderClass { network, subnet, ways_out: [v4_leaves, _], forwarder, .. } = class;
        let mut name = in_a_line(&format!("{network}/{subnet}")).into_owned();
        if let Some(machine) = forwarder {
            let _ = write!(name, ", {}", in_a_line(machine.as_str()));
        }
        if !v4_leaves {
            name.push_str(", without a way out");
        }
        let mut rules = format!("    # senders of {name}\n");
        rules.push_str(&self.by_leads(cells, exits, LeadsTo::clone));
        let _ = writeln!(rules, "    goto {}", chain(Reason::NoRoute));
        self.add(&format!("c{number}"), &rules);
    }

    fn judge(&mut self) {
        let mut rules = "    jump sender\n".to_owned();
        rules.push_str(&self.look_up("saddr", "class"));
        rules.push_str("    goto from_nobody\n");
        self.add("judge", &rules);
        let rules = self.look_up("saddr", "sender");
        self.add("sender", &format!("{rules}    goto from_nobody\n"));
        self.nobody_sends();
        self.behind();
        self.add("addresses", ADDRESSES);
        self.add("shape", SHAPE);
    }

    fn begin(&mut self, ports: &[RulePort]) {
        let names: Vec<_> = ports.iter().map(|port| format!("\"{}\"", port.interface)).collect();
        let mut rules =
            "    type filter hook prerouting priority -450; policy accept;\n".to_owned();
        if !names.is_empty() {
            let _ = writeln!(rules, "    iifname != {{ {} }} accept", names.join(", "));
        }
        rules.push_str("    jump shape\n    jump ports\n    goto judge\n");
        self.add("port25", &rules);
    }

    /// The script that puts the rules in force in one transaction, whatever was there before.
    #[must_use]
    pub fn script(&self) -> String {
        let table = &self.table;
        let mut text =
            format!("add table inet {table}\ndelete table inet {table}\n{}", self.body());
        for (map, elements) in &self.maps {
            self.add_elements(&mut text, map, elements);
        }
        text
    }

    /// Chains have to be declared before a map or a rule names them.
    fn body(&self) -> String {
        let mut text = format!("table inet {} {{\n", self.table);
        let mut names = BTreeSet::new();
        for line in self.chains.lines() {
            if let Some(name) = line.strip_prefix("  chain ").and_then(|l| l.strip_suffix(" {")) {
                names.insert(name);
            }
        }
        for name in names.iter().filter(|name| **name != "port25") {
            let _ = writeln!(text, "  chain {name} {{ }}");
        }
        if let Some(stamp) = self.stamp {
            let _ = writeln!(text, "  chain stamp {{\n    meta mark set {stamp}\n  }}");
        }
        for map in self.maps.keys() {
            let kind = if map.ends_with('4') { "ipv4_addr" } else { "ipv6_addr" };
            let _ = writeln!(text, "  map {map} {{ type {kind} : verdict; }}");
        }
        let _ = writeln!(text, "{}}}", self.chains);
        text
    }

    /// What leads from other rules to these: in place where only elements differ. `None` where
    /// nothing that judges differs: packets bear the older number then.
    #[must_use]
    pub(crate) fn change_from(&self, old: &Self) -> Option<RulesetChange<'_>> {
        if (&self.chains, &self.maps) == (&old.chains, &old.maps) {
            return None;
        }
        if self.stamp.is_some() != old.stamp.is_some()
            || self.table != old.table
            || self.chains != old.chains
            || !self.maps.keys().eq(old.maps.keys())
        {
            return Some(RulesetChange::Anew);
        }
        let both = self.maps.iter().zip(old.maps.values());
        let maps = both
            .filter(|((_, new), old)| new != old)
            .map(|((map, new), old)| MapChange::of(map, old, new))
            .collect();
        Some(RulesetChange::InPlace(InPlace { table: &self.table, stamp: self.stamp, maps }))
    }

    fn add_elements(&self, text: &mut String, map: &str, elements: &Elements) {
        if elements.is_empty() {
            return;
        }
        let list: Vec<_> = elements.iter().map(|(a, verdict)| format!("{a} : {verdict}")).collect();
        let _ = writeln!(text, "add element inet {} {map} {{ {} }}", self.table, list.join(", "));
    }
}

fn chain(reason: Reason) -> String {
    format!("r_{reason}")
}

/// One rule a family that tells destinations apart: each range with what becomes of it; `None`:
/// the rules go on.
fn by_destination(cells: &Cells, mut verdict: impl FnMut(&Cell) -> Option<String>) -> String {
    let mut text = String::new();
    for (family, v4) in [("ip", true), ("ip6", false)] {
        let of_family = cells.iter().filter(|cell| cell.first.is_ipv4() == v4);
        let elements: Vec<String> = of_family
            .filter_map(|cell| Some(format!("{} : {}", range(cell), verdict(cell)?)))
            .collect();
        if !elements.is_empty() {
            let _ = writeln!(text, "    {family} daddr vmap {{ {} }}", elements.join(", "));
        }
    }
    text
}

/// What becomes of a packet that leads somewhere.
fn leads(to: &LeadsTo, exits: &BTreeMap<&Forwarder, usize>) -> Option<String> {
    Some(match to {
        LeadsTo::Reason(reason) => format!("goto {}", chain(*reason)),
        LeadsTo::Edge => "goto edge".to_owned(),
        LeadsTo::Exit(exit) => format!("goto exit{}_", exits.get(exit)?),
        LeadsTo::BySourcePort(_) => return None,
    })
}

/// What bears one of a port's own addresses goes on to be judged as its own.
fn return_own_addresses(addresses: &[IpAddr]) -> String {
    let mut text = String::new();
    for (family, v4) in [("ip", true), ("ip6", false)] {
        let of_family = addresses.iter().filter(|address| address.is_ipv4() == v4);
        let list: Vec<String> = of_family.map(ToString::to_string).collect();
        if !list.is_empty() {
            let _ = writeln!(text, "    {family} saddr {{ {} }} return", list.join(", "));
        }
    }
    text
}

fn range(cell: &Cell) -> String {
    if cell.first == cell.last {
        cell.first.to_string()
    } else {
        format!("{}-{}", cell.first, cell.last)
    }
}

/// The ports whose machine sends something through a forwarder, with where its destinations lead.
fn deferring(map: &mut CellMap<'_>, ports: &[RulePort]) -> BTreeMap<String, Cells> {
    let cells = ports.iter().filter_map(|port| {
        let cells = map.cells(port.at.as_ref()?.class()?);
        cells.any_forwarded().then(|| (port.interface.clone(), cells))
    });
    cells.collect()
}

/// The rules of a network for use outside of a lab, as a script for `nft -f`. Without
/// ports they count for everything that comes in.
#[must_use]
pub fn export_nft(world: &World, network: &NetworkName, ports: &[RulePort]) -> String {
    let options = RuleOptions { mark: Some(mark(network, ports)), ..RuleOptions::default() };
    let rules = Ruleset::of(world, network, ports, &options);
    format!("#!/usr/sbin/nft -f\n{}{}", preface(network, ports), rules.script())
}
