//! The terms of exemptions: whose hold for an offer, and which exemptions count.

use crate::article::edition::{OfferRule, Restriction};
use crate::article::offer::Offer;
use crate::article::settings::{Setting, YesNo};
use crate::article::statement::StatementId;
use crate::decide::grounds::Grounds;
use crate::life::exemption::{Exemption, ExemptionState};
use crate::world::World;

/// The row whose terms of exemption hold: the offer's own, or pay-as-you-go's where it has none.
pub(crate) fn terms<'a>(
    world: &'a World,
    rule: &'a OfferRule,
    grounds: &mut impl Grounds,
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

/// What an exemption of a row's offers covers.
pub(crate) fn covers<'a>(
    world: &'a World,
    rule: &'a OfferRule,
    grounds: &mut impl Grounds,
) -> &'a [StatementId] {
    &terms(world, rule, grounds).cites.covers
}

/// Whether an exemption counts that an edition grants to a row's offers, or that was granted
/// under an earlier edition: because this one grants none to them, or by the event's own word.
pub(crate) fn is_honoured(
    world: &World,
    rule: &OfferRule,
    exemption: &Exemption,
    grounds: &mut impl Grounds,
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
