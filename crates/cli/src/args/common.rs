//! Arguments that several commands share.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use egress25_policy::{ExemptionState, Offer, utc_day};
pub use egress25_policy::{parse_day as day, parse_moment as moment};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OutputFormat {
    /// For people; not stable.
    #[default]
    Human,
    /// One JSON document, with a `schema_version`.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values, a header first.
    Csv,
}

/// How a report is written: as an answer, or as a page to hand over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportFormat {
    /// For people; not stable.
    #[default]
    Human,
    /// One JSON document, with a `schema_version`.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values, a header first.
    Csv,
    /// One page to hand over, for a browser or a printer; needs no network; not stable.
    Html,
}

/// How something is written that is no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DocumentFormat {
    /// For people; not stable.
    #[default]
    Human,
    /// One JSON document, with a `schema_version`.
    Json,
    /// The same in one line.
    Ndjson,
}

/// How something is written that goes on and on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum StreamFormat {
    /// For people; not stable.
    #[default]
    Human,
    /// One JSON object a line.
    Ndjson,
}

/// Which edition, and which settings.
#[derive(Debug, Clone, Default, Args)]
pub struct EditionArgs {
    /// The edition of the article that answers
    ///
    /// An id such as 2020-12 (`egress25 policy list`), `default`, `in-force`, the path of an edition
    /// file, or `by-date`: the one that stood at the time of each packet of a capture, or of the
    /// question that `check` asks (`--at`). Left out: the inventory's edition, or 2020-12.
    #[arg(long, value_name = "ID|FILE")]
    pub edition: Option<String>,

    /// Choose a reading where the article is silent (repeatable)
    ///
    /// `egress25 policy show` lists the settings with their questions and values.
    #[arg(
        long = "set",
        value_name = "NAME=VALUE",
        value_delimiter = ',',
        value_parser = assignment
    )]
    pub set: Vec<(String, String)>,
}

/// What the answer hangs on of a subscription that no file describes.
#[derive(Debug, Clone, Default, Args)]
pub struct SubscriptionArgs {
    /// The subscription's offer, such as pay-as-you-go, or a word for it: PAYG, MS-AZR-0003P
    #[arg(long, value_name = "OFFER")]
    pub offer: Option<Offer>,

    /// Recognise the offer from subscriptionPolicies.quotaId, as Azure's API returns it
    #[arg(long, value_name = "ID")]
    pub quota_id: Option<String>,

    /// The day on which the subscription was created, UTC; may be left out where the answer does
    /// not depend on it
    #[arg(long, value_name = "DATE", value_parser = past_day)]
    pub created: Option<Date>,

    /// Where the subscription's exemption stands [default: none]
    #[arg(
        long,
        value_name = "STATE",
        value_parser = named(ExemptionState::ALL, ExemptionState::name)
    )]
    pub exempt: Option<ExemptionState>,

    /// The machine has been stopped (deallocated) and started since the exemption was granted
    ///
    /// With `check --via azure-firewall` it says so of the firewall, too: its rules have been updated, or
    /// it has been stopped and started, since its subscription's exemption was granted.
    #[arg(long)]
    pub started_since_grant: bool,
}

/// What happens to files that are in the way of an output.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ForceArgs {
    /// Replace an output file even if another program wrote it
    ///
    /// Without it, what egress25 wrote earlier and empty files are replaced, and nothing else. A
    /// file that the command reads is never replaced.
    #[arg(long)]
    pub force: bool,
}

/// A value that is told by its name.
pub(crate) fn named<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let names = PossibleValuesParser::new(all.iter().map(|one| name(*one)));
    names.try_map(move |told| {
        all.iter().copied().find(|one| name(*one) == told).ok_or("expected one of its names")
    })
}

/// A day on which something has happened, by the calendar of wherever on Earth it is latest.
pub(crate) fn past_day(text: &str) -> Result<Date, String> {
    let day = day(text).map_err(|error| error.to_string())?;
    let latest = utc_day(Timestamp::now()).saturating_add(1.day());
    match day <= latest {
        true => Ok(day),
        false => {
            Err(format!("`{text}` is still to come; expected the day on which it was created"))
        }
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "expected `name=value`".to_owned())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
