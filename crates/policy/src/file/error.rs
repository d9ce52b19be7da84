//! What is wrong with an inventory, and where.

use std::ops::Range;

/// What is wrong with an inventory or events file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct InventoryError {
    /// What is wrong and what was expected.
    pub what: String,
    /// The key that it is about, such as `machine.web.subscription`, where there is one.
    pub key: Option<String>,
    /// The bytes of the file that it is about, where they are known.
    pub span: Option<Range<usize>>,
}

pub(crate) fn syntax(error: &toml::de::Error) -> InventoryError {
    InventoryError { what: error.message().to_owned(), key: None, span: error.span() }
}

pub(crate) fn bad(key: impl Into<String>, what: impl Into<String>) -> InventoryError {
    InventoryError { what: what.into(), key: Some(key.into()), span: None }
}

/// The bytes of a TOML text where a key such as `machine.web.subscription` stands: its own, or
/// those of the nearest table above it.
#[must_use]
pub fn locate_key(text: &str, key: &str) -> Option<Range<usize>> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut found = None;
    for part in key.split('.') {
        let Some((name, value)) = table.get_key_value(part) else { break };
        found = Some(name.span());
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found
}
