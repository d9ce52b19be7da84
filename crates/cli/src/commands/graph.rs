//! `graph`: an inventory as a picture.

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_lab::network::graph::{Graph, GraphLine, GraphNodeId, GraphShape};
use egress25_policy::{
    MachineName, NatGatewayName, NetworkName, NextHop, RouteOrigin, SubnetName, World,
    effective_routes,
};

use crate::args::{EditionArgs, GraphArgs, GraphFormat};
use crate::read::inventory::world_as_of;
use crate::say::console::Console;
use crate::say::failure::Failure;

/// Writes the graph of an inventory.
///
/// # Errors
/// The inventory is bad, or the write failed.
pub fn run(args: &GraphArgs, console: &mut Console) -> Result<(), Failure> {
    let world = world_as_of(&args.inventory, &EditionArgs::default(), args.at)?;
    write(&of(&world), args.format, console)
}

/// Writes a graph.
///
/// # Errors
/// The write failed.
pub(super) fn write(
    graph: &Graph,
    format: GraphFormat,
    console: &mut Console,
) -> Result<(), Failure> {
    let text = match format {
        GraphFormat::Dot => graph.dot(),
        GraphFormat::Mermaid => graph.mermaid(),
    };
    console.lines(&text)
}

/// An inventory's graph while it is made.
struct Drawing<'a> {
    world: &'a World,
    graph: Graph,
    networks: BTreeMap<&'a NetworkName, GraphNodeId>,
    subnets: BTreeMap<(&'a NetworkName, &'a SubnetName), GraphNodeId>,
    machines: BTreeMap<&'a MachineName, GraphNodeId>,
    nat_gateways: BTreeMap<&'a NatGatewayName, GraphNodeId>,
    firewalls: BTreeMap<(&'a NetworkName, IpAddr), GraphNodeId>,
    internet: Option<GraphNodeId>,
    others: BTreeMap<String, GraphNodeId>,
}

/// The graph of a world: its networks and subnets, who stands in them, and where routes lead.
fn of(world: &World) -> Graph {
    let mut drawing = Drawing {
        world,
        graph: Graph::default(),
        networks: BTreeMap::new(),
        subnets: BTreeMap::new(),
        machines: BTreeMap::new(),
        nat_gateways: BTreeMap::new(),
        firewalls: BTreeMap::new(),
        internet: None,
        others: BTreeMap::new(),
    };
    drawing.networks();
    drawing.peerings();
    drawing.machines();
    drawing.firewalls();
    drawing.ways_out();
    drawing.routes();
    drawing.graph
}

impl<'a> Drawing<'a> {
    fn networks(&mut self) {
        for (name, network) in self.world.networks() {
            let mut lines = vec![format!("network {name}")];
            lines.extend(network.address_space.iter().map(ToString::to_string));
            if let Some(gateway) = &network.gateway {
                lines.push(NextHop::Gateway(Some(gateway.kind)).text());
            }
            let id = self.graph.node(GraphShape::Network, lines);
            self.networks.insert(name, id);
            for (subnet_name, subnet) in &network.subnets {
                let mut lines = vec![format!("subnet {subnet_name}")];
                lines.extend(subnet.prefixes.iter().map(ToString::to_string));
                let group = subnet.security_group.as_ref();
                lines.extend(group.map(|group| format!("security group {group}")));
                let subnet = self.graph.node(GraphShape::Subnet, lines);
                self.graph.join(id, subnet, GraphLine::Plain, None);
                self.subnets.insert((name, subnet_name), subnet);
            }
        }
    }

    /// Peerings: one that has both sides is drawn once, one without as broken.
    fn peerings(&mut self) {
        for (name, network) in self.world.networks() {
            for peering in &network.peerings {
                let other = &peering.network;
                let ends = (self.networks.get(name), self.networks.get(other));
                let (Some(from), Some(to)) = ends else { continue };
                let line = match self.world.peering(other, name) {
                    Some(_) if other < name => continue,
                    Some(_) => GraphLine::Plain,
                    None => GraphLine::Broken,
                };
                self.graph.join(*from, *to, line, Some("peering".to_owned()));
            }
        }
    }

    fn machines(&mut self) {
        for (name, machine) in self.world.machines() {
            let subscription = &machine.subscription;
            let offer = self.world.subscriptions().get(subscription).map(|known| known.offer);
            let offer = offer.map_or_else(String::new, |offer| format!(" ({offer})"));
            let mut lines = vec![name.to_string(), format!("subscription {subscription}{offer}")];
            let addresses = machine.interfaces.iter().flat_map(|one| &one.addresses);
            lines.extend(addresses.map(ToString::to_string));
            let public = machine.interfaces.iter().flat_map(|one| &one.public_addresses);
            lines.extend(public.map(|address| format!("public {address}")));
            if machine.forwards() {
                lines.push("forwards".to_owned());
            }
            let id = self.graph.node(GraphShape::Machine, lines);
            self.machines.insert(name, id);
            for interface in &machine.interfaces {
                let subnet = self.subnets.get(&(&interface.network, &interface.subnet));
                let network = subnet.or_else(|| self.networks.get(&interface.network));
                if let Some(place) = network {
                    self.graph.join(*place, id, GraphLine::Plain, None);
                }
            }
        }
    }

    fn firewalls(&mut self) {
        for (name, firewall) in self.world.firewalls() {
            let lines = vec![
                format!("Azure Firewall {name}"),
                format!("subscription {}", firewall.subscription),
                firewall.address.to_string(),
            ];
            let id = self.graph.node(GraphShape::Firewall, lines);
            if let Some(subnet) = self.subnets.get(&(&firewall.network, &firewall.subnet)) {
                self.graph.join(*subnet, id, GraphLine::Plain, None);
            }
            self.firewalls.insert((&firewall.network, firewall.address), id);
        }
    }

    /// NAT gateways, and machines with public addresses of their own.
    fn ways_out(&mut self) {
        for (name, network) in self.world.networks() {
            for (subnet_name, subnet) in &network.subnets {
                let gateway = subnet.nat_gateway.as_ref().or(network.nat_gateway.as_ref());
                let from = self.subnets.get(&(name, subnet_name)).copied();
                if let (Some(gateway), Some(from)) = (gateway, from) {
                    let to = self.nat_gateway(gateway);
                    self.graph.join(from, to, GraphLine::Leads, Some("way out".to_owned()));
                }
            }
        }
        for (name, machine) in self.world.machines() {
            let is_public =
                machine.interfaces.iter().any(|interface| !interface.public_addresses.is_empty());
            if let Some(from) = self.machines.get(name).copied().filter(|_| is_public) {
                let to = self.internet();
                self.graph.join(from, to, GraphLine::Leads, Some("public address".to_owned()));
            }
        }
    }

    fn nat_gateway(&mut self, name: &'a NatGatewayName) -> GraphNodeId {
        if let Some(known) = self.nat_gateways.get(name) {
            return *known;
        }
        let id = self.graph.node(GraphShape::WayOut, vec![format!("NAT gateway {name}")]);
        self.nat_gateways.insert(name, id);
        let internet = self.internet();
        self.graph.join(id, internet, GraphLine::Leads, None);
        id
    }

    /// The user-defined routes of each subnet.
    fn routes(&mut self) {
        let world = self.world;
        let subnets = self.subnets.clone();
        for ((network, subnet), from) in subnets {
            let routes = effective_routes(world, network, subnet);
            for route in routes.iter().filter(|route| route.origin == RouteOrigin::User) {
                let to = match &route.next_hop {
                    NextHop::Appliance(address) => self.appliance(network, *address),
                    NextHop::Internet => self.internet(),
                    NextHop::Gateway(_) => match self.networks.get(network) {
                        Some(network) => *network,
                        None => continue,
                    },
                    NextHop::None => self.other("nowhere".to_owned()),
                    NextHop::VirtualNetwork | NextHop::Peering(_) | NextHop::ServiceEndpoint => {
                        continue;
                    }
                };
                let label = format!("route {}", route.prefix);
                self.graph.join(from, to, GraphLine::Leads, Some(label));
            }
        }
    }

    /// Who has the address that a route of a network leads to.
    fn appliance(&mut self, network: &NetworkName, address: IpAddr) -> GraphNodeId {
        let Some(place) = self.world.network_of_appliance(network, address) else {
            return self.other(format!("{address}, which nobody has"));
        };
        if let Some(firewall) = self.firewalls.get(&(place, address)) {
            return *firewall;
        }
        let owner = self.world.owner(place, address).map(|(name, ..)| name);
        match owner.and_then(|name| self.machines.get(name)) {
            Some(machine) => *machine,
            None => self.other(format!("load balancer at {address} in {place}")),
        }
    }

    fn internet(&mut self) -> GraphNodeId {
        let graph = &mut self.graph;
        let new = || graph.node(GraphShape::Internet, vec!["Internet".to_owned()]);
        *self.internet.get_or_insert_with(new)
    }

    /// What is no part of the inventory, or one that is named by its place alone; each once.
    fn other(&mut self, name: String) -> GraphNodeId {
        let graph = &mut self.graph;
        let new = |name: &String| graph.node(GraphShape::Host, vec![name.clone()]);
        *self.others.entry(name).or_insert_with_key(new)
    }
}
