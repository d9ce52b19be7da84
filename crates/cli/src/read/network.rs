//! The networks of a world, by the names that the user types.

use egress25_policy::{NetworkName, World, first_few, nearest};

use crate::say::failure::Failure;

/// The network with a name.
///
/// # Errors
/// There is none; the error says which there are.
pub fn named(world: &World, name: &str) -> Result<NetworkName, Failure> {
    let found = world.networks().get_key_value(name);
    found.map(|(name, _)| name.clone()).ok_or_else(|| {
        let known = nearest(name, world.networks().keys().map(NetworkName::as_str));
        Failure::Usage(format!("the inventory has no network `{name}`; its networks are: {known}"))
    })
}

/// The network that is meant: the one with the name, or the only one.
///
/// # Errors
/// There is none with the name, or no name is given and there are several or none.
pub fn named_or_only(world: &World, name: Option<&str>) -> Result<NetworkName, Failure> {
    if let Some(name) = name {
        return named(world, name);
    }
    let mut names = world.networks().keys();
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => {
            let known = first_few(world.networks().keys().map(NetworkName::as_str));
            Err(Failure::Usage(format!("say which network with `--network`: {known}")))
        }
    }
}
