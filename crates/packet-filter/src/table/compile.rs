//! From a world to a table, and from a change to a patch.
//!
//! Everything that a table says is taken from the policy: where destinations lead from
//! [`egress25_policy::CellMap`], the reason at the edge from [`egress25_policy::edge_reason`], and
//! what an exit makes of that from [`egress25_policy::exit_reason`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use egress25_policy::{
    Applied, CellMap, Cells, Forwarder, LeadsTo, MachineName, NetworkName, Power, Reason,
    SenderClass, World, edge_reason, exit_reason, verdict_of,
};

use crate::table::builder::{PlaceId, TableBuilder, number};
use crate::table::dependencies::{Dependencies, Exit};
use crate::table::entry::{ForwarderPort, TooLarge};
use crate::table::{Leaf, Networks, RouteSet, Table, byte};

/// A change of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patched {
    /// So many entries were replaced in place.
    InPlace(usize),
    /// Addresses, networks, routes or forwarders changed: the table has to be compiled anew, and
    /// nothing of this one was replaced.
    CompileAnew,
}

impl Table {
    /// Compiles a world. `epoch` is for the caller to number tables with.
    ///
    /// # Errors
    /// The world has more addresses than a table can number.
    pub fn compile(world: &World, epoch: u64) -> Result<Self, TooLarge> {
        let mut draft = TableDraft {
            world,
            builder: TableBuilder::new(Networks::of(world)),
            cells: CellMap::new(world),
            places: HashMap::new(),
            exits: HashMap::new(),
            dependencies: Dependencies::default(),
            ports: HashMap::new(),
        };
        for reason in Reason::ALL {
            draft.builder.verdict(*reason, verdict_of(&world.settings, *reason));
        }
        draft.machines()?;
        draft.firewalls()?;
        let TableDraft { builder, dependencies, ports, .. } = draft;
        let mut table = builder.build(epoch)?;
        table.ports = ports;
        table.public = world.public_addresses().collect();
        for exit in &dependencies.exits {
            let reasons = reasons_of(world, &exit.forwarder);
            table.exits.extend(reasons.map(|reason| AtomicU8::new(byte(reason))));
        }
        table.dependencies = dependencies;
        Ok(table)
    }

    /// Brings the table up to a change that has been applied to a world, or taken back.
    ///
    /// Readers may go on meanwhile: each sees, entry by entry, the old reason or the new one.
    #[must_use]
    pub fn patch(&self, world: &World, applied: &Applied) -> Patched {
        let depends = &self.dependencies;
        let turned =
            |name: &MachineName| depends.ran.get(name).is_some_and(|ran| *ran != runs(world, name));
        if applied.structure || applied.machines.iter().any(turned) {
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
        for (exit, stored) in depends.exits.iter().zip(self.exits.chunks(Reason::COUNT)) {
            let touched = exit.subscription.is_some() && exit.subscription == applied.subscription
                || matches!(&exit.forwarder, Forwarder::Machine(name)
                    if applied.machines.contains(name));
            if touched {
                for (stored, reason) in stored.iter().zip(reasons_of(world, &exit.forwarder)) {
                    stored.store(byte(reason), Ordering::Relaxed);
                }
                replaced = replaced.saturating_add(1);
            }
        }
        self.patches.fetch_add(1, Ordering::Release);
        Patched::InPlace(replaced)
    }
}

fn runs(world: &World, name: &MachineName) -> bool {
    world.machines().get(name).is_some_and(|machine| machine.state.power == Power::Running)
}

/// What an exit makes of each reason at the sender's own edge, in the order of the reasons.
fn reasons_of(world: &World, exit: &Forwarder) -> impl Iterator<Item = Reason> {
    Reason::ALL.iter().map(move |at_edge| exit_reason(world, exit, *at_edge))
}

/// A table on its way: what a builder does not know.
struct TableDraft<'w> {
    world: &'w World,
    builder: TableBuilder,
    cells: CellMap<'w>,
    /// The place of each class of senders.
    places: HashMap<SenderClass, PlaceId>,
    /// The number of each exit.
    exits: HashMap<Forwarder, u32>,
    dependencies: Dependencies,
    ports: HashMap<(NetworkName, IpAddr), ForwarderPort>,
}

impl TableDraft<'_> {
    fn machines(&mut self) -> Result<(), TooLarge> {
        let world = self.world;
        for (name, machine) in world.machines() {
            let owner = self.builder.owner(name.clone(), machine.subscription.clone())?;
            let edge = edge_reason(world, name).unwrap_or(Reason::UnknownSource);
            let forwards = machine.forwards();
            if forwards {
                self.dependencies.ran.insert(name.clone(), runs(world, name));
            }
            for interface in &machine.interfaces {
                let mut place = None;
                for address in &interface.addresses {
                    // A deleted machine owns nothing; its address may be another's.
                    let owned = world.owner(&interface.network, *address);
                    if owned.is_none_or(|(owned, ..)| owned != name) {
                        continue;
                    }
                    let place = match place {
                        Some(place) => place,
                        None => {
                            let class = SenderClass::of(world, name, machine, interface);
                            *place.insert(self.place(&class)?)
                        }
                    };
                    self.builder.address(place, *address, Some(owner), edge)?;
                    if forwards {
                        let exit = self.exit(&Forwarder::Machine(name.clone()))?;
                        let key = (interface.network.clone(), *address);
                        self.ports.insert(
                            key,
                            ForwarderPort { place: place.get(), exit, firewall: false },
                        );
                    }
                }
            }
        }
        Ok(())
    }

    fn firewalls(&mut self) -> Result<(), TooLarge> {
        for (name, firewall) in self.world.firewalls() {
            let cells = self.cells.firewall_cells(name);
            let place = self.new_place(&firewall.network, &cells)?;
            let exit = self.exit(&Forwarder::Firewall(name.clone()))?;
            let port = ForwarderPort { place: place.get(), exit, firewall: true };
            self.ports.insert((firewall.network.clone(), firewall.address), port);
        }
        Ok(())
    }

    fn place(&mut self, class: &SenderClass) -> Result<PlaceId, TooLarge> {
        if let Some(known) = self.places.get(class) {
            return Ok(*known);
        }
        let cells = self.cells.cells(class);
        let place = self.new_place(&class.network, &cells)?;
        self.places.insert(class.clone(), place);
        Ok(place)
    }

    fn new_place(&mut self, network: &NetworkName, cells: &Cells) -> Result<PlaceId, TooLarge> {
        let mut leaves = Vec::new();
        for cell in cells.iter() {
            let leaf = match &cell.leads_to {
                LeadsTo::Reason(reason) => Leaf::Fixed(*reason),
                LeadsTo::Edge => Leaf::Edge,
                LeadsTo::Exit(exit) => Leaf::Exit(self.exit(exit)?),
            };
            leaves.extend(cell.prefixes().into_iter().map(|prefix| (prefix, leaf)));
        }
        let network = self.builder.network(network);
        self.builder.place(network, &RouteSet::new(leaves))
    }

    fn exit(&mut self, exit: &Forwarder) -> Result<u32, TooLarge> {
        if let Some(known) = self.exits.get(exit) {
            return Ok(*known);
        }
        let next = number(self.exits.len())?;
        self.exits.insert(exit.clone(), next);
        let subscription = match exit {
            Forwarder::Machine(_) => None,
            Forwarder::Firewall(name) => self.world.firewalls().get(name),
        };
        self.dependencies.exits.push(Exit {
            forwarder: exit.clone(),
            subscription: subscription.map(|firewall| firewall.subscription.clone()),
        });
        Ok(next)
    }
}
