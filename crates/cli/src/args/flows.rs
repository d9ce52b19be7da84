//! The arguments of `flows`.

use std::path::PathBuf;

use clap::Args;

use crate::args::rows::RowsArgs;
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

    /// What is shown of it.
    #[command(flatten)]
    pub rows: RowsArgs,
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
