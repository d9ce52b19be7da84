//! Whether two files say the same of a resource: files of two moments, put together, would be a state
//! that never was.

use serde_json::Value;

use crate::fields::{Fields, Look as _};
use crate::id::Id;

/// The keys whose values an inventory is made of. What only one side has is no difference: one
/// service tells more than another.
const COMPARED: &[&str] = &[
    "access",
    "addressprefix",
    "addressprefixes",
    "addressspace",
    "destinationaddressprefix",
    "destinationaddressprefixes",
    "destinationportrange",
    "destinationportranges",
    "direction",
    "disablebgproutepropagation",
    "enableipforwarding",
    "ipaddress",
    "ipconfigurations",
    "ipprefix",
    "natgateway",
    "networkinterfaces",
    "networkprofile",
    "networksecuritygroup",
    "nexthopipaddress",
    "nexthoptype",
    "powerstate",
    "priority",
    "privateipaddress",
    "protocol",
    "publicipaddress",
    "quotaid",
    "routes",
    "routetable",
    "securityrules",
    "sourceaddressprefix",
    "sourceaddressprefixes",
    "sourceportrange",
    "sourceportranges",
    "subnet",
    "subscriptionpolicies",
    "timecreated",
    "virtualmachine",
];

/// Lists that are whole where they stand: an empty one says that there is nothing.
const WHOLE: [&str; 2] = ["routes", "securityrules"];

/// Whether two objects of one resource say the same.
pub(crate) fn agree(one: &Fields, other: &Fields) -> bool {
    COMPARED.iter().all(|key| match (one.get(*key), other.get(*key)) {
        (Some(one), Some(other)) => {
            let may_be_left_out = !WHOLE.contains(key);
            (may_be_left_out && (is_empty(one) || is_empty(other))) || same(one, other)
        }
        _ => true,
    })
}

/// Whether a value says nothing.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::String(one), Value::String(other)) => one.trim().eq_ignore_ascii_case(other.trim()),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().enumerate().all(|(at, item)| has(other, at, item))
        }
        (Value::Object(one), Value::Object(other)) => {
            let id = |of: &Fields| of.text("id").map(Id::new);
            let ids = id(one).zip(id(other));
            ids.is_none_or(|(one, other)| one == other) && agree(one, other)
        }
        // A number may be written as a text.
        (Value::Number(_) | Value::Bool(_), _) | (_, Value::Number(_) | Value::Bool(_)) => {
            let text = |of: &Value| of.as_str().map_or_else(|| of.to_string(), str::to_owned);
            text(one).eq_ignore_ascii_case(&text(other))
        }
        _ => false,
    }
}

/// Whether a list has an item: under the same name, or in the same place where it has none.
fn has(list: &[Value], at: usize, item: &Value) -> bool {
    let named = |value: &Value| {
        let fields = value.as_object()?;
        let name = fields.text("name").map(str::to_ascii_lowercase);
        name.or_else(|| Some(Id::new(fields.text("id")?).name().to_ascii_lowercase()))
    };
    match (item, named(item)) {
        (Value::String(_), _) => list.iter().any(|other| same(item, other)),
        (_, Some(name)) => {
            let mut namesakes =
                list.iter().filter(|other| named(other).as_ref() == Some(&name)).peekable();
            namesakes.peek().is_some() && namesakes.any(|other| same(item, other))
        }
        (_, None) => list.get(at).is_some_and(|other| same(item, other)),
    }
}
