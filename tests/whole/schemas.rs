//! The JSON schemas that are shipped.

use crate::program::{repository, stdout};

#[test]
fn the_shipped_schemas_are_what_the_program_prints() {
    for (file, line) in
        [("inventory.schema.json", "schema inventory"), ("events.schema.json", "schema events")]
    {
        let path = repository().join("fixtures").join(file);
        let printed = stdout(line);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &printed).expect("written");
        }
        let shipped = std::fs::read_to_string(&path).expect("the schema");
        assert!(shipped == printed, "{file} is old: `egress25 {line} > fixtures/{file}`");
    }
}

#[test]
fn no_reference_of_a_schema_dangles() {
    for line in ["schema inventory", "schema events"] {
        let text = stdout(line);
        let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let defined = schema["$defs"].as_object().expect("definitions");
        for part in text.split("\"#/$defs/").skip(1) {
            let name = part.split('"').next().expect("a name");
            assert!(defined.contains_key(name), "{line}: {name}");
        }
    }
}
