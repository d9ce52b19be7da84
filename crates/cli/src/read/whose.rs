//! The inventory that describes who sends: of a file, of the store, or of flags.

use std::path::{Path, PathBuf};

use egress25_exemption_store::StorePlace;
use egress25_policy::shell_word;
use jiff::Timestamp;

use crate::args::WhoseArgs;
use crate::commands::store::inventory as of_store;
use crate::read::edition;
use crate::read::input::{NamedText, stdin_once};
use crate::read::inventory::{InventoryInput, events_of};
use crate::read::sender::SenderFacts;
use crate::say::ask::path_word;
use crate::say::failure::Failure;

/// Whether flags describe who sends, and no file does.
#[must_use]
pub const fn is_described(args: &WhoseArgs) -> bool {
    args.inventory.is_none() && args.store.is_none()
}

/// Makes sure that one thing alone says who sends: a store and an inventory may say different things, and
/// one of them would be believed without a word. A store in memory begins with the inventory.
///
/// # Errors
/// Both are named.
pub fn one_alone(inventory: Option<&Path>, store: Option<&Path>) -> Result<(), Failure> {
    match (inventory, store) {
        (Some(inventory), Some(store)) if StorePlace::from(store) != StorePlace::Memory => {
            Err(Failure::Usage(format!(
                "both `--inventory {}` and `--store {}` say who sends, and may say different things: \
                 name one of them (or the variable of one)",
                path_word(inventory),
                path_word(store)
            )))
        }
        _ => Ok(()),
    }
}

/// Reads it. `typed` are the words of the command before its flags, `beside` what else it reads, and
/// `look` looks at that before anybody is asked about it.
///
/// # Errors
/// Something cannot be read, does not fit together, or is missing and nobody can be asked.
pub fn inventory(
    args: &WhoseArgs,
    beside: &[&PathBuf],
    typed: &str,
    look: impl FnOnce() -> Result<(), Failure>,
) -> Result<InventoryInput, Failure> {
    one_alone(args.inventory.as_deref(), args.store.as_deref())?;
    let inputs = beside.iter().map(|path| path.as_path()).chain(args.inventory.as_deref());
    stdin_once(inputs.chain(args.events.iter().map(PathBuf::as_path)))?;
    if let Some(inventory) = &args.inventory {
        return InventoryInput::load(inventory, &args.events, &args.edition.set);
    }
    let mut inventory = match &args.store {
        Some(store) => of_store(Some(store), &args.edition.set)?,
        None => {
            look()?;
            described(args, typed)?
        }
    };
    for path in &args.events {
        let source = NamedText::read(path)?;
        let events = events_of(&source)?;
        inventory.add_events(source, events);
    }
    Ok(inventory)
}

/// The inventory of what no file describes.
fn described(args: &WhoseArgs, typed: &str) -> Result<InventoryInput, Failure> {
    let chosen = edition::chosen(args.edition.edition.as_deref())?;
    let mut typed = typed.to_owned();
    if let Some(edition) = &args.edition.edition {
        typed.push_str(&format!(" --edition {}", shell_word(edition)));
    }
    for (name, value) in &args.edition.set {
        typed.push_str(&format!(" --set {name}={value}"));
    }
    let facts = SenderFacts::resolve(&args.sender, &chosen, &args.edition.set, &typed)?;
    let text = facts.inventory(None, Timestamp::now());
    InventoryInput::of(NamedText { name: "the flags".to_owned(), text }, &args.edition.set)
}
