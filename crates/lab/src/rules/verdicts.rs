//! What the rules of a network have to say, before it is written in any syntax.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use egress25_policy::{
    CellMap, Cells, Forwarder, LeadsTo, NetworkName, Power, Reason, SenderClass, World, YesNo,
    edge_reason, exit_reason,
};

use crate::rules::{SenderClasses, senders};

/// Everything that the rules of one network say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleContent {
    /// Senders that do not run.
    pub(crate) down: BTreeSet<IpAddr>,
    /// The class of each sender.
    pub(crate) class_of: SenderClasses,
    /// The reason of each sender at the Internet's edge.
    pub(crate) edge: BTreeMap<IpAddr, Reason>,
    /// Where the destinations of each class lead.
    pub(crate) classes: BTreeMap<SenderClass, Cells>,
    /// The reason of each sender for what leaves by each exit that any of them has.
    pub(crate) exits: BTreeMap<Forwarder, BTreeMap<IpAddr, Reason>>,
}

impl RuleContent {
    /// In a lab a port's own addresses are known, and what comes from far, from forwarder to
    /// forwarder, is told from what is borrowed. It can come where somebody forwards alone.
    pub(crate) fn of(
        map: &mut CellMap<'_>,
        world: &World,
        network: &NetworkName,
        in_a_lab: bool,
    ) -> Self {
        let from_afar = in_a_lab && forwarders(world, network).next().is_some();
        let mut content = Self {
            down: BTreeSet::new(),
            class_of: senders(world, network, from_afar),
            edge: BTreeMap::new(),
            classes: BTreeMap::new(),
            exits: BTreeMap::new(),
        };
        for (address, class) in &content.class_of {
            let Some((name, machine, _)) = world.owner(&class.network, *address) else { continue };
            if machine.state.power == Power::Running {
                let reason = edge_reason(world, name).unwrap_or(Reason::UnknownSource);
                content.edge.insert(*address, reason);
            } else {
                content.down.insert(*address);
            }
            if !content.classes.contains_key(class) {
                content.classes.insert(class.clone(), map.cells(class));
            }
        }
        let ways = content.classes.values().flat_map(Cells::iter).flat_map(|cell| {
            cell.leads_to.all().into_iter().filter_map(|to| match to {
                LeadsTo::Exit(exit) => Some(exit),
                _ => None,
            })
        });
        let on = forwarders(world, network);
        let translated = on.clone().filter_map(|one| match one {
            Forwarder::Machine(name) => Some(Forwarder::Translation(Some(name))),
            _ => None,
        });
        // Whose way out makes it indirect, which a setting says alone.
        let indirect = world.settings.snat_is_direct == YesNo::No;
        let exits: BTreeSet<Forwarder> =
            ways.cloned().chain(on).chain(translated.filter(|_| indirect)).collect();
        for exit in exits {
            let senders = content.edge.iter();
            let reasons =
                senders.map(|(from, at_edge)| (*from, exit_reason(world, &exit, *at_edge)));
            let reasons = reasons.collect();
            content.exits.insert(exit, reasons);
        }
        content
    }
}

/// Whoever sends on by a port of a network what others have sent.
fn forwarders(world: &World, network: &NetworkName) -> impl Iterator<Item = Forwarder> + Clone {
    let machines = world.machines().iter().filter(|(_, machine)| {
        machine.interfaces.iter().any(|one| one.network == *network && one.ip_forwarding)
    });
    let firewalls = world.firewalls().iter().filter(|(_, found)| found.network == *network);
    machines
        .map(|(name, _)| Forwarder::Machine(name.clone()))
        .chain(firewalls.map(|(name, _)| Forwarder::Firewall(name.clone())))
}
