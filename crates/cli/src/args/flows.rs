//! The arguments of `flows`.

use std::path::PathBuf;

use clap::Args;

use crate::args::common::ReportFormat;
use crate::args::replay::{FailOn, Only, only};
use crate::args::whose::WhoseArgs;

/// The arguments of `flows`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct FlowsArgs {
    /// Flow logs of network security groups or virtual networks: files, plain or compressed with gzip,
    /// or folders of them; `-` is stdin
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// Who sends, and what judges it.
    #[command(flatten)]
    pub whose: WhoseArgs,

    /// Show these rows only: passed, dropped, rejected, blocked, or a reason (repeatable)
    ///
    /// The summary counts all of them all the same.
    #[arg(long, value_name = "WHICH", value_delimiter = ',', value_parser = only)]
    pub only: Vec<Only>,

    /// Show no rows, the summary alone
    #[arg(long)]
    pub summary: bool,

    /// Keep at most so many flows to port 25; what the log says of further ones is counted
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 50_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_connections: u32,

    /// End with exit code 3 where what the log shows contradicts the description, or nothing is judged
    ///
    /// A contradiction is said as a warning in any case.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,

    /// How the rows and the summary are written; csv has no summary, html a timeline, too
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

const EXAMPLES: &str = "\
A flow log shows what security groups and admin rules decide, not what the platform's filter does (N21):
a flow to port 25 that they let out, with packets out and none back, fits the filter; one that they deny
is yours. App Services, Functions, container instances and container apps do not appear in it at all.

Examples:
  Is it the platform? The container of a storage account, as it was downloaded:
      egress25 flows insights-logs-flowlogflowevent/ --offer pay-as-you-go --created 2019-03-01

  By an inventory with the security groups, as `egress25 import` makes it:
      egress25 flows PT1H.json --inventory inventory.toml

  In CI:
      egress25 flows logs/ --inventory inventory.toml --summary --fail-on contradiction,nothing-judged";
