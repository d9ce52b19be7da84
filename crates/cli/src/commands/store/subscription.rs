//! `subscription …`.

use egress25_policy::{EventKind, SubscriptionName, World};
use serde::Serialize;

use crate::SCHEMA_VERSION;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

use crate::args::store::{StoreListArgs, SubscriptionCommand};
use crate::commands::store::{place, record};

pub(super) fn run(command: &SubscriptionCommand, console: &mut Console) -> Result<(), Failure> {
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
    let mut store = place::open(&named.place)?;
    let entries = record::entries(&named.record, vec![kind])?;
    let outcomes = record::append(&mut store, &named.record, &entries, console)?;
    record::report(console, named.format, &outcomes, &headline, &[])
}

/// The world of a store, at a time or after its last entry.
pub(super) fn world(args: &StoreListArgs) -> Result<World, Failure> {
    let store = place::open(&args.place)?;
    match args.at {
        Some(at) => Ok(store.world_at(at)?),
        None => Ok(store.world().clone()),
    }
}

#[derive(Debug, Serialize)]
struct SubscriptionRow {
    subscription: String,
    offer: &'static str,
    created: String,
    exemption: &'static str,
    machines: usize,
}

#[derive(Debug, Serialize)]
struct SubscriptionList<'a> {
    schema_version: u32,
    edition: String,
    subscriptions: &'a [SubscriptionRow],
}

fn list(args: &StoreListArgs, console: &mut Console) -> Result<(), Failure> {
    let world = world(args)?;
    let rows: Vec<SubscriptionRow> = world
        .subscriptions()
        .iter()
        .map(|(name, subscription)| SubscriptionRow {
            subscription: name.to_string(),
            offer: subscription.offer.name(),
            created: subscription.created.to_string(),
            exemption: subscription.exemption.state.name(),
            machines: world.machines().values().filter(|m| m.subscription == *name).count(),
        })
        .collect();
    let cells = |row: &SubscriptionRow| {
        [
            row.subscription.clone(),
            row.offer.to_owned(),
            row.created.clone(),
            row.exemption.to_owned(),
            row.machines.to_string(),
        ]
    };
    let header = ["subscription", "offer", "created", "exemption", "machines"];
    let edition = world.edition.id.clone();
    let document =
        SubscriptionList { schema_version: SCHEMA_VERSION, edition, subscriptions: &rows };
    output::list(console, args.format, &header, (&rows, cells), &document)
}
