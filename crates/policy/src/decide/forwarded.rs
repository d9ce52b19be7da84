//! The reference decision on what a forwarder sends on.

use crate::article::reason::Reason;
use crate::decide::decision::Decision;
use crate::decide::{
    Grounds, Place, Question, find_source, finish, from_machine, lost, through_firewall,
    to_platform, unknown_source,
};
use crate::life::power::Power;
use crate::world::World;
use crate::world::name::{FirewallName, MachineName};

/// A port by which packets leave that were not sent there: of an appliance or a firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardingPort {
    /// An interface of a machine that forwards, by its place.
    Machine(MachineName, usize),
    /// An Azure Firewall's.
    Firewall(FirewallName),
}

/// What becomes of a SYN to port 25 that leaves a forwarding port and bears somebody's source
/// address: the way goes on from that port, whichever way the packet came there.
///
/// A firewall's port asks for no source: what leaves it has been routed through the firewall.
#[must_use]
pub fn decide_forwarded(world: &World, port: &ForwardingPort, question: &Question) -> Decision {
    let mut grounds = Grounds::default();
    let source = find_source(world, question);
    let sender = source.as_ref().ok().copied();
    let (to, grounds_of) = (question.destination, &mut grounds);
    let edge = match (port, source) {
        (ForwardingPort::Firewall(name), _) => {
            if let Some(edge) = to_platform(world, to, grounds_of) {
                edge
            } else {
                let address = world.firewalls.get(name).map_or(to, |firewall| firewall.address);
                let runs = |sender: &Place<'_>| sender.machine.state.power == Power::Running;
                through_firewall(world, sender.filter(runs), name, address, to, grounds_of)
            }
        }
        (ForwardingPort::Machine(..), Err(reason)) => {
            unknown_source(world, reason, question, grounds_of)
        }
        (ForwardingPort::Machine(name, interface), Ok(sender)) => {
            let found = world.machines.get_key_value(name);
            let at = found.and_then(|(name, machine)| {
                Some(Place { name, machine, interface: machine.interfaces.get(*interface)? })
            });
            match at {
                Some(at) if at.machine.state.power == Power::Running => {
                    from_machine(world, sender, at, to, grounds_of)
                }
                Some(at) => {
                    let what = format!("the appliance `{}` does not run; start it", at.name);
                    lost(Reason::ApplianceNotForwarding, &what, grounds_of)
                }
                None => lost(Reason::NextHopUnknown, "there is no such port", grounds_of),
            }
        }
    };
    finish(world, sender, edge, grounds)
}
