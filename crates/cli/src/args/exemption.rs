//! The arguments of `exemption`.

use clap::{Args, Subcommand, ValueEnum};
use egress25_policy::{Channel, YesNo};

use crate::args::named;
use crate::args::store::{NamedArgs, StoreListArgs};

/// Who decides about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Reviewer {
    /// This program, at once, by the answers that were given.
    #[default]
    Auto,
    /// Somebody, later, with `exemption grant`, `further-steps` or `refuse`.
    Manual,
}

/// What came of the anti-fraud checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Checks {
    /// They are passed.
    Passed,
    /// They aren't through.
    Pending,
    /// They failed.
    Failed,
}

impl Checks {
    /// The name, as the flag takes it.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The arguments of `exemption request`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  Be asked what the portal asks:
      egress25 exemption request shop

  In a script, answers as flags, somebody else decides:
      egress25 exemption request shop --good-standing yes --payment-history yes --reviewer manual

  An offer whose requests are support cases:
      egress25 exemption request partner --why \"the scanners know no authentication\" \\
          --anti-fraud passed")]
pub struct RequestArgs {
    /// The subscription, how it is recorded, how the outcome is written.
    #[command(flatten)]
    pub named: NamedArgs,
    /// Who decides
    #[arg(long, value_enum, default_value_t)]
    pub reviewer: Reviewer,
    /// Where it is requested [default: the offer's channel]
    #[arg(long, value_name = "CHANNEL", value_parser = named(Channel::ALL, Channel::name))]
    pub channel: Option<Channel>,
    /// Is the account in good standing?
    #[arg(long, value_parser = named(YesNo::ALL, YesNo::name))]
    pub good_standing: Option<YesNo>,
    /// Is there a payment history?
    #[arg(long, value_parser = named(YesNo::ALL, YesNo::name))]
    pub payment_history: Option<YesNo>,
    /// The sum of the paid invoices, in US dollars, where the history must be sufficient
    #[arg(long, value_name = "DOLLARS")]
    pub paid: Option<u64>,
    /// Does the subscription qualify?
    #[arg(long, value_parser = named(YesNo::ALL, YesNo::name))]
    pub qualifies: Option<YesNo>,
    /// What came of the anti-fraud checks
    #[arg(long, value_enum)]
    pub anti_fraud: Option<Checks>,
}

/// The commands of `exemption`.
#[derive(Debug, Subcommand)]
pub enum ExemptionCommand {
    /// Request an exemption, as the portal or a support case would have it requested.
    ///
    /// Asks what the offer's channel asks (account standing, payment history, justification,
    /// anti-fraud checks), on the terminal or by flags, and says the outcome and the next steps.
    /// The rules of the automatic reviewer are ours: the article only says what is looked at.
    Request(Box<RequestArgs>),
    /// Grant what was requested
    #[command(after_long_help = "Examples:\n  egress25 exemption grant shop")]
    Grant(NamedArgs),
    /// Answer a request with further steps
    #[command(
        after_long_help = "Examples:\n  egress25 exemption further-steps shop --why 'pay the open invoice'"
    )]
    FurtherSteps(NamedArgs),
    /// Refuse a request
    #[command(
        after_long_help = "Examples:\n  egress25 exemption refuse shop --why 'no payment history'"
    )]
    Refuse(NamedArgs),
    /// Take a granted exemption back
    #[command(
        after_long_help = "Examples:\n  egress25 exemption revoke shop --why 'a breach of the terms'"
    )]
    Revoke(NamedArgs),
    /// List the subscriptions and where their exemptions stand
    #[command(after_long_help = "Examples:\n  egress25 exemption list --at 2020-12-08")]
    List(StoreListArgs),
    /// Show one subscription's exemption: its state, its machines, its history
    #[command(after_long_help = "Examples:\n  egress25 exemption show shop")]
    Show(OneArgs),
}

/// A command that shows something with a name.
#[derive(Debug, Clone, Args)]
pub struct OneArgs {
    /// The subscription
    #[arg(value_name = "SUBSCRIPTION")]
    pub name: String,
    /// The rest.
    #[command(flatten)]
    pub list: StoreListArgs,
}
