//! The arguments of `subscription`.

use clap::{Args, Subcommand};
use egress25_policy::Offer;
use jiff::civil::Date;

use crate::args::day;
use crate::args::store::{NamedArgs, StoreListArgs};

/// The arguments of `subscription add`.
#[derive(Debug, Clone, Args)]
pub struct AddArgs {
    /// The subscription, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// Its offer, such as pay-as-you-go
    #[arg(long, value_name = "OFFER")]
    pub offer: Offer,
    /// The day on which it was created, UTC
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub created: Date,
}

/// The arguments of `subscription set-offer`.
#[derive(Debug, Clone, Args)]
pub struct SetOfferArgs {
    /// The subscription, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// Its new offer
    #[arg(value_name = "OFFER")]
    pub offer: Offer,
}

/// The commands of `subscription`.
#[derive(Debug, Subcommand)]
pub enum SubscriptionCommand {
    /// Add a subscription
    #[command(
        after_long_help = "Examples:\n  egress25 subscription add shop --offer pay-as-you-go --created 2019-03-01"
    )]
    Add(AddArgs),
    /// Change a subscription's offer
    #[command(
        after_long_help = "Examples:\n  egress25 subscription set-offer shop enterprise-agreement"
    )]
    SetOffer(SetOfferArgs),
    /// List the subscriptions
    #[command(after_long_help = "Examples:\n  egress25 subscription list")]
    List(StoreListArgs),
}
