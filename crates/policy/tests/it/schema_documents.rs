//! Random documents that the schema takes, against the parser: it takes them, too.

use std::collections::BTreeMap;

use egress25_policy::{InventoryFile, inventory_schema};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::string::string_regex;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

/// How many documents are tried, unless `EGRESS25_LONG` says otherwise.
const DOCUMENTS: u32 = 600;

/// How deep a document may be nested before lists and optional keys are left empty.
const DEEPEST: usize = 7;

/// Makes random documents of a schema.
struct Author {
    root: Value,
    runner: TestRunner,
}

impl Author {
    fn below(&mut self, end: usize) -> usize {
        (0..end).new_tree(&mut self.runner).unwrap().current()
    }

    fn text(&mut self, schema: &Value) -> String {
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            let all = string_regex(pattern.trim_start_matches('^').trim_end_matches('$')).unwrap();
            let text = all.new_tree(&mut self.runner).unwrap().current();
            return match text.split_once('-') {
                Some((first, last)) if schema.get("format") == Some(&json!("ports")) => {
                    let mut ports = [first, last].map(|port| port.parse::<u16>().unwrap());
                    ports.sort_unstable();
                    format!("{}-{}", ports[0], ports[1])
                }
                _ => text,
            };
        }
        let pattern = match schema.get("format").and_then(Value::as_str) {
            Some("date") => "20[0-3][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
            Some("date-time") => {
                "20[0-3][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]\
                 :[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])"
            }
            Some("ip") => {
                "(1[0-9]{2}\\.){3}[1-9]?[0-9]|([1-9a-f][0-9a-f]{0,3}:){7}[1-9a-f]|fd00::[1-9]"
            }
            Some(other) => panic!("the format `{other}` is new"),
            // Whatever is there, and what people write.
            None => "\\PC{0,12}|[a-z]{1,6}",
        };
        string_regex(pattern).unwrap().new_tree(&mut self.runner).unwrap().current()
    }

    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let found = self.root.pointer(name.trim_start_matches('#')).unwrap().clone();
            return self.value(&found, depth);
        }
        if let Some(fixed) = schema.get("const") {
            return fixed.clone();
        }
        for either in ["enum", "anyOf", "oneOf"] {
            if let Some(Value::Array(all)) = schema.get(either) {
                let one = all[self.below(all.len())].clone();
                return if either == "enum" { one } else { self.value(&one, depth) };
            }
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => Value::String(self.text(schema)),
            Some("boolean") => json!(self.below(2) == 0),
            Some("integer") => {
                let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
                let (least, most) = (bound("minimum").unwrap_or(0), bound("maximum"));
                let most = most.unwrap_or(u64::from(u32::MAX));
                let ends = [least, most, least + (most - least) / 3];
                json!(ends[self.below(ends.len())])
            }
            Some("array") => {
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
                let least = usize::try_from(least).unwrap();
                let more = if depth > DEEPEST { 0 } else { self.below(3) };
                (0..least + more).map(|_| self.value(&schema["items"], depth + 1)).collect()
            }
            Some("object") => Value::Object(self.object(schema, depth)),
            other => panic!("the type {other:?} is new: {schema}"),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let mut object = Map::new();
        let required = |key: &str, schema: &Value| {
            let all = schema.get("required").and_then(Value::as_array).cloned();
            all.unwrap_or_default().iter().any(|one| one == key)
        };
        for (key, of) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let by_chance = depth <= DEEPEST && self.below(2) == 0;
            if required(key, schema) || by_chance {
                let value = self.value(of, depth + 1);
                object.insert(key.clone(), value);
            }
        }
        if let Some(of @ Value::Object(_)) = schema.get("additionalProperties") {
            let count = if depth > DEEPEST { 0 } else { self.below(3) };
            for _ in 0..count {
                let key = self.text(&json!({}));
                let value = self.value(of, depth + 1);
                object.insert(key, value);
            }
        }
        for rule in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let holds = rule["if"]["properties"]
                .as_object()
                .is_some_and(|all| all.iter().all(|(key, of)| object.get(key) == of.get("const")));
            if holds {
                self.conform(&mut object, schema, &rule["then"], depth);
            }
        }
        object
    }

    /// Makes an object fit what holds for its kind.
    fn conform(
        &mut self,
        object: &mut Map<String, Value>,
        schema: &Value,
        then: &Value,
        depth: usize,
    ) {
        for (key, of) in then["properties"].as_object().into_iter().flatten() {
            assert_eq!(*of, json!(false));
            object.remove(key);
        }
        let mut needed: Vec<Value> = then["required"].as_array().cloned().unwrap_or_default();
        for (key, others) in then["dependentRequired"].as_object().into_iter().flatten() {
            if object.contains_key(key) {
                needed.extend(others.as_array().unwrap().iter().cloned());
            }
        }
        for key in needed {
            let key = key.as_str().unwrap().to_owned();
            if !object.contains_key(&key) {
                let value = self.value(&schema["properties"][&key], depth + 1);
                object.insert(key, value);
            }
        }
    }
}

#[test]
fn documents_that_the_schema_takes_were_refused_by_the_parser() {
    let root = inventory_schema().to_value();
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut author =
        Author { root: root.clone(), runner: TestRunner::new_with_rng(Default::default(), rng) };
    let wanted =
        std::env::var("EGRESS25_LONG").ok().map_or(DOCUMENTS, |text| text.parse().unwrap());
    let mut refused = BTreeMap::new();
    for _ in 0..wanted {
        let document = author.value(&root, 0);
        let text = toml::to_string(&document).unwrap();
        if let Err(error) = InventoryFile::parse(&text) {
            let at = error.span.and_then(|span| text.get(span)).unwrap_or_default().to_owned();
            refused.insert(error.what, at);
        }
    }
    assert!(refused.is_empty(), "{} kinds: {refused:#?}", refused.len());
}

#[test]
fn an_event_of_no_kind_and_a_setting_of_no_name_were_taken_by_the_schema() {
    let schema = inventory_schema().to_value();
    let settings = &schema["properties"]["settings"];
    assert_eq!(settings["additionalProperties"], json!(false));
    assert_eq!(settings["properties"]["block_form"]["enum"][0], json!("drop"));
    let event = &schema["$defs"]["Event"];
    let kinds = event["properties"]["kind"]["enum"].as_array().unwrap();
    assert!(kinds.contains(&json!("exemption-granted")), "{kinds:?}");
    let granted = event["allOf"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["if"]["properties"]["kind"]["const"] == json!("exemption-granted"));
    let then = &granted.unwrap()["then"];
    assert_eq!(then["required"], json!(["subscription"]));
    assert_eq!(then["properties"]["machine"], json!(false));
}
