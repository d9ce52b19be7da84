//! `exemption request`.

use std::sync::Arc;

use egress25_exemption_store::{Store, StoreError};
use egress25_policy::{Edition, Event, EventKind, Offer, Setting, SubscriptionName, may_ask_by};

use crate::args::exemption::{RequestArgs, Reviewer};
use crate::say::console::Console;
use crate::say::failure::Failure;

use crate::commands::exemption::next_steps::{headline, next_steps, way};
use crate::commands::exemption::portal::{Review, fill_in};
use crate::commands::store::open;
use crate::commands::store::record::{append, entries, is_recorded, report};

/// Plays the portal, or whoever reads the support case.
pub(super) fn request(args: &RequestArgs, console: &mut Console) -> Result<(), Failure> {
    let named = &args.named;
    let mut store = open(&named.place)?;
    let name = SubscriptionName::from(named.name.as_str());
    let (edition, offer) = may_ask(&store, &name, args)?;
    let settings = store.world().settings.clone();
    let (rule, named_by_text) = edition.rule(offer);
    let form = fill_in(args, rule)?;
    // A way of several steps is no one channel.
    let channel = match may_ask_by(&settings, rule) {
        [one] => Some(*one),
        _ => None,
    };
    let request = EventKind::ExemptionAsked {
        subscription: name.clone(),
        channel: args.channel.or(channel),
        why: form.why.clone(),
    };
    let mut kinds = vec![request];
    let mut missing: &[&str] = &[];
    let mut because = form.answers.join("; ");
    if args.reviewer == Reviewer::Auto {
        let subscription = name.clone();
        kinds.push(match &form.decision {
            Review::Granted => EventKind::ExemptionGranted { subscription },
            Review::FurtherSteps(steps) => {
                missing = steps;
                EventKind::ExemptionFurtherSteps { subscription }
            }
            Review::Refused(why) => {
                because = format!("{why} ({because})");
                EventKind::ExemptionRefused { subscription }
            }
        });
    }
    let mut entries = entries(&named.record, kinds)?;
    if let Some(review) = entries.get_mut(1) {
        review.who = "reviewer (automatic)".to_owned();
        review.why = Some(because).filter(|because| !because.is_empty());
    }
    let outcomes = append(&mut store, &named.record, &entries, console)?;
    let next = next_steps(store.world(), &name, missing, &named.place);
    console.advise(&format!("it is requested at: {}", way(&edition, &settings, rule)));
    if !named_by_text {
        let (setting, id) = (Setting::UnnamedOffer, &edition.id);
        console.advise(&format!(
            "edition {id} does not name {}; that it may request one is assumed ({} = {})",
            offer.title(),
            setting.name(),
            settings.get(setting)
        ));
    }
    if args.reviewer == Reviewer::Auto {
        let nothing = if rule.asks.is_empty() { ", here nothing" } else { "" };
        console.note(&format!(
            "the automatic reviewer's rules are ours; the article only says what is asked{nothing}"
        ));
    }
    let headline = headline(store.world(), &name);
    report(console, named.format, &outcomes, &headline, &next)
}

/// The subscription's offer and the edition that answers, if it may ask at all: nobody is asked
/// questions whose answers don't matter.
fn may_ask(
    store: &Store,
    name: &SubscriptionName,
    args: &RequestArgs,
) -> Result<(Arc<Edition>, Offer), Failure> {
    let mut world = store.world().clone();
    let subscription = world.subscriptions().get(name);
    let offer = subscription
        .ok_or_else(|| Failure::Usage(format!("there is no subscription `{name}`")))?
        .offer;
    let kind = EventKind::ExemptionAsked {
        subscription: name.clone(),
        channel: args.channel,
        why: Some("to be asked".to_owned()),
    };
    let done = is_recorded(store, &args.named.record, args.reviewer == Reviewer::Auto)?;
    let at = args.named.record.at.map_or_else(crate::clock::now, Ok)?;
    let event = Event { at, edition: None, kind };
    let kind = event.kind.name();
    let refused = |refused| StoreError::Refused { kind, refused };
    let edition = world.edition_of(&event, offer).map_err(refused)?;
    // With an idempotency key that was used, the store says what came of it.
    if !done {
        world.refuse_what_is_never_granted(&event).map_err(refused)?;
        world.apply(&event).map_err(refused)?;
    }
    Ok((edition, offer))
}
