//! The arguments of `bench`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::common::EditionArgs;

/// How the figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum BenchFormat {
    /// A table for people.
    #[default]
    Human,
    /// One JSON document, with a `schema_version`.
    Json,
}

/// The arguments of `bench`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct BenchArgs {
    /// The capture: pcap or pcapng, plain or compressed. Left out: packets of ours
    #[arg(value_name = "CAPTURE", requires = "inventory")]
    pub capture: Option<PathBuf>,

    /// The inventory whose table the packets are judged by
    #[arg(long, value_name = "FILE", requires = "capture")]
    pub inventory: Option<PathBuf>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// The network that every packet belongs to, whatever it shows
    #[arg(long, value_name = "NAME", requires = "capture")]
    pub network: Option<String>,

    /// How often everybody is measured; the median counts
    #[arg(long, value_name = "COUNT", default_value = "9")]
    pub rounds: NonZero<u32>,

    /// The most bytes of packets that are kept in memory, in MiB; a longer capture is cut there
    #[arg(long, value_name = "MIB", default_value = "1024")]
    pub memory: NonZero<u32>,

    /// How the figures are written
    #[arg(long, value_enum, default_value_t)]
    pub format: BenchFormat,
}

const EXAMPLES: &str = "\
Examples:
  How fast is this machine?
      egress25 bench

  And with packets and an inventory of one's own, for a script:
      egress25 bench day.pcap --inventory inventory.toml --format json

Packets are judged from memory, on one thread, with the inventory as it is at its beginning. libpcap is
measured beside it where it is installed: its filter for SYNs to port 25, without any look-up.";
