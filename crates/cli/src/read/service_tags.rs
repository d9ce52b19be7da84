//! The file in which Microsoft publishes what service tags stand for.

use ipnet::IpNet;
use serde::Deserialize;

use crate::read::input::NamedText;
use crate::say::failure::Failure;

#[derive(Deserialize)]
struct ServiceTagFile {
    values: Vec<ServiceTag>,
}

#[derive(Deserialize)]
struct ServiceTag {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    address_prefixes: Vec<IpNet>,
}

/// The tags of a file, each with its prefixes.
///
/// # Errors
/// The text is no such file.
pub(super) fn service_tags(file: &NamedText) -> Result<Vec<(String, Vec<IpNet>)>, Failure> {
    let read: ServiceTagFile = serde_json::from_str(file.text.trim_start_matches('\u{feff}')).map_err(|error| {
        let expected = "expected a service-tag file such as ServiceTags_Public_20260101.json: an \
                        object with `values`, each with `name` and `properties.addressPrefixes`";
        Failure::from(file.error(format!("{error}; {expected}"), None))
    })?;
    Ok(read.values.into_iter().map(|tag| (tag.name, tag.properties.address_prefixes)).collect())
}
