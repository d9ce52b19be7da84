//! A restricted offer: whether an exemption reaches a machine, and why not.

use crate::article::edition::{AppServiceRule, Effect, OfferRule, Topic};
use crate::article::reason::Reason;
use crate::article::settings::{RevocationEffect, Setting, YesNo};
use crate::decide::advice::{advice, pick_up, relay};
use crate::decide::conclusion::Conclusion;
use crate::decide::grounds::Grounds;
use crate::decide::restriction::unrestricted;
use crate::decide::sender::SendingPort;
use crate::decide::terms::{Term, cite_term, is_honoured, is_silent, may_ask_by, term};
use crate::life::exemption::{Exemption, ExemptionState};
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
    let exemption = &subscription.exemption;
    let programmed = &at.machine.state.programmed;
    let is_granted = exemption.is_granted(&world.settings);
    let counts = (programmed.exempt || programmed.cut_off || was_granted(world, exemption))
        && is_honoured(world, exemption, grounds);
    grounds.assume_if(world, Setting::AzureInOpenMayAsk2018, || {
        !rule.disputed_request.is_empty() || !present.disputed_request.is_empty()
    });
    let by_programming = programmed.exempt && counts;
    let granted = is_granted && counts;
    if (by_programming || granted) && app_service_uncovered(world, at.machine) {
        return not_covered(world, name, rule, grounds);
    }
    if granted && to_another_offer(subscription) {
        grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
    }
    let is_app_service = at.machine.kind == MachineKind::AppService;
    if by_programming {
        by_what(world, at.machine, subscription, grounds);
        return exempt(world, name, rule, is_app_service, grounds);
    }
    if granted && holds_at_once(world, present) {
        return exempt(world, name, present, is_app_service, grounds);
    }
    if !named {
        grounds.assume(world, Setting::UnnamedOffer);
    }
    let reason = why_not(world, at.machine, subscription, present, counts, grounds);
    grounds.advise(|| {
        let pick_up = || pick_up(world, at, present, reason);
        advice(world, &name, subscription, present, reason, pick_up)
    });
    Conclusion::by(name, reason)
}

/// Whether a grant to a row's offers holds at once: the text gives no terms, and no others' are
/// taken over.
pub(crate) fn holds_at_once(world: &World, rule: &OfferRule) -> bool {
    is_silent(&world.edition, rule, Term::Effect)
        && world.settings.exemption_terms_when_silent == YesNo::No
}

/// Whether an exemption is there, or was there until it was revoked.
pub(crate) fn was_granted(world: &World, exemption: &Exemption) -> bool {
    exemption.state == ExemptionState::Revoked || exemption.is_granted(&world.settings)
}

/// Whether an exemption stands that was granted to another offer than the present one, or nobody
/// knows to which.
pub(crate) fn to_another_offer(subscription: &Subscription) -> bool {
    let grant = subscription.exemption.grant.as_ref();
    grant.is_none_or(|grant| grant.to != subscription.offer)
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
    cite_term(world, rule, Term::Cover, grounds);
    grounds.advise(|| [relay(world)]);
    Conclusion::by(name, Reason::ExemptionDoesNotCover)
}

/// Cites when an exemption reaches an App Service, where its own page says that: the article's
/// terms are of machines, which are stopped and started, and of their traffic alone.
fn cite_app_service_effect(world: &World, rule: &OfferRule, grounds: &mut impl Grounds) -> bool {
    let statements = world.edition.topic(Topic::AppServiceEffect);
    // Whose terms hold decides whether it has to be reached at all.
    term(world, rule, Term::Effect, grounds);
    grounds.cite(statements);
    !statements.is_empty()
}

/// The exemption reached the machine.
pub(crate) fn exempt(
    world: &World,
    name: SubscriptionName,
    rule: &OfferRule,
    is_app_service: bool,
    grounds: &mut impl Grounds,
) -> Conclusion {
    if is_app_service && cite_app_service_effect(world, rule, grounds) {
        return Conclusion::by(name, Reason::Exempt);
    }
    //= PG6
    //= PG7
    //= PG8
    //= PN5
    //= PN6
    cite_term(world, rule, Term::Effect, grounds);
    cite_term(world, rule, Term::Cover, grounds);
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
        _ => {}
    }
    let renewed = !matches!(
        machine.state.programmed.by,
        ProgrammedBy::Beginning | ProgrammedBy::Deployment | ProgrammedBy::OfferChange
    );
    if renewed && world.needs_temporary_subnet(machine) {
        grounds.cite(world.edition.topic(Topic::DelegatedSubnet));
    }
    what_ended(world, subscription, grounds);
}

/// Names the settings by which something goes on sending whose exemption ended.
pub(crate) fn what_ended(world: &World, subscription: &Subscription, grounds: &mut impl Grounds) {
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
    counts: bool,
    grounds: &mut impl Grounds,
) -> Reason {
    let of = (subscription.offer, subscription.created);
    if subscription.offer != machine.state.programmed.offer
        && unrestricted(world, &world.edition, of, None, grounds).is_some()
    {
        what_did_not_count(world, machine, grounds);
        return Reason::WaitingForStopStart;
    }
    // One that was programmed since the revocation, or was never exempt, is blocked either way.
    if machine.state.programmed.cut_off && counts {
        grounds.assume(world, Setting::RevocationEffect);
    }
    if counts && subscription.exemption.is_granted(&world.settings) {
        return waiting(world, machine, subscription, rule, grounds);
    }
    not_exempt(world, subscription, rule, counts, grounds)
}

/// Why a subscription has no exemption that counts.
pub(crate) fn not_exempt(
    world: &World,
    subscription: &Subscription,
    rule: &OfferRule,
    counts: bool,
    grounds: &mut impl Grounds,
) -> Reason {
    let state = subscription.exemption.state;
    if state == ExemptionState::Lapsed {
        grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
    }
    match state {
        //= PG9
        ExemptionState::Revoked if counts => {
            grounds.assume_if(world, Setting::ExemptionTermsWhenSilent, || !rule.revocable);
            cite_term(world, rule, Term::Revocation, grounds);
            Reason::Revoked
        }
        //= DV2
        _ if may_ask_by(&world.settings, rule).is_empty() => {
            grounds.cite(&rule.cites.never);
            Reason::OfferNeverExempt
        }
        // One that does not count is as good as none.
        //= PG4
        //= CS2
        ExemptionState::None | ExemptionState::Granted | ExemptionState::Revoked => {
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
        // The text knows two outcomes; a refusal is ours.
        ExemptionState::Refused => {
            grounds.cite(&rule.cites.answer);
            grounds.assume(world, Setting::RequestsCanBeRefused);
            match world.settings.requests_can_be_refused {
                YesNo::Yes => Reason::RequestRefused,
                YesNo::No => Reason::FurtherSteps,
            }
        }
        ExemptionState::Lapsed => Reason::ExemptionLapsed,
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
    if machine.kind != MachineKind::AppService || !cite_app_service_effect(world, rule, grounds) {
        cite_term(world, rule, Term::Effect, grounds);
    }
    if world.edition.effect == Effect::MachinesCreatedAfter {
        return Reason::CreatedBeforeExemption;
    }
    if world.needs_temporary_subnet(machine) {
        grounds.cite(world.edition.topic(Topic::DelegatedSubnet));
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
    let missed = machine.state.missed;
    let lacks_a_subnet = world.needs_temporary_subnet(machine) && !missed.temporary_subnet;
    if lacks_a_subnet || machine.kind == MachineKind::AppService {
        // It would not have been enough under any setting.
        return;
    }
    grounds.assume_if(world, Setting::GuestRestartCounts, || missed.restart);
    grounds.assume_if(world, Setting::RedeployCounts, || missed.redeploy);
}
