//! The Internet's edge: the rule of the subscription whose machine sends directly.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::decide::{Grounds, Place, blocked, relay};
use crate::decision::{NextStep, Verdict};
use crate::edition::{AppServiceRule, Effect, OfferRule, Restriction, Topic};
use crate::exemption::ExemptionState;
use crate::life::ProgrammedBy;
use crate::name::SubscriptionName;
use crate::offer::Offer;
use crate::reason::Reason;
use crate::settings::{
    AppServiceWhenSilent, AzureFirewallSubscription, CspCutoff, Setting, UnnamedOffer,
    Unrestricted, YesNo,
};
use crate::world::{Machine, MachineKind, Subscription, World};

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
    if offer != subscription.offer {
        grounds.assume(world, Setting::OfferChangeEffect);
        grounds.cite(world.edition.topic(Topic::TypeChange));
    }
    let deployed = at.machine.state.deployed.map(utc_day);
    let (rule, standing) = stand(world, offer, subscription.created, Some(deployed), grounds);
    match standing {
        Standing::Open => Edge::pass(Reason::UnrestrictedOffer, Some(name)),
        Standing::Predates => Edge::pass(Reason::PredatesRestriction, Some(name)),
        Standing::Restricted => restricted(world, at, subscription, rule, grounds),
    }
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
    let (rule, named) = world.edition.rule(offer);
    let mut restriction = rule.restriction;
    if !named {
        grounds.assume(world, Setting::UnnamedOffer);
        restriction = match world.settings.unnamed_offer {
            UnnamedOffer::EditionDefault => restriction,
            UnnamedOffer::Open => Restriction::Open,
            UnnamedOffer::Blocked => Restriction::Always,
        };
    }
    let dated = match restriction {
        //= EA1
        Restriction::Open => {
            grounds.cite(&rule.cites.open);
            return (rule, Standing::Open);
        }
        Restriction::After => true,
        //= CS1
        Restriction::NoDate => {
            let old = created <= world.edition.cutoff;
            if old {
                grounds.assume(world, Setting::CspCutoff);
            }
            world.settings.csp_cutoff == CspCutoff::General
        }
        Restriction::Always => {
            let old = created <= world.edition.cutoff;
            if old {
                grounds.assume(world, Setting::HonourPre2017Subscriptions);
            }
            world.settings.honour_pre_2017_subscriptions == YesNo::Yes
        }
    };
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
    let day_is_new = world.settings.cutoff_day_restricted == YesNo::Yes;
    let before = |day: Date| day < cutoff || day == cutoff && !day_is_new;
    if !before(created) {
        return false;
    }
    //= G2
    let Some(deployed) = deployed else { return true };
    if deployed.is_some_and(before) {
        return true;
    }
    // Deployed since, or nobody knows when: the setting decides.
    grounds.assume(world, Setting::NewDeploymentInOldSubscription);
    world.settings.new_deployment_in_old_subscription == Unrestricted::Unrestricted
}

/// A restricted offer: does an exemption reach this machine?
fn restricted(
    world: &World,
    at: Place<'_>,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut Grounds,
) -> Edge {
    let name = at.machine.subscription.clone();
    let state = subscription.exemption.state;
    let grants_none = rule.request.is_empty();
    // An exemption that this edition would not grant was granted under an earlier one.
    let grandfathered = world.settings.grandfather_exemptions == YesNo::Yes;
    let programmed = at.machine.state.programmed.exempt;
    if grants_none && (state == ExemptionState::Granted || programmed) {
        grounds.assume(world, Setting::GrandfatherExemptions);
    }
    // Where the text gives no terms, and pay-as-you-go's are not taken over, a grant holds at once.
    let at_once = state == ExemptionState::Granted
        && rule.cites.exempt.is_empty()
        && world.settings.exemption_terms_when_silent == YesNo::No;
    if (programmed || at_once) && (!grants_none || grandfathered) {
        return exempt(world, at, subscription, rule, grounds);
    }
    let reason = why_not(world, at.machine, subscription, rule, grounds);
    if !grounds.mute {
        advise(world, at, subscription, rule, reason, grounds);
    }
    blocked(world, reason, name, grounds)
}

/// The exemption reached the machine.
fn exempt(
    world: &World,
    at: Place<'_>,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut Grounds,
) -> Edge {
    //= PG6
    //= PG7
    //= PG8
    //= PN5
    //= PN6
    let terms = terms(world, rule, grounds);
    grounds.cite(&terms.cites.exempt);
    grounds.cite(&terms.cites.covers);
    match at.machine.state.programmed.by {
        ProgrammedBy::Deployment if world.edition.effect == Effect::NextStart => {
            grounds.assume(world, Setting::NewVmAfterExemption);
        }
        ProgrammedBy::Restart => grounds.assume(world, Setting::GuestRestartCounts),
        ProgrammedBy::Redeploy => grounds.assume(world, Setting::RedeployCounts),
        ProgrammedBy::Neighbour => grounds.assume(world, Setting::OneCycleFreesAll),
        ProgrammedBy::OfferChange => grounds.assume(world, Setting::OfferChangeEffect),
        ProgrammedBy::TemporarySubnet => {
            grounds.cite(world.edition.topic(Topic::DelegatedSubnet));
        }
        _ => {}
    }
    if subscription.exemption.state == ExemptionState::Revoked {
        grounds.assume(world, Setting::RevocationEffect);
    }
    if subscription.exemption.state == ExemptionState::Lapsed {
        grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
    }
    Edge::pass(Reason::Exempt, Some(at.machine.subscription.clone()))
}

/// The row whose terms of exemption hold: the offer's own, or pay-as-you-go's where it has none.
fn terms<'a>(world: &'a World, rule: &'a OfferRule, grounds: &mut Grounds) -> &'a OfferRule {
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

/// Why no exemption reaches a machine of a restricted offer.
fn why_not(
    world: &World,
    machine: &Machine,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut Grounds,
) -> Reason {
    if subscription.offer != machine.state.programmed.offer && may_send_now(world, subscription) {
        return Reason::WaitingForStopStart;
    }
    let grants_none = rule.request.is_empty();
    let honours = !grants_none || world.settings.grandfather_exemptions == YesNo::Yes;
    match subscription.exemption.state {
        ExemptionState::Granted if honours => waiting(world, machine, rule, grounds),
        //= PG9
        ExemptionState::Revoked => {
            grounds.cite(&rule.cites.revoke);
            grounds.assume(world, Setting::RevocationEffect);
            if !rule.revocable {
                grounds.assume(world, Setting::RevocationWhenSilent);
            }
            Reason::Revoked
        }
        //= DV2
        _ if grants_none => {
            grounds.cite(&rule.cites.never);
            Reason::OfferNeverExempt
        }
        //= PG4
        //= CS2
        ExemptionState::None => {
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
        ExemptionState::Lapsed | ExemptionState::Granted => {
            let covers = terms(world, rule, grounds).cites.covers.clone();
            grounds.cite(&covers);
            grounds.assume(world, Setting::ExemptionSurvivesOfferChange);
            Reason::ExemptionLapsed
        }
    }
}

/// Whether the subscription's present offer needs no exemption.
fn may_send_now(world: &World, subscription: &Subscription) -> bool {
    let mut unused = Grounds { mute: true, ..Grounds::default() };
    let (_, standing) = stand(world, subscription.offer, subscription.created, None, &mut unused);
    !matches!(standing, Standing::Restricted)
}

/// The subscription is exempt, and the machine has not picked that up.
fn waiting(world: &World, machine: &Machine, rule: &OfferRule, grounds: &mut Grounds) -> Reason {
    let terms = terms(world, rule, grounds);
    grounds.cite(&terms.cites.exempt);
    if world.edition.effect == Effect::MachinesCreatedAfter {
        return Reason::CreatedBeforeExemption;
    }
    if world.needs_temporary_subnet(machine) {
        grounds.cite(world.edition.topic(Topic::DelegatedSubnet));
        return Reason::WaitingForStopStart;
    }
    if machine.state.restarted_since {
        grounds.assume(world, Setting::GuestRestartCounts);
    }
    if machine.state.programmed.by == ProgrammedBy::Deployment {
        grounds.assume(world, Setting::NewVmAfterExemption);
    }
    let cycled = world
        .machines
        .values()
        .any(|other| other.subscription == machine.subscription && other.state.programmed.exempt);
    if cycled {
        grounds.assume(world, Setting::OneCycleFreesAll);
    }
    Reason::WaitingForStopStart
}

/// What the user can do about it.
fn advise(
    world: &World,
    at: Place<'_>,
    subscription: &Subscription,
    rule: &OfferRule,
    reason: Reason,
    grounds: &mut Grounds,
) {
    let name = at.machine.subscription.clone();
    let answer = rule.cites.answer.clone();
    match reason {
        Reason::WaitingForStopStart | Reason::CreatedBeforeExemption => {
            let statements = rule.cites.exempt.clone();
            let machine = at.name.clone();
            grounds.next_steps.push(if reason == Reason::CreatedBeforeExemption {
                NextStep::CreateAnew { machine, statements }
            } else if world.needs_temporary_subnet(at.machine) {
                let statements = world.edition.topic(Topic::DelegatedSubnet).to_vec();
                NextStep::TemporarySubnet { network: at.interface.network.clone(), statements }
            } else {
                NextStep::StopAndStart { machine, statements }
            });
        }
        Reason::RequestPending => {
            grounds.next_steps.push(NextStep::AwaitAnswer { subscription: name });
        }
        Reason::FurtherSteps => {
            let step = NextStep::TakeFurtherSteps { subscription: name, statements: answer };
            grounds.next_steps.push(step);
        }
        //= DV3
        Reason::OfferNeverExempt => {
            grounds.next_steps.push(relay(world));
            let (from, statements) = (subscription.offer, rule.cites.advice.clone());
            let step = NextStep::ChangeOffer { subscription: name, from, statements };
            grounds.next_steps.push(step);
            return;
        }
        _ => {
            if let Some(channel) = rule.request.first() {
                //= PN2
                //= PN3
                //= PN4
                grounds.next_steps.push(NextStep::AskForExemption {
                    subscription: name,
                    channel: *channel,
                    asks: rule.asks.clone(),
                    statements: rule.cites.request.clone(),
                });
            }
        }
    }
    grounds.next_steps.push(relay(world));
    //= HP1
    let statements = world.edition.topic(Topic::Support).to_vec();
    if !statements.is_empty() {
        grounds.next_steps.push(NextStep::ContactSupport { statements });
    }
}

/// Azure Firewall where it is supported: a subscription's own rule decides.
pub(crate) fn behind_a_firewall(
    world: &World,
    sender: Place<'_>,
    firewalls: &SubscriptionName,
    grounds: &mut Grounds,
) -> Edge {
    grounds.assume(world, Setting::AzureFirewallSubscription);
    if world.settings.azure_firewall_subscription == AzureFirewallSubscription::Sender {
        return at_the_edge(world, sender, grounds);
    }
    let name = firewalls.clone();
    let Some(subscription) = world.subscriptions.get(firewalls) else {
        return blocked(world, Reason::UnknownSource, name, grounds);
    };
    let (rule, standing) = stand(world, subscription.offer, subscription.created, None, grounds);
    match standing {
        Standing::Open => Edge::pass(Reason::UnrestrictedOffer, Some(name)),
        Standing::Predates => Edge::pass(Reason::PredatesRestriction, Some(name)),
        Standing::Restricted => {
            let reason = if subscription.exemption.state == ExemptionState::Granted {
                //= PG8
                let terms = terms(world, rule, grounds);
                grounds.cite(&terms.cites.covers);
                Reason::ExemptionDoesNotCover
            } else if rule.request.is_empty() {
                grounds.cite(&rule.cites.never);
                Reason::OfferNeverExempt
            } else {
                grounds.cite(&rule.cites.request);
                Reason::NotGranted
            };
            grounds.next_steps.push(relay(world));
            blocked(world, reason, name, grounds)
        }
    }
}
