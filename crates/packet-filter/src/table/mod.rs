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

mod bucket;
mod builder;
mod common_case;
mod compile;
mod dependencies;
mod entry;
pub(crate) mod lookup;
mod networks;
mod pages;
mod routes;
mod senders;
mod trie;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use egress25_policy::{MachineName, NetworkName, Reason, SubscriptionName, Verdict};

#[cfg(target_arch = "x86_64")]
pub(crate) use bucket::Bucket;
pub use builder::{OwnerId, PlaceId, TableBuilder};
pub(crate) use common_case::CommonCase;
pub use compile::Patched;
pub(crate) use entry::SenderPlace;
pub use entry::{Slot, TableMachine, TooLarge};
pub use networks::{NetworkHint, NetworkId, Networks};
pub use routes::{Leaf, RouteSet};
pub(crate) use senders::{Homes, Search};

use crate::sieve::{Code, EqualLanes, Ruling, Scalar};
use dependencies::Dependencies;
use entry::{Behind, FixedEntry, ForwarderPort, PublicSender};
use senders::{FamilySenders, edge_of, place_of};
use trie::{Roots, Tries};

/// The compiled table.
#[derive(Debug)]
pub struct Table {
    epoch: u64,
    networks: Networks,
    v4: FamilySenders,
    v6: FamilySenders,
    /// By the number in a sender's value; the first one is nobody's.
    places: Vec<SenderPlace>,
    tries: Tries,
    /// By slot.
    entries: Vec<FixedEntry>,
    /// What each exit makes of each reason at a sender's own edge; replaced in place.
    exits: Vec<AtomicU8>,
    /// What source ports decide: up to and including which one a leaf counts, in order.
    by_source_port: Vec<Box<[(u16, Leaf)]>>,
    /// The ports by which forwarders send what others have sent to them.
    ports: HashMap<(NetworkName, IpAddr), ForwarderPort>,
    /// Where somebody of the world is reached from outside, and who sends by that address, where one
    /// machine does: looked up where nobody sends.
    public: HashMap<IpAddr, Option<PublicSender>>,
    /// The private addresses of load balancers and firewalls, by their networks' numbers.
    services: HashSet<(u32, IpAddr)>,
    /// Who stands for addresses that no interface owns: looked up where nobody sends.
    behind: Vec<Behind>,
    /// How often anything was replaced in place.
    patches: AtomicU64,
    owners: Vec<TableMachine>,
    /// By the number in a place, less one.
    subscriptions: Arc<[SubscriptionName]>,
    /// The slots of each machine.
    slots_of: HashMap<MachineName, Vec<Slot>>,
    /// The verdict that goes with each reason, with the reason, by the byte that stands for it in a
    /// sender's value.
    by_byte: [Code; 256],
    /// The first of these as numbers: no reason has a larger byte.
    words: [u32; 64],
    /// What exits and the ways to them depend on.
    dependencies: Dependencies,
}

/// What the table says of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableAnswer {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Whose it is, where it is known.
    pub slot: Option<Slot>,
}

/// Any source port: for what asks a table that [looks at none](Table::asks_source_ports).
const ANY_PORT: u16 = 0;

impl Table {
    /// Which compilation this is: a later one has a larger number.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How often an entry was replaced since the table was compiled. Who reads this number sees
    /// every replacement that it counts.
    #[must_use]
    pub fn patches(&self) -> u64 {
        self.patches.load(Ordering::Acquire)
    }

    /// Makes every replacement that was counted before visible to the reads that follow: they are
    /// relaxed, and the count is what they are ordered by.
    pub(crate) fn see_every_replacement(&self) {
        let _ordered = self.patches();
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
    pub fn owner(&self, slot: Slot) -> Option<&TableMachine> {
        let entry = self.entries.get(slot.index())?;
        self.owners.get(entry.machine as usize)
    }

    /// The slot of a source address; `Err` says why there is none.
    ///
    /// # Errors
    /// `unknown-source`, or `ambiguous-network` where no network is given and several own it.
    pub fn slot(&self, network: Option<NetworkId>, source: IpAddr) -> Result<Slot, Reason> {
        let (family, lane, _) = self.locate(network, source, None)?;
        family.slot(lane).map(Slot).ok_or(Reason::UnknownSource)
    }

    /// Replaces the reason at the edge of one address, in place: what follows the next look at
    /// [`Self::patches`] sees it, and readers are not held up. False where there is no such slot.
    pub fn replace(&self, slot: Slot, edge: Reason) -> bool {
        let replaced = self.store_edge(slot, edge);
        self.patches.fetch_add(1, Ordering::Release);
        replaced
    }

    /// How many bytes the buckets take in which IPv4 senders are looked up, those for packets that do
    /// not show their network with them: there are none of these where there is one network only.
    #[must_use]
    pub fn v4_bucket_bytes(&self) -> usize {
        self.v4.bucket_bytes()
    }

    /// What becomes of a SYN to port 25.
    #[must_use]
    pub fn answer(
        &self,
        network: Option<NetworkId>,
        (source, port): (IpAddr, u16),
        to: IpAddr,
    ) -> TableAnswer {
        let (reason, slot) = match self.locate(network, source, Some(to)) {
            Ok((family, lane, value)) => {
                (self.reason(value, port, to), family.slot(lane).map(Slot))
            }
            Err(reason) => (self.nobody_sends(network.map(NetworkId::get), reason, to), None),
        };
        TableAnswer { verdict: self.verdict(reason), reason, slot }
    }

    /// What becomes of a packet whose sender was not found: one from outside that comes to somebody
    /// whom the table knows is inbound (N1).
    #[cold]
    fn nobody_sends(&self, network: Option<u32>, reason: Reason, to: IpAddr) -> Reason {
        let unknown = Reason::UnknownSource;
        let found =
            || self.owner_in(network, to).or_else(|reason| self.host(network, (to, None), reason));
        let is_known = || !matches!(found(), Err(reason) if reason == unknown);
        let is_service = || match network {
            Some(network) => self.services.contains(&(network, to)),
            None => self.services.iter().any(|(_, at)| *at == to),
        };
        let comes_in =
            reason == unknown && (self.public.contains_key(&to) || is_service() || is_known());
        if comes_in { Reason::Inbound } else { reason }
    }

    /// What becomes of a SYN to port 25 that leaves a forwarder's port, known by one of its
    /// addresses, and bears somebody's source: it goes on from there, whichever way it came.
    /// `None` where the address is no forwarder's. A firewall's port asks for no source.
    #[must_use]
    pub fn answer_forwarded(
        &self,
        port: &(NetworkName, IpAddr),
        network: Option<NetworkId>,
        (source, source_port): (IpAddr, u16),
        to: IpAddr,
    ) -> Option<TableAnswer> {
        let port = self.ports.get(port)?;
        let (at_edge, slot, seen_as) = match self.locate(network, source, Some(to)) {
            Ok((family, lane, value)) => {
                let place = self.places.get(place_of(value));
                (edge_of(value), family.slot(lane).map(Slot), place.map_or(0, |of| of.source))
            }
            Err(reason) if port.firewall => (reason, None, 0),
            Err(reason) => {
                let reason = self.nobody_sends(network.map(NetworkId::get), reason, to);
                return Some(TableAnswer { verdict: self.verdict(reason), reason, slot: None });
            }
        };
        // Who does not run sends nothing that rules would see.
        let seen_as = if at_edge == Reason::SenderNotRunning { 0 } else { seen_as };
        let place = port.places.get(seen_as as usize).copied().unwrap_or(0);
        let reason = match self.of_port(self.leaf_at(place as usize, to), source_port) {
            _ if at_edge == Reason::SenderNotRunning && !port.firewall => at_edge,
            Leaf::Fixed(reason) => reason,
            Leaf::Exit(exit) => self.exit_reason(exit, at_edge),
            // What a forwarder sends on is at nobody's own edge.
            Leaf::Edge | Leaf::SourcePort(_) => Reason::NoRoute,
        };
        Some(TableAnswer { verdict: self.verdict(reason), reason, slot })
    }

    /// Whether a packet's source port counts anywhere: what does not look at it cannot answer then.
    #[must_use]
    pub const fn asks_source_ports(&self) -> bool {
        !self.by_source_port.is_empty()
    }

    /// What becomes of a SYN to port 25, in a word.
    pub(crate) fn ruling(&self, network: Option<NetworkId>, source: IpAddr, to: IpAddr) -> Ruling {
        let found = self.locate(network, source, Some(to)).map(|(.., value)| value);
        self.ruled(found, network.map(NetworkId::get), to)
    }

    /// What becomes of what a sender with a value sends, or nobody.
    fn ruled(&self, found: Result<u32, Reason>, network: Option<u32>, to: IpAddr) -> Ruling {
        match found {
            Ok(value) => Ruling::new(self.code(self.reason(value, ANY_PORT, to)), place_of(value)),
            Err(reason) => Ruling::new(self.code(self.nobody_sends(network, reason, to)), 0),
        }
    }

    /// The number of the place of a slot; 0 where there is no such slot.
    pub(crate) fn place(&self, slot: Option<Slot>) -> usize {
        let entry = slot.and_then(|slot| self.entries.get(slot.index()));
        entry.map_or(0, |entry| entry.place as usize)
    }

    /// The places of senders, by their numbers.
    #[inline(always)]
    pub(crate) fn places(&self) -> &[SenderPlace] {
        &self.places
    }

    /// The subscription of the sender of a judged packet, where the table knows it.
    #[must_use]
    pub fn subscription(&self, ruling: Ruling) -> Option<&SubscriptionName> {
        let number = self.places.get(ruling.place())?.subscription() as usize;
        self.subscriptions.get(number.checked_sub(1)?)
    }

    /// The subscriptions of senders, by the numbers that places have for them, less one.
    pub(crate) const fn subscriptions(&self) -> &Arc<[SubscriptionName]> {
        &self.subscriptions
    }

    /// The verdict that goes with a reason under the settings that the table was compiled with.
    #[must_use]
    pub fn verdict(&self, reason: Reason) -> Verdict {
        self.code(reason).verdict()
    }

    /// A reason with its verdict.
    #[inline(always)]
    pub(crate) fn code(&self, reason: Reason) -> Code {
        self.by_byte.get(reason.index()).copied().unwrap_or(Code::new(Verdict::Drop, reason))
    }

    /// What becomes of an IPv4 SYN to port 25 of a network.
    #[inline(always)]
    pub(crate) fn ruling_v4<L: EqualLanes>(
        &self,
        level: L,
        network: Option<NetworkId>,
        source: u32,
        to: u32,
    ) -> Ruling {
        self.answer_v4(level, self.v4.search_v4(network.map(NetworkId::get), source), source, to)
    }

    /// How searches for many IPv4 senders begin; `None` where their network is not known.
    #[inline(always)]
    pub(crate) fn homes_v4(&self, network: Option<NetworkId>) -> Option<Homes> {
        self.v4.homes_v4(network.map(NetworkId::get))
    }

    /// What becomes of an IPv4 SYN to port 25 of which [`CommonCase`] could not tell it.
    #[inline(never)]
    pub(crate) fn answer_further<L: EqualLanes>(
        &self,
        level: L,
        homes: &Homes,
        source: u32,
        to: u32,
    ) -> Ruling {
        let search = self.v4.search_v4(Some(homes.network()), source);
        self.answer_v4(level, search, source, to)
    }

    /// The answer for a sender that is looked for.
    #[inline(always)]
    fn answer_v4<L: EqualLanes>(&self, level: L, search: Search, source: u32, to: u32) -> Ruling {
        let value = match self.v4.find(level, search, u128::from(source), &self.places) {
            Ok((_, value)) => value,
            Err(reason) => {
                let (source, to) = (IpAddr::V4(source.into()), IpAddr::V4(to.into()));
                let found = self.host(search.network, (source, Some(to)), reason);
                return self.ruled(found.map(|(.., value)| value), search.network, to);
            }
        };
        let place = self.places.get(place_of(value));
        let code = if place.is_some_and(|place| place.is_edge_at_once(to)) {
            let [.., reason] = value.to_be_bytes();
            // Every byte is a place of the array.
            self.by_byte.get(usize::from(reason)).copied().unwrap_or(Code::UNJUDGED)
        } else {
            self.code(self.reason(value, ANY_PORT, IpAddr::V4(to.into())))
        };
        Ruling::new(code, place_of(value))
    }

    /// Who sends from a source: to an address, where that counts.
    fn locate(
        &self,
        network: Option<NetworkId>,
        source: IpAddr,
        to: Option<IpAddr>,
    ) -> Result<(&FamilySenders, usize, u32), Reason> {
        let network = network.map(NetworkId::get);
        self.owner_in(network, source).or_else(|reason| self.host(network, (source, to), reason))
    }

    /// The interface that owns an address.
    fn owner_in(
        &self,
        network: Option<u32>,
        source: IpAddr,
    ) -> Result<(&FamilySenders, usize, u32), Reason> {
        let (family, search, address) = match source {
            IpAddr::V4(source) => {
                let source = u32::from(source);
                (&self.v4, self.v4.search_v4(network, source), u128::from(source))
            }
            IpAddr::V6(source) => {
                let source = u128::from(source);
                (&self.v6, self.v6.search_v6(network, source), source)
            }
        };
        let (lane, value) = family.find(Scalar, search, address, &self.places)?;
        Ok((family, lane, value))
    }

    /// The machine whose public address a source is, or behind which it is, where no interface owns it.
    #[cold]
    fn host(
        &self,
        network: Option<u32>,
        (source, to): (IpAddr, Option<IpAddr>),
        reason: Reason,
    ) -> Result<(&FamilySenders, usize, u32), Reason> {
        if reason != Reason::UnknownSource {
            return Err(reason);
        }
        let is_private = |to| !matches!(self.owner_in(network, to), Err(Reason::UnknownSource));
        let public = self.public.get(&source).copied().flatten();
        let public = public.filter(|(of, _)| network.is_none_or(|network| network == *of));
        let slot = match public.filter(|_| to.is_some_and(|to| !is_private(to))) {
            Some((_, slot)) => slot,
            None => self.in_front_of(network, source)?,
        };
        let (family, lane) = self.lane(slot).ok_or(reason)?;
        Ok((family, lane, family.value_at(lane).ok_or(reason)?))
    }

    /// The one machine behind which a source is.
    fn in_front_of(&self, network: Option<u32>, source: IpAddr) -> Result<Slot, Reason> {
        let mut hosts = self.behind.iter().filter(|behind| {
            network.map_or(behind.is_first, |network| behind.network == network)
                && behind.prefix.contains(&source)
        });
        let host = hosts.next().ok_or(Reason::UnknownSource)?;
        let machine = |of: &Behind| self.entries.get(of.slot.index()).map(|entry| entry.machine);
        if hosts.any(|other| machine(other) != machine(host)) {
            return Err(Reason::AmbiguousNetwork);
        }
        Ok(host.slot)
    }

    fn leaf_at(&self, place: usize, destination: IpAddr) -> Leaf {
        let place = self.places.get(place);
        place.map_or(Leaf::Fixed(Reason::NoRoute), |SenderPlace { v4, v6, .. }| {
            self.tries.leaf(Roots { v4: *v4, v6: *v6 }, destination)
        })
    }

    /// What a leaf means for a packet from a source port.
    fn of_port(&self, leaf: Leaf, port: u16) -> Leaf {
        let Leaf::SourcePort(number) = leaf else { return leaf };
        let ports = self.by_source_port.get(number as usize).map_or(&[][..], |ports| ports);
        let found = ports.iter().find(|(last, _)| port <= *last);
        found.map_or(Leaf::Fixed(Reason::NoRoute), |(_, leaf)| *leaf)
    }

    /// The reason for a sender's value, a source port and a destination.
    #[inline(never)]
    fn reason(&self, value: u32, port: u16, to: IpAddr) -> Reason {
        let at_edge = edge_of(value);
        if at_edge == Reason::SenderNotRunning {
            return at_edge;
        }
        match self.of_port(self.leaf_at(place_of(value), to), port) {
            Leaf::Fixed(reason) => reason,
            Leaf::Edge => at_edge,
            Leaf::Exit(exit) => self.exit_reason(exit, at_edge),
            Leaf::SourcePort(_) => Reason::NoRoute,
        }
    }

    /// What an exit makes of a sender's reason at its own edge.
    fn exit_reason(&self, exit: u32, at_edge: Reason) -> Reason {
        let row = (exit as usize).saturating_mul(Reason::COUNT);
        load(self.exits.get(row.saturating_add(at_edge.index())))
    }

    /// The family and the lane of a slot.
    fn lane(&self, slot: Slot) -> Option<(&FamilySenders, usize)> {
        let lane = self.entries.get(slot.index())?.lane;
        let family = if lane & FixedEntry::V6 == 0 { &self.v4 } else { &self.v6 };
        Some((family, (lane & !FixedEntry::V6) as usize))
    }

    fn store_edge(&self, slot: Slot, edge: Reason) -> bool {
        let place = self.entries.get(slot.index()).map(|entry| entry.place);
        let value = place.and_then(|place| senders::value(place, edge).ok());
        match (self.lane(slot), value) {
            (Some((family, lane)), Some(value)) => {
                family.store(lane, value);
                true
            }
            _ => false,
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
