//! The compiled table: who sends, from which network, and what becomes of it.
//!
//! A [`Table`] answers for (network, source address, destination) what
//! [`egress25_policy::decide`] would answer, without following routes: the reason at the
//! Internet's edge stands in the entry of the address, the routes that are the same for a whole
//! subnet stand in a [`routes::RouteSet`], and what leads through appliances and firewalls is
//! worked out beforehand, once for each group of destinations.
//!
//! A change of one machine is a patch of its entries ([`Table::patch`]); a change of addresses,
//! networks or routes is a new table. [`Table::epoch`] tells one from the other.

mod compile;
mod networks;
mod routes;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use egress25_policy::{MachineName, NetworkName, Reason, SubscriptionName, Verdict};

pub use compile::{Patched, TooLarge};
pub use networks::{NetworkHint, NetworkId, Networks};
pub use routes::{Leaf, RouteSet};

/// The place of an address's entry in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(u32);

impl Slot {
    /// The slot's number, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is fixed of an entry: everything but the reasons.
#[derive(Debug, Clone)]
struct Entry {
    machine: u32,
    route_set: u32,
    /// Where the entry's reasons for destinations behind appliances begin.
    through: u32,
}

/// A machine as the table knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub machine: MachineName,
    /// Its subscription.
    pub subscription: SubscriptionName,
}

/// Who owns an address where the packet does not say which network it belongs to.
#[derive(Debug, Clone, Copy)]
enum Anywhere {
    One(Slot),
    Several,
}

/// The compiled table.
#[derive(Debug)]
pub struct Table {
    epoch: u64,
    networks: Networks,
    slots: HashMap<(NetworkId, IpAddr), Slot>,
    /// The key of each slot.
    keys: Vec<(NetworkId, IpAddr)>,
    anywhere: HashMap<IpAddr, Anywhere>,
    entries: Vec<Entry>,
    /// The reason at the Internet's edge, by slot; replaced in place.
    edge: Vec<AtomicU8>,
    /// The reasons behind appliances, by [`Entry::through`]; replaced in place.
    through: Vec<AtomicU8>,
    /// How often anything was replaced in place.
    patches: AtomicU64,
    route_sets: Vec<RouteSet>,
    owners: Vec<Owner>,
    /// The slots of each machine.
    slots_of: HashMap<MachineName, Vec<Slot>>,
    /// The verdict that goes with each reason.
    verdicts: [Verdict; Reason::COUNT],
    /// What the reasons behind appliances depend on.
    dependencies: compile::Dependencies,
}

/// What the table says of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Whose it is, where it is known.
    pub slot: Option<Slot>,
}

impl Table {
    /// Which compilation this is: a later one has a larger number.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How often an entry was replaced since the table was compiled.
    #[must_use]
    pub fn patches(&self) -> u64 {
        self.patches.load(Ordering::Relaxed)
    }

    /// The number of entries: one for each address of each interface.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The networks, and how packets show which one they belong to.
    #[must_use]
    pub const fn networks(&self) -> &Networks {
        &self.networks
    }

    /// The machine that owns a slot's address.
    #[must_use]
    pub fn owner(&self, slot: Slot) -> Option<&Owner> {
        let entry = self.entries.get(slot.index())?;
        self.owners.get(usize::try_from(entry.machine).ok()?)
    }

    /// Which group of destinations an address is in, as the owner of a slot sees it: two
    /// destinations of one group always get the same answer.
    #[must_use]
    pub fn leaf(&self, slot: Slot, destination: IpAddr) -> Option<Leaf> {
        let entry = self.entries.get(slot.index())?;
        let routes = self.route_sets.get(usize::try_from(entry.route_set).ok()?)?;
        Some(routes.leaf(destination))
    }

    /// The slot of a source address; `Err` says why there is none.
    ///
    /// # Errors
    /// `unknown-source`, or `ambiguous-network` where no network is given and several own it.
    pub fn slot(&self, network: Option<NetworkId>, source: IpAddr) -> Result<Slot, Reason> {
        let found = match network {
            Some(network) => self.slots.get(&(network, source)).copied(),
            None => match self.anywhere.get(&source) {
                Some(Anywhere::One(slot)) => Some(*slot),
                Some(Anywhere::Several) => return Err(Reason::AmbiguousNetwork),
                None => None,
            },
        };
        found.ok_or(Reason::UnknownSource)
    }

    /// What becomes of a SYN to port 25.
    #[must_use]
    pub fn answer(&self, network: Option<NetworkId>, source: IpAddr, to: IpAddr) -> Answer {
        let (reason, slot) = match self.slot(network, source) {
            Ok(slot) => (self.reason(slot, to), Some(slot)),
            Err(reason) => (reason, None),
        };
        Answer { verdict: self.verdict(reason), reason, slot }
    }

    /// The verdict that goes with a reason under the settings that the table was compiled with.
    #[must_use]
    pub fn verdict(&self, reason: Reason) -> Verdict {
        self.verdicts.get(reason.index()).copied().unwrap_or(Verdict::Drop)
    }

    fn reason(&self, slot: Slot, to: IpAddr) -> Reason {
        let at_edge = load(self.edge.get(slot.index()));
        if at_edge == Reason::SenderNotRunning {
            return at_edge;
        }
        let Some(entry) = self.entries.get(slot.index()) else { return Reason::UnknownSource };
        match self.leaf(slot, to) {
            Some(Leaf::Fixed(reason)) => reason,
            Some(Leaf::Edge) => at_edge,
            Some(Leaf::Through(place)) => load(
                usize::try_from(entry.through.saturating_add(place))
                    .ok()
                    .and_then(|at| self.through.get(at)),
            ),
            None => Reason::NoRoute,
        }
    }

    /// The network of a name.
    #[must_use]
    pub fn network(&self, name: &NetworkName) -> Option<NetworkId> {
        self.networks.id(name)
    }
}

/// A stored reason; what is not there is not known, which fails closed.
fn load(stored: Option<&AtomicU8>) -> Reason {
    stored
        .and_then(|byte| Reason::from_index(byte.load(Ordering::Relaxed)))
        .unwrap_or(Reason::UnknownSource)
}

/// A reason as it is stored.
fn byte(reason: Reason) -> u8 {
    u8::try_from(reason.index()).unwrap_or(u8::MAX)
}
