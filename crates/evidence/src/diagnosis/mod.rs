//! What a mail log, or a probe, shows of the platform's filter.

mod fits;
mod tally;

pub use fits::{Fits, Fitting, what_fits};
pub use tally::{Row, Tally};

use egress25_policy::{Reason, Verdict};

use crate::agreement::{self, Agreement, Finding};
use crate::connection::Witness;

/// Whether what was seen of a row fits a verdict on port 25 and its reason.
#[must_use]
pub fn held_against(judged: (Verdict, Reason), row: &Row) -> Finding {
    match row.seen().filter(|_| row.is_asked_about()) {
        // The day of creation is told or does not count: no answer hangs on a bound.
        Some(answer) => agreement::of(judged, answer, false, Witness::Capture),
        None => Finding {
            agreement: Agreement::NoEvidence,
            why: "the filter was not asked, or nothing tells what it did",
        },
    }
}
