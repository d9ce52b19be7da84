//! The hosts of a lab: those of a file, or those that every lab has.

use std::path::Path;

use egress25_lab::network::hosts::{Hosts, default_hosts};
use egress25_policy::World;
use serde::Deserialize;

use crate::read::input::NamedText;
use crate::say::failure::Failure;

/// A file with hosts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostsFile {
    #[serde(default)]
    host: Hosts,
}

/// The hosts of a file, or the ones that every lab has.
pub(super) fn hosts(file: Option<&Path>, world: &World) -> Result<Hosts, Failure> {
    let Some(file) = file else { return Ok(default_hosts(world)) };
    let source = NamedText::read(file)?;
    let parsed: HostsFile = toml::from_str(&source.text)
        .map_err(|error| Failure::from(source.error(error.message(), error.span())))?;
    Ok(parsed.host)
}
