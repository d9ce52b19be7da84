//! What leads from a network to the Internet and back: its edge, public addresses, ways out.

use std::net::{IpAddr, Ipv4Addr};

use egress25_policy::{Interface, NetworkName, NextHop, SenderClass, winning_routes};

use crate::error::LabError;
use crate::network::hosts::{Hosts, public_addresses};
use crate::network::plan::fabric::{
    Builder, EDGE_V4, EDGE_V6, INTERNET_V4, INTERNET_V6, ROUTER_V4, ROUTER_V6, any, end, host_net,
};
use crate::network::plan::{
    EdgeAt, MAIN, NodeId, NodeKind, PlannedHop, PublicAddress, Translation,
};

/// The tables of an edge, by the interface that packets come from.
const FROM_INSIDE: u32 = 100;
const FROM_OUTSIDE: u32 = 101;
/// The tables of what finds no way out begin here.
const NO_WAY_OUT: u32 = 500_000;

impl Builder<'_> {
    /// The addresses by which the Internet's router says something: those that nobody else has.
    pub(super) fn internet_addresses(&self, hosts: &Hosts) -> Vec<IpAddr> {
        let mut all = vec![INTERNET_V4, INTERNET_V6];
        all.retain(|address| {
            !public_addresses(self.world).any(|other| other == *address)
                && !hosts.values().any(|host| host.addresses.contains(address))
        });
        all
    }

    /// The addresses that edges can translate to: those that nobody else has on the Internet.
    pub(super) fn edge_addresses(&self, hosts: &Hosts) -> Vec<[IpAddr; 2]> {
        let mut taken: Vec<IpAddr> = public_addresses(self.world).collect();
        taken.extend(hosts.values().flat_map(|host| &host.addresses));
        let both = (10..254_u8).map(|number| {
            [
                IpAddr::V4(Ipv4Addr::new(198, 51, 100, number)),
                IpAddr::from([0x2001, 0xdb8, 0x25, 0, 0, 0, 0, u16::from(number)]),
            ]
        });
        both.filter(|both| both.iter().all(|address| !taken.contains(address))).collect()
    }

    /// The edge of a network. Whatever of the network has no public address shares these.
    pub(super) fn edge(
        &mut self,
        name: &NetworkName,
        fabric: NodeId,
        shared: [IpAddr; 2],
        internet: &[IpAddr],
    ) -> Result<(), LabError> {
        let edge = self.plan.add_node(NodeKind::Edge(name.clone()), name.as_str(), true);
        self.named(&format!("edge:{name}"), edge)?;
        let up = [ROUTER_V4, ROUTER_V6];
        self.plan.link(end(fabric, "up", &up), end(edge, "in", &[EDGE_V4, EDGE_V6]));
        let port = self.next('e');
        let outside = end(edge, "out", &[EDGE_V4, EDGE_V6]);
        // The first one is what it says something by.
        let internet = [internet, &up].concat();
        self.plan.link(end(self.book.internet, &port, &internet), outside);
        self.book.edges.insert(name.clone(), EdgeAt { node: edge, port });
        for address in shared {
            self.leads_to_edge(name, address);
        }
        if let Some(edge) = self.plan.nodes.get_mut(edge) {
            let (interface, public) = ("out".to_owned(), Vec::new());
            edge.translation = Some(Translation { interface, shared, public });
        }
        self.plan.rule(edge, Some("in"), FROM_INSIDE, 1_000);
        self.plan.rule(edge, Some("out"), FROM_OUTSIDE, 1_000);
        for router in up {
            let all = any(router.is_ipv4());
            self.plan.route(edge, FROM_INSIDE, all, PlannedHop::Via(router), "out");
            self.plan.route(edge, FROM_OUTSIDE, all, PlannedHop::Via(router), "in");
            self.plan.route(edge, MAIN, all, PlannedHop::Via(router), "out");
        }
        Ok(())
    }

    /// On the Internet an address leads to a network's edge.
    fn leads_to_edge(&mut self, network: &NetworkName, address: IpAddr) {
        let Some(EdgeAt { port, .. }) = self.book.edges.get(network) else { return };
        let next = PlannedHop::Via(if address.is_ipv4() { EDGE_V4 } else { EDGE_V6 });
        self.plan.route(self.book.internet, MAIN, host_net(address), next, port);
    }

    /// The public addresses of an interface lead to it, and stand for it outside.
    pub(super) fn public(&mut self, interface: &Interface) {
        for public in interface.public_addresses.iter().copied() {
            let of_family = |private: &&IpAddr| private.is_ipv4() == public.is_ipv4();
            let private: Vec<_> = interface.addresses.iter().filter(of_family).copied().collect();
            self.leads_to_edge(&interface.network, public);
            let edge = self.book.edges.get(&interface.network).map(|edge| edge.node);
            if let Some(edge) = edge.and_then(|edge| self.plan.nodes.get_mut(edge))
                && let Some(translation) = &mut edge.translation
            {
                translation.public.push(PublicAddress { public, private });
            }
        }
    }

    /// The table, looked up before a subnet's, in which what a class of its senders sends to the
    /// Internet goes nowhere, whatever its port: that of a family that finds no way out. `None`: both
    /// find one.
    pub(super) fn no_way_out(&mut self, fabric: NodeId, class: &SenderClass) -> Option<u32> {
        let SenderClass { network, subnet, ways_out: [v4_leaves, v6_leaves], .. } = class;
        if *v4_leaves && *v6_leaves {
            return None;
        }
        let next = NO_WAY_OUT.saturating_add(u32::try_from(self.book.no_way_out.len()).ok()?);
        let key = (network.clone(), subnet.clone(), class.ways_out);
        if let Some(known) = self.book.no_way_out.get(&key) {
            return Some(*known);
        }
        self.book.no_way_out.insert(key, next);
        for route in winning_routes(self.world, network, subnet) {
            let leaves = if route.prefix.addr().is_ipv4() { *v4_leaves } else { *v6_leaves };
            let hop = match route.next_hop {
                NextHop::Internet if !leaves => PlannedHop::Blackhole,
                _ => PlannedHop::Throw,
            };
            self.plan.route(fabric, next, route.prefix, hop, "");
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use egress25_policy::{Edition, InventoryFile};

    use super::*;
    use crate::network::hosts::Host;
    use crate::network::plan::Plan;

    /// A public address that a lab would have given to an edge.
    const INVENTORY: &str = r#"
        [subscription.s]
        offer = "pay-as-you-go"
        created = "2019-03-01"
        [network.n]
        address_space = ["10.0.0.0/16"]
        [machine.vm]
        subscription = "s"
        network = "n"
        addresses = ["10.0.0.4"]
        public_address = "198.51.100.10"
    "#;

    #[test]
    fn a_public_address_was_that_of_an_edge_or_of_a_host_too() {
        let edition = Edition::default_edition().unwrap();
        let world = InventoryFile::parse(INVENTORY).unwrap().build(&edition, &[]).unwrap().world;
        let host = |address: &str| Host {
            addresses: vec![address.parse().unwrap()],
            on_premises: None,
            smtp: vec![],
        };
        let hosts = Hosts::from([("mx".to_owned(), host("198.51.100.11"))]);
        let plan = Plan::of(&world, &hosts, false).unwrap();
        let edge = plan.node("edge:n").unwrap();
        let shared: Vec<String> = plan.addresses(edge).map(|one| one.to_string()).collect();
        assert_eq!(shared, ["198.51.100.12", "2001:db8:25::c"]);
        let hosts = Hosts::from([("mx".to_owned(), host("198.51.100.10"))]);
        let refused = Plan::of(&world, &hosts, false).unwrap_err().to_string();
        assert!(refused.contains("is a public address of the inventory"), "{refused}");
    }
}
