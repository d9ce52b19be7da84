//! `schema`: the JSON schemas of the files that users write.

use serde_json::{Map, Value, json};

use crate::args::{SchemaArgs, SchemaKind};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

/// Prints a schema.
///
/// # Errors
/// The write failed.
pub fn run(args: &SchemaArgs, console: &mut Console) -> Result<(), Failure> {
    output::json(console, &schema(args.file))
}

/// The schema of a file.
#[must_use]
pub fn schema(file: SchemaKind) -> Value {
    let inventory = egress25_policy::inventory_schema().to_value();
    match file {
        SchemaKind::Inventory => inventory,
        SchemaKind::Events => events(&inventory),
    }
}

/// A file with events alone: the `event` list of an inventory, with the definitions that it needs.
fn events(inventory: &Value) -> Value {
    let list = inventory.pointer("/properties/event").cloned().unwrap_or_default();
    let mut needed = Map::new();
    let mut waiting = references(&list);
    while let Some(name) = waiting.pop() {
        if let Some(found) = inventory.pointer(&format!("/$defs/{name}"))
            && needed.insert(name, found.clone()).is_none()
        {
            waiting.extend(references(found));
        }
    }
    json!({
        "$schema": inventory.get("$schema"),
        "title": "egress25 events file",
        "description": "What happened, in any order.",
        "type": "object",
        "properties": { "event": list },
        "additionalProperties": false,
        "$defs": needed,
    })
}

/// The names of the definitions that a part of a schema refers to.
fn references(part: &Value) -> Vec<String> {
    match part {
        Value::Object(object) => {
            let reference = object.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|text| text.strip_prefix("#/$defs/")).map(str::to_owned);
            name.into_iter().chain(object.values().flat_map(references)).collect()
        }
        Value::Array(list) => list.iter().flat_map(references).collect(),
        _ => vec![],
    }
}
