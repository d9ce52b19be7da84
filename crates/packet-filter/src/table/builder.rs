//! Building a table, entry by entry.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;

use egress25_policy::{CaptureIds, MachineName, NetworkName, Reason, SubscriptionName, Verdict};

use crate::sieve::Code;
use crate::table::dependencies::Dependencies;
use crate::table::entry::{FixedEntry, SenderPlace, Slot, TableMachine, TooLarge};
use crate::table::senders::{self, Drafted, FamilySenders};
use crate::table::trie::{Roots, Tries};
use crate::table::{NetworkId, Networks, RouteSet, Table};

/// A subnet of a table: the network of its addresses, and the routes that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceId(u32);

impl PlaceId {
    pub(super) const fn get(self) -> u32 {
        self.0
    }
}

/// A machine of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerId(u32);

/// Builds a table from its parts, without a world: for tests, benchmarks, and sources other
/// than an inventory.
///
/// Nothing here leads through forwarders: a [`Leaf::Exit`](crate::table::Leaf::Exit) of such a
/// table means `unknown-source`.
#[derive(Debug)]
pub struct TableBuilder {
    pub(super) networks: Networks,
    pub(super) places: Vec<SenderPlace>,
    pub(super) tries: Tries,
    pub(super) entries: Vec<FixedEntry>,
    pub(super) owners: Vec<TableMachine>,
    pub(super) slots_of: HashMap<MachineName, Vec<Slot>>,
    subscriptions: Vec<SubscriptionName>,
    numbers: HashMap<SubscriptionName, u32>,
    /// The number of the subscription of each owner.
    payers: Vec<u32>,
    /// The place of each subscription's senders at a place that was added.
    shared: HashMap<(u32, u32), u32>,
    v4: Vec<Drafted>,
    v6: Vec<Drafted>,
    verdicts: [Verdict; Reason::COUNT],
}

impl Default for TableBuilder {
    fn default() -> Self {
        Self::new(Networks::default())
    }
}

impl TableBuilder {
    /// Begins with networks that are known already.
    #[must_use]
    pub fn new(networks: Networks) -> Self {
        let mut tries = Tries::default();
        let Roots { v4, v6 } = tries.add(&RouteSet::default());
        let nowhere = SenderPlace::new(u32::MAX, v4, v6, [0; 8]);
        let mut verdicts = [Verdict::Drop; Reason::COUNT];
        for (reason, verdict) in Reason::ALL.iter().zip(&mut verdicts) {
            *verdict = reason.usual_verdict();
        }
        Self {
            networks,
            places: vec![nowhere],
            tries,
            entries: Vec::new(),
            owners: Vec::new(),
            slots_of: HashMap::new(),
            subscriptions: Vec::new(),
            numbers: HashMap::new(),
            payers: Vec::new(),
            shared: HashMap::new(),
            v4: Vec::new(),
            v6: Vec::new(),
            verdicts,
        }
    }

    /// Adds a network, or finds the one of that name.
    pub fn network(&mut self, name: &NetworkName) -> NetworkId {
        self.networks.add(name)
    }

    /// Says how packets show that they belong to a network.
    pub fn shown_by(&mut self, network: NetworkId, capture: &CaptureIds) {
        self.networks.show(network, capture);
    }

    /// Adds a place: addresses of a network whose packets take the same routes.
    ///
    /// # Errors
    /// There are more than 8,388,607 places, each counted once for every subscription there.
    pub fn place(&mut self, network: NetworkId, routes: &RouteSet) -> Result<PlaceId, TooLarge> {
        let Roots { v4, v6 } = self.tries.add(routes);
        let number = u32::try_from(self.places.len()).map_err(|_| TooLarge)?;
        senders::value(number, Reason::UnknownSource)?;
        let edges = self.tries.edges(v4);
        self.places.push(SenderPlace::new(network.get(), v4, v6, edges));
        Ok(PlaceId(number))
    }

    /// Says what security rules see of the senders of a place: by a number, from 1.
    pub(super) fn seen_as(&mut self, PlaceId(place): PlaceId, source: u32) {
        if let Some(place) = self.places.get_mut(place as usize) {
            place.source = source;
        }
    }

    /// Adds a machine.
    ///
    /// # Errors
    /// There are more than 4,294,967,294 machines.
    pub fn owner(
        &mut self,
        machine: MachineName,
        subscription: SubscriptionName,
    ) -> Result<OwnerId, TooLarge> {
        let number = number(self.owners.len())?;
        let payer = match self.numbers.get(&subscription) {
            Some(known) => *known,
            None => {
                self.subscriptions.push(subscription.clone());
                let payer = self::number(self.subscriptions.len())?;
                self.numbers.insert(subscription.clone(), payer);
                payer
            }
        };
        self.payers.push(payer);
        self.owners.push(TableMachine { machine, subscription });
        Ok(OwnerId(number))
    }

    /// Adds an address of a machine, or of nobody in particular, with its reason at the
    /// Internet's edge. An address that its network has already stays with its first owner.
    ///
    /// # Errors
    /// There are more addresses than a table can number.
    pub fn address(
        &mut self,
        place: PlaceId,
        address: IpAddr,
        owner: Option<OwnerId>,
        edge: Reason,
    ) -> Result<Slot, TooLarge> {
        let slot = number(self.entries.len())?;
        let payer = owner.and_then(|OwnerId(number)| self.payers.get(number as usize).copied());
        let place = self.place_of(place, payer.unwrap_or(0))?;
        let value = senders::value(place.0, edge)?;
        let network = self.places.get(place.0 as usize).map_or(u32::MAX, |place| place.network);
        let (family, address) = match address {
            IpAddr::V4(address) => (&mut self.v4, u128::from(u32::from(address))),
            IpAddr::V6(address) => (&mut self.v6, u128::from(address)),
        };
        family.push(Drafted { network, address, value, slot });
        let machine = owner.map_or(u32::MAX, |OwnerId(number)| number);
        self.entries.push(FixedEntry { machine, place: place.0, lane: 0 });
        if let Some(owner) = owner.and_then(|OwnerId(number)| self.owners.get(number as usize)) {
            self.slots_of.entry(owner.machine.clone()).or_default().push(Slot(slot));
        }
        Ok(Slot(slot))
    }

    /// The place of a subscription's senders at a place that was added: what a packet counts for
    /// is told by its sender's place.
    fn place_of(&mut self, place: PlaceId, subscription: u32) -> Result<PlaceId, TooLarge> {
        if let Some(known) = self.shared.get(&(place.0, subscription)) {
            return Ok(PlaceId(*known));
        }
        let number = number(self.places.len())?;
        senders::value(number, Reason::UnknownSource)?;
        let shared = self.places.get(place.0 as usize).ok_or(TooLarge)?;
        self.places.push(shared.of(subscription));
        self.shared.insert((place.0, subscription), number);
        Ok(PlaceId(number))
    }

    /// Says which verdict goes with a reason.
    pub fn verdict(&mut self, reason: Reason, verdict: Verdict) {
        if let Some(stored) = self.verdicts.get_mut(reason.index()) {
            *stored = verdict;
        }
    }

    /// Builds the table. `epoch` is for the caller to number tables with.
    ///
    /// # Errors
    /// There are more addresses than a table can number.
    pub fn build(self, epoch: u64) -> Result<Table, TooLarge> {
        let Self { networks, places, mut tries, mut entries, .. } = self;
        tries.finish();
        let mut build = |drafted: &[Drafted], v6: bool| {
            let flag = if v6 { FixedEntry::V6 } else { 0 };
            FamilySenders::build(drafted, networks.len(), v6, &places, &mut |slot, lane| {
                if let Some(entry) = entries.get_mut(slot as usize) {
                    entry.lane = lane | flag;
                }
            })
        };
        let (v4, v6) = (build(&self.v4, false)?, build(&self.v6, true)?);
        let codes = Reason::ALL.iter().zip(self.verdicts);
        let codes: Vec<_> = codes.map(|(reason, verdict)| Code::new(verdict, *reason)).collect();
        let unknown = codes.get(Reason::UnknownSource.index()).copied();
        let mut by_byte = [unknown.unwrap_or(Code::UNJUDGED); 256];
        for (code, stored) in codes.iter().zip(&mut by_byte) {
            *stored = *code;
        }
        let mut words = [0; 64];
        for (code, word) in by_byte.iter().zip(&mut words) {
            *word = u32::from(code.byte());
        }
        Ok(Table {
            epoch,
            networks,
            v4,
            v6,
            places,
            tries,
            entries,
            exits: Vec::new(),
            by_source_port: Vec::new(),
            ports: HashMap::new(),
            public: HashMap::new(),
            services: HashSet::new(),
            behind: Vec::new(),
            patches: AtomicU64::new(0),
            owners: self.owners,
            subscriptions: self.subscriptions.into(),
            slots_of: self.slots_of,
            by_byte,
            words,
            dependencies: Dependencies::default(),
        })
    }
}

/// A number for the next of something.
pub(super) fn number(count: usize) -> Result<u32, TooLarge> {
    u32::try_from(count).ok().filter(|number| *number != u32::MAX).ok_or(TooLarge)
}
