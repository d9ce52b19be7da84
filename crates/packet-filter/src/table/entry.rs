//! What the parts of a table hold.

use egress25_policy::{MachineName, SubscriptionName};
use ipnet::IpNet;

/// More entries than a table can number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the inventory has more than 4,294,967,294 addresses, which is as many as a table can number"
)]
pub struct TooLarge;

/// The place of an address's entry in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub(super) u32);

impl Slot {
    /// The slot's number, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is fixed of an entry: everything but the reasons.
#[derive(Debug, Clone)]
pub(super) struct FixedEntry {
    pub(super) machine: u32,
    pub(super) place: u32,
    /// The entry's lane in the buckets of its family, which the highest bit tells.
    pub(super) lane: u32,
}

impl FixedEntry {
    /// The bit in [`Self::lane`] that says IPv6.
    pub(super) const V6: u32 = 1 << 31;
}

/// Where a sender stands: in which network, of which subscription, and where its routes are. One cache line, whose
/// parts vector instructions gather by their places.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct SenderPlace {
    pub(super) network: u32,
    pub(super) v4: u32,
    pub(super) v6: u32,
    /// The number of its senders' subscription; 0 where they have none.
    pub(super) subscription: u32,
    /// One bit for each first byte of IPv4 destinations that all are at the Internet's edge.
    edges: [u32; 8],
    /// The number of what security rules see of its senders' addresses; 0 where there are none.
    pub(super) source: u32,
}

impl SenderPlace {
    pub(super) const fn new(network: u32, v4: u32, v6: u32, edges: [u32; 8]) -> Self {
        Self { network, v4, v6, subscription: 0, source: 0, edges }
    }

    /// The network.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) const fn network(&self) -> u32 {
        self.network
    }

    /// The same for the senders of a subscription.
    pub(super) const fn of(self, subscription: u32) -> Self {
        Self { subscription, ..self }
    }

    /// The number of its senders' subscription.
    #[inline(always)]
    pub(crate) const fn subscription(&self) -> u32 {
        self.subscription
    }

    /// Whether an IPv4 destination is at the Internet's edge, told by its first byte alone; where
    /// not, it may be all the same.
    #[inline(always)]
    pub(super) fn is_edge_at_once(&self, destination: u32) -> bool {
        let [first, ..] = destination.to_be_bytes();
        self.edges.get(usize::from(first >> 5)).is_some_and(|word| word >> (first & 31) & 1 == 1)
    }

    /// Which destinations are at the Internet's edge, told by their first byte: one bit each.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) const fn edges(&self) -> &[u32; 8] {
        &self.edges
    }
}

/// The interface whose public address something is: its network, and the own address that it leaves
/// by.
pub(super) type PublicSender = (u32, Slot);

/// Addresses behind a machine, of containers and pods (N3).
#[derive(Debug, Clone)]
pub(super) struct Behind {
    pub(super) prefix: IpNet,
    /// The network of the interface that they leave by.
    pub(super) network: u32,
    /// Whether it is the machine's first, which counts where no network is given.
    pub(super) is_first: bool,
    /// The interface's own address that they leave by.
    pub(super) slot: Slot,
}

/// A port by which a forwarder sends what others have sent to it.
#[derive(Debug, Clone)]
pub(super) struct ForwarderPort {
    /// Where the routes are of what it sends, by the number of what security rules see of its source.
    pub(super) places: Box<[u32]>,
    pub(super) firewall: bool,
}

/// A machine as the table knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMachine {
    /// Its name.
    pub machine: MachineName,
    /// Its subscription.
    pub subscription: SubscriptionName,
}
