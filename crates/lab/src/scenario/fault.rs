//! What is wrong with a scenario file, and where.

use std::ops::Range;

use egress25_policy::{locate_below, locate_key};
use toml::de::{DeTable, DeValue};

use crate::error::LabError;

/// What is wrong with a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ScenarioFault {
    /// What is wrong and what was expected, with the step and the key.
    pub what: String,
    /// The bytes of the file that it is about, where they are known.
    pub span: Option<Range<usize>>,
}

impl ScenarioFault {
    /// What TOML's reader found: a fault of the syntax, an unknown key, a value of another kind.
    pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let span = error.span();
        let what = match span.as_ref().and_then(|span| step_around(text, span.start)) {
            Some(index) => format!("{}: {}", step_name(index, None), error.message()),
            None => error.message().to_owned(),
        };
        Self { what, span }
    }

    /// What does not fit in a step, counted from 0.
    pub(super) fn of_step(text: &str, index: usize, title: &str, error: &LabError) -> Self {
        let step = step_name(index, Some(title));
        let (key, what) = match error {
            LabError::Input { key, what } => (key.as_str(), format!("`{key}`: {what}")),
            other => ("", other.to_string()),
        };
        Self { what: format!("{step}: {what}"), span: locate(text, index, key) }
    }

    /// What does not fit outside of the steps.
    pub(super) fn of_file(text: &str, error: &LabError) -> Self {
        let span = match error {
            LabError::Input { key, .. } => locate_key(text, key),
            _ => None,
        };
        Self { what: error.to_string(), span }
    }
}

fn step_name(index: usize, title: Option<&str>) -> String {
    let number = index.saturating_add(1);
    title.map_or_else(|| format!("step {number}"), |title| format!("step {number} (`{title}`)"))
}

fn with_steps<T>(text: &str, find: impl FnOnce(&[toml::Spanned<DeValue<'_>>]) -> T) -> Option<T> {
    let document = DeTable::parse(text).ok()?;
    let steps = document.get_ref().get("step")?.get_ref().as_array()?;
    Some(find(steps))
}

/// The bytes of a key of a step, such as `connect.to`; of the nearest table above it, where the
/// step has no such key; or of the step's first key.
fn locate(text: &str, index: usize, key: &str) -> Option<Range<usize>> {
    with_steps(text, |steps| {
        let step = steps.get(index)?.get_ref().as_table()?;
        let keys = || step.iter().map(|(name, _)| name.span());
        locate_below(step, key).or_else(|| keys().min_by_key(|span| span.start))
    })?
}

/// The step that a byte of the file lies in, counted from 0.
fn step_around(text: &str, at: usize) -> Option<usize> {
    with_steps(text, |steps| {
        steps.iter().position(|step| extent(step).is_some_and(|extent| extent.contains(&at)))
    })?
}

/// The bytes from the first key below a value to the end of the last value; a table under a
/// header of its own has no bytes that are its own.
fn extent(value: &toml::Spanned<DeValue<'_>>) -> Option<Range<usize>> {
    let Some(table) = value.get_ref().as_table() else { return Some(value.span()) };
    table.iter().fold(None, |so_far: Option<Range<usize>>, (key, value)| {
        let inner = extent(value).unwrap_or_else(|| value.span());
        let (start, end) = (key.span().start.min(inner.start), key.span().end.max(inner.end));
        let so_far = so_far.unwrap_or(start..end);
        Some(so_far.start.min(start)..so_far.end.max(end))
    })
}
