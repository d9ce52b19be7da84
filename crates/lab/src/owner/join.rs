//! A machine that is deployed while the lab runs gets its place in it.

use std::sync::{Arc, PoisonError};

use egress25_policy::{MachineName, World};

use crate::enforce::{DataPath, space};
use crate::error::LabError;
use crate::network::plan::{Node, NodeKind, Plan};
use crate::network::{self, Space};
use crate::owner::{Owner, files};

impl Owner {
    /// Whether a machine has a node.
    pub(super) fn has_node(&self, machine: &MachineName) -> bool {
        self.plan().nodes.iter().any(|node| node.kind == NodeKind::Machine(machine.clone()))
    }

    /// Gives a machine its node, its links, and its place before the filter. Whoever calls holds
    /// the lock of events. What cannot be is said, and the machine is not there then.
    pub(super) fn join(&self, world: &World, machine: &MachineName) -> Result<(), LabError> {
        let joined = self.build_joined(world, machine);
        if let Err(error) = &joined {
            // What was begun goes with its namespaces; the plan knows nothing of it.
            let known = self.plan().nodes.len();
            self.spaces.write().unwrap_or_else(PoisonError::into_inner).truncate(known);
            self.complain(format!("`{machine}` is deployed, but is not in the lab: {error}"));
        }
        joined
    }

    fn build_joined(&self, world: &World, machine: &MachineName) -> Result<(), LabError> {
        let before = self.plan();
        let plan = before.joined(world, machine)?;
        for node in plan.nodes.iter().skip(before.nodes.len()) {
            let files = files::of(node, world, &self.hosts, &self.folder)?;
            let space = Arc::new(Space::make(&node.name, &files)?);
            self.spaces.write().unwrap_or_else(PoisonError::into_inner).push(space);
        }
        for (number, link) in plan.links.iter().enumerate().skip(before.links.len()) {
            let (left, right) =
                (space(&self.spaces, link.left.node)?, space(&self.spaces, link.right.node)?);
            network::add_link((&left, &link.left), (&right, &link.right), number)?;
        }
        let points = plan.points.get(before.points.len()..).unwrap_or_default();
        // As in the beginning: the rules before the addresses, and frames when there are links.
        if self.datapath != DataPath::AfPacket {
            self.enforce.join(&plan, points, &self.court)?;
        }
        self.configure_joined(&before, &plan)?;
        if self.datapath == DataPath::AfPacket {
            self.enforce.join(&plan, points, &self.court)?;
        }
        // The others learn its name.
        for node in before.nodes.iter() {
            files::of(node, world, &self.hosts, &self.folder)?;
        }
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
        // Its node stays where the probe fails, so that it can be looked into; nothing passes.
        self.check_datapath(Some(machine))
    }

    /// Configures the new nodes, and what is new of the others.
    fn configure_joined(&self, before: &Plan, plan: &Plan) -> Result<(), LabError> {
        for (id, node) in plan.nodes.iter().enumerate() {
            let old = before.nodes.get(id);
            let links = plan.links.iter().skip(before.links.len());
            let ends: Vec<_> = links
                .flat_map(|link| [&link.left, &link.right])
                .filter(|end| end.node == id)
                .collect();
            let (routes, rules) = old.map_or((0, 0), |old| (old.routes.len(), old.rules.len()));
            let more = Node {
                routes: node.routes.get(routes..).unwrap_or_default().to_vec(),
                rules: node.rules.get(rules..).unwrap_or_default().to_vec(),
                ..node.clone()
            };
            let nothing = ends.is_empty() && more.routes.is_empty() && more.rules.is_empty();
            if old.is_none() || !nothing {
                network::configure(space(&self.spaces, id)?.as_ref(), &more, &ends)?;
            }
        }
        Ok(())
    }
}
