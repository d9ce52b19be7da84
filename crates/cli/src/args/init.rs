//! The arguments of `init`.

use std::path::PathBuf;

use clap::Args;

use crate::args::common::ForceArgs;
use crate::args::sender::SenderArgs;

/// The arguments of `init`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct InitArgs {
    /// The capture: pcap or pcapng, plain or compressed with gzip or zstd; `-` is stdin
    ///
    /// Its senders become the machines of the inventory. Without one it has a single machine, as an
    /// example.
    #[arg(value_name = "CAPTURE")]
    pub capture: Option<PathBuf>,

    /// Whose capture it is.
    #[command(flatten)]
    pub sender: SenderArgs,

    /// Write the inventory into this file instead of to stdout
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,

    /// What is in the way.
    #[command(flatten)]
    pub force: ForceArgs,
}

const EXAMPLES: &str = "\
Examples:
  An inventory of who sends in a capture, to be edited and to replay with:
      egress25 init own.pcap --offer pay-as-you-go --created 2019-03-01 --write inventory.toml
      egress25 replay own.pcap --inventory inventory.toml

  From what Azure exports instead:
      egress25 import export.json --write inventory.toml";
