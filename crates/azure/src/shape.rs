//! What a text is, told by its shape and never by the file's name.

use serde_json::Value;

use crate::error::NotAnExport;
use crate::fields::{Fields, Look as _};

/// What a text that is no JSON is, where that shows.
pub(crate) fn of_text(text: &str) -> Option<NotAnExport> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let begins =
        |words: &[&str]| lines().any(|line| words.iter().any(|word| line.starts_with(word)));
    let is_bicep = |line: &str| {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("param"), Some(_), Some(kind)) => !kind.starts_with('{'),
            (Some("resource"), Some(_), Some(kind)) => kind.starts_with('\'') && kind.contains('@'),
            (Some("targetScope"), Some("="), _) => true,
            _ => false,
        }
    };
    if lines().any(is_bicep) {
        return Some(NotAnExport::Bicep);
    }
    if begins(&["resource \"", "terraform {", "provider \"", "data \"azurerm", "module \""]) {
        return Some(NotAnExport::TerraformSource);
    }
    // One that is still written, or was cut.
    let start: String = text.chars().take(200).filter(|sign| !sign.is_whitespace()).collect();
    if start.to_ascii_lowercase().starts_with("{\"records\":") {
        return Some(NotAnExport::FlowLog);
    }
    let is_toml = text.parse::<toml::Table>().is_ok_and(|table| !table.is_empty());
    is_toml.then_some(NotAnExport::Toml)
}

/// What a JSON value is instead of an export. Its keys are in the normal form.
pub(crate) fn of_value(value: &Value) -> Option<NotAnExport> {
    match value {
        Value::Array(items) => items.iter().find_map(of_value),
        Value::Object(fields) => of_object(fields),
        _ => None,
    }
}

fn of_object(fields: &Fields) -> Option<NotAnExport> {
    let kind = fields.text("type").unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("microsoft.billing/") {
        return Some(NotAnExport::Billing);
    }
    if kind == "microsoft.network/servicetags" {
        return Some(NotAnExport::ServiceTags);
    }
    // A resource is one whatever keys it has: among many there are those of types that nobody needs.
    let id = fields.text("id").unwrap_or_default().to_ascii_lowercase();
    if id.contains("/providers/") {
        return None;
    }
    let has = |key: &str| fields.contains_key(key);
    let all = |keys: &[&str]| keys.iter().all(|key| fields.contains_key(*key));
    let schema = fields.text("$schema").unwrap_or_default().to_ascii_lowercase();
    if schema.contains("deploymenttemplate")
        || schema.contains("deploymentparameters")
        || all(&["contentversion", "resources"])
    {
        return Some(NotAnExport::ArmTemplate);
    }
    if has("records") || all(&["flowlogversion", "flowrecords"]) || is_flow(fields) {
        return Some(NotAnExport::FlowLog);
    }
    if fields.object("error").is_some_and(|error| error.contains_key("code")) {
        return Some(NotAnExport::ApiError);
    }
    if all(&["changenumber", "cloud", "values"]) {
        return Some(NotAnExport::ServiceTags);
    }
    if fields.object("virtualmachine").is_some_and(|machine| machine.contains_key("network")) {
        return Some(NotAnExport::AddressList);
    }
    let is_answer = all(&["hops", "connectionstatus"])
        || has("targetresourceid")
        || all(&["createddatetime", "resources"])
        || (has("nexthoptype") && !has("addressprefix") && !has("id"))
        || (has("networkinterfaces") && !has("id"))
        || fields.objects("results").any(|one| one.contains_key("networksecuritygroupresult"));
    if is_answer {
        return Some(NotAnExport::NetworkWatcher);
    }
    ["value", "data"].iter().find_map(|key| of_value(fields.get(*key)?))
}

/// Whether an object is a record of a flow log on its own, as in a file with one a line.
fn is_flow(fields: &Fields) -> bool {
    let category = fields.text("category").unwrap_or_default().to_ascii_lowercase();
    category.contains("flowevent") || category == "flowlogflowevent"
}
