//! Looking into Azure's objects. Their normal form has keys in small letters and no `properties`:
//! ARM has that level, az leaves it out, and az has changed the casing of its keys twice.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::id::Id;

/// The fields of an object in the normal form.
pub(crate) type Fields = Map<String, Value>;

/// The normal form of a value.
pub(crate) fn normal(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Object(fields) => Value::Object(normal_fields(fields)),
        other => other,
    }
}

fn normal_fields(fields: Fields) -> Fields {
    let mut below = None;
    let mut flat = Fields::new();
    for (key, value) in fields {
        let key = key.to_ascii_lowercase();
        match normal(value) {
            Value::Object(fields) if key == "properties" => below = Some(fields),
            value => {
                flat.insert(key, value);
            }
        }
    }
    for (key, value) in below.into_iter().flatten() {
        let place = flat.entry(key).or_insert(Value::Null);
        if place.is_null() {
            *place = value;
        }
    }
    flat
}

/// What stands in the place of an id is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoId;

/// What is found below a key of the normal form.
pub(crate) trait Look {
    /// Whatever stands there.
    fn value(&self, key: &str) -> Option<&Value>;
    /// A text that is not blank.
    fn text(&self, key: &str) -> Option<&str>;
    /// Yes or no.
    fn flag(&self, key: &str) -> Option<bool>;
    /// A number.
    fn number(&self, key: &str) -> Option<i64>;
    /// An object.
    fn object(&self, key: &str) -> Option<&Fields>;
    /// The objects of a list.
    fn objects(&self, key: &str) -> impl Iterator<Item = &Fields>;
    /// The texts of a list, those that are not blank.
    fn texts(&self, key: &str) -> impl Iterator<Item = &str>;

    /// The id of an object, or the id itself.
    fn reference(&self, key: &str) -> Option<Id> {
        let of_object = self.object(key).and_then(|object| object.text("id"));
        of_object.or_else(|| self.text(key).filter(|text| text.contains('/'))).map(Id::new)
    }

    /// The id that stands below a key as [`Look::reference`] has it, or that something else
    /// stands there, such as a bare name.
    fn refers(&self, key: &str) -> Option<Result<Id, NoId>> {
        if let Some(id) = self.reference(key) {
            return Some(Ok(id));
        }
        // Terraform writes an empty text, and Azure an empty object, for nothing.
        let is_nothing = match self.object(key) {
            Some(object) => object.is_empty() || object.get("id").is_some_and(|id| id == ""),
            None => self.value(key).is_none_or(|value| value.is_null() || value == ""),
        };
        (!is_nothing).then_some(Err(NoId))
    }

    /// The ids of a list's objects.
    fn references(&self, key: &str) -> impl Iterator<Item = Id> {
        self.objects(key).filter_map(|object| Some(Id::new(object.text("id")?)))
    }

    /// An address.
    fn address(&self, key: &str) -> Option<IpAddr> {
        self.text(key)?.parse().ok()
    }
}

fn as_text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

impl Look for Fields {
    fn value(&self, key: &str) -> Option<&Value> {
        self.get(key)
    }

    fn text(&self, key: &str) -> Option<&str> {
        as_text(self.get(key)?)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            Value::Number(number) => number.as_u64().map(|number| number != 0),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            // A whole number may be written `900.0`.
            Value::Number(number) => {
                let text = number.to_string();
                text.strip_suffix(".0").unwrap_or(&text).parse().ok()
            }
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn object(&self, key: &str) -> Option<&Fields> {
        self.get(key)?.as_object()
    }

    fn objects(&self, key: &str) -> impl Iterator<Item = &Fields> {
        self.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }

    fn texts(&self, key: &str) -> impl Iterator<Item = &str> {
        self.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(as_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_both_casings_of_az_are_one() {
        let raw = r#"{"id":"x","properties":{"ipConfigurations":[{"name":"c",
            "properties":{"privateIPAddress":"10.0.0.4"}}]}}"#;
        let new = r#"{"id":"x","ipConfigurations":[{"name":"c","privateIPAddress":"10.0.0.4"}]}"#;
        let old = r#"{"id":"x","ipConfigurations":[{"name":"c","privateIpAddress":"10.0.0.4"}]}"#;
        let read = |text: &str| normal(serde_json::from_str(text).unwrap());
        assert_eq!(read(raw), read(new));
        assert_eq!(read(new), read(old));
    }
}
