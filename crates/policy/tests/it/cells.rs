//! Where destinations lead, against the reference: every range of every class in random worlds.

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_policy::{
    Cell, CellMap, Cells, DestinationRanges, Edition, ForwardingPort, Interface, InventoryFile,
    LeadsTo, Machine, MachineName, Power, Question, Reason, SenderClass, Source, SourceClass,
    World, decide, decide_forwarded, edge_reason, exit_reason, winning_routes,
};

use crate::worlds::{self, Dice};

fn world(seed: u64) -> World {
    let text = worlds::inventory(seed, true);
    let edition = EDITIONS[usize::try_from(seed % 7).unwrap()];
    let mut dice = Dice::new(!seed);
    let mut set = Vec::new();
    for (name, value) in SETTINGS {
        if dice.happens(20) {
            set.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    let lab = InventoryFile::parse(&text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    match lab.build(&Edition::named(edition).unwrap(), &set) {
        Ok(lab) => lab.world,
        Err(error) => {
            // A machine that has picked something up needs a grant: the others do without.
            let text = text.replace("started_since_grant = true\n", "");
            assert!(error.what.contains("started_since_grant") || error.key.is_some(), "{error:?}");
            let lab = InventoryFile::parse(&text).unwrap();
            let lab = lab.build(&Edition::named(edition).unwrap(), &set);
            lab.unwrap_or_else(|error| panic!("{error:?}\n{text}")).world
        }
    }
}

const EDITIONS: [&str; 8] =
    ["2020-12", "2019-08", "2018-11", "2021-03", "2021-04", "2021-08", "2022-11", "2023-12"];

const SETTINGS: &[(&str, &str)] = &[
    ("block_form", "reject"),
    ("exempt_via_appliance", "blocked"),
    ("internal_destination", "filtered"),
    ("on_premises_route", "filtered"),
    ("service_endpoint_route", "filtered"),
    ("platform_addresses", "filtered"),
    ("ipv6_default_route", "no"),
    ("azure_firewall_subscription", "sender"),
    ("azure_firewall_when_silent", "rejected"),
    ("unknown_source", "pass"),
    ("ea_via_azure_firewall", "unrestricted"),
    ("unsupported_means_blocked", "no"),
    ("exemption_behind_azure_firewall", "does-not-cover"),
    ("azure_firewall_2022_11", "rejected"),
    ("app_service_when_silent", "subscription-rule"),
    ("snat_is_direct", "no"),
    ("azure_firewall_ipv6", "yes"),
    ("azure_public_destination", "internal"),
    ("service_tag_when_unknown", "yes"),
    ("virtual_network_tag_by_any_default", "no"),
];

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn address(like: IpAddr, number: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(number).unwrap().into()),
        IpAddr::V6(_) => IpAddr::V6(number.into()),
    }
}

/// The first, the last and a random address of a range.
fn samples(dice: &mut Dice, cell: &Cell) -> [IpAddr; 3] {
    let (first, last) = (number(cell.first), number(cell.last));
    let wide = u128::from(dice.number()) << 64 | u128::from(dice.number());
    let within = match (last - first).checked_add(1) {
        Some(size) => first + wide % size,
        None => wide,
    };
    [cell.first, cell.last, address(cell.first, within)]
}

/// The ranges of both families are in order, disjoint and whole, and as few as they can be.
fn assert_partition(cells: &Cells) {
    for v4 in [true, false] {
        let family: Vec<_> = cells.iter().filter(|cell| cell.first.is_ipv4() == v4).collect();
        let max = if v4 { u128::from(u32::MAX) } else { u128::MAX };
        assert_eq!(number(family[0].first), 0);
        assert_eq!(number(family[family.len() - 1].last), max);
        for pair in family.windows(2) {
            assert_eq!(number(pair[0].last) + 1, number(pair[1].first));
            assert_ne!((&pair[0].leads_to, &pair[0].next), (&pair[1].leads_to, &pair[1].next));
        }
        for cell in family {
            let prefixes = cell.prefixes();
            assert_eq!(number(prefixes[0].network()), number(cell.first));
            assert_eq!(number(prefixes[prefixes.len() - 1].broadcast()), number(cell.last));
            assert_eq!(cells.at(cell.first), Some(cell));
            assert_eq!(cells.at(cell.last), Some(cell));
        }
    }
}

fn reason(world: &World, leads_to: &LeadsTo, sender: &MachineName) -> Reason {
    let at_edge = edge_reason(world, sender).unwrap();
    match leads_to.from_port(FROM_PORT) {
        _ if at_edge == Reason::SenderNotRunning => at_edge,
        LeadsTo::Reason(reason) => *reason,
        LeadsTo::Edge => at_edge,
        LeadsTo::Exit(exit) => exit_reason(world, exit, at_edge),
        LeadsTo::BySourcePort(_) => panic!("source ports in source ports"),
    }
}

/// On one side of the ports that rules tell apart.
const FROM_PORT: u16 = 40_000;

/// The classes of what an interface sends, with the family that each is for.
fn classes(
    world: &World,
    name: &MachineName,
    machine: &Machine,
    interface: &Interface,
) -> Vec<(bool, SenderClass)> {
    let class = |address: &IpAddr| {
        let source = SourceClass::of(world, interface, *address);
        let class = SenderClass::of(world, name, machine, interface).screened(interface, source);
        (address.is_ipv4(), class)
    };
    interface.addresses.iter().map(class).collect()
}

fn question(
    world: &World,
    sender: &MachineName,
    interface: usize,
    destination: IpAddr,
) -> Question {
    let interface = &world.machines()[sender].interfaces[interface];
    let address = interface.addresses.iter().find(|a| a.is_ipv4() == destination.is_ipv4());
    let source = Source::Address {
        network: Some(interface.network.clone()),
        address: *address.unwrap_or(&interface.addresses[0]),
    };
    Question { source_port: Some(FROM_PORT), ..Question::smtp(source, destination) }
}

/// How many worlds are tried: 300, or as many as `EGRESS25_LONG` says.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("EGRESS25_LONG").ok().and_then(|long| long.parse().ok()).unwrap_or(300)
}

#[test]
fn every_address_of_a_range_is_judged_as_the_reference_judges_it() {
    let (mut exits, mut loops, mut asked) = (0, 0, 0_usize);
    let (mut denied, mut by_port) = (0, 0);
    for seed in seeds() {
        let world = world(seed);
        let mut dice = Dice::new(seed);
        let mut map = CellMap::new(&world);
        for (name, machine) in world.machines() {
            for (place, interface) in machine.interfaces.iter().enumerate() {
                for (v4, class) in classes(&world, name, machine, interface) {
                    let cells = map.cells(&class);
                    assert_partition(&cells);
                    by_port += cells
                        .iter()
                        .filter(|cell| matches!(cell.leads_to, LeadsTo::BySourcePort(_)))
                        .count();
                    denied += cells
                        .iter()
                        .filter(|cell| {
                            cell.leads_to == LeadsTo::Reason(Reason::SecurityGroupDenies)
                        })
                        .count();
                    for cell in cells.iter().filter(|cell| cell.first.is_ipv4() == v4) {
                        exits += usize::from(matches!(cell.leads_to, LeadsTo::Exit(_)));
                        loops += usize::from(cell.leads_to == LeadsTo::Reason(Reason::RoutingLoop));
                        for to in samples(&mut dice, cell) {
                            let decision = decide(&world, &question(&world, name, place, to));
                            let found = reason(&world, &cell.leads_to, name);
                            assert_eq!(
                                found, decision.reason,
                                "world {seed}: {name}/{place} to {to}"
                            );
                            asked += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{asked} questions, {exits} ranges by a forwarder, {loops} in circles");
    println!("{denied} denied by groups, {by_port} by source port");
    assert!(denied > 100 && by_port > 10, "{denied} denied, {by_port} by port");
    assert!(exits > 100 && loops > 10, "{exits} exits, {loops} loops");
}

#[test]
fn what_a_forwarder_sends_on_is_judged_as_the_reference_judges_it() {
    for seed in seeds() {
        let world = world(seed);
        let mut dice = Dice::new(seed);
        let mut map = CellMap::new(&world);
        for (name, machine) in world.machines() {
            let interface = &machine.interfaces[0];
            for address in &interface.addresses {
                let source = SourceClass::of(&world, interface, *address);
                for (port, own, leads) in forwarders(&world, &mut map, source.as_ref()) {
                    if own == Some(name) {
                        continue;
                    }
                    let of_family =
                        leads.iter().filter(|(cell, _)| cell.first.is_ipv4() == address.is_ipv4());
                    for (cell, leads_to) in of_family {
                        for to in samples(&mut dice, cell) {
                            compare_forwarded(&world, &port, own, (name, leads_to), to);
                        }
                    }
                }
            }
        }
    }
}

type Sent<'w> = (ForwardingPort, Option<&'w MachineName>, Vec<(Cell, LeadsTo)>);

/// The ports of forwarders that run, with where packets of a source lead from there.
fn forwarders<'w>(
    world: &'w World,
    map: &mut CellMap<'w>,
    source: Option<&SourceClass>,
) -> Vec<Sent<'w>> {
    let mut ports = Vec::new();
    let run = |machine: &Machine| machine.state.power == Power::Running;
    for (name, machine) in world.machines().iter().filter(|(_, machine)| run(machine)) {
        for (place, interface) in machine.interfaces.iter().enumerate() {
            if interface.ip_forwarding {
                let class = SenderClass::of(world, name, machine, interface);
                let cells = map.cells(&class.screened(interface, source.cloned()));
                let port = ForwardingPort::Machine(name.clone(), place);
                let leads = |cell: &Cell| (cell.clone(), cell.leads_to.forwarded_by(name));
                ports.push((port, Some(name), cells.iter().map(leads).collect()));
            }
        }
    }
    for name in world.firewalls().keys() {
        let cells = map.firewall_cells(name, source);
        assert_partition(&cells);
        let leads = cells.iter().map(|cell| (cell.clone(), cell.leads_to.clone()));
        ports.push((ForwardingPort::Firewall(name.clone()), None, leads.collect()));
    }
    ports
}

fn compare_forwarded(
    world: &World,
    port: &ForwardingPort,
    own: Option<&MachineName>,
    (sender, leads_to): (&MachineName, &LeadsTo),
    to: IpAddr,
) {
    let at_edge = edge_reason(world, sender).unwrap();
    // Who does not run is nobody to a firewall, and no rule is asked.
    if own.is_none() && at_edge == Reason::SenderNotRunning {
        return;
    }
    let decision = decide_forwarded(world, port, &question(world, sender, 0, to));
    let found = match (leads_to.from_port(FROM_PORT), own) {
        (LeadsTo::Exit(exit), None) => exit_reason(world, exit, at_edge),
        (leads_to, None) => reason_of(leads_to),
        (leads_to, Some(_)) => reason(world, leads_to, sender),
    };
    assert_eq!(found, decision.reason, "{sender} by {port:?} to {to}");
}

fn reason_of(leads_to: &LeadsTo) -> Reason {
    match leads_to {
        LeadsTo::Reason(reason) => *reason,
        other => panic!("a firewall's port has no edge of its own: {other:?}"),
    }
}

/// Rows of a capture whose destinations a place did not tell apart bore the grounds of the first.
#[test]
fn a_range_of_destinations_has_one_decision() {
    for seed in seeds() {
        let world = world(seed);
        let mut dice = Dice::new(seed);
        let ranges = DestinationRanges::of(&world);
        let mut known: BTreeMap<_, (IpAddr, _)> = BTreeMap::new();
        for (name, machine) in world.machines() {
            let mut map = CellMap::new(&world);
            let cells = map.cells(&SenderClass::of(&world, name, machine, &machine.interfaces[0]));
            for cell in cells.iter() {
                for to in samples(&mut dice, cell) {
                    let mut decision = decide(&world, &question(&world, name, 0, to));
                    // They name the destination.
                    decision.next_steps.clear();
                    let key = (name, to.is_ipv4(), ranges.number_of(to));
                    let (first, before) = known.entry(key).or_insert((to, decision.clone()));
                    assert_eq!(*before, decision, "world {seed}: {name} to {first} and {to}");
                }
            }
        }
    }
}

#[test]
fn the_longest_of_the_winning_routes_is_the_one_that_the_reference_takes() {
    for seed in seeds() {
        let world = world(seed);
        for (network, found) in world.networks() {
            for subnet in found.subnets.keys() {
                let winning = winning_routes(&world, network, subnet);
                let all = egress25_policy::effective_routes(&world, network, subnet);
                for to in worlds::OUTSIDE.iter().chain(&["10.0.2.4", "10.1.2.9", "fd00:1::9"]) {
                    let to: IpAddr = to.parse().unwrap();
                    let fits = winning.iter().filter(|route| route.prefix.contains(&to));
                    let longest = fits.max_by_key(|route| route.prefix.prefix_len());
                    assert_eq!(longest, egress25_policy::resolve(&all, to), "world {seed}: {to}");
                }
            }
        }
    }
}

/// The inventory of a lab in which a blocked machine could send: half of the Internet through an
/// appliance that may, the other half directly.
const HALF: &str = r#"
[subscription.shop]
offer = "pay-as-you-go"
created = "2019-03-01"
[subscription.corp]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.net]
address_space = ["10.0.0.0/16"]
[network.net.subnet.web]
prefixes = ["10.0.1.0/24"]
route_table = "half"
[network.net.subnet.hub]
prefixes = ["10.0.2.0/24"]
[route-table.half]
routes = [{ROUTES}]
[machine.vm-web]
subscription = "shop"
network = "net"
subnet = "web"
addresses = ["10.0.1.4"]
[machine.nva]
subscription = "corp"
network = "net"
subnet = "hub"
addresses = ["10.0.2.4"]
ip_forwarding = true
"#;

#[test]
fn a_prefix_stands_for_no_address_that_a_longer_one_holds() {
    let hop = "next_hop = \"virtual-appliance\", address = \"10.0.2.4\"";
    let cases = [
        (format!("{{ prefix = \"0.0.0.0/1\", {hop} }}"), "203.0.113.25", false),
        (format!("{{ prefix = \"0.0.0.0/1\", {hop} }}"), "9.9.9.9", true),
        (
            format!(
                "{{ prefix = \"203.0.113.0/24\", next_hop = \"internet\" }}, \
                 {{ prefix = \"203.0.113.0/28\", {hop} }}"
            ),
            "203.0.113.25",
            false,
        ),
        (
            format!(
                "{{ prefix = \"0.0.0.0/0\", {hop} }}, \
                 {{ prefix = \"0.0.0.0/1\", next_hop = \"internet\" }}"
            ),
            "203.0.113.25",
            true,
        ),
    ];
    for (routes, to, through) in cases {
        let world = crate::support::world(&HALF.replace("{ROUTES}", &routes), "");
        let (name, machine) = world.machines().get_key_value("vm-web").unwrap();
        let class = SenderClass::of(&world, name, machine, &machine.interfaces[0]);
        let cells = CellMap::new(&world).cells(&class);
        let cell = cells.at(to.parse().unwrap()).unwrap();
        assert_eq!(cell.next.is_some(), through, "{routes}: {to}");
        assert_eq!(matches!(cell.leads_to, LeadsTo::Edge), !through, "{routes}: {to}");
    }
}

/// How many ranges are looked at for all classes of a world.
fn cost(text: &str) -> usize {
    let lab = InventoryFile::parse(text).unwrap();
    let world = lab.build(&Edition::default_edition().unwrap(), &[]).unwrap().world;
    let mut map = CellMap::new(&world);
    for (name, machine) in world.machines() {
        for interface in &machine.interfaces {
            let cells = map.cells(&SenderClass::of(&world, name, machine, interface));
            assert!(cells.iter().count() > 1);
        }
    }
    map.looked_at()
}

/// Appliances each of whose routes leads to the next, and from the last to the first.
fn ring(size: usize) -> String {
    let mut text = "[subscription.s]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
                    [network.n]\naddress_space = [\"10.0.0.0/8\"]\n"
        .to_owned();
    let at = |number: usize, rest: &str| format!("10.{}.{}.{rest}", number / 200, number % 200);
    for number in 0..size {
        let next = at((number + 1) % size, "4");
        let prefix = at(number, "0/24");
        text.push_str(&format!(
            "[network.n.subnet.s{number}]\nprefixes = [\"{prefix}\"]\nroute_table = \"t{number}\"\n\
             [route-table.t{number}]\nroutes = [{{ prefix = \"0.0.0.0/0\", \
             next_hop = \"virtual-appliance\", address = \"{next}\" }}]\n\
             [machine.m{number}]\nsubscription = \"s\"\nnetwork = \"n\"\nsubnet = \"s{number}\"\n\
             addresses = [\"{}\"]\nip_forwarding = true\n",
            at(number, "4")
        ));
    }
    text
}

/// One subnet with a table of many routes, every other one through an appliance.
fn long_table(size: usize) -> String {
    let routes: Vec<String> = (0..size)
        .map(|number| {
            let prefix = format!("100.{}.{}.0/24", number / 256, number % 256);
            let hop = if number % 2 == 0 {
                "\"virtual-appliance\", address = \"10.0.2.4\""
            } else {
                "\"internet\""
            };
            format!("{{ prefix = \"{prefix}\", next_hop = {hop} }}")
        })
        .collect();
    HALF.replace("{ROUTES}", &routes.join(", "))
}

/// Networks that all are peered with each other; each sends all through an appliance of the next.
fn mesh(size: usize) -> String {
    let mut text =
        "[subscription.s]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n".to_owned();
    for number in 0..size {
        let next = (number + 1) % size;
        let peers: Vec<_> =
            (0..size).filter(|peer| *peer != number).map(|peer| format!("\"n{peer}\"")).collect();
        text.push_str(&format!(
            "[network.n{number}]\naddress_space = [\"10.1.{number}.0/24\"]\npeerings = [{}]\n\
             [network.n{number}.subnet.a]\nprefixes = [\"10.1.{number}.0/24\"]\n\
             route_table = \"t{number}\"\n[route-table.t{number}]\nroutes = [{{ \
             prefix = \"0.0.0.0/0\", next_hop = \"virtual-appliance\", address = \"10.1.{next}.4\" \
             }}]\n[machine.m{number}]\nsubscription = \"s\"\nnetwork = \"n{number}\"\n\
             subnet = \"a\"\naddresses = [\"10.1.{number}.4\"]\nip_forwarding = true\n",
            peers.join(", ")
        ));
    }
    text
}

#[test]
fn ten_times_the_world_is_looked_at_ten_times() {
    let families = [
        ("ring", ring as fn(usize) -> String, 40),
        ("long table", long_table, 40),
        ("mesh", mesh, 20),
    ];
    for (name, world, size) in families {
        let (small, large) = (cost(&world(size)), cost(&world(10 * size)));
        println!("{name}: {small} ranges for {size}, {large} for ten times as many");
        assert!(large <= 15 * small, "{name}: {small} ranges for {size}, {large} for ten times");
    }
}
