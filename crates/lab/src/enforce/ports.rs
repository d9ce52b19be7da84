//! The ports at which packets are judged, by node and by interface.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::enforce::judge::JudgedPort;
use crate::error::LabError;
use crate::network::Space;
use crate::network::plan::{NodeId, Point};

/// The ports that are judged in one node.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) node: NodeId,
    pub(crate) points: Vec<Point>,
}

impl Bench {
    /// Takes more points. One at an interface that has a point stands for it from now on: that was
    /// one of a machine that could not join, whose interface has gone.
    pub(crate) fn extend(&mut self, more: Vec<Point>) {
        self.points.retain(|known| more.iter().all(|new| new.interface != known.interface));
        self.points.extend(more);
    }
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
        Self::of(&point.network, &point.at)
    }
}

/// A port that is judged, and the name of its interface.
#[derive(Debug)]
pub(crate) struct NotedPort {
    pub(crate) interface: String,
    pub(crate) port: JudgedPort,
}

/// The ports of a node by the number of their interface; more come, too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ports(Arc<RwLock<HashMap<u32, Arc<NotedPort>>>>);

impl Ports {
    /// The port of an interface.
    pub(crate) fn get(&self, index: u32) -> Option<Arc<NotedPort>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&index).cloned()
    }

    /// Notes the port of an interface of the calling thread's network namespace.
    pub(crate) fn note(&self, interface: &str, port: JudgedPort) -> Result<(), LabError> {
        let index = nix::net::if_::if_nametoindex(interface)
            .map_err(LabError::errno(format!("the interface `{interface}`")))?;
        let noted = Arc::new(NotedPort { interface: interface.to_owned(), port });
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(index, noted);
        Ok(())
    }

    /// Notes the ports at some points of a node.
    pub(crate) fn note_points(&self, place: &Space, points: &[Point]) -> Result<(), LabError> {
        place.run(|| {
            points.iter().try_for_each(|point| self.note(&point.interface, JudgedPort::from(point)))
        })
    }
}
