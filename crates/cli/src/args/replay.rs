//! The arguments of `replay`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::common::ForceArgs;
use crate::args::rows::RowsArgs;
use crate::args::whose::WhoseArgs;

/// What becomes of a packet of which nobody can tell what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OnIndeterminate {
    /// It counts as passed.
    Pass,
    /// It counts as dropped: fail closed.
    #[default]
    Drop,
}

/// The arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ReplayArgs {
    /// The capture: pcap or pcapng, plain or compressed with gzip or zstd; `-` is stdin
    #[arg(value_name = "CAPTURE")]
    pub capture: PathBuf,

    /// Who sends, and what judges it.
    #[command(flatten)]
    pub whose: WhoseArgs,

    /// Judge the packets inside of tunnels, too
    #[arg(long)]
    pub look_inside: bool,

    /// The UDP ports that VXLAN is expected on, at most 8 (repeatable)
    ///
    /// The ports of a Gateway Load Balancer's tunnels are its user's choice, 10800 and 10801 unless
    /// he says otherwise. What is named here takes the place of 4789.
    #[arg(
        long,
        value_name = "PORT",
        value_delimiter = ',',
        default_value = "4789",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub vxlan_port: Vec<u16>,

    /// Write connections instead of packets, with --format json, ndjson and csv
    ///
    /// People get connections in any case. A connection is what has the same ends and the same first
    /// sequence number: how often it was tried, what came back, and whether that fits the verdict.
    #[arg(long)]
    pub connections: bool,

    /// Say at the end how long loading, reading, walking, judging and reporting took
    ///
    /// On stderr, as notes; with --format json and ndjson in the summary, in nanoseconds.
    #[arg(long)]
    pub timings: bool,

    /// Write the whole capture as pcapng, with the verdicts as packet comments; `-` is stdout
    ///
    /// Wireshark shows the comments and filters by them: frame.comment contains "not-granted".
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,

    /// Write the packets that do not pass as pcapng, with comments; `-` is stdout
    #[arg(long, value_name = "FILE")]
    pub drop_to: Option<PathBuf>,

    /// Write the packets that pass, judged or not, as pcapng, with comments; `-` is stdout
    #[arg(long, value_name = "FILE")]
    pub pass_to: Option<PathBuf>,

    /// What happens to files that are in the way.
    #[command(flatten)]
    pub force: ForceArgs,

    /// Where packets go whose bytes do not tell what they are (--drop-to or --pass-to)
    #[arg(long, value_enum, default_value_t)]
    pub on_indeterminate: OnIndeterminate,

    /// Compare the rows with a golden file, and end with exit code 3 where they differ
    ///
    /// The file is what --format ndjson or --format csv has written. Columns that it does not
    /// have are not compared.
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,

    /// Compare the connections with a golden file, and end with exit code 3 where they differ
    ///
    /// The file is what --connections has written with --format ndjson or csv.
    #[arg(long, value_name = "FILE")]
    pub expect_connections: Option<PathBuf>,

    /// What is shown of it.
    #[command(flatten)]
    pub rows: RowsArgs,
}

const EXAMPLES: &str = "\
Examples:
  Is it the platform? A capture of one's own, and the subscription that it comes from:
      egress25 replay own.pcap --offer pay-as-you-go --created 2019-03-01

  Why did no mail leave that day? A capture of several subscriptions, and the inventory that tells
  them apart (`egress25 init own.pcap` begins one):
      egress25 replay day.pcapng --inventory inventory.toml

  What was dropped, and a capture with the reasons for Wireshark:
      egress25 replay day.pcap.gz --inventory inventory.toml --only dropped --write judged.pcapng

  What would another edition have said?
      egress25 replay day.pcapng --inventory inventory.toml --edition in-force --summary

  From a running capture:
      tcpdump -i eth0 -U -w - 'tcp port 25' | egress25 replay - --inventory inventory.toml

  Does the description fit what was answered? Exit code 3 where it does not:
      egress25 replay day.pcapng --inventory inventory.toml --summary --fail-on contradiction

  A page to hand over, with the timeline, the reasons and what to do:
      egress25 replay day.pcapng --inventory inventory.toml --format html > report.html

  As a regression test: write once, compare ever after:
      egress25 replay day.pcapng --inventory inventory.toml --format ndjson > golden.ndjson
      egress25 replay day.pcapng --inventory inventory.toml --expect golden.ndjson --summary";
