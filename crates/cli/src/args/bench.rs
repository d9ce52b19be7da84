//! The arguments of `bench`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::common::EditionArgs;

/// How the figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum BenchFormat {
    /// Tables for people.
    #[default]
    Human,
    /// Markdown tables, for a page.
    Markdown,
    /// One JSON document, with a `schema_version`.
    Json,
    /// Comma-separated values, a header first; the machine and the versions in each row.
    Csv,
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

    /// How many rounds come before them and do not count
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub warm_up: u32,

    /// The most bytes of packets that are kept in memory, in MiB; a longer capture is cut there
    #[arg(long, value_name = "MIB", default_value = "1024")]
    pub memory: NonZero<u32>,

    /// How long the capture file is at least, in MiB: the packets are written over and over
    #[arg(long, value_name = "MIB", default_value = "256")]
    pub file_size: NonZero<u32>,

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

  For a page, with the machine and the versions:
      egress25 bench --format markdown

The first table is one stage, on one thread: judging packets in memory, with the
inventory as it is at its beginning; for packets of ours, with a table of 100,000
machines. Beside it a loop that only loads their headers, and libpcap's filter for
SYNs to port 25 in IPv4, where the library is installed; that one looks no sender up.
Times are what has gone by.

The second is what `replay --summary` does behind loading: a capture file is read,
judged and counted. The file is written to a temporary folder ($TMPDIR) first, and
goes away again. tcpdump counts IPv4's beside it where it is installed, its start
included. Nanoseconds are CPU time of all threads, as the system counts it; GB/s is
of the time that has gone by.

Everybody takes a turn in each round. Ratios are those of the medians as they are
printed; who found other packets than the peer gets none.";
