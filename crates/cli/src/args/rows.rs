//! Which rows of connections are shown, and how: what `replay` and `flows` have in common.

use clap::{Args, ValueEnum};
use egress25_policy::{Reason, Verdict};

use crate::args::common::ReportFormat;

/// Which rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Those with a verdict.
    Verdict(Verdict),
    /// Those that do not pass.
    Blocked,
    /// Those with a reason.
    Reason(Reason),
}

impl Only {
    /// Whether a row is shown.
    #[must_use]
    pub fn shows(self, verdict: Verdict, reason: Reason) -> bool {
        match self {
            Self::Verdict(only) => only == verdict,
            Self::Blocked => verdict != Verdict::Pass,
            Self::Reason(only) => only == reason,
        }
    }
}

fn only(text: &str) -> Result<Only, String> {
    match text {
        "passed" => Ok(Only::Verdict(Verdict::Pass)),
        "dropped" => Ok(Only::Verdict(Verdict::Drop)),
        "rejected" => Ok(Only::Verdict(Verdict::Reject)),
        "blocked" => Ok(Only::Blocked),
        reason => reason.parse().map(Only::Reason).map_err(|_| {
            "expected passed, dropped, rejected, blocked, or a reason (`egress25 explain` lists \
             them)"
                .to_owned()
        }),
    }
}

/// What makes `replay` and `flows` end with exit code 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A connection that came about, or was refused, against its verdict.
    Contradiction,
    /// Nothing is judged: nothing goes to port 25, or nothing of anybody who is described.
    NothingJudged,
}

/// Which rows are shown, and how.
#[derive(Debug, Clone, Args)]
pub struct RowsArgs {
    /// Show these rows only: passed, dropped, rejected, blocked, or a reason (repeatable)
    ///
    /// The summary counts all of them all the same.
    #[arg(long, value_name = "WHICH", value_delimiter = ',', value_parser = only)]
    pub only: Vec<Only>,

    /// Show no rows, the summary alone
    #[arg(long)]
    pub summary: bool,

    /// Keep at most so many connections to port 25; what belongs to further ones is counted
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 50_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    max_connections: u32,

    /// End with exit code 3 where what was seen contradicts the description, or nothing is judged
    ///
    /// A contradiction is said as a warning in any case: a connection that should be dropped was answered, so
    /// the description (offer, date, exemption, restart) is not what was true.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,

    /// How the rows and the summary are written; csv has no summary, html a timeline, too
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

impl RowsArgs {
    /// How many connections are kept.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        usize::try_from(self.max_connections).unwrap_or(usize::MAX)
    }

    /// Whether a row of a verdict and a reason is shown.
    #[must_use]
    pub fn shows(&self, verdict: Verdict, reason: Reason) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.shows(verdict, reason))
    }
}
