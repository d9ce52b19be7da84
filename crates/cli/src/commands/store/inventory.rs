//! A store as the other commands take an inventory: its world at the beginning, and its events.

use std::path::Path;

use crate::read::input::NamedText;
use crate::read::inventory::InventoryInput;
use crate::say::failure::Failure;

use crate::commands::store::place;

/// The inventory that a store stands for: `check` and `replay` move through its events by time.
/// `None` stands for the default store.
///
/// # Errors
/// The store isn't there or isn't sound.
pub fn inventory(path: Option<&Path>, set: &[(String, String)]) -> Result<InventoryInput, Failure> {
    let path = place::path(path)?;
    let store = place::open_at(&path)?;
    let genesis = store.genesis()?;
    let mut all: Vec<_> = genesis.settings.into_iter().collect();
    all.extend(set.iter().cloned());
    let name = path.display().to_string();
    let source = NamedText { name: name.clone(), text: genesis.inventory.unwrap_or_default() };
    let (_, events) = store.history()?;
    let log = NamedText { name, text: String::new() };
    InventoryInput::of_log(source, &all, genesis.edition, (log, events))
}
