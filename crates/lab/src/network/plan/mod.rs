//! The plan of a lab: nodes, links between them, and what each node routes where.
//!
//! It is worked out from the world alone, before anything is made, so that it can be printed
//! ([`crate::network::graph`]) and tested without privileges.
//!
//! Every virtual network is a node of its own that routes (address spaces may overlap); every
//! interface of a machine is a link to it, as in the platform a port of the virtual switch.
//! Behind each network stands an edge that translates source addresses, after the filter as in
//! the platform, and behind the edges the Internet with its hosts. What a subnet's effective
//! routes say is a routing table of its own, looked up by the port that a packet comes from.

pub(crate) mod fabric;
pub(crate) mod routes;

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_policy::{
    FirewallName, Interface, Machine, MachineName, NetworkName, SenderClass, World, nearest,
};
use ipnet::IpNet;
use serde::Serialize;

use crate::error::LabError;
use crate::network::hosts::Hosts;

/// What a node stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum NodeKind {
    /// A virtual network's fabric.
    Network(NetworkName),
    /// The source address translation of a network.
    Edge(NetworkName),
    /// The Internet between the edges and the hosts.
    Internet,
    /// A machine.
    Machine(MachineName),
    /// An Azure Firewall.
    Firewall(FirewallName),
    /// A host on the Internet or on premises.
    Host(String),
    /// What is behind a network's gateway.
    OnPremises(NetworkName),
    /// Where frames are handed from wire to wire by the `afpacket` data path.
    Wires,
}

/// A node's number.
pub type NodeId = usize;

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedHop {
    /// Through an interface, straight to the address.
    Direct,
    /// Through an interface to a neighbour.
    Via(IpAddr),
    /// On with the next table.
    Throw,
    /// Nowhere, silently.
    Blackhole,
    /// Nowhere, with an ICMP error.
    Unreachable,
}

/// A route of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedRoute {
    /// The table; 254 is the main one.
    pub table: u32,
    /// The destinations.
    pub prefix: IpNet,
    /// Where they lead.
    pub hop: PlannedHop,
    /// The interface; empty for [`PlannedHop::Throw`] and the like.
    pub interface: String,
}

/// Which table counts for packets from an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedRule {
    /// The interface; `None`: any.
    pub interface: Option<String>,
    /// The table.
    pub table: u32,
    /// The place among the rules: the smaller, the earlier.
    pub priority: u32,
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkEnd {
    /// The node.
    pub node: NodeId,
    /// The interface's name there.
    pub interface: String,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

/// A pair of virtual Ethernet interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VethPair {
    /// One end: the one towards the fabric.
    pub left: LinkEnd,
    /// The other.
    pub right: LinkEnd,
}

/// A node: a network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// What it stands for.
    pub kind: NodeKind,
    /// Its name, as `lab exec` takes it.
    pub name: String,
    /// Whether it forwards packets.
    pub forwards: bool,
    /// Whether it hides what it forwards behind the address of an interface.
    pub masquerade: Option<String>,
    /// Its routing rules.
    pub rules: Vec<PlannedRule>,
    /// Its routes.
    pub routes: Vec<PlannedRoute>,
}

/// A place where SYNs to port 25 are judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The node in whose namespace the packets are judged.
    pub node: NodeId,
    /// The interface by which they come in there.
    pub interface: String,
    /// The network that they belong to.
    pub network: NetworkName,
    /// Whose port it is.
    pub at: Stands,
}

/// Who stands at a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Stands {
    /// A machine, with one of its interfaces.
    Machine {
        /// Its name.
        machine: MachineName,
        /// The class of what it sends there.
        class: SenderClass,
        /// The interface's addresses: what it sends bears one of them, unless it forwards.
        addresses: Vec<IpAddr>,
        /// Whether the interface forwards.
        forwards: bool,
    },
    /// An Azure Firewall.
    Firewall {
        /// Its name.
        firewall: FirewallName,
        /// Its address.
        address: IpAddr,
    },
}

impl Stands {
    /// A machine, with one of its interfaces.
    #[must_use]
    pub fn machine(name: &MachineName, machine: &Machine, interface: &Interface) -> Self {
        Self::Machine {
            machine: name.clone(),
            class: SenderClass::of(name, machine, interface),
            addresses: interface.addresses.clone(),
            forwards: interface.ip_forwarding,
        }
    }

    /// The name of the machine or firewall.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Machine { machine, .. } => machine.as_str(),
            Self::Firewall { firewall, .. } => firewall.as_str(),
        }
    }

    /// The class of what a machine sends; `None` at a firewall, which sends nothing on to be
    /// judged later.
    #[must_use]
    pub const fn class(&self) -> Option<&SenderClass> {
        match self {
            Self::Machine { class, .. } => Some(class),
            Self::Firewall { .. } => None,
        }
    }
}

/// The plan.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The links.
    pub links: Vec<VethPair>,
    /// Where packets are judged.
    pub points: Vec<Point>,
    /// The node of each name that can be entered.
    pub names: BTreeMap<String, NodeId>,
    /// What it was worked out with.
    #[serde(skip)]
    book: fabric::Book,
    /// The node of wires, where there is one.
    #[serde(skip)]
    wires: Option<NodeId>,
}

/// The main routing table.
pub const MAIN: u32 = 254;

impl Plan {
    /// Works out the plan of a world with hosts around it. With `wires` a node is put between
    /// each judged port and its fabric, where frames are handed on by a program.
    ///
    /// # Errors
    /// The world cannot be built: a name is used twice, or an appliance's address is nobody's.
    pub fn of(world: &World, hosts: &Hosts, wires: bool) -> Result<Self, LabError> {
        let mut plan = fabric::build(world, hosts)?;
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
        let mut plan = fabric::join(self.clone(), world, machine)?;
        plan.insert_wires(self.points.len());
        Ok(plan)
    }

    /// The node of a name.
    ///
    /// # Errors
    /// There is none; the error lists the names.
    pub fn node(&self, name: &str) -> Result<NodeId, LabError> {
        self.names.get(name).copied().ok_or_else(|| LabError::NoSuchNode {
            name: name.to_owned(),
            known: nearest(name, self.names.keys().map(String::as_str)),
        })
    }

    /// The rules that let nothing in by a machine's ports, each with its fabric: for as long as it
    /// does not run.
    pub(crate) fn shut(&self, machine: &Machine) -> Vec<(NodeId, PlannedRule)> {
        let ports = self.book.ports_of(machine).into_iter();
        ports.map(|(fabric, port)| (fabric, fabric::shut(port))).collect()
    }

    /// The links of a node, each with the end that is here.
    pub fn ends(&self, node: NodeId) -> impl Iterator<Item = &LinkEnd> {
        self.links
            .iter()
            .flat_map(|link| [&link.left, &link.right])
            .filter(move |end| end.node == node)
    }

    pub(crate) fn add_node(&mut self, kind: NodeKind, name: &str, forwards: bool) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node {
            kind,
            name: name.to_owned(),
            forwards,
            masquerade: None,
            rules: vec![],
            routes: vec![],
        });
        id
    }

    pub(crate) fn link(&mut self, left: LinkEnd, right: LinkEnd) {
        self.links.push(VethPair { left, right });
    }

    pub(crate) fn route(
        &mut self,
        node: NodeId,
        table: u32,
        prefix: IpNet,
        hop: PlannedHop,
        interface: &str,
    ) {
        if let Some(node) = self.nodes.get_mut(node) {
            let interface = interface.to_owned();
            node.routes.push(PlannedRoute { table, prefix, hop, interface });
        }
    }

    pub(crate) fn rule(
        &mut self,
        node: NodeId,
        interface: Option<&str>,
        table: u32,
        priority: u32,
    ) {
        if let Some(node) = self.nodes.get_mut(node) {
            let interface = interface.map(str::to_owned);
            node.rules.push(PlannedRule { interface, table, priority });
        }
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
            // `o` is where judged frames come from, `i` where they go on.
            let (towards_left, towards_right) = if at_point(&link.left) {
                (end(format!("i{number}")), end(format!("o{number}")))
            } else {
                (end(format!("o{number}")), end(format!("i{number}")))
            };
            let right = std::mem::replace(&mut link.right, towards_left);
            added.push(VethPair { left: towards_right, right });
            point.node = wires;
            point.interface = format!("o{number}");
        }
        self.links.extend(added);
    }
}
