//! The plan of a lab: nodes, links between them, and what each node routes where.
//!
//! It is worked out from the world alone, before anything is made, so that it can be printed
//! ([`crate::network::graph`]) and tested without privileges.
//!
//! Every virtual network is a node of its own that routes (address spaces may overlap); every
//! interface of a machine is a link to it, as in the platform a port of the virtual switch.
//! Behind each network stands an edge that translates addresses, after the filter as in the
//! platform, and behind the edges the Internet with its hosts. What a subnet's effective routes say
//! is a routing table of its own, looked up by the port that a packet comes from; one before it
//! keeps back what finds no way out.

mod edge;
pub(crate) mod fabric;
pub(crate) mod routes;

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_policy::{
    FirewallName, Interface, Machine, MachineName, NetworkName, SenderClass, SubnetName, World,
    nearest,
};
use ipnet::IpNet;

use crate::error::LabError;

/// What a node stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Where frames are handed from wire to wire by the `afpacket` data path.
    Wires,
}

/// A node's number.
pub type NodeId = usize;

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedHop {
    /// Through an interface, straight to the address.
    Direct,
    /// Through an interface to a neighbour.
    Via(IpAddr),
    /// On with the next table.
    Throw,
    /// Nowhere, silently.
    Blackhole,
}

/// A route of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRule {
    /// The interface; `None`: any.
    pub interface: Option<String>,
    /// The table.
    pub table: u32,
    /// The place among the rules: the smaller, the earlier.
    pub priority: u32,
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEnd {
    /// The node.
    pub node: NodeId,
    /// The interface's name there.
    pub interface: String,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

impl LinkEnd {
    /// Its addresses but those of the link.
    pub(crate) fn own_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(IpNet::addr).filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_unicast_link_local(),
        })
    }
}

/// A pair of virtual Ethernet interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VethPair {
    /// One end: the one towards the fabric.
    pub left: LinkEnd,
    /// The other.
    pub right: LinkEnd,
}

/// How an edge translates addresses between its network and the Internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The interface towards the Internet.
    pub interface: String,
    /// What stands for whatever has no public address. The edge itself does not have it: what one
    /// of its machines sends to another's public address comes back from outside, with it.
    pub shared: [IpAddr; 2],
    /// The public addresses of the network's machines.
    pub public: Vec<PublicAddress>,
}

/// A public address, which a machine itself does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    /// The address.
    pub public: IpAddr,
    /// Those of its family that the interface has: it stands for all of them, and leads to the
    /// first.
    pub private: Vec<IpAddr>,
}

/// A node: a network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it stands for.
    pub kind: NodeKind,
    /// Its name, as `lab exec` takes it.
    pub name: String,
    /// Whether it forwards packets.
    pub forwards: bool,
    /// How it translates the addresses of what it forwards, if it does.
    pub translation: Option<Translation>,
    /// Its routing rules.
    pub rules: Vec<PlannedRule>,
    /// Its routes.
    pub routes: Vec<PlannedRoute>,
}

/// A place where SYNs to port 25 are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The node in whose namespace the packets are judged.
    pub node: NodeId,
    /// The interface by which they come in there.
    pub interface: String,
    /// The interface by which those go on that pass, where a program hands them on.
    pub onward: Option<String>,
    /// The network that they belong to.
    pub network: NetworkName,
    /// Whose port it is.
    pub at: Stands,
}

/// Who stands at a port.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub fn machine(
        world: &World,
        name: &MachineName,
        machine: &Machine,
        interface: &Interface,
    ) -> Self {
        Self::Machine {
            machine: name.clone(),
            class: SenderClass::of(world, name, machine, interface),
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

/// Where the edge of a network is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EdgeAt {
    pub(super) node: NodeId,
    /// The port on the Internet behind which it is.
    pub(super) port: String,
}

/// What a plan is worked out with, kept so that more can join it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) fabrics: BTreeMap<NetworkName, NodeId>,
    pub(super) internet: NodeId,
    pub(super) edges: BTreeMap<NetworkName, EdgeAt>,
    /// The port of each address of each network.
    pub(super) ports: BTreeMap<(NetworkName, IpAddr), String>,
    /// The table of each subnet.
    pub(super) tables: BTreeMap<(NetworkName, SubnetName), u32>,
    /// The table of each subnet's senders that find no way out for a family, by which do.
    pub(super) no_way_out: BTreeMap<(NetworkName, SubnetName, [bool; 2]), u32>,
    pub(super) number: usize,
}

/// The rule that lets nothing in by a port, whatever its machine does at its own end.
fn shut(port: &str) -> PlannedRule {
    PlannedRule { interface: Some(port.to_owned()), table: NOWHERE, priority: 100 }
}

impl Book {
    /// The ports of a machine, each with the fabric that it is at.
    fn ports_of(&self, machine: &Machine) -> Vec<(NodeId, &str)> {
        let port = |interface: &Interface| {
            let fabric = self.fabrics.get(&interface.network)?;
            let key = (interface.network.clone(), *interface.addresses.first()?);
            Some((*fabric, self.ports.get(&key)?.as_str()))
        };
        machine.interfaces.iter().filter_map(port).collect()
    }
}

/// The plan.
#[derive(Debug, Clone, Default)]
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
    pub(super) book: Book,
    /// The node of wires, where there is one.
    pub(super) wires: Option<NodeId>,
}

/// The table for what comes from the ports of machines that do not run.
pub(super) const NOWHERE: u32 = 999;
/// The main routing table.
pub const MAIN: u32 = 254;

impl Plan {
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
        ports.map(|(fabric, port)| (fabric, shut(port))).collect()
    }

    /// The addresses of a node but those of its links: of an edge, those that it translates to. The
    /// Internet has none that somebody could be sent to.
    pub(crate) fn addresses(&self, node: NodeId) -> impl Iterator<Item = IpAddr> {
        let translation = self.nodes.get(node).and_then(|node| node.translation.as_ref());
        let shared = translation.into_iter().flat_map(|translation| translation.shared);
        let is_internet = node == self.book.internet;
        let own = self.ends(node).filter(move |_| !is_internet);
        own.flat_map(LinkEnd::own_addresses).chain(shared)
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
            translation: None,
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
}
