//! Azure Firewalls: where their own routes lead, and what the edition says of them.

use std::net::IpAddr;

use crate::article::edition::{FirewallRule, OfferRule, Topic};
use crate::article::reason::Reason;
use crate::article::settings::{
    AzureFirewallSubscription, AzureFirewallWhenSilent, EaViaAzureFirewall, Setting,
};
use crate::decide::advice::{relay, relay_or_change};
use crate::decide::conclusion::Conclusion;
use crate::decide::decision::HopKind;
use crate::decide::edge::{at_the_edge, directly};
use crate::decide::exemption::{not_covered, not_exempt};
use crate::decide::fault::RouteFault;
use crate::decide::grounds::{Grounds, ReasonAlone};
use crate::decide::next_step::NextStep;
use crate::decide::restriction::{cite_restriction, unrestricted};
use crate::decide::route::{Toward, onward};
use crate::decide::sender::SendingPort;
use crate::decide::terms::{covers, is_honoured};
use crate::life::exemption::ExemptionState;
use crate::world::name::{FirewallName, SubscriptionName};
use crate::world::{AzureFirewall, World};

/// A packet comes to an Azure Firewall: inside and on premises it goes on; to the Internet the
/// edition decides.
pub(crate) fn through_firewall(
    world: &World,
    sender: Option<SendingPort<'_>>,
    name: &FirewallName,
    destination: IpAddr,
    grounds: &mut impl Grounds,
) -> Result<Conclusion, RouteFault> {
    let firewall = world.firewalls.get(name).ok_or(RouteFault::NoFirewall)?;
    let at = HopKind::Firewall { firewall: name.clone() };
    match onward(world, (&firewall.network, &firewall.subnet), at, destination, grounds)? {
        Toward::Done(reason) => return Ok(Conclusion::of(reason)),
        Toward::Forwarder(next) => {
            return Err(RouteFault::BehindFirewall { firewall: name.clone(), next });
        }
        Toward::Edge => {}
    }
    //= RL1
    grounds.cite(world.edition.topic(Topic::Firewall));
    grounds.assume_if(world, Setting::AzureFirewallWhenSilent, || {
        world.edition.azure_firewall == FirewallRule::Silent
    });
    if by_own_rule(world) {
        return Ok(behind_a_firewall(world, sender, firewall, grounds));
    }
    if let Some(sender) = sender.filter(|sender| is_unrestricted(directly(world, *sender))) {
        grounds.assume(world, Setting::EaViaAzureFirewall);
        if world.settings.ea_via_azure_firewall == EaViaAzureFirewall::Unrestricted {
            return Ok(at_the_edge(world, sender, grounds));
        }
    }
    grounds.advise(|| {
        let statements = world.edition.topic(Topic::Firewall).to_vec();
        [NextStep::RouteDirectly { instead_of: firewall.address, statements }, relay(world)]
    });
    Ok(Conclusion::of(Reason::AzureFirewallUnsupported))
}

/// Whether a subscription's own rule decides at Azure Firewall.
pub(crate) fn by_own_rule(world: &World) -> bool {
    match world.edition.azure_firewall {
        FirewallRule::OwnRule => true,
        FirewallRule::Unsupported => false,
        FirewallRule::Silent => {
            world.settings.azure_firewall_when_silent == AzureFirewallWhenSilent::SubscriptionRule
        }
    }
}

/// Whether a reason at the Internet's edge is that the sender is not restricted at all.
pub(crate) const fn is_unrestricted(at_edge: Reason) -> bool {
    matches!(at_edge, Reason::UnrestrictedOffer | Reason::PredatesRestriction)
}

/// Azure Firewall where it is supported: a subscription's own rule decides. An exemption covers
/// only machines' traffic that is routed directly, whichever subscription it is.
fn behind_a_firewall(
    world: &World,
    sender: Option<SendingPort<'_>>,
    firewall: &AzureFirewall,
    grounds: &mut impl Grounds,
) -> Conclusion {
    grounds.assume(world, Setting::AzureFirewallSubscription);
    if world.settings.azure_firewall_subscription == AzureFirewallSubscription::Firewall {
        return at_a_firewall(world, firewall, grounds);
    }
    let Some(sender) = sender else { return Conclusion::of(Reason::UnknownSource) };
    let conclusion = at_the_edge(world, sender, grounds);
    if conclusion.reason != Reason::Exempt {
        return conclusion;
    }
    let (rule, _) = world.edition.rule(sender.machine.state.programmed.offer);
    uncovered(world, sender.machine.subscription.clone(), firewall, rule, grounds)
}

/// There is an exemption, and it does not cover what leaves by a firewall.
fn uncovered(
    world: &World,
    name: SubscriptionName,
    firewall: &AzureFirewall,
    rule: &OfferRule,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let statements = covers(world, rule, grounds).to_vec();
    grounds.advise(|| [NextStep::RouteDirectly { instead_of: firewall.address, statements }]);
    not_covered(world, name, rule, grounds)
}

/// What a firewall meets at the Internet's edge where its own subscription's rule decides.
fn at_a_firewall(
    world: &World,
    firewall: &AzureFirewall,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let name = firewall.subscription.clone();
    let Some(subscription) = world.subscriptions.get(&name) else {
        return Conclusion::of(Reason::UnknownSource);
    };
    let (rule, _) = world.edition.rule(subscription.offer);
    let free = unrestricted(world, subscription.offer, subscription.created, None, grounds);
    cite_restriction(world, rule, free, grounds);
    if let Some(reason) = free {
        return Conclusion::by(name, reason);
    }
    if subscription.exemption.state == ExemptionState::Granted
        && is_honoured(world, rule, &subscription.exemption, grounds)
    {
        return uncovered(world, name, firewall, rule, grounds);
    }
    let reason = not_exempt(world, subscription, rule, grounds);
    // Asking would not help: an exemption would not cover the firewall.
    grounds.advise(|| {
        if rule.request.is_empty() {
            relay_or_change(world, &name, subscription, rule)
        } else {
            vec![relay(world)]
        }
    });
    Conclusion::by(name, reason)
}

/// The reason of that alone.
pub(crate) fn firewall_edge_reason(world: &World, name: &FirewallName) -> Reason {
    world.firewalls.get(name).map_or(Reason::UnknownSource, |firewall| {
        at_a_firewall(world, firewall, &mut ReasonAlone).reason
    })
}
