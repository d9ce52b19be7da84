//! The world of a running lab and the table compiled from it, shared by all data paths.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use egress25_packet_filter::filter::{Port, PortSources, SeenAt};
use egress25_packet_filter::table::{NetworkId, Patched, Table};
use egress25_policy::{Applied, CellMap, Cells, NetworkName, Reason, SenderClass, World};

use crate::error::LabError;
use crate::network::plan::routes;

/// Where each class of senders' destinations lead, of those that send anything through a
/// forwarder.
type Forwarded = BTreeMap<SenderClass, Cells>;

/// What a judge needs at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) world: Arc<World>,
    pub(crate) table: Arc<Table>,
    pub(crate) generation: u64,
    forwarded: Arc<Forwarded>,
    origins: Arc<BTreeMap<NetworkName, Origins>>,
}

/// The networks that a packet at a port of a network can come from, by their numbers in the table,
/// the nearest first.
#[derive(Debug)]
struct Origins {
    /// From forwarder to forwarder, too.
    all: Arc<[NetworkId]>,
    /// Its own and its peers.
    near: Arc<[NetworkId]>,
}

impl Snapshot {
    /// Whether a packet goes on to an appliance or a firewall first, at whose port it is judged.
    pub(crate) fn deferred(&self, class: &SenderClass, reason: Reason, to: IpAddr) -> bool {
        deferrable(reason)
            && self
                .forwarded
                .get(class)
                .and_then(|cells| cells.at(to))
                .is_some_and(|cell| cell.next.is_some())
    }

    /// The networks that a packet at a port of a network can come from, the nearest first; where it
    /// is not known who stands there, an address of a network far away is nobody's.
    pub(crate) fn origins(
        &self,
        network: &NetworkName,
        sends: &PortSources,
    ) -> Option<&Arc<[NetworkId]>> {
        let Origins { all, near } = self.origins.get(network)?;
        Some(if *sends == PortSources::Believed { near } else { all })
    }

    /// A port of a network as the table sees it.
    pub(crate) fn seen_at(&self, network: &NetworkName, sends: &PortSources) -> SeenAt {
        let origins = self.origins(network, sends).cloned().unwrap_or_default();
        let (name, sends) = (network.clone(), sends.clone());
        SeenAt::Port(Port { network: self.table.network(network), name, origins, sends })
    }
}

/// Whether a packet with this reason travels on to the appliance on its route at all.
pub(crate) const fn deferrable(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::NoRoute
            | Reason::NextHopUnknown
            | Reason::ApplianceNotForwarding
            | Reason::RoutingLoop
            | Reason::SenderNotRunning
            | Reason::UnknownSource
            | Reason::AmbiguousNetwork
            | Reason::SpoofedSource
    ) && !reason.is_about_the_packet()
}

/// The policy that is in force: the world as whoever follows the events has folded it, and what was
/// compiled from it.
#[derive(Debug)]
pub struct PolicyState {
    snapshot: RwLock<Arc<Snapshot>>,
    /// Held while a change is taken; whether one could not be, so that the table knows nothing of
    /// it.
    missed: Mutex<bool>,
}

impl PolicyState {
    /// Compiles a world.
    ///
    /// # Errors
    /// The world is too large for a table.
    pub fn new(world: &World) -> Result<Self, LabError> {
        let snapshot = compile(Arc::new(world.clone()), 0)?;
        Ok(Self { snapshot: RwLock::new(Arc::new(snapshot)), missed: Mutex::new(false) })
    }

    /// Takes the world after one more event, and what that has changed in it.
    ///
    /// # Errors
    /// The world is too large for a table; what is in force is older than the world then.
    pub fn follow(&self, world: &World, applied: &Applied) -> Result<(), LabError> {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.snapshot();
        let generation = old.generation.saturating_add(1);
        let anew = *missed || old.table.patch(world, applied) == Patched::CompileAnew;
        let world = Arc::new(world.clone());
        *missed = true;
        let next = if anew {
            compile(world, generation)?
        } else {
            let Snapshot { table, forwarded, origins, .. } = &*old;
            let (table, forwarded, origins) = (table.clone(), forwarded.clone(), origins.clone());
            Snapshot { world, table, generation, forwarded, origins }
        };
        *missed = false;
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// The world that is in force.
    #[must_use]
    pub fn world(&self) -> Arc<World> {
        self.snapshot().world.clone()
    }

    /// How many events have been applied.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot().generation
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn all_forwarded(world: &World) -> Forwarded {
    let mut map = CellMap::new(world);
    let mut all = BTreeMap::new();
    for (name, machine) in world.machines() {
        for interface in &machine.interfaces {
            let class = SenderClass::of(world, name, machine, interface);
            all.entry(class).or_insert_with_key(|class| map.cells(class));
        }
    }
    all.retain(|_, cells| cells.any_forwarded());
    all
}

fn compile(world: Arc<World>, generation: u64) -> Result<Snapshot, LabError> {
    let table = Arc::new(Table::compile(&world, generation)?);
    let origins = world
        .networks()
        .keys()
        .map(|name| {
            let all = routes::nearest_first(&world, name);
            let all: Vec<_> = all.into_iter().filter_map(|name| table.network(name)).collect();
            let near = world.in_reach(name).collect::<BTreeSet<_>>().len();
            let near = all.get(..near).unwrap_or(&all).into();
            (name.clone(), Origins { all: all.into(), near })
        })
        .collect();
    let forwarded = Arc::new(all_forwarded(&world));
    Ok(Snapshot { world, table, generation, forwarded, origins: Arc::new(origins) })
}
