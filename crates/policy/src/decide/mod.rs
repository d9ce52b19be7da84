//! The reference decision: slow, obvious, and what everything else is checked against.
//!
//! It asks who sends and whether that machine runs (`sender`), follows the packet from route to
//! route (`route`) and from forwarder to forwarder (`appliance`, `firewall`) until a hop sends it
//! to the Internet, keeps it inside, or loses it; at the Internet's edge the rule of that hop's
//! subscription decides (`edge`, `restriction`, `exemption`).

pub(crate) mod advice;
pub(crate) mod appliance;
pub(crate) mod applied_rule;
pub(crate) mod by_source_port;
pub(crate) mod conclusion;
pub(crate) mod decision;
pub(crate) mod destination;
pub(crate) mod direction;
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
mod rule_side;
pub(crate) mod screen;
pub(crate) mod sender;
pub(crate) mod service;
mod surprises;
pub(crate) mod terms;
pub(crate) mod way_out;

use std::collections::HashSet;
use std::net::IpAddr;

use crate::SMTP_PORT;
use crate::article::edition::Topic;
use crate::article::network::NetworkFact;
use crate::article::reason::Reason;
use crate::article::settings::{Setting, YesNo};
use crate::article::verdict::{Verdict, verdict_of};
use crate::decide::appliance::{TakenBy, behind_an_appliance, taken_by};
use crate::decide::conclusion::Conclusion;
use crate::decide::decision::Decision;
use crate::decide::direction::from_nobody;
use crate::decide::edge::at_the_edge;
use crate::decide::exemption::not_covered;
use crate::decide::fault::{InputFault, Obstacle, RouteFault};
use crate::decide::firewall::through_firewall;
use crate::decide::grounds::{Gathered, Grounds, WayAlone};
use crate::decide::next_step::NextStep;
use crate::decide::question::Question;
use crate::decide::route::{Toward, is_own_public, is_platform, onward};
use crate::decide::screen::{Crossing, Screens, Stand, cross, entering};
use crate::decide::sender::{SendingPort, find_sender};
use crate::decide::service::platform_egress;
use crate::decide::way_out::{WayOut, leave};
use crate::world::World;
use crate::world::security::Direction;

/// Answers a question about a world.
///
/// The answer is complete: verdict, reason, statements, assumed settings, path, next steps.
#[must_use]
pub fn decide(world: &World, question: &Question) -> Decision {
    decide_seen(world, question, None)
}

/// The same of a packet that an interface has seen, which may tell its direction. Who is of the world
/// sends outbound all the same: on a router or a mirror what goes out comes in first.
#[must_use]
pub fn decide_seen(world: &World, question: &Question, seen: Option<Direction>) -> Decision {
    decide_with(world, question, seen, &Screens::default())
}

/// The same, with the rules that were worked out for other questions to this world.
pub(crate) fn decide_with(
    world: &World,
    question: &Question,
    seen: Option<Direction>,
    screens: &Screens,
) -> Decision {
    let mut grounds = Gathered::default();
    let sender = find_sender(world, question);
    let of = sender.as_ref().ok().copied();
    //= G1
    let conclusion = match sender {
        Err(fault) => from_nobody(world, (question, seen), fault, &mut grounds),
        Ok(port) if question.port == SMTP_PORT => {
            let packet = Crossing::of(question, Some(port), screens);
            from_machine(world, port, port, &packet, &mut grounds)
        }
        // It takes the same way; only then the filter, which does not look at it, comes.
        Ok(port) => {
            let packet = Crossing::of(question, Some(port), screens);
            from_machine(world, port, port, &packet, &mut WayAlone(&mut grounds))
                .map(|_| not_filtered(world, question.port, &mut grounds))
        }
    };
    finish(world, of, conclusion, grounds)
}

/// Any port but 25: the article speaks of that one alone.
fn not_filtered(world: &World, port: u16, grounds: &mut impl Grounds) -> Conclusion {
    //= G3
    //= G4
    let (topic, reason) = if world.edition.relay_ports.contains(&port) {
        (Topic::Relay, Reason::RelayPort)
    } else if world.edition.relay_on_other_ports {
        (Topic::Relay, Reason::OtherPort)
    } else {
        (Topic::OtherPort, Reason::OtherPort)
    };
    grounds.cite(world.edition.topic(topic));
    Conclusion::of(reason)
}

/// A SYN to an address and a port from a known machine, as it leaves the port `at`: the machine's own, or that of
/// a forwarder.
fn from_machine(
    world: &World,
    sender: SendingPort<'_>,
    at: SendingPort<'_>,
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<Conclusion, Obstacle> {
    let destination = packet.destination;
    if !sender.runs() {
        let (machine, power) = (sender.name.clone(), sender.machine.state.power);
        return Err(InputFault::NotRunning { machine, power }.into());
    }
    //= N4
    if destination.is_ipv6() && !sender.interface.addresses.iter().any(IpAddr::is_ipv6) {
        grounds.cite_way(&[NetworkFact::N4]);
        return Err(InputFault::NoAddressOfFamily { machine: sender.name.clone() }.into());
    }
    if is_platform(world, destination, grounds)? {
        return Ok(Conclusion::of(Reason::PlatformAddress));
    }
    if is_own_public(world, destination, grounds) {
        return Ok(Conclusion::of(Reason::Internal));
    }
    if at.name == sender.name
        && let Some(conclusion) = platform_egress(world, sender, destination, grounds)
    {
        return Ok(conclusion);
    }
    Ok(follow(world, sender, at, packet, grounds)?)
}

/// Follows the packet from hop to hop, from a port on.
fn follow<'a>(
    world: &'a World,
    sender: SendingPort<'_>,
    mut at: SendingPort<'a>,
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<Conclusion, RouteFault> {
    let destination = packet.destination;
    let mut been = HashSet::from([at.name]);
    // The address that the sender's own route leads to: that of the port, where it is not its own.
    let mut first = (at.name != sender.name).then(|| at.address_toward(destination));
    loop {
        cross(world, Stand::of(at.interface), Direction::Outbound, packet, grounds)?;
        let (from, subnet) = (&at.interface.network, &at.interface.subnet);
        let hop = at.hop(destination);
        let address = match onward(world, (from, subnet), hop, destination, grounds)? {
            Toward::Done(reason) => return Ok(Conclusion::of(reason)),
            Toward::Inside { network, filtered: false } => {
                entering(world, (from, &network), packet, grounds)?;
                return Ok(Conclusion::of(Reason::Internal));
            }
            to @ (Toward::Internet | Toward::Edge | Toward::Inside { .. }) => {
                let way = match to {
                    Toward::Internet => Some(leave(world, at, destination.is_ipv4(), grounds)?),
                    Toward::Inside { network, .. } => {
                        entering(world, (from, &network), packet, grounds)?;
                        None
                    }
                    _ => None,
                };
                let conclusion = match first {
                    None => at_the_edge(world, at, grounds),
                    Some(address) => behind_an_appliance(world, sender, at, address, grounds),
                };
                let translates = way.is_some_and(WayOut::translates);
                return Ok(if translates {
                    translated(world, at, conclusion, grounds)
                } else {
                    conclusion
                });
            }
            Toward::Forwarder(address) => address,
        };
        first = first.or(Some(address));
        let (came_to, next) = match taken_by(world, from, address, packet, grounds)? {
            TakenBy::Firewall(name) => {
                return through_firewall(world, Some(sender), name, packet, grounds);
            }
            TakenBy::Appliance { came_to, sends_on } => (came_to, sends_on),
        };
        if !been.insert(next.name) {
            return Err(RouteFault::Loop { machine: next.name.clone() });
        }
        cross(world, Stand::of(came_to), Direction::Inbound, packet, grounds)?;
        at = next;
    }
}

/// What becomes of an exempt packet that a NAT gateway or a load balancer takes out: it is routed
/// directly, as long as a setting says so.
fn translated(
    world: &World,
    at: SendingPort<'_>,
    conclusion: Conclusion,
    grounds: &mut impl Grounds,
) -> Conclusion {
    //= N8
    let Conclusion { reason: Reason::Exempt, subscription: Some(subscription) } = conclusion else {
        return conclusion;
    };
    grounds.assume(world, Setting::SnatIsDirect);
    if world.settings.snat_is_direct == YesNo::Yes {
        return Conclusion::by(subscription, Reason::Exempt);
    }
    grounds.cite(&[NetworkFact::N8.id()]);
    let (rule, _) = world.edition.rule(at.machine.state.programmed.offer);
    not_covered(world, subscription, rule, grounds)
}

/// The decision that comes of what was found: its verdict follows from the reason.
fn finish(
    world: &World,
    sender: Option<SendingPort<'_>>,
    conclusion: Result<Conclusion, Obstacle>,
    mut grounds: Gathered,
) -> Decision {
    let Conclusion { reason, subscription } = conclusion.unwrap_or_else(|fault| {
        let (reason, step) = match fault {
            Obstacle::Route(RouteFault::Denied { by }) => {
                (by.reason(), NextStep::ChangeRule { by })
            }
            Obstacle::Route(what) => (what.reason(), NextStep::MendRoute { what }),
            Obstacle::Input(what) => (what.reason(), NextStep::MendInput { what }),
        };
        grounds.advise(|| [step]);
        Conclusion::of(reason)
    });
    if let Some(setting) = reason.verdict_setting() {
        grounds.assume(world, setting);
    }
    let verdict = verdict_of(&world.settings, reason);
    // What is blocked on the way out is so whatever the way is (N6).
    if verdict == Verdict::Pass || reason == Reason::NoOutboundAccess {
        for setting in std::mem::take(&mut grounds.way_out) {
            grounds.assume(world, setting);
        }
    }
    Decision {
        verdict,
        reason,
        statements: grounds.statements,
        assumed: grounds.assumed,
        warnings: grounds.warnings,
        path: grounds.path,
        rules: grounds.rules,
        next_steps: if verdict == Verdict::Pass { vec![] } else { grounds.next_steps },
        machine: sender.map(|port| port.name.clone()),
        subscription: subscription.or_else(|| sender.map(|at| at.machine.subscription.clone())),
        edition: world.edition.id.clone(),
    }
}
