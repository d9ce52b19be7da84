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
    SenderClass, SourceClass, World, edge_reason, exit_reason, verdict_of,
};

use ipnet::IpNet;

use crate::table::builder::{PlaceId, TableBuilder, number};
use crate::table::dependencies::{Dependencies, Exit};
use crate::table::entry::{Behind, ForwarderPort, PublicSender, Slot, TooLarge};
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
            by_source_port: Vec::new(),
            behind: Vec::new(),
            public: HashMap::new(),
            sources: HashMap::new(),
            dependencies: Dependencies::default(),
            ports: HashMap::new(),
        };
        for reason in Reason::ALL {
            draft.builder.verdict(*reason, verdict_of(&world.settings, *reason));
        }
        draft.machines()?;
        draft.forwarders()?;
        let TableDraft { builder, dependencies, ports, by_source_port, behind, public, .. } = draft;
        let mut table = builder.build(epoch)?;
        table.ports = ports;
        table.by_source_port = by_source_port;
        table.behind = behind;
        for name in world.networks().keys() {
            let Some(id) = table.network(name) else { continue };
            let own = world.service_addresses(Some(name));
            table.services.extend(own.map(|at| (id.get(), at)));
        }
        for address in world.public_addresses() {
            table.public.insert(address, public.get(&address).copied().flatten());
        }
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
                || matches!(&exit.forwarder, Forwarder::Machine(name) | Forwarder::Translation(Some(name))
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

/// The own address, of a family where there is one, that an interface's other packets leave by.
fn leaves_by(v4: bool, slots: &[(IpAddr, Slot)]) -> Option<Slot> {
    let of_family = slots.iter().find(|(address, _)| address.is_ipv4() == v4);
    of_family.or_else(|| slots.first()).map(|(_, slot)| *slot)
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
    by_source_port: Vec<Box<[(u16, Leaf)]>>,
    behind: Vec<Behind>,
    /// Who sends by each public address.
    public: HashMap<IpAddr, Option<PublicSender>>,
    /// The number of each source that security rules see, from 1.
    sources: HashMap<SourceClass, u32>,
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
            for (number, interface) in machine.interfaces.iter().enumerate() {
                let mut slots: Vec<(IpAddr, Slot)> = Vec::new();
                let mut place: Option<(Option<SourceClass>, PlaceId)> = None;
                for address in &interface.addresses {
                    // A deleted machine owns nothing; its address may be another's.
                    let owned = world.owner(&interface.network, *address);
                    if owned.is_none_or(|(owned, ..)| owned != name) {
                        continue;
                    }
                    let source = SourceClass::of(world, interface, *address);
                    let here = match &place {
                        Some((of, place)) if *of == source => *place,
                        _ => {
                            let class = SenderClass::of(world, name, machine, interface);
                            let found = self.place(&class.screened(interface, source.clone()))?;
                            place = Some((source, found));
                            found
                        }
                    };
                    let slot = self.builder.address(here, *address, Some(owner), edge)?;
                    slots.push((*address, slot));
                }
                let before = machine.interfaces.iter().take(number);
                if before.clone().all(|other| other.network != interface.network) {
                    self.behind(&machine.behind, &interface.network, number == 0, &slots);
                }
                let network = self.builder.network(&interface.network).get();
                for public in &interface.public_addresses {
                    let sender = leaves_by(public.is_ipv4(), &slots).map(|slot| (network, slot));
                    self.public.entry(*public).or_insert(sender);
                }
            }
        }
        Ok(())
    }

    /// What is behind a machine.
    fn behind(
        &mut self,
        prefixes: &[IpNet],
        network: &NetworkName,
        is_first: bool,
        slots: &[(IpAddr, Slot)],
    ) {
        let network = self.builder.network(network).get();
        for prefix in prefixes {
            if let Some(slot) = leaves_by(prefix.addr().is_ipv4(), slots) {
                self.behind.push(Behind { prefix: *prefix, network, is_first, slot });
            }
        }
    }

    /// The ports by which others' packets leave, whatever security rules see of their sources.
    fn forwarders(&mut self) -> Result<(), TooLarge> {
        let world = self.world;
        let mut sources: Vec<_> = self.sources.clone().into_iter().collect();
        sources.sort_unstable_by_key(|(_, number)| *number);
        let sources = [None].into_iter().chain(sources.into_iter().map(|(source, _)| Some(source)));
        let sources: Vec<_> = sources.collect();
        for (name, machine) in world.machines().iter().filter(|(_, machine)| machine.forwards()) {
            for interface in &machine.interfaces {
                let mut places = Vec::with_capacity(sources.len());
                for source in &sources {
                    let class = SenderClass::of(world, name, machine, interface);
                    let cells = self.cells.cells(&class.screened(interface, source.clone()));
                    let place = self.new_place(&interface.network, &cells, Some(name))?;
                    places.push(place.get());
                }
                for address in &interface.addresses {
                    let owned = world.owner(&interface.network, *address);
                    if owned.is_some_and(|(owned, ..)| owned == name) {
                        let places = places.clone().into();
                        let port = ForwarderPort { places, firewall: false };
                        self.ports.insert((interface.network.clone(), *address), port);
                    }
                }
            }
        }
        for (name, firewall) in world.firewalls() {
            let mut places = Vec::with_capacity(sources.len());
            for source in &sources {
                let cells = self.cells.firewall_cells(name, source.as_ref());
                places.push(self.new_place(&firewall.network, &cells, None)?.get());
            }
            let port = ForwarderPort { places: places.into(), firewall: true };
            self.ports.insert((firewall.network.clone(), firewall.address), port);
        }
        Ok(())
    }

    fn place(&mut self, class: &SenderClass) -> Result<PlaceId, TooLarge> {
        if let Some(known) = self.places.get(class) {
            return Ok(*known);
        }
        let cells = self.cells.cells(class);
        let place = self.new_place(&class.network, &cells, None)?;
        if let Some(screened) = &class.screened {
            let next = number(self.sources.len().saturating_add(1))?;
            let source = *self.sources.entry(screened.source.clone()).or_insert(next);
            self.builder.seen_as(place, source);
        }
        self.places.insert(class.clone(), place);
        Ok(place)
    }

    /// A new place, of what a machine sends on where one does.
    fn new_place(
        &mut self,
        network: &NetworkName,
        cells: &Cells,
        sent_on_by: Option<&MachineName>,
    ) -> Result<PlaceId, TooLarge> {
        let mut leaves = Vec::new();
        for cell in cells.iter() {
            let leaf = match sent_on_by {
                Some(machine) => self.leaf(&cell.leads_to.forwarded_by(machine))?,
                None => self.leaf(&cell.leads_to)?,
            };
            leaves.extend(cell.prefixes().into_iter().map(|prefix| (prefix, leaf)));
        }
        let network = self.builder.network(network);
        self.builder.place(network, &RouteSet::new(leaves))
    }

    fn leaf(&mut self, leads_to: &LeadsTo) -> Result<Leaf, TooLarge> {
        Ok(match leads_to {
            LeadsTo::Reason(reason) => Leaf::Fixed(*reason),
            LeadsTo::Edge => Leaf::Edge,
            LeadsTo::Exit(exit) => Leaf::Exit(self.exit(exit)?),
            LeadsTo::BySourcePort(ports) => {
                let mut leaves = Vec::with_capacity(ports.len());
                for (last, to) in ports {
                    leaves.push((*last, self.leaf(to)?));
                }
                let leaves = leaves.into_boxed_slice();
                let known = self.by_source_port.iter().position(|other| *other == leaves);
                let place = known.unwrap_or_else(|| {
                    self.by_source_port.push(leaves);
                    self.by_source_port.len().saturating_sub(1)
                });
                Leaf::SourcePort(number(place)?)
            }
        })
    }

    fn exit(&mut self, exit: &Forwarder) -> Result<u32, TooLarge> {
        if let Some(known) = self.exits.get(exit) {
            return Ok(*known);
        }
        let next = number(self.exits.len())?;
        self.exits.insert(exit.clone(), next);
        let subscription = match exit {
            Forwarder::Machine(_) | Forwarder::Translation(_) => None,
            Forwarder::Firewall(name) => self.world.firewalls().get(name),
        };
        self.dependencies.exits.push(Exit {
            forwarder: exit.clone(),
            subscription: subscription.map(|firewall| firewall.subscription.clone()),
        });
        Ok(next)
    }
}
