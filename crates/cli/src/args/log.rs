//! The arguments of `log`.

use clap::Args;
use jiff::Timestamp;

use crate::args::store::PlaceArgs;
use crate::args::{OutputFormat, moment};

/// The arguments of `log`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  What had happened by a day:
      egress25 log --at 2020-12-08

  Everything, and from then on whatever comes, a JSON object a line:
      egress25 log --follow --format ndjson")]
pub struct LogArgs {
    /// Which store.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Go on with whatever is appended, until interrupted
    #[arg(long)]
    pub follow: bool,
    /// Only what had taken effect at this time
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "follow")]
    pub at: Option<Timestamp>,
    /// Only what comes after this revision
    #[arg(long, value_name = "REVISION", default_value_t = 0)]
    pub after: u64,
    /// Only what is about this subscription, its machines or its firewalls
    #[arg(long, value_name = "NAME")]
    pub subscription: Option<String>,
    /// Only what is about this machine
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,
    /// How it is written; with --follow, `human` or `ndjson`
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}
