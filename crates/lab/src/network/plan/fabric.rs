//! Nodes and links of a world: fabrics, edges, the Internet, machines, firewalls, hosts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use egress25_policy::{
    Machine, MachineName, NetworkName, NextHop, SubnetName, World, in_a_line, winning_routes,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::error::LabError;
use crate::network::hosts::Hosts;
use crate::network::plan::{
    Book, LinkEnd, MAIN, NOWHERE, NodeId, NodeKind, Plan, PlannedHop, Point, Stands, VethPair,
};

/// How many links a lab may have: the addresses between fabrics are made of their numbers.
const LINKS: usize = 4_095;

/// The table with a fabric's own hosts, peerings and what is behind its gateway.
const HOSTS: u32 = 1_000;
/// The tables of subnets begin here.
const SUBNETS: u32 = 10_000;
/// The tables of links to appliances of peered networks begin here.
const TUNNELS: u32 = 1_000_000;

/// The address of a router on every link towards what it serves (RFC 3927, RFC 4291).
pub(crate) const ROUTER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 1, 1));
pub(crate) const ROUTER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
/// The address of an edge on its links.
pub(super) const EDGE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 1, 2));
pub(super) const EDGE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2));

/// The addresses by which the Internet's router says that a packet does not get further, or is too
/// large: those of links mean nothing elsewhere, and what bears one is not taken on. The first is for
/// routers without a better one (RFC 7600, 4.8).
pub(super) const INTERNET_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));
pub(super) const INTERNET_V6: IpAddr =
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x25, 0, 0, 0, 0, 1));

pub(crate) fn host_net(address: IpAddr) -> IpNet {
    IpNet::from(address)
}

/// A link-local IPv6 address carries the link's prefix; every other one stands alone.
fn assigned(address: IpAddr) -> IpNet {
    match address {
        IpAddr::V6(v6) if v6.segments().first() == Some(&0xfe80) => {
            IpNet::V6(Ipv6Net::new(v6, 64).unwrap_or_else(|_| v6.into()))
        }
        other => host_net(other),
    }
}

pub(crate) fn any(v4: bool) -> IpNet {
    if v4 { IpNet::V4(Ipv4Net::default()) } else { IpNet::V6(Ipv6Net::default()) }
}

pub(super) fn end(node: NodeId, interface: &str, addresses: &[IpAddr]) -> LinkEnd {
    let addresses = addresses.iter().map(|address| assigned(*address)).collect();
    LinkEnd { node, interface: interface.to_owned(), addresses }
}

impl Plan {
    /// Works out the plan of a world with hosts around it. With `wires` a node is put between
    /// each judged port and its fabric, where frames are handed on by a program.
    ///
    /// # Errors
    /// The world cannot be built: a name is used twice, or an appliance's address is nobody's.
    pub fn of(world: &World, hosts: &Hosts, wires: bool) -> Result<Self, LabError> {
        let mut plan = build(world, hosts)?;
        if wires {
            plan.wires = Some(plan.add_node(NodeKind::Wires, "wires", false));
            plan.insert_wires(0);
        }
        Ok(plan)
    }

    /// The plan with one more machine, which was deployed later. Nodes, links, points, routes and
    /// rules are added behind the others, which stay as they are.
    ///
    /// # Errors
    /// Its network is none of the plan's, or its name is taken.
    pub fn joined(&self, world: &World, machine: &MachineName) -> Result<Self, LabError> {
        let mut plan = join(self.clone(), world, machine)?;
        plan.insert_wires(self.points.len());
        Ok(plan)
    }

    /// Puts a pair of interfaces of the node of wires between both ends of every judged link, from
    /// a point on.
    fn insert_wires(&mut self, from: usize) {
        let Some(wires) = self.wires else { return };
        let mut added = Vec::new();
        for (number, point) in self.points.iter_mut().enumerate().skip(from) {
            let at_point =
                |end: &LinkEnd| end.node == point.node && end.interface == point.interface;
            let link = self.links.iter_mut().find(|l| at_point(&l.left) || at_point(&l.right));
            let Some(link) = link else { continue };
            let end = |interface: String| LinkEnd { node: wires, interface, addresses: vec![] };
            let (outer, inner) = (format!("o{number}"), format!("i{number}"));
            let mut towards = [end(inner.clone()), end(outer.clone())];
            if !at_point(&link.left) {
                towards.reverse();
            }
            let [towards_left, towards_right] = towards;
            let right = std::mem::replace(&mut link.right, towards_left);
            added.push(VethPair { left: towards_right, right });
            point.node = wires;
            point.interface = outer;
            point.onward = Some(inner);
        }
        self.links.extend(added);
    }
}

/// The longest name of a node that stands for somebody, in bytes: its folder has it, and no file
/// system takes a longer one (NAME_MAX).
const LONGEST_NODE: usize = 255;

pub(super) struct Builder<'a> {
    pub(super) world: &'a World,
    pub(super) plan: Plan,
    pub(super) book: Book,
}

pub(crate) fn build(world: &World, hosts: &Hosts) -> Result<Plan, LabError> {
    crate::network::hosts::check_hosts(hosts, world)?;
    let mut plan = Plan::default();
    let internet = plan.add_node(NodeKind::Internet, "internet", true);
    plan.names.insert("internet".to_owned(), internet);
    let mut builder = Builder { world, plan, book: Book { internet, ..Book::default() } };
    builder.networks(hosts)?;
    builder.machines()?;
    builder.firewalls()?;
    builder.hosts(hosts)?;
    builder.peerings();
    builder.subnets(0);
    builder.done()
}

/// Lets a machine that was deployed later join a plan. What was there stays as it was.
pub(super) fn join(plan: Plan, world: &World, name: &MachineName) -> Result<Plan, LabError> {
    let unbuilt = |what: &str| LabError::input(format!("machine.{name}"), what);
    let machine = world.machines().get(name).ok_or_else(|| unbuilt("there is no such machine"))?;
    let book = plan.book.clone();
    if let Some(missing) =
        machine.interfaces.iter().find(|interface| !book.fabrics.contains_key(&interface.network))
    {
        let what = format!("its network `{}` came after the lab was built", missing.network);
        return Err(unbuilt(&what));
    }
    let before = plan.points.len();
    let mut builder = Builder { world, plan, book };
    builder.machine(name, machine)?;
    builder.subnets(before);
    builder.done()
}

impl Builder<'_> {
    fn done(mut self) -> Result<Plan, LabError> {
        if self.book.number > LINKS {
            let what = format!("a lab has at most {LINKS} interfaces and peerings");
            return Err(LabError::input("lab", what));
        }
        self.plan.book = self.book;
        Ok(self.plan)
    }

    pub(super) fn next(&mut self, letter: char) -> String {
        self.book.number = self.book.number.saturating_add(1);
        format!("{letter}{}", self.book.number)
    }

    /// A node that stands for somebody: its name is that of its host, and of its folder.
    fn host(&mut self, name: &str, node: NodeId) -> Result<(), LabError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        // One that begins with a dash is an option to `lab exec`, one with a dot leads out of its folder.
        let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !begins || name.len() > LONGEST_NODE || !name.chars().all(fits) {
            let what = format!(
                "in a lab a machine, firewall or host is called by 1 to {LONGEST_NODE} of the letters a \
                 to z and A to Z, digits, `-`, `_` and `.`, beginning with a letter, a digit or `_` \
                 (this has {} bytes); rename it in a copy of the inventory or the file of hosts",
                name.len()
            );
            return Err(LabError::input(in_a_line(name).into_owned(), what));
        }
        self.named(name, node)
    }

    pub(super) fn named(&mut self, name: &str, node: NodeId) -> Result<(), LabError> {
        if self.plan.names.insert(name.to_owned(), node).is_some() {
            let what = "another machine, firewall or host of the lab has the same name";
            return Err(LabError::input(name, what));
        }
        Ok(())
    }

    /// A fabric and an edge for each network.
    fn networks(&mut self, hosts: &Hosts) -> Result<(), LabError> {
        let mut addresses = self.edge_addresses(hosts).into_iter();
        let internet = self.internet_addresses(hosts);
        for name in self.world.networks().keys() {
            let fabric = self.plan.add_node(NodeKind::Network(name.clone()), name.as_str(), true);
            self.named(&format!("network:{name}"), fabric)?;
            self.book.fabrics.insert(name.clone(), fabric);
            self.plan.rule(fabric, None, HOSTS, 5_000);
            for v4 in [true, false] {
                self.plan.route(fabric, NOWHERE, any(v4), PlannedHop::Blackhole, "");
            }
            let public = addresses.next().ok_or_else(|| {
                LabError::input(format!("network.{name}"), "a lab has at most 244 networks")
            })?;
            self.edge(name, fabric, public, &internet)?;
        }
        Ok(())
    }

    /// Joins a node to a fabric (or the Internet) by a port of its own.
    fn port(
        &mut self,
        router: NodeId,
        node: NodeId,
        interface: &str,
        addresses: &[IpAddr],
    ) -> String {
        let port = self.next('p');
        let up = [ROUTER_V4, ROUTER_V6];
        self.plan.link(end(router, &port, &up), end(node, interface, addresses));
        port
    }

    fn machines(&mut self) -> Result<(), LabError> {
        for (name, machine) in self.world.machines() {
            self.machine(name, machine)?;
        }
        Ok(())
    }

    fn machine(&mut self, name: &MachineName, machine: &Machine) -> Result<(), LabError> {
        let forwards = machine.interfaces.iter().any(|interface| interface.ip_forwarding);
        let kind = NodeKind::Machine(name.clone());
        let node = self.plan.add_node(kind, name.as_str(), forwards);
        self.host(name.as_str(), node)?;
        let default = machine.forwards_by.unwrap_or(0);
        for (number, interface) in machine.interfaces.iter().enumerate() {
            let Some(fabric) = self.book.fabrics.get(&interface.network).copied() else { continue };
            let device = format!("eth{number}");
            let port = self.port(fabric, node, &device, &interface.addresses);
            for address in &interface.addresses {
                self.plan.route(fabric, HOSTS, host_net(*address), PlannedHop::Direct, &port);
                self.book.ports.insert((interface.network.clone(), *address), port.clone());
            }
            self.public(interface);
            self.machine_routes(node, number, default, machine);
            self.plan.points.push(Point {
                node: fabric,
                interface: port,
                onward: None,
                network: interface.network.clone(),
                at: Stands::machine(self.world, name, machine, interface),
            });
        }
        Ok(())
    }

    /// A machine's default route leads by the interface that it forwards by; what it sends to
    /// the address space of another interface's network goes by that one.
    fn machine_routes(&mut self, node: NodeId, number: usize, default: usize, machine: &Machine) {
        let Some(interface) = machine.interfaces.get(number) else { return };
        let device = format!("eth{number}");
        for router in [ROUTER_V4, ROUTER_V6] {
            let family = |address: &IpAddr| address.is_ipv4() == router.is_ipv4();
            if !interface.addresses.iter().any(family) {
                continue;
            }
            if number == default {
                self.plan.route(
                    node,
                    MAIN,
                    any(router.is_ipv4()),
                    PlannedHop::Via(router),
                    &device,
                );
                continue;
            }
            let other = machine.interfaces.get(default).map(|found| &found.network);
            let network = self.world.networks().get(&interface.network);
            let prefixes: Vec<IpNet> = match network {
                Some(found) if other != Some(&interface.network) => found.address_space.clone(),
                // In the network of the default interface only the subnet is nearer.
                Some(found) => found
                    .subnets
                    .get(&interface.subnet)
                    .map(|subnet| subnet.prefixes.clone())
                    .unwrap_or_default(),
                None => vec![],
            };
            for prefix in prefixes {
                if prefix.addr().is_ipv4() == router.is_ipv4() {
                    self.plan.route(node, MAIN, prefix, PlannedHop::Via(router), &device);
                }
            }
        }
    }

    fn firewalls(&mut self) -> Result<(), LabError> {
        for (name, firewall) in self.world.firewalls() {
            let Some(fabric) = self.book.fabrics.get(&firewall.network).copied() else { continue };
            let kind = NodeKind::Firewall(name.clone());
            let node = self.plan.add_node(kind, name.as_str(), true);
            self.host(name.as_str(), node)?;
            let port = self.port(fabric, node, "eth0", &[firewall.address]);
            self.plan.route(fabric, HOSTS, host_net(firewall.address), PlannedHop::Direct, &port);
            self.book.ports.insert((firewall.network.clone(), firewall.address), port.clone());
            let router = if firewall.address.is_ipv4() { ROUTER_V4 } else { ROUTER_V6 };
            let all = any(router.is_ipv4());
            self.plan.route(node, MAIN, all, PlannedHop::Via(router), "eth0");
            let table = self.table(&firewall.network, &firewall.subnet);
            self.plan.rule(fabric, Some(&port), table, 1_000);
            // What leaves it is judged, also what it sends itself.
            self.plan.points.push(Point {
                node: fabric,
                interface: port,
                onward: None,
                network: firewall.network.clone(),
                at: Stands::Firewall { firewall: name.clone(), address: firewall.address },
            });
        }
        Ok(())
    }

    fn hosts(&mut self, hosts: &Hosts) -> Result<(), LabError> {
        for (name, host) in hosts {
            let node = self.plan.add_node(NodeKind::Host(name.clone()), name, false);
            self.host(name, node)?;
            let (router, table) = match &host.on_premises {
                None => (self.book.internet, MAIN),
                Some(network) => match self.book.fabrics.get(network) {
                    Some(fabric) => (*fabric, HOSTS),
                    None => continue,
                },
            };
            let port = self.port(router, node, "eth0", &host.addresses);
            for address in &host.addresses {
                self.plan.route(router, table, host_net(*address), PlannedHop::Direct, &port);
            }
            for gateway in [ROUTER_V4, ROUTER_V6] {
                if host.addresses.iter().any(|address| address.is_ipv4() == gateway.is_ipv4()) {
                    let all = any(gateway.is_ipv4());
                    self.plan.route(node, MAIN, all, PlannedHop::Via(gateway), "eth0");
                }
            }
        }
        Ok(())
    }

    /// A link between two peered networks, with the other's address space behind it.
    fn peerings(&mut self) {
        let mut done = Vec::new();
        for name in self.world.networks().keys() {
            for peer in self.world.peers(name) {
                let (Some(here), Some(there)) =
                    (self.book.fabrics.get(name).copied(), self.book.fabrics.get(peer).copied())
                else {
                    continue;
                };
                let pair = (here.min(there), here.max(there));
                if done.contains(&pair) {
                    continue;
                }
                done.push(pair);
                let link = self.next('q');
                let [left, right] = self.joined(here, there, &link);
                let spaces = [(here, peer, right), (there, name, left)];
                for (at, of, next) in spaces {
                    let Some(of) = self.world.networks().get(of) else { continue };
                    for prefix in &of.address_space {
                        let next = if prefix.addr().is_ipv4() { next.0 } else { next.1 };
                        self.plan.route(at, HOSTS, *prefix, PlannedHop::Via(next), &link);
                    }
                }
            }
        }
    }

    /// Joins two fabrics by a link whose ends have addresses of their own, and returns those.
    fn joined(&mut self, left: NodeId, right: NodeId, name: &str) -> [(IpAddr, IpAddr); 2] {
        let number = u16::try_from(self.book.number).unwrap_or(u16::MAX);
        let ends = [1_u8, 2].map(|side| {
            let [high, low] = number.to_be_bytes();
            let v4 = Ipv4Addr::new(169, 254, 16_u8.saturating_mul(side).saturating_add(high), low);
            let v6 = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, u16::from(side), number.max(16));
            (IpAddr::V4(v4), IpAddr::V6(v6))
        });
        let [(left_v4, left_v6), (right_v4, right_v6)] = ends;
        self.plan
            .link(end(left, name, &[left_v4, left_v6]), end(right, name, &[right_v4, right_v6]));
        ends
    }

    fn table(&mut self, network: &NetworkName, subnet: &SubnetName) -> u32 {
        let next = SUBNETS.saturating_add(u32::try_from(self.book.tables.len()).unwrap_or(0));
        *self.book.tables.entry((network.clone(), subnet.clone())).or_insert(next)
    }

    /// The routing table of every subnet that a machine or a firewall stands in, from a point on:
    /// those before have theirs.
    fn subnets(&mut self, from: usize) {
        let known = if from == 0 { BTreeMap::new() } else { self.book.tables.clone() };
        let points: Vec<_> = self
            .plan
            .points
            .iter()
            .skip(from)
            .filter_map(|p| Some((p.node, p.interface.clone(), p.at.class()?.clone())))
            .collect();
        for (node, port, class) in points {
            let table = self.table(&class.network, &class.subnet);
            self.plan.rule(node, Some(&port), table, 1_000);
            if let Some(table) = self.no_way_out(node, &class) {
                self.plan.rule(node, Some(&port), table, 900);
            }
        }
        for ((network, subnet), table) in self.book.tables.clone() {
            if known.contains_key(&(network.clone(), subnet.clone())) {
                continue;
            }
            let Some(fabric) = self.book.fabrics.get(&network).copied() else { continue };
            for route in winning_routes(self.world, &network, &subnet) {
                self.subnet_route(fabric, table, &network, &route.prefix, &route.next_hop);
            }
            // What has no route goes nowhere; without this, the next rule would count.
            for v4 in [true, false] {
                if !self.has_default(fabric, table, v4) {
                    self.plan.route(fabric, table, any(v4), PlannedHop::Blackhole, "");
                }
            }
        }
    }

    fn has_default(&self, node: NodeId, table: u32, v4: bool) -> bool {
        self.plan.nodes.get(node).is_some_and(|node| {
            node.routes.iter().any(|route| route.table == table && route.prefix == any(v4))
        })
    }

    fn subnet_route(
        &mut self,
        fabric: NodeId,
        table: u32,
        network: &NetworkName,
        prefix: &IpNet,
        next_hop: &NextHop,
    ) {
        let v4 = prefix.addr().is_ipv4();
        let edge = if v4 { EDGE_V4 } else { EDGE_V6 };
        let (hop, interface) = match next_hop {
            // The table of hosts knows where they are: its own, the peerings', the gateway's.
            NextHop::VirtualNetwork | NextHop::Peering(_) | NextHop::Gateway(Some(_)) => {
                (PlannedHop::Throw, String::new())
            }
            NextHop::Internet | NextHop::ServiceEndpoint => {
                (PlannedHop::Via(edge), "up".to_owned())
            }
            NextHop::Gateway(None) | NextHop::None => (PlannedHop::Blackhole, String::new()),
            NextHop::Appliance(address) => self.appliance_route(fabric, network, *address, v4),
        };
        self.plan.route(fabric, table, *prefix, hop, &interface);
    }

    /// The way to an appliance: its port, or for one in a peered network a link of its own to
    /// the fabric there, from which everything goes to the appliance.
    fn appliance_route(
        &mut self,
        fabric: NodeId,
        network: &NetworkName,
        address: IpAddr,
        v4: bool,
    ) -> (PlannedHop, String) {
        let nowhere = (PlannedHop::Blackhole, String::new());
        if address.is_ipv4() != v4 {
            return nowhere;
        }
        let Some(place) = self.world.network_of_appliance(network, address).cloned() else {
            return nowhere;
        };
        // Any of a load balancer's machines takes it on: in a lab always the same one.
        let behind = self.world.behind_frontend(&place, address);
        let of_family =
            behind.and_then(|(.., at)| at.addresses.iter().find(|at| at.is_ipv4() == v4));
        let address = of_family.copied().unwrap_or(address);
        let Some(port) = self.book.ports.get(&(place.clone(), address)).cloned() else {
            return nowhere;
        };
        if place == *network {
            return (PlannedHop::Via(address), port);
        }
        let Some(there) = self.book.fabrics.get(&place).copied() else { return nowhere };
        let link = self.next('t');
        let [_, right] = self.joined(fabric, there, &link);
        let table = TUNNELS.saturating_add(u32::try_from(self.book.number).unwrap_or(0));
        self.plan.rule(there, Some(&link), table, 900);
        self.plan.route(there, table, any(v4), PlannedHop::Via(address), &port);
        (PlannedHop::Via(if v4 { right.0 } else { right.1 }), link)
    }
}
