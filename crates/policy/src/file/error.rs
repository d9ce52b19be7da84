//! What is wrong with an inventory, and where.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::file::near::cut;

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

/// What is wrong with a text as TOML, or with a value in it.
pub(crate) fn syntax(text: &str, error: &toml::de::Error) -> InventoryError {
    let (span, message) = (error.span(), error.message());
    // What is wrong with one of a list of tables tells which, and its place is that of the list.
    if let Some((key, what)) = message.split_once("]: ")
        && key.starts_with("event[")
    {
        return bad(format!("{key}]"), what);
    }
    let written = span.clone().and_then(|span| text.get(span));
    let what = match written.filter(|_| message == "invalid IP address syntax") {
        None => message.to_owned(),
        // The libraries say the same of an address and of a prefix, and not which they wanted.
        Some(written) => no_address(&value_of(written)),
    };
    InventoryError { what, key: None, span }
}

/// A string's value, as TOML writes it.
fn value_of(written: &str) -> String {
    let value = DeValue::parse(written).ok();
    let text = value.as_ref().and_then(|value| value.get_ref().as_str());
    text.unwrap_or(written).to_owned()
}

fn no_address(value: &str) -> String {
    let shown = cut(value);
    match (value.parse::<IpAddr>(), value.parse::<IpNet>()) {
        (Ok(address), _) => {
            let (family, any, one) = match address {
                IpAddr::V4(_) => ("IPv4", "0.0.0.0/0", 32),
                IpAddr::V6(_) => ("IPv6", "::/0", 128),
            };
            format!(
                "`{shown}` is an address, and a prefix is expected: say its length behind a slash \
                 ({any} is every {family} address, {shown}/{one} is this one)"
            )
        }
        (_, Ok(_)) => format!("`{shown}` is a prefix, and an address is expected"),
        _ => format!("`{shown}` is neither an address nor a prefix"),
    }
}

pub(crate) fn bad(key: impl Into<String>, what: impl Into<String>) -> InventoryError {
    InventoryError { what: what.into(), key: Some(key.into()), span: None }
}

/// The bytes of a TOML text where a key such as `machine.web.subscription` or `event[2].machine`
/// stands: its own, or those of the nearest table above it.
#[must_use]
pub fn locate_key(text: &str, key: &str) -> Option<Range<usize>> {
    locate_below(DeTable::parse(text).ok()?.get_ref(), key)
}

/// The bytes where a key such as `connect.to` stands below a table: its own, or those of the
/// nearest table above it.
#[must_use]
pub fn locate_below(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    // A name may have dots in it: the longest that is there is meant.
    let dots = key.rmatch_indices('.').map(|(at, _)| at);
    std::iter::once(key.len()).chain(dots).find_map(|at| {
        let (part, rest) = (key.get(..at)?, key.get(at..)?.strip_prefix('.'));
        let below = |of: &Spanned<DeValue<'_>>| locate_below(of.get_ref().as_table()?, rest?);
        if let Some((name, value)) = table.get_key_value(part) {
            return Some(below(value).unwrap_or_else(|| name.span()));
        }
        let (part, number) = part.strip_suffix(']')?.rsplit_once('[')?;
        let (name, list) = table.get_key_value(part)?;
        let item = list.get_ref().as_array()?.get(number.parse::<usize>().ok()?);
        let found = item.map(|item| below(item).unwrap_or_else(|| item.span()));
        Some(found.unwrap_or_else(|| name.span()))
    })
}
