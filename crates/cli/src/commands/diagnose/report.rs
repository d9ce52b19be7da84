//! The diagnosis as data.

use std::net::IpAddr;

use egress25_evidence::Agreement;
use egress25_evidence::diagnosis::{Fitting, Row, held_against, what_fits};
use egress25_evidence::mail_log::{LineCounts, Outcome, Program, Seen};
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
    pub(super) source: Source,
    /// How many lines there were.
    pub(super) lines: Option<LineCounts>,
    pub(super) rows: Vec<DiagnosisRow>,
    /// What fits; what port 25 shows comes first.
    pub(super) fits: Vec<Fitting>,
    /// What the policy answers, where an offer is told.
    pub(super) answer: Option<&'a CheckAnswer>,
    /// Whether what was seen fits that.
    pub(super) evidence: Option<Evidence>,
    /// The line to type for it, where none is told.
    pub(super) type_instead: Option<String>,
}

/// All but the rows, as the last line of NDJSON.
#[derive(Debug, Serialize)]
pub(super) struct SummaryLine<'a> {
    kind: &'static str,
    source: Source,
    lines: Option<LineCounts>,
    fits: &'a [Fitting],
    answer: Option<&'a CheckAnswer>,
    evidence: &'a Option<Evidence>,
    type_instead: Option<&'a str>,
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
    pub(super) seen: Option<Seen>,
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
        Self {
            source,
            lines,
            rows: rows.iter().map(of_row).collect(),
            fits: what_fits(rows),
            answer,
            evidence: judged.map(|judged| Evidence::of(rows, judged)),
            type_instead,
        }
    }
}

impl<'a> SummaryLine<'a> {
    /// The last line of a diagnosis.
    pub(super) fn of(diagnosis: &'a Diagnosis<'_>) -> Self {
        let Diagnosis { source, lines, fits, answer, evidence, type_instead, .. } = diagnosis;
        Self {
            kind: "summary",
            source: *source,
            lines: *lines,
            fits,
            answer: *answer,
            evidence,
            type_instead: type_instead.as_deref(),
        }
    }
}

impl DiagnosisRow {
    fn of(row: &Row, judged: Option<(Verdict, Reason)>, show_addresses: bool) -> Self {
        let number = row.number.map(|number| format!("destination {number}"));
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
            seen: row.seen(),
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
        let tries = |agreement| {
            let rows = rows.iter().filter(|row| held_against(judged, row).agreement == agreement);
            rows.fold(0_u64, |all, row| all.saturating_add(row.tries))
        };
        let asked = rows.iter().filter(|row| row.is_asked_about() && row.seen().is_some());
        let of = asked.clone().fold(0_u64, |all, row| all.saturating_add(row.tries));
        let order = [Agreement::Contradicts, Agreement::Agrees, Agreement::NoEvidence];
        let agreement = order.into_iter().find(|one| tries(*one) > 0);
        let agreement = agreement.unwrap_or(Agreement::NoEvidence);
        let speaks = asked.map(|row| held_against(judged, row));
        let why = speaks.into_iter().find(|finding| finding.agreement == agreement);
        let why = why.map_or("nothing was seen that the filter was asked about", |one| one.why);
        let doubts = match agreement {
            Agreement::Contradicts => {
                ": the description does not fit (offer? date? exemption? started since?)"
            }
            _ => "",
        };
        Self { agreement, tries: tries(agreement).min(of), of, why: format!("{why}{doubts}") }
    }
}
