//! The arguments of `diagnose`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::common::{EditionArgs, ReportFormat, SubscriptionArgs};

/// What makes a diagnosis end with exit code 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiagnoseFailOn {
    /// What was seen fits the platform's block.
    Blocked,
}

/// The arguments of `diagnose`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DiagnoseArgs {
    /// Mail logs, the oldest first, plain or compressed with gzip or zstd; `-` is stdin
    #[arg(value_name = "FILE", conflicts_with = "probe")]
    pub logs: Vec<PathBuf>,

    /// Try connections to the ports 25, 465, 587 and 443 of these hosts (repeatable)
    ///
    /// By every address of a host, at most 8. Connections are opened and closed again: no byte is sent
    /// and none is read, since it is the answer to the SYN that tells. How many there will be is said
    /// before the first, and that names are looked up before that.
    #[arg(long, value_name = "HOST", num_args = 1.., value_delimiter = ',')]
    pub probe: Vec<String>,

    /// How many seconds an answer is waited for, of a name server and of a host, with --probe
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=300)
    )]
    pub timeout: u16,

    /// Write the names and addresses of servers, and not `destination 1`
    #[arg(long)]
    pub show_addresses: bool,

    /// The subscription whose machine sends: with it, what was seen is held against the policy's answer.
    #[command(flatten)]
    pub subscription: SubscriptionArgs,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,

    /// End with exit code 3 where what was seen fits the platform's block
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Option<DiagnoseFailOn>,

    /// How the diagnosis is written; csv has the rows alone, html is a page to hand over
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

const EXAMPLES: &str = "\
Examples:
  What does a mail server's log show?
      egress25 diagnose /var/log/mail.log.1.gz /var/log/mail.log

  The same of a machine with journald, held against the policy:
      journalctl -u 'postfix*' -o json | egress25 diagnose - --offer pay-as-you-go --created 2019-03-01

  The log is not clear, or there is none: which ports of a mail server answer from here?
      egress25 diagnose --probe mx.example.com relay.example.com

  In a pipeline: exit code 3 where it looks blocked
      egress25 diagnose --probe mx.example.com relay.example.com --fail-on blocked";
