//! The world of a running lab and the table compiled from it, shared by all data paths.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use egress25_packet_filter::table::{Patched, Table};
use egress25_policy::{
    Applied, Event, NetworkName, NextHop, Reason, SubnetName, Way, World, cells, effective_routes,
    resolve, way,
};
use ipnet::IpNet;

use crate::error::LabError;
use crate::plan::routes;

/// The destinations of a subnet that lead through an appliance or a firewall which forwards:
/// prefixes, the longest first, each with whether it does.
type Through = Vec<(IpNet, bool)>;

/// What a judge needs at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) table: Arc<Table>,
    pub(crate) generation: u64,
    through: Arc<BTreeMap<(NetworkName, SubnetName), Through>>,
    /// The networks that a packet at a port of a network can come from: its own, its peers.
    peers: Arc<BTreeMap<NetworkName, Vec<NetworkName>>>,
}

impl Snapshot {
    /// Whether a packet goes on to an appliance or a firewall first, at whose port it is judged.
    pub(crate) fn deferred(
        &self,
        network: &NetworkName,
        subnet: Option<&SubnetName>,
        reason: Reason,
        to: IpAddr,
    ) -> bool {
        if !deferrable(reason) {
            return false;
        }
        let Some(subnet) = subnet else { return false };
        self.through
            .get(&(network.clone(), subnet.clone()))
            .and_then(|through| through.iter().find(|(prefix, _)| prefix.contains(&to)))
            .is_some_and(|(_, goes_on)| *goes_on)
    }

    /// The networks whose packets can be seen at a port of a network, its own first.
    pub(crate) fn origins(&self, network: &NetworkName) -> &[NetworkName] {
        self.peers.get(network).map_or(&[], Vec::as_slice)
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
    ) && !reason.is_about_the_packet()
}

/// Where a subnet's destinations go through somebody who forwards, the longest prefix first.
pub(crate) fn through(world: &World, network: &NetworkName, subnet: &SubnetName) -> Through {
    let effective = effective_routes(world, network, subnet);
    let mut found: Through = cells(world, network, subnet)
        .into_iter()
        .map(|prefix| {
            let to = prefix.addr();
            let goes_on = way(world, network, subnet, to) == Way::Through
                && match resolve(&effective, to).map(|route| &route.next_hop) {
                    Some(NextHop::Appliance(address)) => routes::forwards(world, network, *address),
                    _ => false,
                };
            (prefix, goes_on)
        })
        .collect();
    found.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.prefix_len()));
    found
}

/// The world of a running lab.
#[derive(Debug)]
pub struct PolicyState {
    world: Mutex<World>,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl PolicyState {
    /// Compiles a world.
    ///
    /// # Errors
    /// The world is too large for a table.
    pub fn new(world: World) -> Result<Self, LabError> {
        let snapshot = Arc::new(compile(&world, 0)?);
        Ok(Self { world: Mutex::new(world), snapshot: RwLock::new(snapshot) })
    }

    /// Lets an event happen: the world first, then the table. What was changed is returned
    /// with the world after it.
    ///
    /// # Errors
    /// The event is refused; nothing has changed then.
    pub fn apply(&self, event: &Event) -> Result<Applied, LabError> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let applied = world.apply(event)?;
        let old = self.snapshot();
        let generation = old.generation.saturating_add(1);
        let power_of_an_appliance = !old.through.values().all(Vec::is_empty);
        let anew = old.table.patch(&world, &applied) == Patched::CompileAnew;
        let next = if anew {
            compile(&world, generation)?
        } else {
            let through = if power_of_an_appliance {
                Arc::new(all_through(&world))
            } else {
                old.through.clone()
            };
            let (table, peers) = (old.table.clone(), old.peers.clone());
            Snapshot { table, generation, through, peers }
        };
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(applied)
    }

    /// A copy of the world.
    #[must_use]
    pub fn world(&self) -> World {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

fn all_through(world: &World) -> BTreeMap<(NetworkName, SubnetName), Through> {
    let mut all = BTreeMap::new();
    for (name, network) in world.networks() {
        for subnet in network.subnets.keys() {
            let found = through(world, name, subnet);
            let any = found
                .iter()
                .any(|(prefix, _)| way(world, name, subnet, prefix.addr()) == Way::Through);
            if any {
                all.insert((name.clone(), subnet.clone()), found);
            }
        }
    }
    all
}

fn compile(world: &World, generation: u64) -> Result<Snapshot, LabError> {
    let table = Arc::new(Table::compile(world, generation)?);
    let peers = world
        .networks()
        .keys()
        .map(|name| (name.clone(), routes::reachable(world, name).cloned().collect()))
        .collect();
    let through = Arc::new(all_through(world));
    Ok(Snapshot { table, generation, through, peers: Arc::new(peers) })
}
