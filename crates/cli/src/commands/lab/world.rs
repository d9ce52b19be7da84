//! The world of an inventory as of some time.

use std::path::Path;

use egress25_lab::network::hosts::{Hosts, default_hosts};
use egress25_policy::World;
use jiff::Timestamp;
use serde::Deserialize;

use crate::args::EditionArgs;
use crate::read::input::NamedText;
use crate::read::inventory::InventoryInput;
use crate::say::failure::Failure;

/// The world of an inventory, with everything that had happened at some time.
pub(in crate::commands) fn as_of(
    inventory: &Path,
    edition: &EditionArgs,
    at: Option<Timestamp>,
) -> Result<World, Failure> {
    let input = InventoryInput::load(inventory, &[], &edition.set)?;
    let edition = input.edition(edition.edition.as_deref())?;
    let mut timeline = input.timeline(&edition)?;
    timeline
        .advance(Some(at.unwrap_or_else(Timestamp::now)), |_, _, _| {})
        .map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(timeline.world().clone())
}

/// A file with hosts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostsFile {
    #[serde(default)]
    host: Hosts,
}

/// The hosts of a file, or the ones that every lab has.
pub(in crate::commands) fn hosts(file: Option<&Path>, world: &World) -> Result<Hosts, Failure> {
    let Some(file) = file else { return Ok(default_hosts(world)) };
    let source = NamedText::read(file)?;
    let parsed: HostsFile = toml::from_str(&source.text)
        .map_err(|error| Failure::from(source.error(error.message(), error.span())))?;
    Ok(parsed.host)
}
