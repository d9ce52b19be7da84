//! A restricted offer: whether an exemption reaches a machine, and why not.

use crate::article::edition::{AppServiceRule, Effect, OfferRule, Topic};
use crate::article::reason::Reason;
use crate::article::settings::{RevocationEffect, Setting, YesNo};
use crate::decide::advice::{advice, relay};
use crate::decide::conclusion::Conclusion;
use crate::decide::grounds::Grounds;
use crate::decide::restriction::unrestricted;
use crate::decide::sender::SendingPort;
use crate::decide::terms::{covers, is_honoured, terms};
use crate::life::exemption::ExemptionState;
use crate::life::power::ProgrammedBy;
use crate::world::name::SubscriptionName;
use crate::world::{Machine, MachineKind, Subscription, World};

/// A restricted offer: does an exemption reach this machine?
///
/// `rule` is the row of the offer that the machine was programmed with; what can be asked for,
/// and how, is the matter of the subscription's present offer.
pub(crate) fn restricted(
    world: &World,
    at: SendingPort<'_>,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut impl Grounds,
) -> Conclusion {
    let name = at.machine.subscription.clone();
    let (present, named) = world.edition.rule(subscription.offer);
    let by_programming = at.machine.state.programmed.exempt
        && is_honoured(world, rule, &subscription.exemption, grounds);
    let granted = subscription.exemption.state == ExemptionState::Granted
        && is_honoured(world, present, &subscription.exemption, grounds);
    if (by_programming || granted) && app_service_uncovered(world, at.machine) {
        return not_covered(world, name, rule, grounds);
    }
    // The world does not keep to which type it was granted, so where a change of type leaves it
    // standing, every exemption may rest on that.
    if granted && world.settings.exemption_survives_offer_change == YesNo::Yes {
        grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
    }
    if by_programming {
        by_what(world, at.machine, subscription, grounds);
        return exempt(world, name, rule, grounds);
    }
    // Where the text gives no terms, and pay-as-you-go's are not taken over, a grant holds at once.
    if granted
        && present.cites.exempt.is_empty()
        && world.settings.exemption_terms_when_silent == YesNo::No
    {
        return exempt(world, name, present, grounds);
    }
    if !named {
        grounds.assume(world, Setting::UnnamedOffer);
    }
    let reason = why_not(world, at.machine, subscription, present, granted, grounds);
    grounds.advise(|| advice(world, at, subscription, present, reason));
    Conclusion::by(name, reason)
}

/// Whether a machine is an App Service, and the exemption covers machines' traffic alone.
fn app_service_uncovered(world: &World, machine: &Machine) -> bool {
    machine.kind == MachineKind::AppService
        && world.edition.app_service == AppServiceRule::Silent
        && world.edition.exemption_covers_machines_only
}

/// There is an exemption, and this traffic is none that it covers.
pub(crate) fn not_covered(
    world: &World,
    name: SubscriptionName,
    rule: &OfferRule,
    grounds: &mut impl Grounds,
) -> Conclusion {
    //= PG8
    //= PN6
    let statements = covers(world, rule, grounds);
    grounds.cite(statements);
    grounds.advise(|| [relay(world)]);
    Conclusion::by(name, Reason::ExemptionDoesNotCover)
}

/// The exemption reached the machine.
fn exempt(
    world: &World,
    name: SubscriptionName,
    rule: &OfferRule,
    grounds: &mut impl Grounds,
) -> Conclusion {
    //= PG6
    //= PG7
    //= PG8
    //= PN5
    //= PN6
    let terms = terms(world, rule, grounds);
    grounds.cite(&terms.cites.exempt);
    grounds.cite(&terms.cites.covers);
    Conclusion::by(name, Reason::Exempt)
}

/// What an exempt machine's programming rests on.
fn by_what(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    grounds: &mut impl Grounds,
) {
    match machine.state.programmed.by {
        ProgrammedBy::Deployment if world.edition.effect == Effect::NextStart => {
            grounds.assume(world, Setting::NewVmAfterExemption);
        }
        ProgrammedBy::Restart => grounds.assume(world, Setting::GuestRestartCounts),
        ProgrammedBy::Redeploy => grounds.assume(world, Setting::RedeployCounts),
        ProgrammedBy::Neighbour => grounds.assume(world, Setting::OneCycleFreesAll),
        ProgrammedBy::TemporarySubnet => {
            grounds.cite(world.edition.topic(Topic::DelegatedSubnet));
        }
        _ => {}
    }
    match subscription.exemption.state {
        ExemptionState::Granted => {}
        ExemptionState::Revoked => grounds.assume(world, Setting::RevocationEffect),
        // It ended, and the machine has not been allocated since: by a change of offer, or by a
        // revocation before a new request where one does not count at once.
        _ => {
            grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
            grounds.assume(world, Setting::OfferChangeEffect);
            if world.settings.revocation_effect == RevocationEffect::NextStart {
                grounds.assume(world, Setting::RevocationEffect);
            }
        }
    }
}

/// Why no exemption reaches a machine of a restricted offer; `rule` is the present offer's row.
fn why_not(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    rule: &OfferRule,
    granted: bool,
    grounds: &mut impl Grounds,
) -> Reason {
    if subscription.offer != machine.state.programmed.offer
        && unrestricted(world, subscription.offer, subscription.created, None, grounds).is_some()
    {
        what_did_not_count(world, machine, grounds);
        return Reason::WaitingForStopStart;
    }
    if granted {
        return waiting(world, machine, subscription, rule, grounds);
    }
    // A machine that was programmed since the revocation is blocked either way.
    let since = &subscription.exemption.since;
    if subscription.exemption.state == ExemptionState::Revoked
        && machine.state.programmed.at <= *since
    {
        grounds.assume(world, Setting::RevocationEffect);
    }
    not_exempt(world, subscription, rule, grounds)
}

/// Why a subscription has no exemption that counts.
pub(crate) fn not_exempt(
    world: &World,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut impl Grounds,
) -> Reason {
    match subscription.exemption.state {
        //= PG9
        ExemptionState::Revoked => {
            grounds.cite(&rule.cites.revoke);
            if !rule.revocable {
                grounds.assume(world, Setting::RevocationWhenSilent);
            }
            Reason::Revoked
        }
        //= DV2
        _ if rule.request.is_empty() => {
            grounds.cite(&rule.cites.never);
            Reason::OfferNeverExempt
        }
        // One of an earlier edition that does not count is as good as none.
        //= PG4
        //= CS2
        ExemptionState::None | ExemptionState::Granted => {
            grounds.cite(&rule.cites.request);
            Reason::NotGranted
        }
        //= PG5
        //= CS3
        ExemptionState::Requested => {
            grounds.cite(&rule.cites.answer);
            Reason::RequestPending
        }
        ExemptionState::FurtherSteps => {
            grounds.cite(&rule.cites.answer);
            Reason::FurtherSteps
        }
        ExemptionState::Refused => {
            grounds.cite(&rule.cites.answer);
            Reason::RequestRefused
        }
        //= PG7
        ExemptionState::Lapsed => {
            let statements = covers(world, rule, grounds);
            grounds.cite(statements);
            grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
            Reason::ExemptionLapsed
        }
    }
}

/// The subscription is exempt, and the machine has not picked that up.
fn waiting(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut impl Grounds,
) -> Reason {
    let terms = terms(world, rule, grounds);
    grounds.cite(&terms.cites.exempt);
    if world.edition.effect == Effect::MachinesCreatedAfter {
        return Reason::CreatedBeforeExemption;
    }
    if world.needs_temporary_subnet(machine) {
        grounds.cite(world.edition.topic(Topic::DelegatedSubnet));
        return Reason::WaitingForStopStart;
    }
    what_did_not_count(world, machine, grounds);
    let programmed = &machine.state.programmed;
    grounds.assume_if(world, Setting::NewVmAfterExemption, || {
        world.settings.new_vm_after_exemption == YesNo::No
            && programmed.by == ProgrammedBy::Deployment
            && programmed.at >= subscription.exemption.since
    });
    grounds.assume_if(world, Setting::OneCycleFreesAll, || {
        let mut others = world.members.get(&machine.subscription).into_iter().flatten();
        others.any(|name| world.machines.get(name).is_some_and(has_cycled))
    });
    Reason::WaitingForStopStart
}

/// Whether a machine is exempt by a stop and start of its own.
fn has_cycled(machine: &Machine) -> bool {
    let by = machine.state.programmed.by;
    machine.state.programmed.exempt && matches!(by, ProgrammedBy::Start | ProgrammedBy::Beginning)
}

/// Names the settings by which what happened to a machine did not program it.
fn what_did_not_count(world: &World, machine: &Machine, grounds: &mut impl Grounds) {
    if !machine.state.restarted_since {
        return;
    }
    let settings = &world.settings;
    grounds.assume_if(world, Setting::GuestRestartCounts, || {
        settings.guest_restart_counts == YesNo::No
    });
    grounds.assume_if(world, Setting::RedeployCounts, || settings.redeploy_counts == YesNo::No);
}
