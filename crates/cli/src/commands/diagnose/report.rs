//! The diagnosis as data.

use std::net::IpAddr;

use egress25_evidence::diagnosis::{Fits, Fitting, Row, held_against, what_fits};
use egress25_evidence::mail_log::{LineCounts, Outcome, Program};
use egress25_evidence::{Agreement, Answer};
use egress25_policy::{Reason, Verdict};
use serde::Serialize;

use crate::commands::check::{Answered, CheckAnswer};
use crate::say::output::TableRow;

/// Where the rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Source {
    /// Mail logs.
    Logs,
    /// Connections that were tried.
    Probe,
}

/// What was seen, what that fits, and what the policy says of it.
#[derive(Debug, Serialize)]
pub(super) struct Diagnosis<'a> {
    pub(super) rows: Vec<DiagnosisRow>,
    #[serde(flatten)]
    pub(super) summary: Summary<'a>,
}

/// All but the rows.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    pub(super) source: Source,
    /// How many lines there were.
    pub(super) lines: Option<LineCounts>,
    /// What fits; what port 25 shows comes first.
    pub(super) fits: Vec<Fitting>,
    /// What the policy answers, where an offer is told.
    pub(super) answer: Option<&'a CheckAnswer>,
    /// Whether what was seen fits that.
    pub(super) evidence: Option<Evidence>,
    /// The line to type for it, where none is told.
    pub(super) type_instead: Option<String>,
}

/// The last line of NDJSON.
#[derive(Debug, Serialize)]
pub(super) struct SummaryLine<'a> {
    pub(super) kind: &'static str,
    #[serde(flatten)]
    pub(super) summary: &'a Summary<'a>,
}

/// Whether what was seen on port 25 fits a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Evidence {
    pub(super) agreement: Agreement,
    /// How many tries say so.
    pub(super) tries: u64,
    /// Of how many to port 25 of the Internet.
    pub(super) of: u64,
    pub(super) why: String,
}

/// Tries to one destination and port that ended alike.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DiagnosisRow {
    /// `destination 1`; its name and address where they are asked for.
    pub(super) destination: String,
    pub(super) family: Option<&'static str>,
    pub(super) port: Option<u16>,
    /// `silent`, `refused` or `answered`.
    pub(super) seen: Option<&'static str>,
    #[serde(skip)]
    pub(super) came_back: Option<Answer>,
    pub(super) outcome: Outcome,
    pub(super) reply: Option<u16>,
    pub(super) tries: u64,
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    pub(super) milliseconds: Option<u64>,
    pub(super) program: Option<Program>,
    pub(super) evidence: Option<Agreement>,
}

impl TableRow for DiagnosisRow {
    const COLUMNS: &'static [&'static str] = &[
        "destination",
        "family",
        "port",
        "seen",
        "outcome",
        "reply",
        "tries",
        "first",
        "last",
        "milliseconds",
        "program",
        "evidence",
    ];
}

impl<'a> Diagnosis<'a> {
    /// The diagnosis of some rows.
    pub(super) fn of(
        source: Source,
        rows: &[Row],
        lines: Option<LineCounts>,
        answered: Option<&'a Answered>,
        type_instead: Option<String>,
        show_addresses: bool,
    ) -> Self {
        let answer = answered.map(|answered| &answered.answer);
        let judged = answer.map(|answer| (answer.decision.verdict, answer.decision.reason));
        let of_row = |row| DiagnosisRow::of(row, judged, show_addresses);
        let summary = Summary {
            source,
            lines,
            fits: what_fits(rows),
            answer,
            evidence: judged.map(|judged| Evidence::of(rows, judged)),
            type_instead,
        };
        Self { rows: rows.iter().map(of_row).collect(), summary }
    }
}

/// What of a description may be wrong.
pub(super) const SEE_WHETHER: &str = "before anything else, see whether the description is right (offer, day of \
                                      creation, exemption, stopped and started since)";

impl Summary<'_> {
    /// What port 25 shows, in a sentence that what the policy answers has a part in: a policy that
    /// lets mail out, and one that was not obeyed, tell that something else stops it, or that the
    /// description is wrong.
    pub(super) fn headline(&self) -> Option<String> {
        let first = self.fits.first()?;
        let decision = self.answer.map(|answer| &answer.decision);
        let agreement = self.evidence.as_ref().map(|found| found.agreement);
        let is_silence = matches!(first.fits, Fits::Block | Fits::AllSilent | Fits::TooLittle);
        Some(match (decision, agreement) {
            (Some(decision), Some(Agreement::Contradicts)) => format!(
                "{}, though by what is described the policy answers {} ({}): {SEE_WHETHER}",
                first.seen, decision.verdict, decision.reason
            ),
            (Some(decision), _) if is_silence && decision.verdict == Verdict::Pass => format!(
                "{}, and by what is described it is not the platform ({}): {SEE_WHETHER}; if it is, look \
                 at rules of yours, the way out and the other side",
                first.seen, decision.reason
            ),
            _ => first.sentence.clone(),
        })
    }

    /// What fits, each in a sentence; the first is the headline.
    pub(super) fn sentences(&self) -> Vec<(&Fitting, String)> {
        let all = self.fits.iter().map(|one| (one, one.sentence.clone()));
        let mut all: Vec<_> = all.collect();
        if let (Some(first), Some(headline)) = (all.first_mut(), self.headline()) {
            first.1 = headline;
        }
        all
    }
}

impl DiagnosisRow {
    fn of(row: &Row, judged: Option<(Verdict, Reason)>, show_addresses: bool) -> Self {
        let number = row.number.map(|number| match row.address_number {
            Some(address) => format!("destination {number}, address {address}"),
            None => format!("destination {number}"),
        });
        let shown = match (&row.to.name, row.to.address) {
            (Some(name), Some(address)) => Some(format!("{name} [{address}]")),
            (Some(name), None) => Some(name.clone()),
            (None, address) => address.map(|address| address.to_string()),
        };
        let told = if show_addresses { shown } else { number };
        Self {
            destination: told.unwrap_or_else(|| "not said".to_owned()),
            family: row.to.address.map(|address: IpAddr| match address {
                IpAddr::V4(_) => "ipv4",
                IpAddr::V6(_) => "ipv6",
            }),
            port: row.port,
            seen: row.seen().map(Answer::name),
            came_back: row.seen(),
            outcome: row.outcome,
            reply: row.reply,
            tries: row.tries,
            first: row.first.clone(),
            last: row.last.clone(),
            milliseconds: row.milliseconds,
            program: row.program,
            evidence: judged.map(|judged| held_against(judged, row).agreement),
        }
    }
}

impl Evidence {
    /// What contradicts counts before what agrees, since nothing explains it away.
    fn of(rows: &[Row], judged: (Verdict, Reason)) -> Self {
        let asked = rows.iter().filter(|row| row.is_asked_about() && row.seen().is_some());
        let found: Vec<_> = asked.map(|row| (held_against(judged, row), row.tries)).collect();
        let sum = |which: &dyn Fn(Agreement) -> bool| {
            let tries = found.iter().filter(|(finding, _)| which(finding.agreement));
            tries.fold(0_u64, |all, (_, tries)| all.saturating_add(*tries))
        };
        let order = [Agreement::Contradicts, Agreement::Agrees, Agreement::NoEvidence];
        let of_kind = |one| found.iter().find(|(finding, _)| finding.agreement == one);
        let (agreement, why) = match order.into_iter().find_map(of_kind) {
            Some((finding, _)) => (finding.agreement, finding.why),
            None => (Agreement::NoEvidence, "nothing was seen that the filter was asked about"),
        };
        let doubts = match agreement {
            Agreement::Contradicts => {
                ": the description does not fit (offer? date? exemption? started since?)"
            }
            _ => "",
        };
        let tries = sum(&|one| one == agreement);
        Self { agreement, tries, of: sum(&|_| true), why: format!("{why}{doubts}") }
    }
}
