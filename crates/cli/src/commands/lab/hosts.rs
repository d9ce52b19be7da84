//! The hosts of a lab that a file names.

use std::path::Path;

use egress25_lab::network::hosts::Hosts;
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

/// The hosts of a file.
pub(super) fn read_hosts(file: &Path) -> Result<Hosts, Failure> {
    let source = NamedText::read(file)?;
    let parsed: HostsFile = toml::from_str(&source.text)
        .map_err(|error| Failure::from(source.error(error.message(), error.span())))?;
    Ok(parsed.host)
}
