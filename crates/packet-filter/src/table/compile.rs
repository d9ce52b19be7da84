//! From a world to a table, and from a change to a patch.
//!
//! Everything that a table says is taken from the reference: the ways and cells of a subnet
//! from [`egress25_policy::way`] and [`egress25_policy::cells`], the reason at the edge from
//! [`egress25_policy::edge_reason`], and what is behind appliances from
//! [`egress25_policy::decide`] itself, asked for one address of each group of destinations.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU8, Ordering};

use egress25_policy::{
    Applied, HopKind, MachineName, NetworkName, Question, Reason, Source, SubnetName,
    SubscriptionName, Way, World, cells, decide, edge_reason, verdict_of, way,
};
use ipnet::IpNet;

use super::builder::{OwnerId, PlaceId, TableBuilder, number};
use super::{Entry, Leaf, Networks, RouteSet, Slot, Table, byte};

/// More entries than a table can number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the world has more than 4,294,967,294 addresses, which is as many as a table can number")]
pub struct TooLarge;

/// What reasons behind appliances depend on besides the sender.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    machines: BTreeSet<MachineName>,
    subscriptions: BTreeSet<SubscriptionName>,
    /// The slots that have such reasons, with the destinations that they are asked for.
    slots: Vec<(Slot, u32)>,
    /// One destination for each reason behind appliances, by route set.
    asked: Vec<Vec<IpAddr>>,
}

/// A change of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patched {
    /// So many entries were replaced in place.
    InPlace(usize),
    /// Addresses, networks or routes changed: the table has to be compiled anew.
    CompileAnew,
}

impl Table {
    /// Compiles a world. `epoch` is for the caller to number tables with.
    ///
    /// # Errors
    /// The world has more addresses than a table can number.
    pub fn compile(world: &World, epoch: u64) -> Result<Self, TooLarge> {
        let mut draft = Draft {
            builder: TableBuilder::new(Networks::of(world)),
            through: Vec::new(),
            places: BTreeMap::new(),
            dependencies: Dependencies::default(),
        };
        for reason in Reason::ALL {
            draft.builder.verdict(*reason, verdict_of(world, *reason));
        }
        for (name, machine) in world.machines() {
            let owner = draft.builder.owner(name.clone(), machine.subscription.clone())?;
            let edge = edge_reason(world, name).unwrap_or(Reason::UnknownSource);
            for interface in &machine.interfaces {
                for address in &interface.addresses {
                    // A deleted machine owns nothing; its address may be another's.
                    let owned = world.owner(&interface.network, *address);
                    if owned.is_some_and(|(owned, ..)| owned == name) {
                        let (network, subnet) = (&interface.network, &interface.subnet);
                        draft.add_entry(world, network, subnet, *address, owner, edge)?;
                    }
                }
            }
        }
        let mut table = draft.builder.build(epoch)?;
        table.through = draft.through;
        table.dependencies = draft.dependencies;
        table.find_dependencies(world);
        table.ask_behind_appliances(world, |_| true);
        Ok(table)
    }

    /// Brings the table up to a change that has been applied to a world.
    ///
    /// Readers may go on meanwhile: each sees, entry by entry, the old reason or the new one.
    #[must_use]
    pub fn patch(&self, world: &World, applied: &Applied) -> Patched {
        if applied.structure {
            return Patched::CompileAnew;
        }
        let mut replaced = 0_usize;
        for name in &applied.machines {
            let Some(slots) = self.slots_of.get(name) else { continue };
            let reason = edge_reason(world, name).unwrap_or(Reason::UnknownSource);
            for slot in slots {
                if self.store_edge(*slot, reason) {
                    replaced = replaced.saturating_add(1);
                }
            }
        }
        let depends = &self.dependencies;
        let everyone = applied.machines.iter().any(|name| depends.machines.contains(name))
            || applied
                .subscription
                .as_ref()
                .is_some_and(|name| depends.subscriptions.contains(name));
        let touched: BTreeSet<_> =
            applied.machines.iter().filter_map(|name| self.slots_of.get(name)).flatten().collect();
        let asked = self.ask_behind_appliances(world, |slot| everyone || touched.contains(&slot));
        self.patches.fetch_add(1, Ordering::Release);
        Patched::InPlace(replaced.saturating_add(asked))
    }

    /// Finds the machines and subscriptions on the way of everything that leads through
    /// appliances and firewalls.
    fn find_dependencies(&mut self, world: &World) {
        for (slot, set) in self.dependencies.slots.clone() {
            for question in self.questions(slot, set) {
                for hop in decide(world, &question).path.iter().skip(1) {
                    match &hop.at {
                        HopKind::Machine { machine, .. } => {
                            self.dependencies.machines.insert(machine.clone());
                        }
                        HopKind::Firewall { .. } => {}
                    }
                }
            }
        }
        // An appliance that is down is no hop; its address tells it all the same.
        let forwards = |interfaces: &[egress25_policy::Interface]| {
            interfaces.iter().any(|interface| interface.ip_forwarding)
        };
        for (name, machine) in world.machines() {
            if !self.dependencies.slots.is_empty() && forwards(&machine.interfaces) {
                self.dependencies.machines.insert(name.clone());
            }
        }
        for firewall in world.firewalls().values() {
            self.dependencies.subscriptions.insert(firewall.subscription.clone());
        }
    }

    /// The questions behind a slot's reasons behind appliances, in their order.
    fn questions(&self, slot: Slot, set: u32) -> Vec<Question> {
        let asked = usize::try_from(set).ok().and_then(|set| self.dependencies.asked.get(set));
        let owner = self.owner(slot).map(|owner| owner.machine.clone());
        let source = self.source(slot);
        asked
            .into_iter()
            .flatten()
            .filter_map(|destination| {
                let source = source.clone().or_else(|| owner.clone().map(Source::Machine))?;
                Some(Question {
                    source,
                    destination: *destination,
                    port: egress25_policy::SMTP_PORT,
                })
            })
            .collect()
    }

    fn source(&self, slot: Slot) -> Option<Source> {
        let (family, lane) = self.lane(slot)?;
        let address = match (family.address(lane)?, self.entries.get(slot.index())?.lane) {
            (address, lane) if lane & Entry::V6 != 0 => IpAddr::V6(Ipv6Addr::from(address)),
            (address, _) => IpAddr::V4(Ipv4Addr::from(u32::try_from(address).ok()?)),
        };
        let place = self.places.get(self.entries.get(slot.index())?.place as usize)?;
        let network = Some(self.networks.name_of(place.network)?.clone());
        Some(Source::Address { network, address })
    }

    /// Asks the reference for the reasons behind appliances of some slots; says how many.
    fn ask_behind_appliances(&self, world: &World, want: impl Fn(Slot) -> bool) -> usize {
        let mut asked = 0_usize;
        for (slot, set) in &self.dependencies.slots {
            if !want(*slot) {
                continue;
            }
            let Some(entry) = self.entries.get(slot.index()) else { continue };
            for (place, question) in (entry.through..).zip(self.questions(*slot, *set)) {
                let reason = decide(world, &question).reason;
                let stored = usize::try_from(place).ok().and_then(|at| self.through.get(at));
                if let Some(stored) = stored {
                    stored.store(byte(reason), Ordering::Relaxed);
                    asked = asked.saturating_add(1);
                }
            }
        }
        asked
    }
}

/// A table on its way: what a builder does not know.
struct Draft {
    builder: TableBuilder,
    through: Vec<AtomicU8>,
    /// The place of each subnet, and its number among those that are asked behind.
    places: BTreeMap<(NetworkName, SubnetName), (PlaceId, u32)>,
    dependencies: Dependencies,
}

impl Draft {
    fn add_entry(
        &mut self,
        world: &World,
        network: &NetworkName,
        subnet: &SubnetName,
        address: IpAddr,
        owner: OwnerId,
        edge: Reason,
    ) -> Result<(), TooLarge> {
        let key = (network.clone(), subnet.clone());
        let (place, set) = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let Some(place) = self.add_place(world, network, subnet)? else { return Ok(()) };
                self.places.insert(key, place);
                place
            }
        };
        let slot = self.builder.address(place, address, Some(owner), edge)?;
        let through = number(self.through.len())?;
        if let Some(entry) = self.builder.entries.last_mut() {
            entry.through = through;
        }
        let asked = self.dependencies.asked.get(set as usize).map_or(0, Vec::len);
        if asked > 0 {
            self.dependencies.slots.push((slot, set));
        }
        self.through.resize_with(self.through.len().saturating_add(asked), || {
            AtomicU8::new(byte(Reason::UnknownSource))
        });
        Ok(())
    }

    fn add_place(
        &mut self,
        world: &World,
        network: &NetworkName,
        subnet: &SubnetName,
    ) -> Result<Option<(PlaceId, u32)>, TooLarge> {
        let Some(id) = self.builder.networks.id(network) else { return Ok(None) };
        let prefixes = cells(world, network, subnet);
        let mut leaves = Vec::with_capacity(prefixes.len());
        let mut asked = Vec::new();
        for prefix in &prefixes {
            // A prefix that longer ones cover whole stands for no destination of its own.
            let Some(address) = own_address(*prefix, &prefixes) else { continue };
            let leaf = match way(world, network, subnet, address) {
                Way::Fixed(reason) => Leaf::Fixed(reason),
                Way::Edge => Leaf::Edge,
                Way::Through => {
                    asked.push(address);
                    Leaf::Through(number(asked.len().saturating_sub(1))?)
                }
            };
            leaves.push((*prefix, leaf));
        }
        let set = number(self.dependencies.asked.len())?;
        self.dependencies.asked.push(asked);
        Ok(Some((self.builder.place(id, &RouteSet::new(leaves))?, set)))
    }
}

/// An address of a prefix that no longer one of the set covers.
fn own_address(prefix: IpNet, all: &[IpNet]) -> Option<IpAddr> {
    let inner: Vec<&IpNet> =
        all.iter().filter(|other| **other != prefix && prefix.contains(*other)).collect();
    // The first free address is the prefix's own or follows the end of some inner prefix.
    let starts = [Some(prefix.network())]
        .into_iter()
        .chain(inner.iter().map(|inner| next(inner.broadcast())));
    starts.flatten().find(|address| {
        prefix.contains(address) && !inner.iter().any(|inner| inner.contains(address))
    })
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            u32::from(address).checked_add(1).map(|next| IpAddr::V4(Ipv4Addr::from(next)))
        }
        IpAddr::V6(address) => {
            u128::from(address).checked_add(1).map(|next| IpAddr::V6(Ipv6Addr::from(next)))
        }
    }
}
