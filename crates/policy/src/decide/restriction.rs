//! Whom an edition restricts: how an offer and a day stand to it.

use jiff::civil::Date;

use crate::article::edition::{Edition, OfferRule, Restriction, Topic};
use crate::article::offer::Offer;
use crate::article::reason::Reason;
use crate::article::settings::{CspCutoff, Setting, Settings, UnnamedOffer, Unrestricted, YesNo};
use crate::decide::grounds::Grounds;
use crate::world::World;

/// Why a subscription may send without an exemption; `None`: it may not.
///
/// `deployed` is the machine's day of deployment (`Some(None)`: unknown), or `None` where the
/// question is not about a machine.
pub(crate) fn unrestricted(
    world: &World,
    offer: Offer,
    created: Date,
    deployed: Option<Option<Date>>,
    grounds: &mut impl Grounds,
) -> Option<Reason> {
    let (edition, settings) = (&world.edition, &world.settings);
    grounds.assume_if(world, Setting::UnnamedOffer, || !edition.rule(offer).1);
    let silent = match restriction(edition, settings, offer) {
        //= EA1
        Some(Restriction::Open) => return Some(Reason::UnrestrictedOffer),
        //= CS1
        Some(Restriction::NoDate) => Some(Setting::CspCutoff),
        Some(Restriction::Always) => Some(Setting::HonourPre2017Subscriptions),
        Some(Restriction::After) | None => None,
    };
    if let Some(setting) = silent {
        grounds.assume_if(world, setting, || is_before(world, created));
    }
    let old =
        creation_counts(edition, settings, offer) && is_old(world, created, deployed, grounds);
    old.then_some(Reason::PredatesRestriction)
}

/// Cites what it rests on that a row's offers may send without an exemption, or may not.
pub(crate) fn cite_restriction(
    world: &World,
    rule: &OfferRule,
    unrestricted: Option<Reason>,
    grounds: &mut impl Grounds,
) {
    grounds.cite(match unrestricted {
        Some(Reason::UnrestrictedOffer) => &rule.cites.open,
        //= PG1
        //= G2
        Some(_) if rule.cites.before.is_empty() => world.edition.topic(Topic::Cutoff),
        Some(_) => &rule.cites.before,
        //= PG3
        //= DV1
        //= PN1
        None => &rule.cites.blocked,
    });
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
    grounds: &mut impl Grounds,
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
