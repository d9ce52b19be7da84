//! `schema`: the JSON schemas of the files that users write.

use serde_json::{Value, json};

use crate::args::{SchemaArgs, SchemaKind};
use crate::console::Console;
use crate::failure::Failure;
use crate::output;

/// Prints a schema.
///
/// # Errors
/// The reader has gone, or the write failed.
pub fn run(args: &SchemaArgs, console: &mut Console) -> Result<(), Failure> {
    output::json(console, &schema(args.file))
}

/// The schema of a file.
#[must_use]
pub fn schema(file: SchemaKind) -> Value {
    let lab = egress25_policy::lab_schema().to_value();
    match file {
        SchemaKind::Lab => lab,
        SchemaKind::Events => events(&lab),
    }
}

/// A file with events alone: the `event` list of a lab.
fn events(lab: &Value) -> Value {
    json!({
        "$schema": lab.get("$schema"),
        "title": "egress25 events file",
        "description": "What happened, in any order.",
        "type": "object",
        "properties": { "event": lab.pointer("/properties/event") },
        "additionalProperties": false,
        "$defs": lab.get("$defs"),
    })
}
