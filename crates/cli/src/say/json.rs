//! JSON on a terminal: the same values, and nothing that acts.

use std::borrow::Cow;

use egress25_policy::{acts_unseen, json_in_sight};
use serde::Serialize;

use crate::say::failure::Failure;

/// A value as one line of JSON.
///
/// # Errors
/// It has no JSON.
pub fn in_one_line(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value);
    text.map(json_in_sight).map_err(|error| Failure::Internal(error.to_string()))
}

/// A value as indented JSON.
///
/// # Errors
/// It has no JSON.
pub fn indented(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    text.map(json_in_sight).map_err(|error| Failure::Internal(error.to_string()))
}

/// A line of JSON that another program has written, likewise.
#[must_use]
pub fn line_seen(line: &str) -> Cow<'_, str> {
    match line.contains(acts_unseen) {
        true => Cow::Owned(json_in_sight(line.to_owned())),
        false => Cow::Borrowed(line),
    }
}

#[cfg(test)]
mod tests {
    use super::in_one_line;

    #[test]
    fn json_took_del_c1_and_bidi_to_the_terminal() {
        let text = "a\u{7f}\u{9b}31m\u{202e}\u{e0041}\n\0é😀";
        let json = in_one_line(&text).expect("JSON");
        assert_eq!(json, "\"a\\u007f\\u009b31m\\u202e\\udb40\\udc41\\n\\u0000é😀\"");
        assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
    }
}
