//! Connections that were judged and what was seen of them: what `replay` and `flows` have in common.

pub(super) mod basis;
pub(super) mod by_subscription;
pub(super) mod by_time;
pub(super) mod counts;
pub(super) mod examples;
mod moments;
pub(super) mod moving;
pub(super) mod next_steps;
pub(super) mod page;
pub(super) mod reasons_met;
pub(super) mod row;
pub(super) mod table;
pub(super) mod today;

use crate::args::{ReportFormat, RowsArgs};
use crate::say::failure::Failure;

/// Refuses to write the summary alone in a format that has none.
///
/// # Errors
/// Nothing would be written.
pub(super) fn refuse_nothing(rows: &RowsArgs) -> Result<(), Failure> {
    if rows.summary && rows.format == ReportFormat::Csv {
        let what = "csv has no summary, so nothing would be written; take --format json or ndjson";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(())
}
