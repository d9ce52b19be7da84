//! What is different between two editions, as data.

use serde::Serialize;

use crate::say::output::{EditionName, TableRow};

/// How two editions differ.
#[derive(Debug, Serialize)]
pub(super) struct Diff {
    pub a: EditionName,
    pub b: EditionName,
    pub changes: Vec<Difference>,
}

/// One difference.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    /// `point`, `setting`, `offer`, `answer` or `statement`.
    pub about: &'static str,
    /// The point, the setting, the offer, or the statement's id.
    pub what: String,
    /// The state that the answer is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// What the first edition says; none where it says nothing.
    pub a: Option<String>,
    /// What the second says.
    pub b: Option<String>,
}

impl TableRow for Difference {
    const COLUMNS: &'static [&'static str] = &["about", "what", "state", "a", "b"];
}
