//! `subscription …`.

use egress25_policy::{EventKind, Subscription, SubscriptionName, Topic, World, on_type_change};
use serde::Serialize;

use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow};

use crate::args::store::StoreListArgs;
use crate::args::subscription::SubscriptionCommand;
use crate::commands::store::record::record;
use crate::commands::store::{open, world};

/// Runs `subscription …`.
///
/// # Errors
/// The store can't be used, or the state machines forbid it.
pub fn run(command: &SubscriptionCommand, console: &mut Console) -> Result<(), Failure> {
    let (named, kind, headline) = match command {
        SubscriptionCommand::List(args) => return list(args, console),
        SubscriptionCommand::Add(args) => (
            &args.named,
            EventKind::SubscriptionAdded {
                subscription: SubscriptionName::from(args.named.name.as_str()),
                offer: args.offer,
                created: args.created,
            },
            format!("{} is a subscription of {}", args.named.name, args.offer.title()),
        ),
        SubscriptionCommand::SetOffer(args) => (
            &args.named,
            EventKind::OfferChanged {
                subscription: SubscriptionName::from(args.named.name.as_str()),
                offer: args.offer,
            },
            format!("{} is a subscription of {} now", args.named.name, args.offer.title()),
        ),
    };
    let mut store = open(&named.place)?;
    let advice = change_advice(store.world(), &kind);
    record(named, &mut store, vec![kind], console, |_| (headline, advice))
}

/// What the edition says of a change of offer, and what it advises before one.
fn change_advice(world: &World, kind: &EventKind) -> Vec<String> {
    let EventKind::OfferChanged { subscription, offer } = kind else { return vec![] };
    let edition = &world.edition;
    let from = world.subscriptions().get(subscription).map(|found| found.offer);
    let said = from.map_or(&[][..], |from| on_type_change(edition, from, *offer));
    let advised = if said.is_empty() { &[] } else { edition.topic(Topic::TypeChangeAdvice) };
    let statements = said.iter().chain(advised).filter_map(|id| edition.statement(id.as_str()));
    let quoted = statements.map(|statement| {
        let text = edition.quoted(statement);
        format!("{} [{}]", text.trim_end_matches('.'), statement.id)
    });
    quoted.collect()
}

#[derive(Debug, Serialize)]
struct SubscriptionRow {
    subscription: String,
    offer: &'static str,
    created: String,
    exemption: &'static str,
    machines: usize,
}

impl TableRow for SubscriptionRow {
    const COLUMNS: &'static [&'static str] =
        &["subscription", "offer", "created", "exemption", "machines"];
}

#[derive(Debug, Serialize)]
struct SubscriptionList<'a> {
    edition: &'a str,
    subscriptions: &'a [SubscriptionRow],
}

fn list(args: &StoreListArgs, console: &mut Console) -> Result<(), Failure> {
    let world = world(args)?;
    let row = |(name, subscription): (&SubscriptionName, &Subscription)| SubscriptionRow {
        subscription: name.to_string(),
        offer: subscription.offer.name(),
        created: subscription.created.to_string(),
        exemption: subscription.exemption.state.name(),
        machines: world.machines().values().filter(|m| m.subscription == *name).count(),
    };
    let rows: Vec<_> = world.subscriptions().iter().map(row).collect();
    let document = SubscriptionList { edition: &world.edition.id, subscriptions: &rows };
    output::list(console, args.format, &rows, &document)
}
