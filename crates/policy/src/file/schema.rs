//! The JSON schema of an inventory: what it takes, the parser takes.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{Schema, schema_for};
use serde_json::{Map, Value, json};

use crate::article::settings::Setting;
use crate::file::inventory::InventoryFile;
use crate::life::event::{EventError, EventKind};

/// The JSON schema of an inventory.
#[must_use]
pub fn inventory_schema() -> Schema {
    let mut schema = schema_for!(InventoryFile);
    if let Some(root) = schema.as_object_mut() {
        root.values_mut().for_each(without_null);
        if let Some(settings) = root.get_mut("properties").and_then(|all| all.get_mut("settings")) {
            name_settings(settings);
        }
        if let Some(event) = root.get_mut("$defs").and_then(|all| all.get_mut("Event")) {
            tell_kinds_apart(event);
        }
    }
    schema
}

/// Takes `null` out of a schema: TOML has none, and what may be left out is left out.
fn without_null(part: &mut Value) {
    match part {
        Value::Object(object) => {
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(either)) = object.get_mut("anyOf") {
                either.retain(|one| one.get("type") != Some(&json!("null")));
                if let [Value::Object(one)] = either.as_slice() {
                    let one = one.clone();
                    object.remove("anyOf");
                    for (key, value) in one {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(all) => all.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Names every setting with its values; true and false stand for yes and no.
fn name_settings(settings: &mut Value) {
    let described = |setting: &Setting| {
        let texts = setting.values();
        let words = texts.iter().map(|text| json!(text));
        let flags = [("yes", true), ("no", false)];
        let flags = flags.into_iter().filter(|(word, _)| texts.contains(word));
        let values: Vec<_> = words.chain(flags.map(|(_, flag)| json!(flag))).collect();
        let said = json!({ "enum": values, "description": setting.question() });
        (setting.name().to_owned(), said)
    };
    let all: Map<_, _> = Setting::ALL.iter().map(described).collect();
    if let Some(settings) = settings.as_object_mut() {
        settings.insert("properties".to_owned(), Value::Object(all));
        settings.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

/// The keys that an event of a kind needs, may have, and has all together or none of.
#[derive(Default)]
struct KindKeys {
    needed: BTreeSet<String>,
    allowed: BTreeSet<&'static str>,
    together: BTreeMap<&'static str, BTreeSet<String>>,
}

impl KindKeys {
    /// As the parser has them: it is asked, so that no second list can be another.
    fn of(kind: &str) -> Self {
        let mut keys = Self::default();
        while let Some(EventError::Missing { key, .. }) = unfit(kind, &keys.needed)
            && keys.needed.insert(key)
        {}
        for key in EventKind::KEYS {
            let mut more = keys.needed.clone();
            if !more.insert((*key).to_owned()) {
                keys.allowed.insert(key);
                continue;
            }
            let mut others = BTreeSet::new();
            while let Some(EventError::Missing { key, .. }) = unfit(kind, &more)
                && more.insert(key.clone())
            {
                others.insert(key);
            }
            if unfit(kind, &more).is_none() {
                keys.allowed.insert(key);
                keys.together.insert(key, others);
            }
        }
        keys.together.retain(|_, others| !others.is_empty());
        keys
    }
}

fn unfit(kind: &str, keys: &BTreeSet<String>) -> Option<EventError> {
    EventKind::unfit(kind, keys.iter().map(String::as_str))
}

/// Names the kinds of events, and what each needs and may not have.
fn tell_kinds_apart(event: &mut Value) {
    let Some(event) = event.as_object_mut() else { return };
    let kinds = EventKind::NAMES.iter().map(|kind| {
        let keys = KindKeys::of(kind);
        let surplus = EventKind::KEYS.iter().filter(|key| !keys.allowed.contains(*key));
        let surplus: Map<_, _> = surplus.map(|key| ((*key).to_owned(), json!(false))).collect();
        let mut then = json!({ "required": keys.needed, "properties": surplus });
        if !keys.together.is_empty()
            && let Some(then) = then.as_object_mut()
        {
            then.insert("dependentRequired".to_owned(), json!(keys.together));
        }
        json!({ "if": { "properties": { "kind": { "const": kind } } }, "then": then })
    });
    event.insert("allOf".to_owned(), kinds.collect());
    if let Some(kind) = event.get_mut("properties").and_then(|all| all.get_mut("kind"))
        && let Some(kind) = kind.as_object_mut()
    {
        kind.insert("enum".to_owned(), json!(EventKind::NAMES));
    }
}
