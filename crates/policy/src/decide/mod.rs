//! The reference decision: slow, obvious, and what everything else is checked against.
//!
//! It asks who sends and whether that machine runs (`sender`), follows the packet from route to
//! route (`route`) and from forwarder to forwarder (`appliance`, `firewall`) until a hop sends it to
//! the Internet, keeps it inside, or loses it; at the Internet's edge the rule of that hop's
//! subscription decides (`edge`, `restriction`, `exemption`).

pub(crate) mod advice;
pub(crate) mod appliance;
pub(crate) mod decision;
pub(crate) mod edge;
pub(crate) mod exemption;
pub(crate) mod fault;
pub(crate) mod firewall;
pub(crate) mod forwarded;
pub(crate) mod grounds;
pub(crate) mod next_step;
pub(crate) mod question;
pub(crate) mod restriction;
pub(crate) mod route;
pub(crate) mod ruling;
pub(crate) mod sender;
pub(crate) mod terms;

use std::net::IpAddr;

use crate::SMTP_PORT;
use crate::article::edition::Topic;
use crate::article::reason::Reason;
use crate::article::verdict::{Verdict, verdict_of};
use crate::decide::appliance::{TakenBy, behind_an_appliance, taken_by};
use crate::decide::decision::Decision;
use crate::decide::edge::at_the_edge;
use crate::decide::fault::{Fault, InputFault, RouteFault};
use crate::decide::firewall::through_firewall;
use crate::decide::grounds::{Grounds, Kept};
use crate::decide::next_step::NextStep;
use crate::decide::question::Question;
use crate::decide::route::{Toward, is_platform, onward};
use crate::decide::ruling::Ruling;
use crate::decide::sender::{SendingPort, find_sender};
use crate::world::World;

/// Answers a question about a world.
///
/// The answer is complete: verdict, reason, statements, assumed settings, path, next steps.
#[must_use]
pub fn decide(world: &World, question: &Question) -> Decision {
    let mut grounds = Kept::default();
    let sender = find_sender(world, question);
    let of = sender.as_ref().ok().copied();
    //= G1
    let ruling = if question.port == SMTP_PORT {
        sender
            .map_err(Fault::from)
            .and_then(|port| from_machine(world, port, port, question.destination, &mut grounds))
    } else {
        Ok(not_filtered(world, question.port, &mut grounds))
    };
    finish(world, of, ruling, grounds)
}

/// Any port but 25: the platform filters nothing else.
fn not_filtered(world: &World, port: u16, grounds: &mut impl Grounds) -> Ruling {
    //= G4
    let (topic, reason) = if world.edition.relay_ports.contains(&port) {
        (Topic::Relay, Reason::RelayPort)
    } else {
        (Topic::Block, Reason::OtherPort)
    };
    grounds.cite(world.edition.topic(topic));
    Ruling::of(reason)
}

/// A SYN to port 25 from a known machine, as it leaves the port `at`: the machine's own, or that of
/// a forwarder.
fn from_machine(
    world: &World,
    sender: SendingPort<'_>,
    at: SendingPort<'_>,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) -> Result<Ruling, Fault> {
    if !sender.runs() {
        let (machine, power) = (sender.name.clone(), sender.machine.state.power);
        return Err(InputFault::NotRunning { machine, power }.into());
    }
    if is_platform(world, destination, grounds) {
        return Ok(Ruling::of(Reason::PlatformAddress));
    }
    Ok(follow(world, sender, at, destination, grounds)?)
}

/// Follows the packet from hop to hop, from a port on.
fn follow<'a>(
    world: &'a World,
    sender: SendingPort<'_>,
    mut at: SendingPort<'a>,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) -> Result<Ruling, RouteFault> {
    let mut been = vec![at.name];
    // The address that the sender's own route leads to: that of the port, where it is not its own.
    let mut first = (at.name != sender.name).then(|| at.address_toward(destination));
    loop {
        let (network, subnet) = (&at.interface.network, &at.interface.subnet);
        let hop = at.hop(destination);
        let address = match onward(world, (network, subnet), hop, destination, grounds)? {
            Toward::Done(reason) => return Ok(Ruling::of(reason)),
            Toward::Edge => {
                return Ok(match first {
                    None => at_the_edge(world, at, grounds),
                    Some(address) => behind_an_appliance(world, sender, at, address, grounds),
                });
            }
            Toward::Forwarder(address) => address,
        };
        first = first.or(Some(address));
        at = match taken_by(world, network, address)? {
            TakenBy::Firewall(name) => {
                return through_firewall(world, Some(sender), name, destination, grounds);
            }
            TakenBy::Appliance(next) => next,
        };
        if been.contains(&at.name) {
            return Err(RouteFault::Loop { machine: at.name.clone() });
        }
        been.push(at.name);
    }
}

/// The decision that comes of what was found: its verdict follows from the reason.
fn finish(
    world: &World,
    sender: Option<SendingPort<'_>>,
    ruling: Result<Ruling, Fault>,
    mut grounds: Kept,
) -> Decision {
    let Ruling { reason, subscription } = ruling.unwrap_or_else(|fault| {
        let (reason, step) = match fault {
            Fault::Route(what) => (what.reason(), NextStep::MendRoute { what }),
            Fault::Input(what) => (what.reason(), NextStep::MendInput { what }),
        };
        grounds.advise(|| [step]);
        Ruling::of(reason)
    });
    if let Some(setting) = reason.verdict_setting() {
        grounds.assume(world, setting);
    }
    let verdict = verdict_of(&world.settings, reason);
    Decision {
        verdict,
        reason,
        statements: grounds.statements,
        assumed: grounds.assumed,
        path: grounds.path,
        next_steps: if verdict == Verdict::Pass { vec![] } else { grounds.next_steps },
        machine: sender.map(|port| port.name.clone()),
        subscription: subscription.or_else(|| sender.map(|at| at.machine.subscription.clone())),
        edition: world.edition.id.clone(),
    }
}
