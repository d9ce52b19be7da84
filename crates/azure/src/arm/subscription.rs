//! Subscriptions: what the quotaId tells of the offer, and what bounds the day of creation.

use egress25_policy::{ExemptionState, Offer, Recognised, recognise_quota_id, utc_day};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::arm::machine;
use crate::block::Block;
use crate::error::ImportError;
use crate::export::{Export, UNKNOWN};
use crate::fields::{Fields, Look as _};
use crate::gaps::{GapKind, Gaps};
use crate::resource::{Kind, Resource};
use crate::told::{self, Told};

/// The tables of subscriptions.
///
/// # Errors
/// What is told does not fit the export.
pub(crate) fn blocks(
    export: &Export,
    told: &Told,
    gaps: &mut Gaps,
) -> Result<Vec<Block>, ImportError> {
    let guid = |of: &Resource| of.id.subscription().unwrap_or_default();
    let known: Vec<_> =
        export.named(Kind::Subscription).map(|(name, of)| (name.to_owned(), guid(of))).collect();
    told.check(&known)?;
    export.named(Kind::Subscription).map(|(name, of)| one(export, told, name, of, gaps)).collect()
}

fn one(
    export: &Export,
    told: &Told,
    name: &str,
    subscription: &Resource,
    gaps: &mut Gaps,
) -> Result<Block, ImportError> {
    let mut block = export.block(&["subscription", name], &subscription.id);
    let guid = subscription.id.subscription().unwrap_or_default();
    if subscription.fields.is_empty() {
        block.gap(gaps, GapKind::SubscriptionMissing);
    }
    if guid != UNKNOWN {
        block.text("id", &guid);
    }
    let said = told::of(&told.offers, name, &guid);
    offer(name, &subscription.fields, said, &mut block, gaps)?;
    let created = told::of(&told.created, name, &guid);
    creation((created, told.today), oldest(export, subscription), &mut block, gaps);
    match told::of(&told.exemptions, name, &guid) {
        Some(ExemptionState::None) => {}
        Some(state) => block.text("exemption", state.name()),
        None => block.gap(gaps, GapKind::ExemptionUntold),
    }
    Ok(block)
}

fn offer(
    name: &str,
    fields: &Fields,
    said: Option<Offer>,
    block: &mut Block,
    gaps: &mut Gaps,
) -> Result<(), ImportError> {
    let quota_id = fields.object("subscriptionpolicies").and_then(|of| of.text("quotaid"));
    let serves = match quota_id.map(recognise_quota_id) {
        Some(Recognised::One(offer)) => vec![offer],
        Some(Recognised::Several(offers)) => offers,
        Some(Recognised::Unnamed | Recognised::NoMachines) if said.is_none() => {
            missing_offer(block, gaps, &[], GapKind::OfferUnnamed);
            return Ok(());
        }
        _ => vec![],
    };
    match (said, serves.as_slice(), quota_id) {
        (Some(said), [_, ..], Some(quota_id)) if !serves.contains(&said) => {
            let serves: Vec<_> = serves.iter().map(|offer| offer.name()).collect();
            return Err(ImportError::AnotherOffer {
                name: name.to_owned(),
                told: said,
                quota_id: quota_id.to_owned(),
                serves: serves.join(", "),
            });
        }
        (Some(offer), ..) => block.text("offer", offer.name()),
        (None, [offer], _) => block.text("offer", offer.name()),
        (None, [], _) => missing_offer(block, gaps, &[], GapKind::OfferUnknown),
        (None, several, _) => {
            missing_offer(block, gaps, several, GapKind::OfferAmbiguous(several.to_vec()));
        }
    }
    Ok(())
}

/// The inventory does not load until somebody chooses.
fn missing_offer(block: &mut Block, gaps: &mut Gaps, candidates: &[Offer], gap: GapKind) {
    block.gap(gaps, gap);
    if candidates.is_empty() {
        block.remark("offer = \"...\"");
    }
    for offer in candidates {
        block.remark(&format!("offer = \"{}\"", offer.name()));
    }
}

fn creation(
    (told, today): (Option<Date>, Option<Date>),
    oldest: Option<(Timestamp, &Resource)>,
    block: &mut Block,
    gaps: &mut Gaps,
) {
    // A day that is told is better than a bound.
    if let Some(day) = told {
        block.text("created", &day.to_string());
        if oldest.is_some_and(|(at, _)| utc_day(at) < day) {
            block.gap(gaps, GapKind::OlderThanTold);
        }
        return;
    }
    // A time to come bounds nothing.
    let past = |at: Timestamp| today.is_none_or(|today| utc_day(at) <= today);
    let oldest = oldest.filter(|(at, _)| past(*at));
    let bound = oldest.and_then(|(at, of)| Some((utc_day(at).tomorrow().ok()?, of)));
    block.gap(gaps, GapKind::CreatedUnknown { bounded: bound.is_some() });
    match bound {
        Some((day, oldest)) => {
            block.remark(&format!(
                "`{}` is the oldest resource (one that was moved here keeps its time).",
                oldest.name()
            ));
            block.text("created_before", &day.to_string());
        }
        None => match today.and_then(|day| day.tomorrow().ok()) {
            Some(day) => block.text("created_before", &day.to_string()),
            None => block.remark("created = \"YYYY-MM-DD\""),
        },
    }
}

/// The oldest resource of a subscription: no subscription is younger than that.
fn oldest<'a>(export: &'a Export, subscription: &Resource) -> Option<(Timestamp, &'a Resource)> {
    let inside = export.resources.iter().filter(|one| one.id.is_below(&subscription.id));
    inside
        .filter_map(|one| Some((machine::created(&one.fields)?, one)))
        .min_by(|(at, one), (other_at, other)| (at, one.kind).cmp(&(other_at, other.kind)))
}
