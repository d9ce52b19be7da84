//! The network is made: all of it when the lab comes up, and the place of a machine that is
//! deployed later.

use std::sync::{Arc, PoisonError};

use egress25_policy::{MachineName, World};

use crate::enforce::DataPath;
use crate::error::LabError;
use crate::network::plan::{Node, NodeKind, Plan, VethPair};
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
        let before = self.plan();
        let joined = before.joined(world, machine).and_then(|plan| {
            let begun = plan.links.get(before.links.len()..).unwrap_or_default().to_vec();
            self.grow(world, plan).inspect_err(|_| self.give_up(&before, &begun))
        });
        // Its node stays where the probe fails, so that it can be looked into; nothing passes.
        let judged = joined.and_then(|()| self.check_datapath(Some(machine)));
        if let Err(error) = &judged {
            self.complain(format!("`{machine}` is deployed, but is not in the lab: {error}"));
        }
        judged
    }

    /// Takes away what was begun for a machine that could not join; the plan knows nothing of it.
    ///
    /// Its links are deleted and not left to go with its namespaces: the kernel takes those down at
    /// some later time, and until then the next machine finds the names taken.
    fn give_up(&self, before: &Plan, begun: &[VethPair]) {
        for end in begun.iter().flat_map(|link| [&link.left, &link.right]) {
            let stays = end.node < before.nodes.len();
            let gone = self.spaces.get(end.node).and_then(|space| match stays {
                true => network::remove_link(self.runtime.handle(), &space, end),
                false => Ok(()),
            });
            if let Err(error) = gone {
                self.complain(error.to_string());
            }
        }
        self.spaces.truncate(before.nodes.len());
    }

    /// Makes what a plan has more than the one so far, which it begins with, and takes it.
    pub(super) fn grow(&self, world: &World, plan: Plan) -> Result<(), LabError> {
        let before = self.plan();
        for node in plan.nodes.iter().skip(before.nodes.len()) {
            let files = files::node_files(node, world, &self.hosts, &self.folder)?;
            self.spaces.push(Space::make(&node.name, &files)?);
        }
        for (number, link) in plan.links.iter().enumerate().skip(before.links.len()) {
            let (left, right) =
                (self.spaces.get(link.left.node)?, self.spaces.get(link.right.node)?);
            network::add_link(
                self.runtime.handle(),
                (&left, &link.left),
                (&right, &link.right),
                number,
            )?;
        }
        let points = plan.points.get(before.points.len()..).unwrap_or_default();
        // The rules come before the addresses: no moment in which something could slip through.
        // Frames are handed on when there are links.
        let frames = self.datapath == DataPath::AfPacket;
        if !frames {
            self.enforce.join(&plan, points, &self.court)?;
        }
        self.configure(&before, &plan)?;
        if frames {
            self.enforce.join(&plan, points, &self.court)?;
        }
        // The others learn the new names.
        for node in &before.nodes {
            files::node_files(node, world, &self.hosts, &self.folder)?;
        }
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
        Ok(())
    }

    /// Configures the new nodes, and what is new of the others.
    fn configure(&self, before: &Plan, plan: &Plan) -> Result<(), LabError> {
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
            let space = self.spaces.get(id)?;
            let nothing = ends.is_empty() && more.routes.is_empty() && more.rules.is_empty();
            if old.is_none() || !nothing {
                network::configure(self.runtime.handle(), &space, &more, &ends)?;
            }
            if let Some(translation) = &node.translation
                && old.is_none_or(|old| old.translation.as_ref() != Some(translation))
            {
                network::translate(&space, translation)?;
            }
        }
        Ok(())
    }
}
