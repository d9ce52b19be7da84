//! Statements: what an edition of the article says, one fact each, with a stable id.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

names! {
    /// The id of a statement, such as `PG6`; stable, and of one meaning in all editions.
    StatementId;
    /// The name of the text that says a statement: `article`, or another page.
    SourceName;
}

impl SourceName {
    /// Whether it is the article itself.
    #[must_use]
    pub fn is_article(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for SourceName {
    fn default() -> Self {
        Self::from("article")
    }
}

/// A page other than the article that statements are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Which of its texts, in words; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
    /// The day on which it was read.
    #[serde(deserialize_with = "crate::file::moment::day")]
    pub read: Date,
}

/// Title and dates, as they stand behind the page's name.
impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ", \"{}\"", self.title)?;
        if let Some(dated) = &self.dated {
            write!(f, " of {dated}")?;
        }
        write!(f, ", read {}", self.read)
    }
}

/// A statement that something rests on, with the text that says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// The statement's id.
    pub statement: StatementId,
    /// The text that says it.
    pub source: SourceName,
}

/// The id; of another page than the article with its name, so that nobody takes it for the
/// article's word.
impl fmt::Display for Cited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.is_article() {
            return self.statement.fmt(f);
        }
        write!(f, "{} ({})", self.statement, self.source)
    }
}

/// Statements as they stand behind what rests on them.
#[must_use]
pub fn cited_text(cited: &[Cited]) -> String {
    cited.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
    /// The text that says it.
    #[serde(default)]
    pub source: SourceName,
    /// The fact.
    pub text: String,
}
