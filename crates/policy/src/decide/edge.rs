//! The Internet's edge: the rule of the subscription whose machine sends directly.

use crate::article::edition::{AppServiceRule, Edition, Restriction, Topic};
use crate::article::network::NetworkFact;
use crate::article::offer::Offer;
use crate::article::reason::Reason;
use crate::article::settings::{AppServiceWhenSilent, Setting};
use crate::article::statement::StatementId;
use crate::decide::advice::relay;
use crate::decide::conclusion::Conclusion;
use crate::decide::exemption::restricted;
use crate::decide::grounds::{Grounds, ReasonAlone};
use crate::decide::restriction::{cite_restriction, unrestricted};
use crate::decide::sender::SendingPort;
use crate::file::moment::utc_day;
use crate::life::power::ProgrammedBy;
use crate::world::name::{MachineName, SubscriptionName};
use crate::world::{Machine, MachineKind, Subscription, World};

/// A machine sends directly to the Internet.
pub(crate) fn at_the_edge(
    world: &World,
    at: SendingPort<'_>,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let name = &at.machine.subscription;
    let Some(subscription) = world.subscriptions.get(name) else {
        return Conclusion::of(Reason::UnknownSource);
    };
    if at.machine.kind == MachineKind::AppService
        && let Some(conclusion) = app_service(world, name, grounds)
    {
        return conclusion;
    }
    //= N18
    if world.is_container_instance(at.machine) {
        grounds.cite(&[NetworkFact::N18.id()]);
        grounds.cite(world.edition.topic(Topic::PlatformServices));
        grounds.advise(|| [relay(world)]);
        return Conclusion::by(name.clone(), Reason::PlatformServiceUnsupported);
    }
    let offer = at.machine.state.programmed.offer;
    type_change(world, at.machine, subscription, grounds);
    let deployed = at.machine.state.deployed.map(utc_day);
    let (edition, of) = (&world.edition, (offer, subscription.created));
    let (rule, _) = edition.rule(offer);
    let free = unrestricted(world, edition, of, Some(deployed), grounds);
    cite_restriction(world, edition, of, free, grounds);
    match free {
        Some(reason) => Conclusion::by(name.clone(), reason),
        None => restricted(world, at, subscription, rule, grounds),
    }
}

/// What a machine would meet if it sent directly to the Internet: the reason alone.
pub(crate) fn directly(world: &World, sender: SendingPort<'_>) -> Reason {
    at_the_edge(world, sender, &mut ReasonAlone).reason
}

/// What a machine meets at the Internet's edge when it sends there directly: the reason alone.
///
/// `sender-not-running` where it does not run; `None` where there is no such machine.
#[must_use]
pub fn edge_reason(world: &World, name: &MachineName) -> Option<Reason> {
    let sender = SendingPort::of(world, name, <[_]>::first)?;
    Some(if sender.runs() { directly(world, sender) } else { Reason::SenderNotRunning })
}

/// What a decision owes to a change of the subscription's type, if there was one.
fn type_change(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    grounds: &mut impl Grounds,
) {
    let programmed = &machine.state.programmed;
    if programmed.offer == subscription.offer {
        if programmed.by == ProgrammedBy::OfferChange {
            grounds.assume(world, Setting::OfferChangeEffect);
        }
        return;
    }
    grounds.assume(world, Setting::OfferChangeEffect);
    grounds.cite(on_type_change(&world.edition, programmed.offer, subscription.offer));
    grounds.cite(world.edition.topic(Topic::TypeChangeEffect));
}

/// What an edition says of a change of type from an offer to another: something where an open one
/// is left for a restricted one.
#[must_use]
pub fn on_type_change(edition: &Edition, from: Offer, to: Offer) -> &[StatementId] {
    let open = |offer| edition.rule(offer).0.restriction == Restriction::Open;
    if open(from) && !open(to) { edition.topic(Topic::TypeChange) } else { &[] }
}

/// App Service where it cannot send; `None` where the subscription's rule holds.
fn app_service(
    world: &World,
    name: &SubscriptionName,
    grounds: &mut impl Grounds,
) -> Option<Conclusion> {
    let own_rule = match world.edition.app_service {
        AppServiceRule::OwnRule => true,
        AppServiceRule::Unsupported => false,
        AppServiceRule::Silent => {
            grounds.assume(world, Setting::AppServiceWhenSilent);
            world.settings.app_service_when_silent == AppServiceWhenSilent::SubscriptionRule
        }
    };
    // A page that says no is no ground where a setting says otherwise.
    if !own_rule || world.edition.app_service == AppServiceRule::OwnRule {
        grounds.cite(world.edition.topic(Topic::AppService));
    }
    if own_rule {
        return None;
    }
    grounds.advise(|| [relay(world)]);
    Some(Conclusion::by(name.clone(), Reason::PlatformServiceUnsupported))
}
