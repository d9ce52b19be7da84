//! What a log begins with: an edition, settings, and the inventory whose world the events change.

use std::collections::BTreeMap;

use egress25_policy::{Edition, Event, InventoryFile, World, json_in_sight};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::hash::Hash;

/// The schema of [`Genesis`] that this program writes.
const GENESIS_SCHEMA: u16 = 1;

/// What a log begins with. It never changes afterwards, and the hash chain begins with it: the
/// same log means the same world to every process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The version of this layout; 1.
    pub schema: u16,
    /// When the log was begun.
    #[serde(deserialize_with = "egress25_policy::moment::moment")]
    pub begun: Timestamp,
    /// The edition of the article, such as `2020-12`.
    pub edition: String,
    /// Settings that were set, by name; those of the inventory are in the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The text of the inventory. Stores have it as `lab`, and their hash chains begin with that.
    #[serde(rename = "lab", default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<String>,
}

impl Genesis {
    /// A log that begins with an empty world under an edition.
    #[must_use]
    pub fn new(begun: Timestamp, edition: &str) -> Self {
        Self {
            schema: GENESIS_SCHEMA,
            begun,
            edition: edition.to_owned(),
            settings: BTreeMap::new(),
            inventory: None,
        }
    }

    /// The same, with an inventory's world.
    #[must_use]
    pub fn with_inventory(mut self, text: &str) -> Self {
        self.inventory = Some(text.to_owned());
        self
    }

    /// The same, with a setting.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The world at the beginning, and the events that the inventory lists: whoever begins a log
    /// appends them.
    ///
    /// # Errors
    /// An unknown edition or setting, or an inventory that doesn't fit.
    pub fn build(&self) -> Result<(World, Vec<Event>), StoreError> {
        let wrong = |what: String| StoreError::Genesis { what };
        if self.schema != GENESIS_SCHEMA {
            return Err(wrong(format!(
                "its schema is {}; this program knows {GENESIS_SCHEMA}",
                self.schema
            )));
        }
        let edition = Edition::named(&self.edition).map_err(|error| wrong(error.to_string()))?;
        if let Some(text) = &self.inventory {
            let set: Vec<_> =
                self.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            let inventory = InventoryFile::parse(text)
                .and_then(|file| file.build(&edition, &set))
                .map_err(StoreError::Inventory)?;
            return Ok((inventory.world, inventory.events));
        }
        let settings = edition.default_settings().and_then(|own| own.with(&self.settings));
        let settings = settings.map_err(|error| wrong(error.to_string()))?;
        Ok((World::new(edition, settings), Vec::new()))
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// None in practice; the JSON writer's.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        let text = serde_json::to_string(self);
        // Its bytes are what an export shows.
        text.map(|text| json_in_sight(text).into_bytes())
            .map_err(|error| StoreError::Genesis { what: error.to_string() })
    }

    /// A beginning from its canonical bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|error| StoreError::Genesis { what: error.to_string() })
    }

    /// The hash with which the chain begins.
    pub(crate) fn hash_of(bytes: &[u8]) -> Hash {
        Hash::of(&[b"egress25 exemption store, genesis\n", bytes])
    }
}
