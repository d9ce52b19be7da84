//! What is wrong with an inventory, and where.

use std::ops::Range;

use toml::de::DeTable;

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
    locate_below(DeTable::parse(text).ok()?.get_ref(), key)
}

/// The bytes where a key such as `connect.to` stands below a table: its own, or those of the
/// nearest table above it.
#[must_use]
pub fn locate_below(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    let (part, rest) = key.split_once('.').unwrap_or((key, ""));
    let (name, value) = table.get_key_value(part)?;
    let below = value.get_ref().as_table().and_then(|inner| locate_below(inner, rest));
    below.or_else(|| Some(name.span()))
}
