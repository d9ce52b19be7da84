//! Events of a file, and what such an event may begin.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::file::error::{InventoryError, bad, syntax};
use crate::file::most::{self, at_most};
use crate::life::event::{Event, EventKind, FlatEvent};
use crate::world::address_space::fit_for_an_address_space;
use crate::world::build::numbered;
use crate::world::name::fit_for_a_name;

/// A file with events alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsFile {
    #[serde(default, deserialize_with = "numbered_events")]
    event: Vec<Event>,
}

/// Events of a list; of one that is none the error says which it is, from 0.
pub(super) fn numbered_events<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Event>, D::Error> {
    let read = |(number, flat)| {
        Event::try_from(flat).map_err(|error| D::Error::custom(format!("event[{number}]: {error}")))
    };
    Vec::<FlatEvent>::deserialize(list)?.into_iter().enumerate().map(read).collect()
}

/// Reads a file with events alone: `[[event]]` tables.
///
/// # Errors
/// What is wrong with it, and where; what begins in it is held to what inventories are held to.
pub fn parse_events(text: &str) -> Result<Vec<Event>, InventoryError> {
    let file: EventsFile = toml::from_str(text).map_err(|error| syntax(text, &error))?;
    check_events(&file.event)?;
    Ok(file.event)
}

/// Refuses events that begin something which [`EventKind::check_what_begins`] refuses; the key has
/// the event's number, from 0.
pub(super) fn check_events(events: &[Event]) -> Result<(), InventoryError> {
    for (event_key, event) in numbered("event".to_owned(), events) {
        event.kind.check_what_begins().map_err(|error| {
            let key = error.key.unwrap_or_default();
            InventoryError { key: Some(format!("{event_key}.{key}")), ..error }
        })?;
    }
    Ok(())
}

impl EventKind {
    /// Refuses a name by which nothing new is called ([`fit_for_a_name`]), and an address space that
    /// no new network has ([`fit_for_an_address_space`]) or that is far too long. What a store's log has
    /// begun is not asked.
    ///
    /// # Errors
    /// It begins something so, with the key of the event.
    pub fn check_what_begins(&self) -> Result<(), InventoryError> {
        if let Some((key, name)) = self.begun() {
            fit_for_a_name(name).map_err(|unfit| bad(key, unfit.to_string()))?;
        }
        at_most("address_space".to_owned(), self.address_space().len(), most::PREFIXES)?;
        for prefix in self.address_space() {
            let fits = fit_for_an_address_space(prefix);
            fits.map_err(|unfit| bad("address_space", unfit.to_string()))?;
        }
        Ok(())
    }
}
