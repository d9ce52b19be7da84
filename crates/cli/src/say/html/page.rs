//! What a page says, whatever command has filled it.

use crate::say::html::symbol::Symbol;
use crate::say::html::table::Table;
use crate::say::html::timeline::Timeline;

/// A report. Parts that have nothing to say are left out of the page.
#[derive(Debug, Default)]
pub struct Page {
    /// What was looked at.
    pub title: String,
    /// What it answers.
    pub question: &'static str,
    /// The answer in a sentence.
    pub answer: String,
    /// The counts that matter most, each with its name.
    pub counts: Vec<(&'static str, u64)>,
    /// What there is to say in sentences.
    pub said: Vec<String>,
    /// What whoever reads the page has to know first.
    pub warnings: Vec<String>,
    /// The verdicts as time goes on.
    pub timeline: Option<Timeline>,
    /// Everything in rows.
    pub tables: Vec<Table>,
    /// What the reasons mean that were met.
    pub reasons: Vec<MeantReason>,
    /// What to do.
    pub steps: Vec<Steps>,
    /// What was asked and by what it was answered, each with its name.
    pub facts: Vec<(&'static str, String)>,
}

/// What a reason means, and the statements and settings that it rests on.
#[derive(Debug)]
pub struct MeantReason {
    /// Its stable name.
    pub name: &'static str,
    /// What becomes of a packet for it.
    pub becomes: Symbol,
    /// It in a line.
    pub line: &'static str,
    /// What it rests on: each id with its text, and the page that says it where that is not the
    /// article.
    pub rests_on: Vec<(String, String)>,
}

/// What to do about something, in order.
#[derive(Debug)]
pub struct Steps {
    /// What it is about.
    pub heading: String,
    /// The steps.
    pub steps: Vec<String>,
}
