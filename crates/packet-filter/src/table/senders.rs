//! The source addresses of one family, each with where its packets go and what it may do.

use std::sync::atomic::Ordering;

use egress25_policy::Reason;

use crate::sieve::{EqualLanes, Ruling, Scalar};
use crate::table::bucket::Bucket;
use crate::table::entry::{SenderPlace, TooLarge};
use crate::table::lookup::{Buckets, Occupied, Probe, home_of, mix_v4, seed_v4};

/// Stands for the network of a probe where the packet does not say which one it belongs to.
const ANYWHERE: u32 = u32::MAX;

/// What [`FamilySenders::anywhere`] holds is a lane and one; with this bit, several networks own
/// the address, and the lane is one of theirs.
const SEVERAL: u32 = 1 << 31;

/// How far the number of a place is shifted in a value; below is the reason at the edge.
const REASON_BITS: u32 = 8;

/// The most places that a value can tell apart, or a ruling.
const MAX_PLACES: u32 = Ruling::PLACES;
const _: () = assert!(MAX_PLACES <= 1 << (u32::BITS - REASON_BITS));

/// A value: where the sender stands, and its reason at the edge.
pub(super) fn value(place: u32, edge: Reason) -> Result<u32, TooLarge> {
    let reason = u32::try_from(edge.index()).map_err(|_| TooLarge)?;
    if place == 0 || place >= MAX_PLACES {
        Err(TooLarge)
    } else {
        Ok(place << REASON_BITS | reason)
    }
}

/// The number of the place in a value.
#[inline(always)]
pub(super) const fn place_of(value: u32) -> usize {
    (value >> REASON_BITS) as usize
}

/// The reason at the edge in a value; one that is not there fails closed.
#[inline(always)]
pub(super) fn edge_of(value: u32) -> Reason {
    let [.., reason] = value.to_be_bytes();
    Reason::from_index(reason).unwrap_or(Reason::UnknownSource)
}

/// An address before its family's buckets are built.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drafted {
    pub(super) network: u32,
    pub(super) address: u128,
    pub(super) value: u32,
    pub(super) slot: u32,
}

/// A search that has begun: its bucket can be fetched before it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search {
    probe: Probe,
    pub(super) network: Option<u32>,
}

/// How searches for many IPv4 addresses of one network begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Homes {
    network: u32,
    seed: u32,
    buckets: u32,
}

impl Homes {
    /// The network.
    #[inline(always)]
    pub(super) const fn network(&self) -> u32 {
        self.network
    }

    /// What tells the network's addresses from another's.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) const fn seed(&self) -> u32 {
        self.seed
    }

    /// How many buckets there are.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) const fn buckets(&self) -> u32 {
        self.buckets
    }

    /// The bucket where the search for an address begins.
    #[inline(always)]
    pub(crate) fn home(&self, address: u32) -> u32 {
        home_of(mix_v4(self.seed, address), self.buckets)
    }
}

/// The senders of one address family.
#[derive(Debug)]
pub(super) struct FamilySenders {
    buckets: Buckets,
    /// Where each address is for packets that do not show their network, if there are several
    /// networks.
    anywhere: Option<Buckets>,
    /// The network where there is just one.
    only: Option<u32>,
    /// The slot of each lane.
    slots: Vec<u32>,
    /// The address of each lane, for IPv6.
    addresses: Vec<u128>,
    v6: bool,
}

impl FamilySenders {
    /// Builds the buckets. `moved` is told the slot and the lane of each address.
    pub(super) fn build(
        drafted: &[Drafted],
        networks: usize,
        v6: bool,
        places: &[SenderPlace],
        moved: &mut dyn FnMut(u32, u32),
    ) -> Result<Self, TooLarge> {
        let buckets = Buckets::with_room_for(drafted.len());
        if u32::try_from(buckets.lanes()).is_ok_and(|lanes| lanes < 1 << 31) {
            let mut senders = Self {
                slots: vec![u32::MAX; buckets.lanes()],
                addresses: if v6 { vec![0; buckets.lanes()] } else { Vec::new() },
                buckets,
                anywhere: None,
                only: (networks <= 1).then_some(0),
                v6,
            };
            for entry in drafted {
                senders.insert(entry, places, moved)?;
            }
            if networks > 1 {
                senders.index_anywhere(drafted, places)?;
            }
            return Ok(senders);
        }
        Err(TooLarge)
    }

    /// How many bytes the buckets take, those for packets that do not show their network with them.
    pub(super) fn bucket_bytes(&self) -> usize {
        let anywhere = self.anywhere.as_ref().map_or(0, Buckets::bytes);
        self.buckets.bytes().saturating_add(anywhere)
    }

    /// Begins a search for an IPv4 address.
    #[inline(always)]
    pub(super) fn search_v4(&self, network: Option<u32>, address: u32) -> Search {
        let network = network.or(self.only);
        Search { probe: Probe::v4(network.unwrap_or(ANYWHERE), address), network }
    }

    /// Begins a search for an IPv6 address.
    pub(super) fn search_v6(&self, network: Option<u32>, address: u128) -> Search {
        let network = network.or(self.only);
        Search { probe: Probe::v6(network.unwrap_or(ANYWHERE), address), network }
    }

    /// How searches for many IPv4 addresses of one network begin; `None` where the network is
    /// not known.
    pub(super) fn homes_v4(&self, network: Option<u32>) -> Option<Homes> {
        let network = network.or(self.only)?;
        Some(Homes { network, seed: seed_v4(network), buckets: self.buckets.count() })
    }

    /// The buckets.
    pub(super) fn buckets(&self) -> &[Bucket] {
        self.buckets.all()
    }

    /// Ends a search: the lane and its value.
    ///
    /// # Errors
    /// `unknown-source`, or `ambiguous-network` where no network is given and several own it.
    #[inline(always)]
    pub(super) fn find<L: EqualLanes>(
        &self,
        level: L,
        search: Search,
        address: u128,
        places: &[SenderPlace],
    ) -> Result<(usize, u32), Reason> {
        // A lane that holds nothing is of place 0, which no network has.
        if let (Some(network), false) = (search.network, self.v6)
            && let Some((lane, value)) = self.buckets.first(level, search.probe)
            && places.get(place_of(value)).is_some_and(|place| place.network == network)
        {
            return Ok((lane, value));
        }
        self.find_further(level, search, address, places)
    }

    /// As [`Self::find`], for whatever is not the first with its key in its first bucket.
    #[inline(never)]
    fn find_further<L: EqualLanes>(
        &self,
        level: L,
        search: Search,
        address: u128,
        places: &[SenderPlace],
    ) -> Result<(usize, u32), Reason> {
        let Some(network) = search.network else {
            return self.find_anywhere(level, search, address);
        };
        let found = self.buckets.find(level, search.probe, |lane, value| {
            places.get(place_of(value)).is_some_and(|place| place.network == network)
                && (!self.v6 || self.addresses.get(lane) == Some(&address))
        });
        found.ok_or(Reason::UnknownSource)
    }

    #[cold]
    fn find_anywhere<L: EqualLanes>(
        &self,
        level: L,
        search: Search,
        address: u128,
    ) -> Result<(usize, u32), Reason> {
        let anywhere = self.anywhere.as_ref().ok_or(Reason::UnknownSource)?;
        let lane_of = |held: u32| ((held & !SEVERAL) as usize).wrapping_sub(1);
        let found =
            anywhere.find(level, search.probe, |_, held| self.is_at(lane_of(held), address));
        let (_, held) = found.ok_or(Reason::UnknownSource)?;
        if held & SEVERAL != 0 {
            return Err(Reason::AmbiguousNetwork);
        }
        let lane = lane_of(held);
        let value = self.value_at(lane).ok_or(Reason::UnknownSource)?;
        Ok((lane, value))
    }

    /// The slot of a lane.
    pub(super) fn slot(&self, lane: usize) -> Option<u32> {
        self.slots.get(lane).copied().filter(|slot| *slot != u32::MAX)
    }

    /// The value in a lane.
    pub(super) fn value_at(&self, lane: usize) -> Option<u32> {
        self.buckets.at(lane).map(|(_, value)| value.load(Ordering::Relaxed))
    }

    /// Replaces the value in a lane.
    pub(super) fn store(&self, lane: usize, value: u32) {
        if let Some((_, stored)) = self.buckets.at(lane) {
            stored.store(value, Ordering::Relaxed);
        }
    }
    fn insert(
        &mut self,
        entry: &Drafted,
        places: &[SenderPlace],
        moved: &mut dyn FnMut(u32, u32),
    ) -> Result<(), TooLarge> {
        let probe = self.probe(entry.network, entry.address);
        let Self { buckets, addresses, v6, .. } = self;
        let same = |lane: usize, value: u32| {
            places.get(place_of(value)).is_some_and(|place| place.network == entry.network)
                && (!*v6 || addresses.get(lane) == Some(&entry.address))
        };
        match buckets.insert(probe, entry.value, same) {
            Ok(lane) => {
                if let Some(slot) = self.slots.get_mut(lane) {
                    *slot = entry.slot;
                }
                if let Some(address) = self.addresses.get_mut(lane) {
                    *address = entry.address;
                }
                moved(entry.slot, u32::try_from(lane).map_err(|_| TooLarge)?);
                Ok(())
            }
            // Only one interface can own an address of a network: the first one stays.
            Err(Occupied { place: Some(lane) }) => {
                moved(entry.slot, u32::try_from(lane).map_err(|_| TooLarge)?);
                Ok(())
            }
            Err(Occupied { place: None }) => Err(TooLarge),
        }
    }

    /// Indexes the addresses for packets that do not show their network.
    fn index_anywhere(
        &mut self,
        drafted: &[Drafted],
        places: &[SenderPlace],
    ) -> Result<(), TooLarge> {
        let mut anywhere = Buckets::with_room_for(drafted.len());
        for entry in drafted {
            let probe = self.probe(entry.network, entry.address);
            let found = self.buckets.find(Scalar, probe, |lane, value| {
                places.get(place_of(value)).is_some_and(|place| place.network == entry.network)
                    && self.is_at(lane, entry.address)
            });
            let (lane, _) = found.ok_or(TooLarge)?;
            let held = u32::try_from(lane).map_err(|_| TooLarge)?.saturating_add(1);
            let same = |_: usize, held: u32| {
                self.is_at(((held & !SEVERAL) as usize).wrapping_sub(1), entry.address)
            };
            match anywhere.insert(self.probe(ANYWHERE, entry.address), held, same) {
                Ok(_) => {}
                Err(Occupied { place: Some(at) }) => {
                    if let Some((_, stored)) = anywhere.at(at)
                        && stored.load(Ordering::Relaxed) & !SEVERAL != held
                    {
                        stored.fetch_or(SEVERAL, Ordering::Relaxed);
                    }
                }
                Err(Occupied { place: None }) => return Err(TooLarge),
            }
        }
        self.anywhere = Some(anywhere);
        Ok(())
    }

    fn probe(&self, network: u32, address: u128) -> Probe {
        if self.v6 {
            Probe::v6(network, address)
        } else {
            Probe::v4(network, u32::try_from(address).unwrap_or_default())
        }
    }

    /// Whether an address is the one in a lane.
    #[inline(always)]
    fn is_at(&self, lane: usize, address: u128) -> bool {
        if self.v6 {
            self.addresses.get(lane) == Some(&address)
        } else {
            self.buckets.at(lane).is_some_and(|(key, _)| u128::from(key) == address)
        }
    }
}
