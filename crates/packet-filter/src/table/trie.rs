//! Route sets as tries of one byte a step: at most four loads for an IPv4 destination, and one
//! for most of the Internet.

use std::collections::HashMap;
use std::net::IpAddr;

use egress25_policy::Reason;
use ipnet::IpNet;

use crate::table::routes::{Leaf, RouteSet};

/// The branches of a node: one for each value of a byte.
const BRANCHES: usize = 256;

/// What a branch holds: a node's number with this bit, otherwise a leaf.
const NODE: u32 = 1 << 31;

/// Leaves below this are reasons; then comes the edge, then the exits, then what source ports decide.
const EDGE: u32 = 0x100;
const EXITS: u32 = 0x101;
const SOURCE_PORTS: u32 = 1 << 30;

/// A leaf as a branch holds it: a number of more than 1,073,741,566 does not fit and counts as no
/// route.
fn pack(leaf: Leaf) -> u32 {
    match leaf {
        Leaf::Fixed(reason) => u32::try_from(reason.index()).unwrap_or(EDGE),
        Leaf::Edge => EDGE,
        Leaf::Exit(number) => match number.checked_add(EXITS) {
            Some(packed) if packed < SOURCE_PORTS => packed,
            _ => pack(Leaf::Fixed(Reason::NoRoute)),
        },
        Leaf::SourcePort(number) if number < SOURCE_PORTS => number | SOURCE_PORTS,
        Leaf::SourcePort(_) => pack(Leaf::Fixed(Reason::NoRoute)),
    }
}

#[inline(always)]
fn unpack(packed: u32) -> Leaf {
    match packed {
        EDGE => Leaf::Edge,
        SOURCE_PORTS.. => Leaf::SourcePort(packed & !SOURCE_PORTS),
        EXITS.. => Leaf::Exit(packed.wrapping_sub(EXITS)),
        reason => {
            let reason = u8::try_from(reason).ok().and_then(Reason::from_index);
            Leaf::Fixed(reason.unwrap_or(Reason::NoRoute))
        }
    }
}

/// Where the tries of a route set begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Roots {
    pub(super) v4: u32,
    pub(super) v6: u32,
}

/// The tries of all route sets; equal sets share theirs.
#[derive(Debug, Default)]
pub(super) struct Tries {
    branches: Vec<u32>,
    known: HashMap<RouteSet, Roots>,
}

impl Tries {
    /// The tries of a route set.
    pub(super) fn add(&mut self, routes: &RouteSet) -> Roots {
        if let Some(roots) = self.known.get(routes) {
            return *roots;
        }
        let nothing = pack(Leaf::Fixed(Reason::NoRoute));
        let roots = Roots { v4: self.node(nothing), v6: self.node(nothing) };
        // Shorter prefixes first: a longer one then replaces a part of what is there.
        let mut leaves: Vec<_> = routes.leaves().collect();
        leaves.reverse();
        for (prefix, leaf) in leaves {
            match prefix {
                IpNet::V4(net) => {
                    self.put(roots.v4, &net.network().octets(), net.prefix_len(), pack(*leaf));
                }
                IpNet::V6(net) => {
                    self.put(roots.v6, &net.network().octets(), net.prefix_len(), pack(*leaf));
                }
            }
        }
        self.known.insert(routes.clone(), roots);
        roots
    }

    /// Forgets what is needed only for adding.
    pub(super) fn finish(&mut self) {
        self.known = HashMap::new();
        self.branches.shrink_to_fit();
    }

    /// What a destination means.
    pub(super) fn leaf(&self, roots: Roots, destination: IpAddr) -> Leaf {
        match destination {
            IpAddr::V4(address) => self.leaf_v4(roots.v4, u32::from(address)),
            IpAddr::V6(address) => {
                let mut node = roots.v6;
                for byte in address.octets() {
                    match self.branch(node, byte) {
                        branch if branch & NODE != 0 => node = branch & !NODE,
                        leaf => return unpack(leaf),
                    }
                }
                Leaf::Fixed(Reason::NoRoute)
            }
        }
    }

    /// One bit for each first byte whose IPv4 destinations all are at the Internet's edge.
    pub(super) fn edges(&self, root: u32) -> [u32; 8] {
        let mut edges = [0; 8];
        for byte in 0..=u8::MAX {
            if self.branch(root, byte) == EDGE
                && let Some(word) = edges.get_mut(usize::from(byte >> 5))
            {
                *word |= 1_u32 << (byte & 31);
            }
        }
        edges
    }

    /// What an IPv4 destination means.
    #[inline(always)]
    pub(super) fn leaf_v4(&self, root: u32, destination: u32) -> Leaf {
        let mut node = root;
        for byte in destination.to_be_bytes() {
            match self.branch(node, byte) {
                branch if branch & NODE != 0 => node = branch & !NODE,
                leaf => return unpack(leaf),
            }
        }
        Leaf::Fixed(Reason::NoRoute)
    }

    #[inline(always)]
    fn branch(&self, node: u32, byte: u8) -> u32 {
        let at = (node as usize).wrapping_mul(BRANCHES).wrapping_add(usize::from(byte));
        self.branches.get(at).copied().unwrap_or_else(|| pack(Leaf::Fixed(Reason::NoRoute)))
    }

    /// A new node whose branches all hold the same.
    fn node(&mut self, branch: u32) -> u32 {
        let number = u32::try_from(self.branches.len() / BRANCHES).unwrap_or(NODE);
        self.branches.resize(self.branches.len().saturating_add(BRANCHES), branch);
        number
    }

    fn put(&mut self, root: u32, address: &[u8], prefix_len: u8, leaf: u32) {
        let mut node = root;
        let mut left = prefix_len;
        for byte in address {
            let start = (node as usize).saturating_mul(BRANCHES).saturating_add(usize::from(*byte));
            if left <= 8 {
                let free = 8_u8.saturating_sub(left);
                let span = 1_usize << free;
                let from = start & !(span.saturating_sub(1));
                let branches = self.branches.get_mut(from..from.saturating_add(span));
                branches.unwrap_or_default().fill(leaf);
                return;
            }
            let held = self.branches.get(start).copied().unwrap_or_default();
            node = if held & NODE != 0 {
                held & !NODE
            } else {
                let child = self.node(held);
                if let Some(branch) = self.branches.get_mut(start) {
                    *branch = child | NODE;
                }
                child
            };
            left = left.saturating_sub(8);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf() -> impl Strategy<Value = Leaf> {
        prop_oneof![
            (0..Reason::COUNT).prop_map(|at| Leaf::Fixed(Reason::ALL[at])),
            Just(Leaf::Edge),
            (0..40_u32).prop_map(Leaf::Exit),
        ]
    }

    fn prefix() -> impl Strategy<Value = IpNet> {
        prop_oneof![
            (any::<u32>(), 0..=32_u8)
                .prop_map(|(a, len)| IpNet::new(IpAddr::V4(a.into()), len).unwrap().trunc()),
            (0..8_u32, 0..=32_u8)
                .prop_map(|(a, len)| IpNet::new(IpAddr::V4(a.into()), len).unwrap().trunc()),
            (any::<u128>(), 0..=128_u8)
                .prop_map(|(a, len)| IpNet::new(IpAddr::V6(a.into()), len).unwrap().trunc()),
        ]
    }

    proptest! {
        #[test]
        fn the_trie_finds_the_longest_prefix(
            mut leaves in prop::collection::vec((prefix(), leaf()), 0..40),
            others in prop::collection::vec(any::<u32>(), 20),
        ) {
            leaves.sort_by_key(|(prefix, _)| *prefix);
            leaves.dedup_by_key(|(prefix, _)| *prefix);
            let routes = RouteSet::new(leaves.clone());
            let mut tries = Tries::default();
            let first = tries.add(&RouteSet::default());
            let roots = tries.add(&routes);
            prop_assert_eq!(tries.add(&routes), roots);
            let ends = leaves.iter().flat_map(|(net, _)| [net.network(), net.broadcast()]);
            for address in ends.chain(others.into_iter().map(|a| IpAddr::V4(a.into()))) {
                prop_assert_eq!(tries.leaf(roots, address), routes.leaf(address));
                prop_assert_eq!(tries.leaf(first, address), Leaf::Fixed(Reason::NoRoute));
            }
        }
    }
}
