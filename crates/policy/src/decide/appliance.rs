//! Appliances: who is at the address that a route leads to, and what an appliance sends on.

use std::net::IpAddr;

use crate::article::network::NetworkFact;
use crate::article::reason::Reason;
use crate::article::settings::{ExemptViaAppliance, Setting, YesNo};
use crate::decide::advice::relay;
use crate::decide::conclusion::Conclusion;
use crate::decide::edge::{at_the_edge, directly};
use crate::decide::fault::RouteFault;
use crate::decide::grounds::{Grounds, SettingsAlone};
use crate::decide::next_step::NextStep;
use crate::decide::screen::{Crossing, over_peering};
use crate::decide::sender::SendingPort;
use crate::decide::terms::{Term, term};
use crate::world::name::{FirewallName, NetworkName};
use crate::world::{Interface, World};

/// Who takes a packet on.
pub(crate) enum TakenBy<'a> {
    Firewall(&'a FirewallName),
    /// An appliance, by the interface that it takes a packet by, and the port that it sends on from.
    Appliance {
        came_to: &'a Interface,
        sends_on: SendingPort<'a>,
    },
}

/// Who takes a packet on that a network's route sends to an address: in that network or in one that
/// it is peered with. A load balancer passes on the ports that its rules cover (N11).
pub(crate) fn taken_by<'a>(
    world: &'a World,
    network: &NetworkName,
    address: IpAddr,
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<TakenBy<'a>, RouteFault> {
    let (nobody, port, from) = (|| RouteFault::Nobody { address }, packet.port, network);
    let network = world.network_of_appliance(network, address).ok_or_else(nobody)?;
    over_peering(world, (from, network), packet, grounds)?;
    if let Some(firewall) = world.firewall_at(network, address) {
        if world.firewalls.get(firewall).is_some_and(|found| !found.state.runs) {
            return Err(RouteFault::FirewallStopped { firewall: firewall.clone() });
        }
        return Ok(TakenBy::Firewall(firewall));
    }
    if let Some((name, balancer)) = world.frontend_at(network, address) {
        grounds.cite_way(&[NetworkFact::N11]);
        let covers = balancer.ports.as_ref().map(|ports| ports.cover(port)).unwrap_or_else(|| {
            grounds.assume(world, Setting::LoadBalancerPortsWhenUnsaid);
            world.settings.load_balancer_ports_when_unsaid == YesNo::Yes
        });
        if !covers {
            return Err(RouteFault::NotBalanced { balancer: name.clone(), port });
        }
    }
    let found = SendingPort::taking_on(world, network, address).ok_or_else(nobody)?;
    let machine = found.name.clone();
    if !found.runs() {
        return Err(RouteFault::NotRunning { machine, power: found.machine.state.power });
    }
    if !found.interface.ip_forwarding {
        let address = found.address_toward(address);
        return Err(RouteFault::NotForwarding { machine, address });
    }
    let interface = found.machine.forwards_from(found.interface);
    let sends_on = SendingPort { interface, ..found };
    Ok(TakenBy::Appliance { came_to: found.interface, sends_on })
}

/// An appliance sends to the Internet: its own machine and subscription decide. `first` is the
/// address that the sender's own route leads to.
pub(crate) fn behind_an_appliance(
    world: &World,
    sender: SendingPort<'_>,
    at: SendingPort<'_>,
    first: IpAddr,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let blocked = world.settings.exempt_via_appliance == ExemptViaAppliance::Blocked;
    let owner = world.subscriptions.get(&sender.machine.subscription);
    let at_edge = if blocked && owner.is_some_and(|owner| owner.exemption.grant.is_some()) {
        // Whether the sender is exempt decides then, and so do the readings on which that rests.
        at_the_edge(world, sender, &mut SettingsAlone(grounds)).reason
    } else {
        directly(world, sender)
    };
    //= PG8
    //= PN6
    if at_edge == Reason::Exempt {
        grounds.assume(world, Setting::ExemptViaAppliance);
        let (rule, _) = world.edition.rule(sender.machine.state.programmed.offer);
        let statements = term(world, rule, Term::Cover, grounds);
        grounds.cite(statements);
        if blocked {
            let statements = statements.to_vec();
            let directly = NextStep::RouteDirectly { instead_of: first, statements };
            grounds.advise(|| [directly, relay(world)]);
            let subscription = sender.machine.subscription.clone();
            return Conclusion::by(subscription, Reason::ExemptionDoesNotCover);
        }
    }
    at_the_edge(world, at, grounds)
}
