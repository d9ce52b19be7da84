//! The terms of exemptions: whose hold for an offer, and which exemptions count.

use crate::article::edition::{Channel, Citations, Edition, OfferRule};
use crate::article::offer::Offer;
use crate::article::settings::{NeverGrantedButGranted, Setting, Settings, YesNo};
use crate::article::statement::StatementId;
use crate::decide::grounds::Grounds;
use crate::life::exemption::{Exemption, Grant};
use crate::world::World;

/// Where a row's offers ask for an exemption; empty where the edition names no way.
#[must_use]
pub fn may_ask_by<'a>(settings: &Settings, rule: &'a OfferRule) -> &'a [Channel] {
    if rule.request.is_empty() && settings.azure_in_open_may_ask_2018 == YesNo::Yes {
        &rule.disputed_request
    } else {
        &rule.request
    }
}

/// Whether an edition grants an offer an exemption.
pub(crate) fn grants(edition: &Edition, settings: &Settings, offer: Offer) -> bool {
    !may_ask_by(settings, edition.rule(offer).0).is_empty()
}

/// Whether an exemption of a row's offers can be revoked: the text reserves it, or it is silent and
/// others' terms hold.
pub(crate) fn reserves_revocation(settings: &Settings, rule: &OfferRule) -> bool {
    rule.revocable || settings.exemption_terms_when_silent == YesNo::Yes
}

/// One term of an exemption, asked for by itself: an edition may give an offer some and not others.
#[derive(Clone, Copy)]
pub(crate) enum Term {
    /// When it takes effect.
    Effect,
    /// What it covers.
    Cover,
    /// That it may be revoked.
    Revocation,
}

impl Term {
    fn of(self, cites: &Citations) -> &[StatementId] {
        match self {
            Self::Effect => &cites.exempt,
            Self::Cover => &cites.covers,
            Self::Revocation => &cites.revoke,
        }
    }
}

/// The row whose terms hold where an offer's own section is silent: pay-as-you-go's, or Enterprise
/// Dev/Test's in the editions that grant pay-as-you-go nothing.
fn lender(edition: &Edition) -> &OfferRule {
    let rows = [Offer::PayAsYouGo, Offer::EnterpriseDevTest].map(|offer| edition.rule(offer).0);
    let [first, second] = rows;
    if first.cites.exempt.is_empty() { second } else { first }
}

/// Whether a row is silent on a term that another has.
pub(crate) fn is_silent(edition: &Edition, rule: &OfferRule, term: Term) -> bool {
    term.of(&rule.cites).is_empty() && !term.of(&lender(edition).cites).is_empty()
}

/// A term of a row's exemptions: its own, or another row's where it has none.
pub(crate) fn term<'a>(
    world: &'a World,
    rule: &'a OfferRule,
    term: Term,
    grounds: &mut impl Grounds,
) -> &'a [StatementId] {
    let edition = &world.edition;
    if !is_silent(edition, rule, term) {
        return term.of(&rule.cites);
    }
    grounds.assume(world, Setting::ExemptionTermsWhenSilent);
    match world.settings.exemption_terms_when_silent {
        YesNo::Yes => term.of(&lender(edition).cites),
        YesNo::No => &[],
    }
}

/// Cites a term of a row's exemptions.
pub(crate) fn cite_term(world: &World, rule: &OfferRule, which: Term, grounds: &mut impl Grounds) {
    let statements = term(world, rule, which, grounds);
    grounds.cite(statements);
}

/// Who could grant an exemption.
enum GrantedBy {
    /// This edition, to the offer that the subscription had then.
    ThisEdition,
    /// The one that stood then or that the event names; an earlier one where nobody says when.
    Another,
    /// Neither this edition nor the one that stood then.
    None,
}

fn granted_by(world: &World, grant: &Grant) -> GrantedBy {
    let edition = &world.edition;
    match &grant.under {
        // The state machine asked that edition when it was granted.
        _ if grant.never => GrantedBy::None,
        Some(_) => GrantedBy::Another,
        None if grants(edition, &world.settings, grant.to) => GrantedBy::ThisEdition,
        // A description that does not say when it was granted: any edition up to this one.
        None if grant.at.is_none() && edition.granted_before(grant.to) => GrantedBy::Another,
        None => GrantedBy::None,
    }
}

/// Whether an exemption counts: one that this edition grants, or that was granted under another
/// to the offer that the subscription had then.
pub(crate) fn is_honoured(
    world: &World,
    exemption: &Exemption,
    grounds: &mut impl Grounds,
) -> bool {
    let Some(grant) = &exemption.grant else { return true };
    match granted_by(world, grant) {
        GrantedBy::ThisEdition => true,
        GrantedBy::Another => {
            grounds.assume(world, Setting::GrandfatherExemptions);
            world.settings.grandfather_exemptions == YesNo::Yes
        }
        //= DV2
        GrantedBy::None => {
            grounds.assume(world, Setting::NeverGrantedButGranted);
            grounds.warn(|| {
                let title = grant.to.title();
                format!(
                    "the description contradicts the text: no edition up to then names a way to an \
                     exemption for {title}"
                )
            });
            world.settings.never_granted_but_granted == NeverGrantedButGranted::Counts
        }
    }
}
