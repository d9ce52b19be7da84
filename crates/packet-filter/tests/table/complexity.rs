//! Time against size: ten times as much takes about ten times as long.
//!
//! Each family of inventories is read, built, asked and compiled at a size and at ten times that. What
//! counts is the time that this thread had the processor: others that run do not change it much,
//! and a step too many for each thing makes a hundred of ten. `EGRESS25_COMPLEXITY=azure` goes up to
//! ten times what Azure allows (`just complexity`), and prints the table.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use egress25_packet_filter::table::Table;
use egress25_policy::{Edition, InventoryFile, MachineName, Question, Source, by_source_port};
use rustix::time::{ClockId, clock_gettime};

/// The most that ten times the size may take, where sizes are small and times short.
const MOST_HERE: f64 = 40.0;
/// The most at Azure's sizes of a family, all of its stages together.
const MOST_AT_LIMITS: f64 = 15.0;
/// The most of a stage by itself: a short one has its small world near the processor and its large one
/// far away, which is no step too many.
const MOST_OF_A_STAGE: f64 = 20.0;
/// How often a family is run at most.
const MOST_RUNS: usize = 8;
/// A time that is too short to be compared with, in seconds.
const TOO_SHORT: f64 = 0.000_2;

type Writer = fn(usize) -> String;

/// The families, each with the size up to which Azure goes, or with ours where no page that we cite
/// names one.
const FAMILIES: &[(&str, usize, Writer)] = &[
    ("routes of a table", 400, routes),
    ("peerings of a hub", 500, hub),
    ("routes into peers", 400, into_peers),
    ("routes to what two peers have each", 400, into_two_peers),
    ("listed routes into peers", 500, listed_into_peers),
    ("gaps between peers", 500, between_peers),
    ("pairs of networks with one address", 500, pairs),
    ("addresses of a machine", 65_536, addresses),
    ("machines of a network", 65_536, machines),
    ("appliances in a ring", 1_000, ring),
    ("subnets of a network", 3_000, subnets),
    ("prefixes of an address space", 1_000, spaces),
    ("subscriptions", 5_000, subscriptions),
    ("networks", 1_000, networks),
    ("rules of a security group", 390, rules),
    ("rules for a source port each", 390, source_ports),
    ("prefixes of a rule", 1_000, targets),
    ("load balancers", 1_000, balancers),
    ("NAT gateways", 1_000, nat_gateways),
    ("events", 10_000, events),
    ("networks in a mesh, by peerings", 2_500, mesh),
];

const SUBSCRIPTION: &str =
    "[subscription.s]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n";
const NETWORK: &str = "[network.n]\naddress_space = [\"10.0.0.0/8\"]\n";

/// The address of a number, from 10.0.0.0 on.
fn inside(number: usize) -> Ipv4Addr {
    after([10, 0, 0, 0].into(), number)
}

/// An address so many behind another.
fn after(address: Ipv4Addr, more: usize) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(address) + u32::try_from(more).unwrap())
}

/// The address of a number, from 20.0.0.0 on.
fn outside(number: usize) -> Ipv4Addr {
    after([20, 0, 0, 0].into(), number)
}

fn machine(number: usize, network: &str, address: Ipv4Addr, more: &str) -> String {
    format!(
        "[machine.m{number}]\nsubscription = \"s\"\nnetwork = \"{network}\"\n\
         addresses = [\"{address}\"]\n{more}\n"
    )
}

fn all(of: usize, one: impl Fn(usize) -> String) -> String {
    (0..of).map(one).collect()
}

fn listed(of: usize, one: impl Fn(usize) -> String) -> String {
    (0..of).map(one).collect::<Vec<_>>().join(", ")
}

fn routes(size: usize) -> String {
    let route = |at: usize| match at % 2 {
        0 => format!("{{ prefix = \"{}/28\", next_hop = \"internet\" }}", outside(at * 32)),
        _ => format!(
            "{{ prefix = \"{}/28\", next_hop = \"virtual-appliance\", address = \"10.0.1.4\" }}",
            outside(at * 32)
        ),
    };
    format!(
        "{SUBSCRIPTION}{NETWORK}[network.n.subnet.a]\nprefixes = [\"10.0.0.0/24\"]\n\
         route_table = \"t\"\n[network.n.subnet.b]\nprefixes = [\"10.0.1.0/24\"]\n{}{}\
         [route-table.t]\nroutes = [{}]\n",
        machine(0, "n", inside(4), ""),
        machine(1, "n", inside(260), "ip_forwarding = true"),
        listed(size, route)
    )
}

fn hub(size: usize) -> String {
    let spoke = |at: usize| {
        let prefix = inside(at * 256);
        format!(
            "[network.n{at}]\naddress_space = [\"{prefix}/24\"]\npeerings = [\"hub\"]\n\
             [network.n{at}.subnet.default]\nprefixes = [\"{prefix}/24\"]\nroute_table = \"t\"\n{}",
            machine(at, &format!("n{at}"), inside(at * 256 + 4), "")
        )
    };
    format!(
        "{SUBSCRIPTION}[network.hub]\naddress_space = [\"172.16.0.0/16\"]\npeerings = [{}]\n\
         [machine.hub]\nsubscription = \"s\"\nnetwork = \"hub\"\naddresses = [\"172.16.0.4\"]\n\
         ip_forwarding = true\n[route-table.t]\nroutes = [{{ prefix = \"0.0.0.0/0\", \
         next_hop = \"virtual-appliance\", address = \"172.16.0.4\" }}]\n{}",
        listed(size, |at| format!("\"n{at}\"")),
        all(size, spoke)
    )
}

/// The first address of what two spokes of a [`star`] have both.
fn shared(at: usize) -> Ipv4Addr {
    inside((1 << 23) + at / 2 * 256)
}

/// A hub, whose subnet has something more, with spokes at every other network of 256 addresses. Each has
/// another network together with its neighbour, and one that all have; machines of theirs forward.
fn star(size: usize, subnet: &str, more: &str) -> String {
    let spoke = |at: usize| {
        let prefix = inside(at * 512);
        format!(
            "[network.n{at}]\naddress_space = [\"{prefix}/24\", \"{}/24\", \"192.168.0.0/16\"]\n\
             peerings = [\"hub\"]\n{}{}",
            shared(at),
            machine(2 * at + 1, &format!("n{at}"), inside(at * 512 + 4), "ip_forwarding = true"),
            machine(2 * at + 2, &format!("n{at}"), after(shared(at), 4), "ip_forwarding = true"),
        )
    };
    format!(
        "{SUBSCRIPTION}[network.hub]\naddress_space = [\"172.16.0.0/16\"]\npeerings = [{}]\n\
         [network.hub.subnet.default]\nprefixes = [\"172.16.0.0/16\"]\n{subnet}\n\
         {}{more}{}",
        listed(size, |at| format!("\"n{at}\"")),
        machine(0, "hub", [172, 16, 0, 4].into(), ""),
        all(size, spoke)
    )
}

/// A table of routes that the hub of a [`star`] uses.
fn star_with_table(size: usize, routes: &str) -> String {
    let table = format!("[route-table.t]\nroutes = [{routes}]\n");
    star(size, "route_table = \"t\"", &table)
}

fn to_appliance(at: usize, appliance: Ipv4Addr) -> String {
    format!(
        "{{ prefix = \"{}/28\", next_hop = \"virtual-appliance\", address = \"{appliance}\" }}",
        outside(at * 32)
    )
}

fn into_peers(size: usize) -> String {
    star_with_table(size, &listed(size, |at| to_appliance(at, inside(at * 512 + 4))))
}

fn into_two_peers(size: usize) -> String {
    star_with_table(size, &listed(size, |at| to_appliance(at, after(shared(at), 4))))
}

fn listed_into_peers(size: usize) -> String {
    let route = |at: usize| {
        let (own, of_all) = (inside(at * 512), after([192, 168, 0, 0].into(), at * 4));
        format!(
            "{{ prefix = \"{own}/24\", next_hop = \"vnet-peering\" }}, \
             {{ prefix = \"{of_all}/30\", next_hop = \"vnet-peering\" }}"
        )
    };
    star(size, &format!("effective_routes = [{}]", listed(size, route)), "")
}

fn between_peers(size: usize) -> String {
    star_with_table(size, "{ prefix = \"10.0.0.0/8\", next_hop = \"vnet-local\" }")
}

fn pairs(size: usize) -> String {
    let one = |at: usize| {
        let hub = machine(at, &format!("hub{at}"), inside(4), "ip_forwarding = true");
        let prefix = inside(at * 256 + (1 << 20));
        format!(
            "[network.hub{at}]\naddress_space = [\"10.0.0.0/24\"]\npeerings = [\"n{at}\"]\n{hub}\
             [network.n{at}]\naddress_space = [\"{prefix}/24\"]\npeerings = [\"hub{at}\"]\n\
             [network.n{at}.subnet.default]\nprefixes = [\"{prefix}/24\"]\nroute_table = \"t\"\n"
        )
    };
    format!(
        "{SUBSCRIPTION}[route-table.t]\nroutes = [{{ prefix = \"0.0.0.0/0\", next_hop = \
         \"virtual-appliance\", address = \"10.0.0.4\" }}]\n{}",
        all(size, one)
    )
}

fn addresses(size: usize) -> String {
    let list = listed(size, |at| format!("\"{}\"", inside(at + 4)));
    format!(
        "{SUBSCRIPTION}{NETWORK}[machine.m0]\nsubscription = \"s\"\nnetwork = \"n\"\n\
         addresses = [{list}]\n"
    )
}

fn machines(size: usize) -> String {
    format!("{SUBSCRIPTION}{NETWORK}{}", all(size, |at| machine(at, "n", inside(at + 4), "")))
}

fn ring(size: usize) -> String {
    let one = |at: usize| {
        let next = inside((at + 1) % size * 16 + 4);
        format!(
            "[network.n.subnet.s{at}]\nprefixes = [\"{}/28\"]\nroute_table = \"t{at}\"\n\
             [route-table.t{at}]\nroutes = [{{ prefix = \"0.0.0.0/0\", next_hop = \
             \"virtual-appliance\", address = \"{next}\" }}]\n{}",
            inside(at * 16),
            machine(at, "n", inside(at * 16 + 4), "ip_forwarding = true")
        )
    };
    format!("{SUBSCRIPTION}{NETWORK}{}", all(size, one))
}

fn subnets(size: usize) -> String {
    let one = |at: usize| {
        format!(
            "[network.n.subnet.s{at}]\nprefixes = [\"{}/28\"]\n{}",
            inside(at * 16),
            machine(at, "n", inside(at * 16 + 4), "")
        )
    };
    format!("{SUBSCRIPTION}{NETWORK}{}", all(size, one))
}

fn spaces(size: usize) -> String {
    let list = listed(size, |at| format!("\"{}/28\"", inside(at * 32)));
    format!(
        "{SUBSCRIPTION}[network.n]\naddress_space = [{list}]\n{}",
        machine(0, "n", inside(4), "")
    )
}

fn subscriptions(size: usize) -> String {
    let one = |at: usize| {
        format!(
            "{}{}",
            SUBSCRIPTION.replace("subscription.s", &format!("subscription.s{at}")),
            machine(at, "n", inside(at + 4), "").replace("\"s\"", &format!("\"s{at}\""))
        )
    };
    format!("{NETWORK}{}", all(size, one))
}

fn networks(size: usize) -> String {
    let one = |at: usize| {
        format!(
            "[network.n{at}]\naddress_space = [\"{}/24\"]\n{}",
            inside(at * 256),
            machine(at, &format!("n{at}"), inside(at * 256 + 4), "")
        )
    };
    format!("{SUBSCRIPTION}{}", all(size, one))
}

/// A machine in a subnet with a security group.
fn screened(group: &str) -> String {
    format!(
        "{SUBSCRIPTION}{NETWORK}[network.n.subnet.a]\nprefixes = [\"10.0.0.0/24\"]\n\
         security_group = \"g\"\n{}[security-group.g]\nrules = [{group}]\n",
        machine(0, "n", inside(4), "")
    )
}

fn rules(size: usize) -> String {
    screened(&listed(size, |at| {
        let access = if at.is_multiple_of(2) { "allow" } else { "deny" };
        format!(
            "{{ name = \"r{at}\", priority = {}, direction = \"outbound\", access = \"{access}\", \
             destination = \"{}/28\" }}",
            at + 100,
            outside(at * 32)
        )
    }))
}

fn source_ports(size: usize) -> String {
    screened(&listed(size, |at| {
        let access = if at.is_multiple_of(2) { "allow" } else { "deny" };
        format!(
            "{{ name = \"r{at}\", priority = {}, direction = \"outbound\", access = \"{access}\", \
             source_ports = {} }}",
            at + 100,
            at * 10
        )
    }))
}

fn targets(size: usize) -> String {
    let list = listed(size, |at| format!("\"{}/28\"", outside(at * 32)));
    screened(&format!(
        "{{ name = \"r\", priority = 100, direction = \"outbound\", access = \"deny\", \
         destination = [{list}] }}"
    ))
}

fn balancers(size: usize) -> String {
    let one = |at: usize| {
        let address = outside(at);
        format!(
            "[load-balancer.l{at}]\naddresses = [\"{address}\"]\nmachines = [\"m0\"]\n\
             outbound_rules = [\"{address}\"]\n"
        )
    };
    format!("{SUBSCRIPTION}{NETWORK}{}{}", machine(0, "n", inside(4), ""), all(size, one))
}

fn nat_gateways(size: usize) -> String {
    let one = |at: usize| {
        format!(
            "[nat-gateway.g{at}]\naddresses = [\"{}\"]\n[network.n.subnet.s{at}]\n\
             prefixes = [\"{}/28\"]\nnat_gateway = \"g{at}\"\n",
            outside(at),
            inside(at * 16)
        )
    };
    format!("{SUBSCRIPTION}{NETWORK}{}{}", machine(0, "n", inside(4), ""), all(size, one))
}

fn events(size: usize) -> String {
    let one = |at: usize| {
        let kind = if at.is_multiple_of(2) { "machine-stopped" } else { "machine-started" };
        let (day, second) = (1 + at / 80_000, at % 80_000);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!(
            "[[event]]\nat = \"2020-12-{day:02}T{hour:02}:{minute:02}:{second:02}Z\"\n\
             kind = \"{kind}\"\nmachine = \"m0\"\n"
        )
    };
    format!("{SUBSCRIPTION}{NETWORK}{}{}", machine(0, "n", inside(4), ""), all(size, one))
}

/// Networks that are all peered with each other: as many that there are so many peerings.
fn mesh(size: usize) -> String {
    let all_of_them = size.isqrt();
    let one = |at: usize| {
        let others = (0..all_of_them).filter(|other| *other != at);
        let others: Vec<_> = others.map(|other| format!("\"n{other}\"")).collect();
        format!(
            "[network.n{at}]\naddress_space = [\"{}/24\"]\npeerings = [{}]\n{}",
            inside(at * 256),
            others.join(", "),
            machine(at, &format!("n{at}"), inside(at * 256 + 4), "")
        )
    };
    format!("{SUBSCRIPTION}{}", all(all_of_them, one))
}

/// The time that this thread had the processor, in seconds.
fn processor_time() -> f64 {
    let at = clock_gettime(ClockId::ThreadCPUTime);
    let at = Duration::try_from(at).unwrap();
    at.as_secs_f64()
}

const STAGES: [&str; 5] = ["read", "build", "warn", "decide", "compile"];
/// All of them together.
const TOGETHER: &str = "all";

/// Takes what a stage before it left in the processor's caches out of them: they hold a small world and
/// not a large one, which would count as steps.
fn cool(junk: &mut [u64]) {
    junk.iter_mut().for_each(|word| *word = word.wrapping_add(1));
    std::hint::black_box(junk);
}

/// What each stage took: reading, building with everything that happened, warnings, a question for
/// every source port, the table.
fn stages(text: &str, junk: &mut [u64]) -> [f64; STAGES.len()] {
    let edition = Edition::named("2020-12").unwrap();
    cool(junk);
    let mut at = processor_time();
    let mut lap = || {
        let took = processor_time() - at;
        cool(junk);
        at = processor_time();
        took
    };
    let file = InventoryFile::parse(text).unwrap();
    let read = lap();
    let inventory = file.build(&edition, &[]).unwrap();
    let mut timeline = inventory.timeline(vec![]).unwrap();
    let end = timeline.position_at(jiff::Timestamp::MAX);
    timeline.move_to(end, |_, _| {}).unwrap();
    let world = timeline.world();
    let built = lap();
    drop(world.surprises());
    let warned = lap();
    let question = Question {
        source: Source::Machine(MachineName::from("m0")),
        destination: "203.0.113.25".parse().unwrap(),
        port: 25,
        source_port: None,
    };
    std::hint::black_box(by_source_port(world, &question));
    let decided = lap();
    drop(Table::compile(world, 0).unwrap());
    [read, built, warned, decided, lap()]
}

/// A family at a size and at ten times that: the least that each stage took so far.
struct Family {
    texts: [String; 2],
    least: [[f64; STAGES.len()]; 2],
}

impl Family {
    fn new(size: usize, write: Writer) -> Self {
        let texts = [size, size * 10].map(write);
        Self { texts, least: [[f64::MAX; STAGES.len()]; 2] }
    }

    fn run(&mut self, junk: &mut [u64]) {
        for (text, least) in self.texts.iter().zip(&mut self.least) {
            for (least, found) in least.iter_mut().zip(stages(text, junk)) {
                *least = least.min(found);
            }
        }
    }

    /// What each stage took at both sizes, and all of them, and how many times as long at the larger.
    fn times(&self) -> impl Iterator<Item = (&'static str, f64, f64, f64)> {
        let [few, many] = self.least;
        let both = STAGES.into_iter().zip(few).zip(many);
        let stages = both.map(|((stage, few), many)| (stage, few, many));
        let all = (TOGETHER, few.iter().sum(), many.iter().sum());
        let rows = stages.chain([all]);
        rows.map(|(stage, few, many): (_, f64, f64)| (stage, few, many, many / few.max(TOO_SHORT)))
    }
}

#[test]
fn ten_times_as_much_took_a_hundred_times_as_long() {
    let at_limits = std::env::var("EGRESS25_COMPLEXITY").is_ok_and(|word| word == "azure");
    let part = if at_limits { 1 } else { 40 };
    let most = |stage| match (at_limits, stage) {
        (false, _) => MOST_HERE,
        (true, TOGETHER) => MOST_AT_LIMITS,
        (true, _) => MOST_OF_A_STAGE,
    };
    let mut junk = vec![0; if at_limits { 8 << 20 } else { 0 }];
    let (mut table, mut slow) = (String::new(), Vec::new());
    for (family, limit, write) in FAMILIES {
        let size = (limit / part).max(250);
        let mut family_of = Family::new(size, *write);
        // What runs beside it makes some runs long: as many as it takes to tell it from a square.
        for _ in 0..MOST_RUNS {
            family_of.run(&mut junk);
            if family_of.times().all(|(stage, .., times)| times <= most(stage)) {
                break;
            }
        }
        for (stage, few, many, times) in family_of.times() {
            let (before, after) = (few * 1e3, many * 1e3);
            let row = format!(
                "{family:<32} {size:>6} {stage:<8} {before:>10.2} ms {after:>10.2} ms {times:>6.1}"
            );
            let _ = writeln!(table, "{row}");
            if times > most(stage) {
                slow.push(row);
            }
        }
    }
    if at_limits {
        println!("{table}");
    }
    assert!(slow.is_empty(), "longer than ten times as much may take:\n{}", slow.join("\n"));
}
