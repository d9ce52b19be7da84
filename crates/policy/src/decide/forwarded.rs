//! The reference decision on what a forwarder sends on.

use crate::article::reason::Reason;
use crate::decide::conclusion::Conclusion;
use crate::decide::decision::Decision;
use crate::decide::direction::from_nobody;
use crate::decide::fault::{Obstacle, RouteFault};
use crate::decide::firewall::through_firewall;
use crate::decide::grounds::{Gathered, Grounds};
use crate::decide::question::Question;
use crate::decide::route::{is_own_public, is_platform};
use crate::decide::screen::{Crossing, Screens};
use crate::decide::sender::{SendingPort, find_sender};
use crate::decide::{finish, from_machine};
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
///
/// Public because the compiled table and the data paths of a lab, which answer the same from their
/// own structures, are held against it.
#[must_use]
pub fn decide_forwarded(world: &World, port: &ForwardingPort, question: &Question) -> Decision {
    let (mut grounds, screens) = (Gathered::default(), Screens::default());
    let sender = find_sender(world, question);
    let of = sender.as_ref().ok().copied();
    let (to, grounds_of) = (question.destination, &mut grounds);
    let conclusion = match port {
        ForwardingPort::Firewall(name) => match is_platform(world, to, grounds_of) {
            Err(fault) => Err(fault.into()),
            Ok(true) => Ok(Conclusion::of(Reason::PlatformAddress)),
            Ok(false) if is_own_public(world, to, grounds_of) => {
                Ok(Conclusion::of(Reason::Internal))
            }
            Ok(false) => {
                let sender = of.filter(SendingPort::runs);
                let packet = Crossing::of(question, sender, &screens);
                through_firewall(world, sender, name, &packet, grounds_of).map_err(Obstacle::from)
            }
        },
        ForwardingPort::Machine(name, interface) => match sender {
            Err(fault) => from_nobody(world, (question, None), fault, grounds_of),
            Ok(sender) => {
                let packet = Crossing::of(question, Some(sender), &screens);
                by_port(world, sender, (name, *interface), &packet, grounds_of)
            }
        },
    };
    finish(world, of, conclusion, grounds)
}

/// What becomes of a sender's packet that leaves an interface of a machine that forwards.
fn by_port(
    world: &World,
    sender: SendingPort<'_>,
    (name, interface): (&MachineName, usize),
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<Conclusion, Obstacle> {
    let at = SendingPort::of(world, name, |interfaces| interfaces.get(interface));
    let at = at.ok_or(RouteFault::NoPort)?;
    if !at.runs() {
        return Err(RouteFault::PortNotRunning { machine: at.name.clone() }.into());
    }
    from_machine(world, sender, at, packet, grounds)
}
