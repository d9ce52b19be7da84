//! The destinations that a subnet's traffic tells apart.

use std::net::IpAddr;

use egress25_policy::Reason;
use ipnet::IpNet;

/// What a group of destinations means for the machines of a subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// The same reason for every machine.
    Fixed(Reason),
    /// The machine's reason at the Internet's edge.
    Edge,
    /// What the exit of that number, a forwarder, makes of the machine's reason at the edge.
    Exit(u32),
    /// The packet's source port decides between others: by the entry of that number.
    SourcePort(u32),
}

/// A subnet's destinations: prefixes with what they mean, the longest first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RouteSet {
    v4: Vec<(IpNet, Leaf)>,
    v6: Vec<(IpNet, Leaf)>,
}

impl RouteSet {
    /// Orders prefixes so that the longest that fits is found first.
    #[must_use]
    pub fn new(mut leaves: Vec<(IpNet, Leaf)>) -> Self {
        leaves.sort_by_key(|(prefix, _)| core::cmp::Reverse(prefix.prefix_len()));
        let (v4, v6) = leaves.into_iter().partition(|(prefix, _)| matches!(prefix, IpNet::V4(_)));
        Self { v4, v6 }
    }

    /// What a destination means; where no route is for it, there is no route.
    #[must_use]
    pub fn leaf(&self, destination: IpAddr) -> Leaf {
        let leaves = if destination.is_ipv4() { &self.v4 } else { &self.v6 };
        leaves
            .iter()
            .find(|(prefix, _)| prefix.contains(&destination))
            .map_or(Leaf::Fixed(Reason::NoRoute), |(_, leaf)| *leaf)
    }

    /// The prefixes with what they mean, IPv4 first, the longest first.
    pub fn leaves(&self) -> impl Iterator<Item = &(IpNet, Leaf)> {
        self.v4.iter().chain(&self.v6)
    }
}
