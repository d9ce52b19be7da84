//! Random small worlds, as inventories: networks and peerings, routes that nest, appliances,
//! firewalls, machines that do not run, both families. A seed gives the same text every time.
//!
//! Tests of several packages read this file by `#[path]`; it uses nothing but the standard
//! library. Later kinds of worlds belong in here.

use std::fmt::Write as _;

/// Numbers from a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for a seed every time.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of some.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.number() % bound).unwrap_or(0)
    }

    /// Whether something happens that happens so many times in a hundred.
    pub(crate) fn happens(&mut self, percent: u64) -> bool {
        self.number() % 100 < percent
    }
}

/// What user-defined routes are for: prefixes inside of each other, the ends of the families.
pub(crate) const PREFIXES: &[&str] = &[
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "192.0.0.0/4",
    "203.0.113.0/24",
    "203.0.113.0/25",
    "203.0.113.0/28",
    "203.0.113.25/32",
    "198.51.100.0/24",
    "198.51.100.128/25",
    "255.255.255.255/32",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "10.0.2.4/32",
    "192.168.0.0/16",
    "172.16.0.0/12",
    "::/0",
    "::/1",
    "2001:db8::/32",
    "2001:db8:25::/48",
    "2001:db8:25::25/128",
    "fd00::/8",
    "fd00:0:0:2::/64",
];

/// Destinations on the Internet that hosts of a lab can have.
pub(crate) const OUTSIDE: &[&str] = &[
    "203.0.113.2",
    "203.0.113.25",
    "203.0.113.100",
    "203.0.113.200",
    "198.51.100.1",
    "198.51.100.200",
    "192.0.2.25",
    "9.9.9.9",
    "2001:db8:25::25",
    "2001:db8:26::25",
    "2a00::25",
];

const OFFERS: &[&str] =
    &["pay-as-you-go", "enterprise-agreement", "free-trial", "cloud-solution-provider"];

/// A random world's inventory; `wide` with what a lab does not stage: services that leave by
/// themselves, addresses behind machines, and peerings that keep out what was forwarded.
pub(crate) fn inventory(seed: u64, wide: bool) -> String {
    let mut dice = Dice::new(seed);
    let networks = 1 + dice.below(3);
    let mut text = format!("# world {seed}\n");
    subscriptions(&mut dice, &mut text);
    for number in 0..networks {
        network(&mut dice, &mut text, number, networks);
    }
    route_tables(&mut dice, &mut text);
    let firewall = dice.happens(50).then(|| dice.below(networks));
    if let Some(number) = firewall {
        let _ = write!(
            text,
            "[firewall.wall]\nsubscription = \"s{}\"\nnetwork = \"n{number}\"\nsubnet = \"c\"\n\
             address = \"10.{number}.3.4\"\n",
            dice.below(3)
        );
    }
    text.push_str(NAT_GATEWAYS);
    load_balancers(&mut dice, &mut text, networks);
    machines(&mut dice, &mut text, networks);
    security(&mut Dice::new(seed ^ 0x5ec), &mut text, networks);
    if wide {
        wider(&mut Dice::new(seed ^ 0x71de), &mut text, networks);
    }
    text
}

/// Security groups on some subnets and interfaces, and sometimes admin rules. What they add goes to
/// the tables of the text that is there already.
fn security(dice: &mut Dice, text: &mut String, networks: usize) {
    if dice.happens(40) {
        return;
    }
    for number in 0..networks {
        for subnet in ["a", "b", "c"] {
            if dice.happens(25) {
                let table = format!("[network.n{number}.subnet.{subnet}]\n");
                let group = dice.below(GROUPS);
                *text = text.replace(&table, &format!("{table}security_group = \"g{group}\"\n"));
            }
        }
        for machine in ["web", "nva", "app"] {
            let table = format!("[machine.{machine}{number}]\n");
            if dice.happens(25) {
                let group = dice.below(GROUPS);
                *text = text.replace(&table, &format!("{table}security_group = \"g{group}\"\n"));
            }
            if dice.happens(30) || machine == "web" {
                let member = format!("{table}application_security_groups = [\"apps{number}\"]\n");
                *text = text.replace(&table, &member);
            }
        }
    }
    for group in 0..GROUPS {
        let _ = writeln!(text, "[security-group.g{group}]");
        for direction in ["outbound", "inbound"] {
            for priority in 0..dice.below(5) {
                let (table, access) =
                    (format!("security-group.g{group}"), ["allow", "allow", "deny"]);
                rule(dice, text, &table, (direction, priority), &access, networks);
            }
        }
    }
    if dice.happens(30) {
        let _ = writeln!(text, "[admin-rules.central]\nnetworks = [\"n0\"]");
        for direction in ["outbound", "inbound"] {
            let access = ["allow", "always-allow", "deny"];
            rule(dice, text, "admin-rules.central", (direction, 1), &access, networks);
        }
    }
    text.push_str(
        "[service-tags]\nTold = [\"203.0.113.0/24\", \"10.0.0.0/15\", \"2001:db8::/32\"]\n",
    );
}

fn wider(dice: &mut Dice, text: &mut String, networks: usize) {
    if dice.happens(25) {
        let side = "peerings = [{ network = \"n1\", allow_forwarded_traffic = false }]";
        *text = text.replace("peerings = [\"n1\"]", side);
    }
    for number in 0..networks {
        let table = format!("[machine.web{number}]\n");
        let more = match dice.below(8) {
            0 => "kind = \"app-service\"\nroute_all = false\n",
            1 => "kind = \"platform-service\"\n",
            2 | 3 => "behind = [\"172.17.0.0/16\"]\n",
            _ => continue,
        };
        *text = text.replace(&table, &format!("{table}{more}"));
    }
}

/// How many security groups there are.
const GROUPS: usize = 3;

/// What rules name: addresses, prefixes and tags, one of which nobody tells.
const TARGETS: &[&str] = &[
    "*",
    "*",
    "VirtualNetwork",
    "Internet",
    "AzureLoadBalancer",
    "Told",
    "Untold",
    "0.0.0.0/0",
    "203.0.113.0/24",
    "203.0.113.25",
    "10.0.1.0/24",
    "10.1.1.4",
    "10.1.0.0/16",
    "2001:db8::/32",
    "fd00:0:0:1::/64",
];

fn rule(
    dice: &mut Dice,
    text: &mut String,
    table: &str,
    (direction, priority): (&str, usize),
    access: &[&str],
    networks: usize,
) {
    let mut side = |name: &str| match dice.below(8) {
        0 => format!("{name}_application_security_groups = [\"apps{}\"]\n", dice.below(networks)),
        _ => format!("{name} = [\"{}\", \"{}\"]\n", dice.one(TARGETS), dice.one(TARGETS)),
    };
    let sides = side("source") + &side("destination");
    let ports = dice.one(&["25", "25", "\"*\"", "\"20-30\"", "587"]);
    let from = dice.one(&["", "", "", "source_ports = \"0-1023\"\n"]);
    let protocol = dice.one(&["*", "tcp", "tcp", "udp"]);
    let _ = write!(
        text,
        "[[{table}.rules]]\nname = \"{direction}{priority}\"\npriority = {}\n\
         direction = \"{direction}\"\naccess = \"{}\"\nprotocol = \"{protocol}\"\n\
         destination_ports = [{ports}]\n{from}{sides}",
        100 + priority,
        dice.one(access)
    );
}

fn subscriptions(dice: &mut Dice, text: &mut String) {
    for number in 0..3 {
        let offer = if number == 0 { "pay-as-you-go" } else { *dice.one(OFFERS) };
        let created = dice.one(&["2016-05-05", "2019-03-01", "2019-03-01"]);
        let exemption = if dice.happens(50) { "granted" } else { "none" };
        let _ = write!(
            text,
            "[subscription.s{number}]\noffer = \"{offer}\"\ncreated = \"{created}\"\n\
             exemption = \"{exemption}\"\n"
        );
    }
}

/// Networks stand in a row, each peered with its neighbours; one may stand apart.
fn network(dice: &mut Dice, text: &mut String, number: usize, networks: usize) {
    let alone = networks == 3 && number == 2 && dice.happens(30);
    let mut peers = Vec::new();
    if !alone {
        peers.extend(number.checked_sub(1).map(|before| format!("\"n{before}\"")));
    }
    if number + 1 < networks {
        peers.push(format!("\"n{}\"", number + 1));
    }
    let _ = write!(
        text,
        "[network.n{number}]\naddress_space = [\"10.{number}.0.0/16\", \"fd00:{number}::/32\"]\n\
         peerings = [{}]\n",
        peers.join(", ")
    );
    if dice.happens(30) {
        let routes = ["192.168.0.0/16", "198.51.100.0/24", "10.0.2.0/24", "203.0.113.0/26"];
        let _ = writeln!(
            text,
            "gateway = {{ kind = \"vpn\", routes = [\"{}\", \"192.168.7.0/24\"] }}",
            dice.one(&routes)
        );
    }
    for (place, subnet) in ["a", "b", "c"].iter().enumerate() {
        let third = place + 1;
        let _ = write!(
            text,
            "[network.n{number}.subnet.{subnet}]\n\
             prefixes = [\"10.{number}.{third}.0/24\", \"fd00:{number}:0:{third}::/64\"]\n"
        );
        if dice.happens(if *subnet == "c" { 30 } else { 70 }) {
            let _ = writeln!(text, "route_table = \"t{}\"", dice.below(4));
        }
        if dice.happens(10) {
            let _ = writeln!(text, "service_endpoints = [\"198.51.100.0/26\"]");
        }
        match dice.below(6) {
            0 => text.push_str("default_outbound_access = false\n"),
            1 => text.push_str("default_outbound_access = true\n"),
            2 => {
                let nat = dice.one(&["v4", "both"]);
                let _ = writeln!(text, "nat_gateway = \"{nat}\"");
            }
            _ => {}
        }
    }
}

const NAT_GATEWAYS: &str = "[nat-gateway.v4]\n[nat-gateway.both]\nsku = \"standard-v2\"\n\
                            addresses = [\"2001:db8:ffff::1\"]\n";

/// A public address of some or of no family.
fn public(dice: &mut Dice, host: usize) -> String {
    match dice.below(4) {
        0 => format!("\"198.51.100.{host}\""),
        1 => format!("[\"198.51.100.{host}\", \"2001:db8:fffe::{host}\"]"),
        2 => format!("\"2001:db8:fffe::{host}\""),
        _ => "[]".to_owned(),
    }
}

/// Load balancers before some of the machines that every world has.
fn load_balancers(dice: &mut Dice, text: &mut String, networks: usize) {
    for number in 0..dice.below(3) {
        let machine = dice.one(&["web", "nva"]);
        let of = dice.below(networks);
        let more = match dice.below(6) {
            0 => format!("addresses = [\"198.51.100.25{number}\"]\n"),
            1 => format!(
                "addresses = [\"198.51.100.25{number}\", \"2001:db8:fffe::20{number}\"]\noutbound_rules = [\"2001:db8:fffe::20{number}\"]\n"
            ),
            5 => format!("addresses = [\"198.51.100.25{number}\"]\ndisable_outbound_snat = true\n"),
            2 => format!("addresses = [\"10.{of}.1.25{number}\"]\nnetwork = \"n{of}\"\n"),
            _ => format!(
                "addresses = [\"10.{of}.2.25{number}\", \"fd00:{of}:0:2::25{number}\"]\nnetwork = \"n{of}\"\n{}",
                dice.one(&["", "sku = \"basic\"\n", "ports = [25]\n", "ports = [587]\n"])
            ),
        };
        let _ = write!(text, "[load-balancer.b{number}]\nmachines = [\"{machine}{of}\"]\n{more}");
    }
}

fn route_tables(dice: &mut Dice, text: &mut String) {
    for number in 0..4 {
        let mut routes = Vec::new();
        let mut used = Vec::new();
        for _ in 0..dice.below(7) {
            let prefix = *dice.one(PREFIXES);
            if used.contains(&prefix) {
                continue;
            }
            used.push(prefix);
            let hop = match dice.below(10) {
                0..=5 => {
                    let v4 = !prefix.contains(':');
                    let (network, subnet) = (dice.below(3), 2 + dice.below(2));
                    let host = dice.one(&["4", "4", "5", "99", "250"]);
                    let address = if v4 {
                        format!("10.{network}.{subnet}.{host}")
                    } else {
                        format!("fd00:{network}:0:{subnet}::{host}")
                    };
                    format!("\"virtual-appliance\", address = \"{address}\"")
                }
                6 => "\"internet\"".to_owned(),
                7 => "\"none\"".to_owned(),
                8 => "\"vnet-local\"".to_owned(),
                _ => "\"virtual-network-gateway\"".to_owned(),
            };
            routes.push(format!("{{ prefix = \"{prefix}\", next_hop = {hop} }}"));
        }
        let _ = write!(
            text,
            "[route-table.t{number}]\nroutes = [{}]\npropagate_gateway_routes = {}\n",
            routes.join(", "),
            dice.happens(80)
        );
    }
}

/// In each network a machine that sends, an appliance, and sometimes more of either.
fn machines(dice: &mut Dice, text: &mut String, networks: usize) {
    for number in 0..networks {
        machine(dice, text, &format!("web{number}"), number, 1, 4, false);
        machine(dice, text, &format!("nva{number}"), number, 2, 4, true);
        if dice.happens(50) {
            let forwards = dice.happens(50);
            machine(dice, text, &format!("app{number}"), number, 2, 5, forwards);
        }
        if dice.happens(40) {
            two_legged(dice, text, number);
        }
    }
}

fn state(dice: &mut Dice, text: &mut String) {
    match dice.below(8) {
        0 => text.push_str("power = \"deallocated\"\n"),
        1..=4 => text.push_str("started_since_grant = true\n"),
        _ => {}
    }
}

fn machine(
    dice: &mut Dice,
    text: &mut String,
    name: &str,
    network: usize,
    subnet: usize,
    host: usize,
    forwards: bool,
) {
    let letter = ["a", "b", "c"][subnet - 1];
    let forwards = forwards && dice.happens(85);
    let _ = write!(
        text,
        "[machine.{name}]\nsubscription = \"s{}\"\nnetwork = \"n{network}\"\n\
         subnet = \"{letter}\"\n\
         addresses = [\"10.{network}.{subnet}.{host}\", \"fd00:{network}:0:{subnet}::{host}\"]\n\
         ip_forwarding = {forwards}\npublic_address = {}\n",
        dice.below(3),
        public(dice, 100 * network + 10 * subnet + host)
    );
    state(dice, text);
}

/// An appliance with a leg in two subnets, which may forward by the other one.
fn two_legged(dice: &mut Dice, text: &mut String, network: usize) {
    let by = match dice.below(3) {
        0 => "forwards_by = 1\n",
        1 => "forwards_by = 0\n",
        _ => "",
    };
    let _ = write!(
        text,
        "[machine.two{network}]\nsubscription = \"s{}\"\n{by}\
         interfaces = [{{ network = \"n{network}\", subnet = \"c\", addresses = \
         [\"10.{network}.3.5\", \"fd00:{network}:0:3::5\"], ip_forwarding = true }}, \
         {{ network = \"n{network}\", subnet = \"b\", addresses = [\"10.{network}.2.6\", \
         \"fd00:{network}:0:2::6\"], ip_forwarding = {}, public_address = {} }}]\n",
        dice.below(3),
        dice.happens(60),
        public(dice, 100 * network + 26)
    );
    state(dice, text);
}
