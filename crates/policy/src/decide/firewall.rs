//! Azure Firewalls: where their own routes lead, and what the edition says of them.

use crate::article::edition::{FirewallRule, OfferRule, Topic};
use crate::article::network::NetworkFact;
use crate::article::offer::Offer;
use crate::article::reason::Reason;
use crate::article::settings::{
    AzureFirewallSubscription, AzureFirewallWhenSilent, EaViaAzureFirewall,
    ExemptionBehindAzureFirewall, OfferChangeEffect, Setting, YesNo,
};
use crate::decide::advice::{advice, relay};
use crate::decide::conclusion::Conclusion;
use crate::decide::decision::HopKind;
use crate::decide::edge::{at_the_edge, directly, on_type_change};
use crate::decide::exemption::{
    exempt, holds_at_once, not_covered, not_exempt, to_another_offer, was_granted, what_ended,
};
use crate::decide::fault::RouteFault;
use crate::decide::grounds::{Grounds, ReasonAlone};
use crate::decide::next_step::NextStep;
use crate::decide::restriction::{cite_restriction, unrestricted};
use crate::decide::route::{Toward, onward};
use crate::decide::screen::{Crossing, entering};
use crate::decide::sender::SendingPort;
use crate::decide::terms::{Term, cite_term, is_honoured, term};
use crate::world::name::{FirewallName, SubscriptionName};
use crate::world::{AzureFirewall, FirewallState, Subscription, World};

/// A packet comes to an Azure Firewall: inside and on premises it goes on; to the Internet the
/// edition decides.
pub(crate) fn through_firewall(
    world: &World,
    sender: Option<SendingPort<'_>>,
    name: &FirewallName,
    packet: &Crossing<'_>,
    grounds: &mut impl Grounds,
) -> Result<Conclusion, RouteFault> {
    let (firewall, destination) =
        (world.firewalls.get(name).ok_or(RouteFault::NoFirewall)?, packet.destination);
    if !carries(world, destination.is_ipv4(), grounds) {
        return Err(RouteFault::FirewallWithoutV6 { firewall: name.clone() });
    }
    let at = HopKind::Firewall { firewall: name.clone() };
    match onward(world, (&firewall.network, &firewall.subnet), at, destination, grounds)? {
        Toward::Done(reason) => return Ok(Conclusion::of(reason)),
        Toward::Inside { network, filtered } => {
            // Whoever it is from that nobody knows, no rule is asked.
            if sender.is_some() {
                entering(world, (&firewall.network, &network), packet, grounds)?;
            }
            if !filtered {
                return Ok(Conclusion::of(Reason::Internal));
            }
        }
        Toward::Forwarder(next) => {
            return Err(RouteFault::BehindFirewall { firewall: name.clone(), next });
        }
        // It has public addresses of its own: it needs no other way out.
        Toward::Internet | Toward::Edge => {}
    }
    // What the text allows it allows some alone: who they are turns out below.
    if world.edition.azure_firewall != FirewallRule::OwnRule {
        //= RL1
        grounds.cite(world.edition.topic(Topic::Firewall));
    }
    if let Some(setting) = rests_on(world) {
        grounds.assume(world, setting);
    }
    if by_own_rule(world) {
        return Ok(behind_a_firewall(world, sender, name, firewall, grounds));
    }
    if types_may_count(world)
        && let Some(sender) = sender.filter(|sender| is_unrestricted(directly(world, *sender)))
    {
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

/// Whether Azure Firewalls carry a family.
pub(crate) fn carries(world: &World, v4: bool, grounds: &mut impl Grounds) -> bool {
    if v4 {
        return true;
    }
    //= N4
    grounds.cite_way(&[NetworkFact::N4]);
    grounds.assume(world, Setting::AzureFirewallIpv6);
    world.settings.azure_firewall_ipv6 == YesNo::Yes
}

/// The setting by which something gets through Azure Firewall or not, where the text does not say.
fn rests_on(world: &World) -> Option<Setting> {
    match world.edition.azure_firewall {
        FirewallRule::OwnRule | FirewallRule::MayWork | FirewallRule::Blocked => None,
        FirewallRule::Unsupported => Some(Setting::UnsupportedMeansBlocked),
        FirewallRule::Disputed => Some(Setting::AzureFirewall2022_11),
        FirewallRule::Silent => Some(Setting::AzureFirewallWhenSilent),
    }
}

/// Whether a subscription's own rule decides at Azure Firewall.
pub(crate) fn by_own_rule(world: &World) -> bool {
    let settings = &world.settings;
    let own_rule = AzureFirewallWhenSilent::SubscriptionRule;
    match world.edition.azure_firewall {
        FirewallRule::OwnRule | FirewallRule::MayWork => true,
        FirewallRule::Blocked => false,
        FirewallRule::Unsupported => settings.unsupported_means_blocked == YesNo::No,
        FirewallRule::Disputed => settings.azure_firewall_2022_11 == own_rule,
        FirewallRule::Silent => settings.azure_firewall_when_silent == own_rule,
    }
}

/// Whether the rejection may leave out unrestricted subscriptions: RL1 names no type, while the
/// firewall's own page says that nothing gets through.
pub(crate) fn types_may_count(world: &World) -> bool {
    world.edition.azure_firewall != FirewallRule::Blocked
}

/// Whether the text itself says that the firewall's own subscription decides.
pub(crate) fn own_by_the_text(world: &World, at_firewall: Reason) -> bool {
    world.edition.azure_firewall == FirewallRule::OwnRule
        && at_firewall == Reason::UnrestrictedOffer
}

/// Whether a reason at the Internet's edge is that the sender is not restricted at all.
pub(crate) const fn is_unrestricted(at_edge: Reason) -> bool {
    matches!(at_edge, Reason::UnrestrictedOffer | Reason::PredatesRestriction)
}

/// Azure Firewall where it is supported: a subscription's own rule decides, the firewall's or the
/// sender's.
fn behind_a_firewall(
    world: &World,
    sender: Option<SendingPort<'_>>,
    name: &FirewallName,
    firewall: &AzureFirewall,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let by_firewall = at_a_firewall(world, name, firewall, &mut ReasonAlone).reason;
    let by_sender = sender.map_or(Reason::UnknownSource, |sender| {
        of_the_sender(world, sender, firewall, &mut ReasonAlone).reason
    });
    if own_by_the_text(world, by_firewall) {
        grounds.cite(world.edition.topic(Topic::Firewall));
        return at_a_firewall(world, name, firewall, grounds);
    }
    grounds.cite(world.edition.topic(Topic::FirewallLimit));
    grounds.assume_if(world, Setting::AzureFirewallSubscription, || by_firewall != by_sender);
    match (world.settings.azure_firewall_subscription, sender) {
        (AzureFirewallSubscription::Firewall, _) => at_a_firewall(world, name, firewall, grounds),
        (AzureFirewallSubscription::Sender, Some(sender)) => {
            of_the_sender(world, sender, firewall, grounds)
        }
        (AzureFirewallSubscription::Sender, None) => Conclusion::of(Reason::UnknownSource),
    }
}

/// Where the sender's subscription decides behind a firewall.
fn of_the_sender(
    world: &World,
    sender: SendingPort<'_>,
    firewall: &AzureFirewall,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let conclusion = at_the_edge(world, sender, grounds);
    if conclusion.reason != Reason::Exempt || covers_firewalls(world, grounds) {
        return conclusion;
    }
    let (rule, _) = world.edition.rule(sender.machine.state.programmed.offer);
    uncovered(world, sender.machine.subscription.clone(), firewall, rule, grounds)
}

/// Whether an exemption covers what leaves by a firewall.
fn covers_firewalls(world: &World, grounds: &mut impl Grounds) -> bool {
    grounds.assume(world, Setting::ExemptionBehindAzureFirewall);
    exemption_covers_firewalls(world)
}

/// Whether it does by the setting.
pub(crate) fn exemption_covers_firewalls(world: &World) -> bool {
    world.settings.exemption_behind_azure_firewall == ExemptionBehindAzureFirewall::Covers
}

/// There is an exemption, and it does not cover what leaves by a firewall.
fn uncovered(
    world: &World,
    name: SubscriptionName,
    firewall: &AzureFirewall,
    rule: &OfferRule,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let statements = term(world, rule, Term::Cover, grounds).to_vec();
    grounds.advise(|| [NextStep::RouteDirectly { instead_of: firewall.address, statements }]);
    not_covered(world, name, rule, grounds)
}

/// What a firewall meets at the Internet's edge where its own subscription's rule decides.
fn at_a_firewall(
    world: &World,
    name: &FirewallName,
    firewall: &AzureFirewall,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let owner = firewall.subscription.clone();
    let Some(subscription) = world.subscriptions.get(&owner) else {
        return Conclusion::of(Reason::UnknownSource);
    };
    let offer = programmed_offer(world, firewall, subscription, grounds);
    let (edition, of) = (&world.edition, (offer, subscription.created));
    let (rule, _) = edition.rule(offer);
    let free = unrestricted(world, edition, of, None, grounds);
    cite_restriction(world, edition, of, free, grounds);
    if let Some(reason) = free {
        return Conclusion::by(owner, reason);
    }
    let (present, _) = edition.rule(subscription.offer);
    grounds.assume_if(world, Setting::AzureInOpenMayAsk2018, || {
        !rule.disputed_request.is_empty() || !present.disputed_request.is_empty()
    });
    let state = firewall.state;
    let exemption = &subscription.exemption;
    let counts = (state.exempt || state.cut_off || was_granted(world, exemption))
        && is_honoured(world, exemption, grounds);
    let by_programming = counts && state.exempt;
    let granted = counts && exemption.is_granted(&world.settings);
    if (by_programming || granted) && !covers_firewalls(world, grounds) {
        return uncovered(world, owner, firewall, rule, grounds);
    }
    if granted && to_another_offer(subscription) {
        grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
    }
    if by_programming {
        what_ended(world, subscription, grounds);
        return exempt(world, owner, rule, false, grounds);
    }
    if granted && holds_at_once(world, present) {
        return exempt(world, owner, present, false, grounds);
    }
    let reason = why_not(world, (subscription, offer), state, present, counts, grounds);
    grounds.advise(|| {
        let (firewall, of) = (name.clone(), owner.clone());
        let pick_up = || vec![NextStep::RenewFirewall { firewall, subscription: of }];
        advice(world, &owner, subscription, present, reason, pick_up)
    });
    Conclusion::by(owner, reason)
}

/// The offer that a firewall goes by: as a machine, the one that it was programmed with.
fn programmed_offer(
    world: &World,
    firewall: &AzureFirewall,
    subscription: &Subscription,
    grounds: &mut impl Grounds,
) -> Offer {
    let present = subscription.offer;
    let Some(left) = firewall.state.left else { return present };
    let at_once = world.settings.offer_change_effect == OfferChangeEffect::Immediate;
    if left != present || at_once {
        grounds.assume(world, Setting::OfferChangeEffect);
    }
    if at_once || left == present {
        return present;
    }
    grounds.cite(on_type_change(&world.edition, left, present));
    grounds.cite(world.edition.topic(Topic::TypeChangeEffect));
    left
}

/// Why no exemption reaches a firewall that was programmed with an offer; `rule` is the present
/// offer's row.
fn why_not(
    world: &World,
    (subscription, programmed): (&Subscription, Offer),
    state: FirewallState,
    rule: &OfferRule,
    counts: bool,
    grounds: &mut impl Grounds,
) -> Reason {
    let of = (subscription.offer, subscription.created);
    if subscription.offer != programmed
        && unrestricted(world, &world.edition, of, None, grounds).is_some()
    {
        return Reason::WaitingForStopStart;
    }
    if state.cut_off && counts {
        grounds.assume(world, Setting::RevocationEffect);
    }
    if counts && subscription.exemption.is_granted(&world.settings) {
        cite_term(world, rule, Term::Effect, grounds);
        return Reason::WaitingForStopStart;
    }
    not_exempt(world, subscription, rule, counts, grounds)
}

/// The reason of that alone.
pub(crate) fn firewall_edge_reason(world: &World, name: &FirewallName) -> Reason {
    world.firewalls.get(name).map_or(Reason::UnknownSource, |firewall| {
        at_a_firewall(world, name, firewall, &mut ReasonAlone).reason
    })
}
