//! Whom an edition restricts: how an offer and a day stand to it.

use jiff::civil::Date;

use crate::article::edition::{Edition, Restriction, Topic};
use crate::article::offer::Offer;
use crate::article::reason::Reason;
use crate::article::settings::{
    Bound, CspCutoff, Setting, Settings, UnnamedOffer, Unrestricted, YesNo,
};
use crate::article::statement::StatementId;
use crate::decide::grounds::{Gathered, Grounds};
use crate::world::World;
use crate::world::creation::Creation;

/// Why a subscription may send without an exemption; `None`: it may not.
///
/// `deployed` is the machine's day of deployment (`Some(None)`: unknown), or `None` where the
/// question is not about a machine.
pub(crate) fn unrestricted(
    world: &World,
    edition: &Edition,
    (offer, created): (Offer, Creation),
    deployed: Option<Option<Date>>,
    grounds: &mut impl Grounds,
) -> Option<Reason> {
    let settings = &world.settings;
    grounds.assume_if(world, Setting::UnnamedOffer, || !edition.rule(offer).1);
    let silent = match restriction(edition, settings, offer) {
        //= EA1
        Some(Restriction::Open) => return Some(Reason::UnrestrictedOffer),
        //= CS1
        // On the day itself, too, the date counts by this alone.
        Some(Restriction::NoDate) => {
            Some((Setting::CspCutoff, created.earliest() <= edition.cutoff))
        }
        Some(Restriction::Always) => {
            // On the day itself the other setting counts by this alone.
            let earliest = created.earliest();
            let counts = is_before(edition, settings, earliest)
                || earliest == edition.cutoff && creation_counts(edition, settings, offer);
            Some((Setting::HonourPre2017Subscriptions, counts))
        }
        Some(Restriction::After) | None => None,
    };
    if let Some((setting, counts)) = silent {
        grounds.assume_if(world, setting, || counts);
    }
    let old = creation_counts(edition, settings, offer)
        && is_old(world, edition, created, deployed, grounds);
    old.then_some(Reason::PredatesRestriction)
}

/// Cites what it rests on that a row's offers may send without an exemption, or may not.
pub(crate) fn cite_restriction(
    world: &World,
    edition: &Edition,
    (offer, created): (Offer, Creation),
    unrestricted: Option<Reason>,
    grounds: &mut impl Grounds,
) {
    let settings = &world.settings;
    let (rule, _) = edition.rule(offer);
    let day = judged_day(settings, created);
    let on_the_day = day == edition.cutoff && creation_counts(edition, settings, offer);
    let (block, cutoff) = (edition.topic(Topic::Block), edition.topic(Topic::Cutoff));
    match unrestricted {
        Some(Reason::UnrestrictedOffer) => grounds.cite(&rule.cites.open),
        // The sections say "before" and "after"; of the day itself the general text speaks alone.
        //= PG1
        //= G2
        Some(_) if on_the_day || rule.cites.before.is_empty() => grounds.cite(cutoff),
        Some(_) => grounds.cite(&rule.cites.before),
        //= G1
        // Where no date counts the row says so, and only another page speaks of one.
        None if on_the_day && rule.restriction != Restriction::Always => {
            if rule.restriction == Restriction::NoDate {
                grounds.cite(&rule.cites.blocked);
            }
            grounds.cite(block);
            grounds.cite(cutoff);
        }
        //= PG3
        //= DV1
        //= PN1
        None => grounds.cite(&rule.cites.blocked),
    }
}

/// What it rests on that a subscription has nothing to ask for: it may send without an exemption.
pub(crate) fn why_unrestricted(
    world: &World,
    edition: &Edition,
    offer: Offer,
    created: Creation,
) -> Option<Vec<StatementId>> {
    let mut grounds = Gathered::default();
    let of = (offer, created);
    let free = unrestricted(world, edition, of, None, &mut grounds)?;
    cite_restriction(world, edition, of, Some(free), &mut grounds);
    Some(grounds.statements)
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

/// The day of creation that is judged by, where it is known to lie between two days alone.
const fn judged_day(settings: &Settings, created: Creation) -> Date {
    match settings.creation_between_bounds {
        Bound::Latest => created.latest(),
        Bound::Earliest => created.earliest(),
    }
}

/// Whether a day is before the restriction, by the setting on the cutoff day itself.
fn is_before(edition: &Edition, settings: &Settings, day: Date) -> bool {
    let cutoff = edition.cutoff;
    day < cutoff || day == cutoff && settings.cutoff_day_restricted == YesNo::No
}

/// Whether a subscription (and the machine in it) is from before the restriction.
fn is_old(
    world: &World,
    edition: &Edition,
    created: Creation,
    deployed: Option<Option<Date>>,
    grounds: &mut impl Grounds,
) -> bool {
    let cutoff = edition.cutoff;
    let is_before = |day| is_before(edition, &world.settings, day);
    grounds.assume_if(world, Setting::CreationBetweenBounds, || {
        is_before(created.earliest()) != is_before(created.latest())
    });
    let created = judged_day(&world.settings, created);
    if created == cutoff {
        grounds.assume(world, Setting::CutoffDayRestricted);
    }
    if !is_before(created) {
        return false;
    }
    //= G2
    let Some(deployed) = deployed else { return true };
    let setting = world.settings.new_deployment_in_old_subscription;
    if deployed == Some(cutoff) && setting == Unrestricted::Restricted {
        grounds.assume(world, Setting::CutoffDayRestricted);
    }
    if deployed.is_some_and(is_before) {
        return true;
    }
    // Deployed since, or nobody knows when: the setting decides.
    grounds.assume(world, Setting::NewDeploymentInOldSubscription);
    setting == Unrestricted::Unrestricted
}
