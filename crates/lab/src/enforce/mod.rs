//! Data paths: how the filter is put between the machines and the network.
//!
//! Three with the same verdicts. All fail closed: nothing that may be a SYN to port 25 passes
//! while the program that judges is gone, or before its rules are loaded.

mod afpacket;
pub(crate) mod ether;
pub mod judge;
pub(crate) mod nflog;
mod nfqueue;
mod nft;
pub mod policy_state;
mod reset;
pub mod standalone;
pub mod verdict;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use egress25_policy::World;
use serde::{Deserialize, Serialize};

use crate::enforce::judge::{Court, JudgedPort};
use crate::error::LabError;
use crate::network::Space;
use crate::network::plan::{NodeId, Plan, Point};

pub use nfqueue::{QUEUE, judge_queue, queue_rules};
pub(crate) use nft::GROUP;

/// Which data path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataPath {
    /// The policy as nftables sets and maps, enforced by the kernel.
    #[default]
    Nft,
    /// The kernel hands what may be a SYN to port 25 to the filter.
    NfQueue,
    /// Every frame goes through the filter.
    AfPacket,
    /// Nothing is filtered: to compare with.
    None,
}

impl DataPath {
    /// The name, as the command line takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nft => "nft",
            Self::NfQueue => "nfqueue",
            Self::AfPacket => "afpacket",
            Self::None => "none",
        }
    }
}

impl FromStr for DataPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Nft, Self::NfQueue, Self::AfPacket, Self::None]
            .into_iter()
            .find(|path| path.name() == text)
            .ok_or_else(|| format!("`{text}` is no data path: nft, nfqueue, afpacket, none"))
    }
}

/// The ports that are judged in one node.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) node: NodeId,
    pub(crate) points: Vec<Point>,
}

/// The benches of some points: one for each node in which packets are judged.
pub(crate) fn benches(points: &[Point]) -> Vec<Bench> {
    let mut benches: Vec<Bench> = Vec::new();
    for point in points {
        match benches.iter_mut().find(|bench| bench.node == point.node) {
            Some(bench) => bench.points.push(point.clone()),
            None => benches.push(Bench { node: point.node, points: vec![point.clone()] }),
        }
    }
    benches
}

impl From<&Point> for JudgedPort {
    fn from(point: &Point) -> Self {
        Self {
            network: point.network.clone(),
            owner: point.at.name().to_owned(),
            at: Some(Arc::new(point.at.clone())),
        }
    }
}

/// A data path that is in force.
pub(crate) trait Enforce: Send + Sync {
    /// Brings the rules up to a changed world, which so many events have led to.
    ///
    /// # Errors
    /// Some could not be: what is in force is older than the world.
    fn update(&self, world: &World, generation: u64) -> Result<(), LabError>;

    /// Judges at more points: those of a machine that was deployed. Nothing passes there before.
    ///
    /// # Errors
    /// They cannot be judged.
    fn join(&self, plan: &Plan, points: &[Point], court: &Court) -> Result<(), LabError>;

    /// Ends the program that judges, as if it had crashed. What it leaves must fail closed.
    fn stop_filter(&self);
}

/// The namespaces of a lab, by node. More come with machines that are deployed later.
pub(crate) type NodeSpaces = Arc<RwLock<Vec<Arc<Space>>>>;

pub(crate) fn space(spaces: &NodeSpaces, node: NodeId) -> Result<Arc<Space>, LabError> {
    let spaces = spaces.read().unwrap_or_else(PoisonError::into_inner);
    let found = spaces.get(node).cloned();
    found.ok_or_else(|| LabError::Answer(format!("the lab has no node {node}")))
}

/// The ports of a node by the number of their interface; more come, too.
pub(crate) type Ports = Arc<RwLock<HashMap<u32, (String, JudgedPort)>>>;

/// Notes the ports at some points of a node.
pub(crate) fn note_ports(ports: &Ports, place: &Space, points: &[Point]) -> Result<(), LabError> {
    for point in points {
        let index = place.run(|| {
            nix::net::if_::if_nametoindex(point.interface.as_str())
                .map_err(LabError::errno(format!("the interface `{}`", point.interface)))
        })?;
        let port = (point.interface.clone(), JudgedPort::from(point));
        ports.write().unwrap_or_else(PoisonError::into_inner).insert(index, port);
    }
    Ok(())
}

/// Loads a data path. Whether it works is for a probe to show.
pub(crate) fn load(
    path: DataPath,
    plan: &Plan,
    spaces: &NodeSpaces,
    court: &Court,
) -> Result<Box<dyn Enforce>, LabError> {
    Ok(match path {
        DataPath::Nft => Box::new(nft::Nft::load(plan, spaces, court)?),
        DataPath::NfQueue => Box::new(nfqueue::NfQueue::load(plan, spaces, court)?),
        DataPath::AfPacket => Box::new(afpacket::AfPacket::load(plan, spaces, court)?),
        DataPath::None => Box::new(NoFilter),
    })
}

/// No filter at all.
struct NoFilter;

impl Enforce for NoFilter {
    fn update(&self, _: &World, _: u64) -> Result<(), LabError> {
        Ok(())
    }

    fn join(&self, _: &Plan, _: &[Point], _: &Court) -> Result<(), LabError> {
        Ok(())
    }

    fn stop_filter(&self) {}
}
