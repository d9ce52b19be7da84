//! What a mail log, or a probe, shows of the platform's filter.

mod fits;
mod tally;

pub use fits::{Fits, Fitting};
pub use tally::{Row, Tally};

use egress25_policy::{Reason, Verdict};

use crate::agreement::{self, Agreement, Finding};
use crate::connection::Witness;
use crate::mail_log::Seen;
use crate::reply::Answer;

/// What fits some rows, each with its count; what port 25 shows comes first.
#[must_use]
pub fn what_fits(rows: &[Row]) -> Vec<Fitting> {
    fits::of(rows)
}

/// Whether what was seen of a row fits a verdict on port 25 and its reason.
#[must_use]
pub fn held_against(judged: (Verdict, Reason), row: &Row) -> Finding {
    let answer = match row.seen() {
        _ if !row.is_asked_about() => None,
        Some(Seen::Silent) => Some(Answer::Silent),
        Some(Seen::Refused) => Some(Answer::Reset),
        Some(Seen::Answered) => Some(Answer::Answered),
        None => None,
    };
    match answer {
        // The day of creation is told or does not count: no answer hangs on a bound.
        Some(answer) => agreement::of(judged, answer, false, Witness::Capture),
        None => Finding {
            agreement: Agreement::NoEvidence,
            why: "the filter was not asked, or nothing tells what it did",
        },
    }
}
