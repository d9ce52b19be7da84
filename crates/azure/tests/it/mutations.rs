//! Exports that are not quite what they should be: whatever is missing or of another type, an import
//! ends with an inventory that is TOML, or with an error.

use serde_json::{Value, json};
use toml::Table;

use crate::{imported, samples};

/// How often each sample is changed.
const TRIES: usize = 60;

/// Numbers that are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound = u64::try_from(bound.max(1)).expect("it fits");
        usize::try_from((self.0 >> 33) % bound).expect("it fits")
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Replaces the value at a place, counted through the whole.
fn change(value: &mut Value, at: &mut usize, to: &Value) {
    if *at == 0 {
        *value = to.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| change(item, at, to)),
        Value::Object(fields) => fields.values_mut().for_each(|field| change(field, at, to)),
        _ => {}
    }
}

#[test]
fn whatever_is_wrong_in_an_export_ends_in_toml_or_an_error() {
    let Some(folder) = samples() else { return };
    let index = std::fs::read_to_string(folder.join("INDEX.tsv")).expect("the index");
    let mut numbers = Numbers(25);
    let others = [
        Value::Null,
        json!(-1),
        json!("\u{7}\"'\n] ="),
        json!("fd00::/7"),
        json!([]),
        json!({}),
        json!([[{ "id": "/" }]]),
        json!("/subscriptions//providers/microsoft.network/virtualnetworks"),
    ];
    for line in index.lines().skip(1) {
        let mut cells = line.split('\t');
        let (Some(kind), Some(file)) = (cells.next(), cells.next()) else { continue };
        let text = std::fs::read_to_string(folder.join(kind).join(file)).expect("a text");
        let Ok(sample) = serde_json::from_str::<Value>(&text) else { continue };
        for _ in 0..TRIES {
            let mut changed = sample.clone();
            for _ in 0..=numbers.below(3) {
                let mut at = numbers.below(count(&changed));
                let to = &others[numbers.below(others.len())];
                change(&mut changed, &mut at, to);
            }
            let Ok(imported) = imported(&[&changed.to_string()]) else { continue };
            let parsed = imported.inventory.parse::<Table>();
            assert!(parsed.is_ok(), "{file}: {parsed:?}: {}", imported.inventory);
        }
    }
}
