//! The Internet's edge: the rule of the subscription whose machine sends directly.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::article::edition::{AppServiceRule, Edition, Effect, OfferRule, Restriction, Topic};
use crate::article::offer::Offer;
use crate::article::reason::Reason;
use crate::article::settings::{
    AppServiceWhenSilent, AzureFirewallSubscription, CspCutoff, RevocationEffect, Setting,
    Settings, UnnamedOffer, Unrestricted, YesNo,
};
use crate::decide::advice::{advise, relay, relay_or_change};
use crate::decide::decision::{NextStep, Verdict};
use crate::decide::{Grounds, Place, blocked, nobodys};
use crate::life::exemption::{Exemption, ExemptionState};
use crate::life::power::ProgrammedBy;
use crate::world::name::SubscriptionName;
use crate::world::{AzureFirewall, Machine, MachineKind, Subscription, World};

/// What the edge says.
pub(crate) struct Edge {
    pub(crate) reason: Reason,
    pub(crate) verdict: Verdict,
    /// The subscription whose rule decided, where one did.
    pub(crate) subscription: Option<SubscriptionName>,
}

impl Edge {
    pub(crate) const fn pass(reason: Reason, subscription: Option<SubscriptionName>) -> Self {
        Self { reason, verdict: Verdict::Pass, subscription }
    }
}

/// How an offer and a date stand to the restriction.
enum Standing {
    Open,
    Predates,
    Restricted,
}

/// A machine sends directly to the Internet.
pub(crate) fn at_the_edge(world: &World, at: Place<'_>, grounds: &mut Grounds) -> Edge {
    let name = at.machine.subscription.clone();
    let Some(subscription) = world.subscriptions.get(&name) else {
        return blocked(world, Reason::UnknownSource, name, grounds);
    };
    if at.machine.kind == MachineKind::AppService
        && let Some(edge) = app_service(world, &name, grounds)
    {
        return edge;
    }
    let offer = at.machine.state.programmed.offer;
    type_change(world, at.machine, subscription, grounds);
    let deployed = at.machine.state.deployed.map(utc_day);
    let (rule, standing) = stand(world, offer, subscription.created, Some(deployed), grounds);
    match standing {
        Standing::Open => Edge::pass(Reason::UnrestrictedOffer, Some(name)),
        Standing::Predates => Edge::pass(Reason::PredatesRestriction, Some(name)),
        Standing::Restricted => restricted(world, at, subscription, rule, grounds),
    }
}

/// What a decision owes to a change of the subscription's type, if there was one.
fn type_change(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    grounds: &mut Grounds,
) {
    let programmed = &machine.state.programmed;
    if programmed.offer == subscription.offer {
        if programmed.by == ProgrammedBy::OfferChange {
            grounds.assume(world, Setting::OfferChangeEffect);
        }
        return;
    }
    grounds.assume(world, Setting::OfferChangeEffect);
    let open = |offer| world.edition.rule(offer).0.restriction == Restriction::Open;
    if open(programmed.offer) && !open(subscription.offer) {
        grounds.cite(world.edition.topic(Topic::TypeChange));
    }
    grounds.cite(world.edition.topic(Topic::TypeChangeEffect));
}

fn utc_day(at: jiff::Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// App Service where the edition is silent; `None` where the subscription's rule holds.
fn app_service(world: &World, name: &SubscriptionName, grounds: &mut Grounds) -> Option<Edge> {
    if world.edition.app_service == AppServiceRule::OwnRule {
        grounds.cite(world.edition.topic(Topic::AppService));
        return None;
    }
    grounds.assume(world, Setting::AppServiceWhenSilent);
    if world.settings.app_service_when_silent == AppServiceWhenSilent::SubscriptionRule {
        return None;
    }
    grounds.cite(world.edition.topic(Topic::Block));
    grounds.next_steps.push(relay(world));
    Some(blocked(world, Reason::NotGranted, name.clone(), grounds))
}

/// How an offer and a date stand to the edition's restriction; cites what that rests on.
///
/// `deployed` is the machine's day of deployment (`Some(None)`: unknown), or `None` where the
/// question is not about a machine.
fn stand<'a>(
    world: &'a World,
    offer: Offer,
    created: Date,
    deployed: Option<Option<Date>>,
    grounds: &mut Grounds,
) -> (&'a OfferRule, Standing) {
    let (edition, settings) = (&world.edition, &world.settings);
    let (rule, named) = edition.rule(offer);
    if !named {
        grounds.assume(world, Setting::UnnamedOffer);
    }
    let silent = match restriction(edition, settings, offer) {
        //= EA1
        Some(Restriction::Open) => {
            grounds.cite(&rule.cites.open);
            return (rule, Standing::Open);
        }
        //= CS1
        Some(Restriction::NoDate) => Some(Setting::CspCutoff),
        Some(Restriction::Always) => Some(Setting::HonourPre2017Subscriptions),
        Some(Restriction::After) | None => None,
    };
    if let Some(setting) = silent.filter(|_| is_before(world, created)) {
        grounds.assume(world, setting);
    }
    let dated = creation_counts(edition, settings, offer);
    if dated && is_old(world, created, deployed, grounds) {
        //= PG1
        //= G2
        let cites = if rule.cites.before.is_empty() {
            world.edition.topic(Topic::Cutoff)
        } else {
            &rule.cites.before
        };
        grounds.cite(cites);
        return (rule, Standing::Predates);
    }
    //= PG3
    //= DV1
    //= PN1
    grounds.cite(&rule.cites.blocked);
    (rule, Standing::Restricted)
}

/// Whom an edition restricts of an offer, where the settings are heeded; `None`: every
/// subscription, because a setting says so.
fn restriction(edition: &Edition, settings: &Settings, offer: Offer) -> Option<Restriction> {
    let (rule, named) = edition.rule(offer);
    match settings.unnamed_offer {
        _ if named => Some(rule.restriction),
        UnnamedOffer::EditionDefault => Some(rule.restriction),
        UnnamedOffer::Open => Some(Restriction::Open),
        UnnamedOffer::Blocked => None,
    }
}

/// Whether the verdict on an offer's subscriptions depends on the day on which they were created.
#[must_use]
pub fn creation_counts(edition: &Edition, settings: &Settings, offer: Offer) -> bool {
    match restriction(edition, settings, offer) {
        Some(Restriction::Open) | None => false,
        Some(Restriction::After) => true,
        Some(Restriction::NoDate) => settings.csp_cutoff == CspCutoff::General,
        Some(Restriction::Always) => settings.honour_pre_2017_subscriptions == YesNo::Yes,
    }
}

/// Whether a day is before the restriction, by the setting on the cutoff day itself.
fn is_before(world: &World, day: Date) -> bool {
    let cutoff = world.edition.cutoff;
    day < cutoff || day == cutoff && world.settings.cutoff_day_restricted == YesNo::No
}

/// Whether a subscription (and the machine in it) is from before the restriction.
fn is_old(
    world: &World,
    created: Date,
    deployed: Option<Option<Date>>,
    grounds: &mut Grounds,
) -> bool {
    let cutoff = world.edition.cutoff;
    if created == cutoff {
        grounds.assume(world, Setting::CutoffDayRestricted);
    }
    if !is_before(world, created) {
        return false;
    }
    //= G2
    let Some(deployed) = deployed else { return true };
    let setting = world.settings.new_deployment_in_old_subscription;
    if deployed == Some(cutoff) && setting == Unrestricted::Restricted {
        grounds.assume(world, Setting::CutoffDayRestricted);
    }
    if deployed.is_some_and(|day| is_before(world, day)) {
        return true;
    }
    // Deployed since, or nobody knows when: the setting decides.
    grounds.assume(world, Setting::NewDeploymentInOldSubscription);
    setting == Unrestricted::Unrestricted
}

/// A restricted offer: does an exemption reach this machine?
///
/// `rule` is the row of the offer that the machine was programmed with; what can be asked for,
/// and how, is the matter of the subscription's present offer.
fn restricted(
    world: &World,
    at: Place<'_>,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut Grounds,
) -> Edge {
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
    if !grounds.mute {
        advise(world, at, subscription, present, reason, grounds);
    }
    blocked(world, reason, name, grounds)
}

/// Whether an exemption counts that an edition grants to a row's offers, or that was granted
/// under an earlier edition: because this one grants none to them, or by the event's own word.
pub(crate) fn is_honoured(
    world: &World,
    rule: &OfferRule,
    exemption: &Exemption,
    grounds: &mut Grounds,
) -> bool {
    if rule.restriction == Restriction::Open {
        return true;
    }
    let earlier = rule.request.is_empty()
        || exemption.state == ExemptionState::Granted && exemption.granted_under.is_some();
    if earlier {
        grounds.assume(world, Setting::GrandfatherExemptions);
    }
    !earlier || world.settings.grandfather_exemptions == YesNo::Yes
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
    grounds: &mut Grounds,
) -> Edge {
    //= PG8
    //= PN6
    let terms = terms(world, rule, grounds);
    grounds.cite(&terms.cites.covers);
    grounds.next_steps.push(relay(world));
    blocked(world, Reason::ExemptionDoesNotCover, name, grounds)
}

/// The exemption reached the machine.
fn exempt(world: &World, name: SubscriptionName, rule: &OfferRule, grounds: &mut Grounds) -> Edge {
    //= PG6
    //= PG7
    //= PG8
    //= PN5
    //= PN6
    let terms = terms(world, rule, grounds);
    grounds.cite(&terms.cites.exempt);
    grounds.cite(&terms.cites.covers);
    Edge::pass(Reason::Exempt, Some(name))
}

/// What an exempt machine's programming rests on.
fn by_what(world: &World, machine: &Machine, subscription: &Subscription, grounds: &mut Grounds) {
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

/// The row whose terms of exemption hold: the offer's own, or pay-as-you-go's where it has none.
pub(crate) fn terms<'a>(
    world: &'a World,
    rule: &'a OfferRule,
    grounds: &mut Grounds,
) -> &'a OfferRule {
    if !rule.cites.exempt.is_empty() {
        return rule;
    }
    grounds.assume(world, Setting::ExemptionTermsWhenSilent);
    if world.settings.exemption_terms_when_silent == YesNo::Yes {
        world.edition.rule(Offer::PayAsYouGo).0
    } else {
        rule
    }
}

/// Why no exemption reaches a machine of a restricted offer; `rule` is the present offer's row.
fn why_not(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    rule: &OfferRule,
    granted: bool,
    grounds: &mut Grounds,
) -> Reason {
    if subscription.offer != machine.state.programmed.offer
        && may_send_now(world, subscription, grounds)
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
fn not_exempt(
    world: &World,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut Grounds,
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
            let terms = terms(world, rule, grounds);
            grounds.cite(&terms.cites.covers);
            grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
            Reason::ExemptionLapsed
        }
    }
}

/// Whether the subscription's present offer needs no exemption; names the settings that say so.
fn may_send_now(world: &World, subscription: &Subscription, grounds: &mut Grounds) -> bool {
    let mut own = Grounds { mute: grounds.mute, ..Grounds::default() };
    let (_, standing) = stand(world, subscription.offer, subscription.created, None, &mut own);
    for assumption in own.assumed {
        grounds.assume_as(assumption);
    }
    !matches!(standing, Standing::Restricted)
}

/// The subscription is exempt, and the machine has not picked that up.
fn waiting(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut Grounds,
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
    if grounds.mute {
        return Reason::WaitingForStopStart;
    }
    what_did_not_count(world, machine, grounds);
    let programmed = &machine.state.programmed;
    if world.settings.new_vm_after_exemption == YesNo::No
        && programmed.by == ProgrammedBy::Deployment
        && programmed.at >= subscription.exemption.since
    {
        grounds.assume(world, Setting::NewVmAfterExemption);
    }
    let mut others = world.members.get(&machine.subscription).into_iter().flatten();
    let cycled = |other: &Machine| {
        let by = other.state.programmed.by;
        other.state.programmed.exempt && matches!(by, ProgrammedBy::Start | ProgrammedBy::Beginning)
    };
    if others.any(|name| world.machines.get(name).is_some_and(cycled)) {
        grounds.assume(world, Setting::OneCycleFreesAll);
    }
    Reason::WaitingForStopStart
}

/// Names the settings by which what happened to a machine did not program it.
fn what_did_not_count(world: &World, machine: &Machine, grounds: &mut Grounds) {
    if !machine.state.restarted_since {
        return;
    }
    if world.settings.guest_restart_counts == YesNo::No {
        grounds.assume(world, Setting::GuestRestartCounts);
    }
    if world.settings.redeploy_counts == YesNo::No {
        grounds.assume(world, Setting::RedeployCounts);
    }
}

/// Azure Firewall where it is supported: a subscription's own rule decides. An exemption covers
/// only machines' traffic that is routed directly, whichever subscription it is.
pub(crate) fn behind_a_firewall(
    world: &World,
    sender: Option<Place<'_>>,
    firewall: &AzureFirewall,
    grounds: &mut Grounds,
) -> Edge {
    grounds.assume(world, Setting::AzureFirewallSubscription);
    if world.settings.azure_firewall_subscription == AzureFirewallSubscription::Sender {
        let Some(sender) = sender else { return nobodys(world, grounds) };
        let edge = at_the_edge(world, sender, grounds);
        let (Reason::Exempt, Some(name)) = (edge.reason, &edge.subscription) else { return edge };
        let (rule, _) = world.edition.rule(sender.machine.state.programmed.offer);
        directly_instead(world, firewall, rule, grounds);
        return not_covered(world, name.clone(), rule, grounds);
    }
    at_a_firewall(world, firewall, grounds)
}

fn directly_instead(
    world: &World,
    firewall: &AzureFirewall,
    rule: &OfferRule,
    grounds: &mut Grounds,
) {
    let statements = terms(world, rule, grounds).cites.covers.clone();
    grounds.next_steps.push(NextStep::RouteDirectly { instead_of: firewall.address, statements });
}

/// What a firewall meets at the Internet's edge where its own subscription's rule decides.
pub(crate) fn at_a_firewall(
    world: &World,
    firewall: &AzureFirewall,
    grounds: &mut Grounds,
) -> Edge {
    let name = firewall.subscription.clone();
    let Some(subscription) = world.subscriptions.get(&name) else {
        return blocked(world, Reason::UnknownSource, name, grounds);
    };
    let (rule, standing) = stand(world, subscription.offer, subscription.created, None, grounds);
    match standing {
        Standing::Open => Edge::pass(Reason::UnrestrictedOffer, Some(name)),
        Standing::Predates => Edge::pass(Reason::PredatesRestriction, Some(name)),
        Standing::Restricted => {
            if subscription.exemption.state == ExemptionState::Granted
                && is_honoured(world, rule, &subscription.exemption, grounds)
            {
                directly_instead(world, firewall, rule, grounds);
                return not_covered(world, name, rule, grounds);
            }
            let reason = not_exempt(world, subscription, rule, grounds);
            // Asking would not help: an exemption would not cover the firewall.
            if rule.request.is_empty() {
                relay_or_change(world, name.clone(), subscription, rule, grounds);
            } else {
                grounds.next_steps.push(relay(world));
            }
            blocked(world, reason, name, grounds)
        }
    }
}
