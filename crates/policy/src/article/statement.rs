//! Statements: what an edition of the article says, one fact each, with a stable id.

use serde::{Deserialize, Serialize};

names! {
    /// The id of a statement, such as `PG6`; stable, and unique within its edition.
    StatementId;
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::IntoStaticStr, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum StatementKind {
    /// Changes a verdict.
    Rule,
    /// Changes what an exemption request can do.
    Lifecycle,
    /// What the tool must tell its user.
    Advice,
    /// What the platform does not promise.
    Limit,
}

impl StatementKind {
    /// The kind's name in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One fact of the article, in our own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Its id.
    pub id: StatementId,
    /// What it does.
    pub kind: StatementKind,
    /// The fact.
    pub text: String,
}
