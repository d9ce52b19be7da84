//! What an explanation goes by.

use std::sync::Arc;

use egress25_policy::{Edition, Settings};

/// The edition that explains, with its settings.
pub(super) struct Reading {
    pub edition: Arc<Edition>,
    pub settings: Settings,
    /// Those of them that were set, by name.
    pub set: Vec<(String, String)>,
}

/// Ids of editions in a sentence: `2022-11 and 2023-12`.
pub(super) fn listed(ids: &[String]) -> String {
    match ids {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
