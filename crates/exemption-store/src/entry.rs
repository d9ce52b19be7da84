//! Entries: an event with who, why and when it was recorded; and entries sealed for the log.

use egress25_policy::{Channel, Event, EventKind, Offer, json_in_sight};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::hash::Hash;
use crate::head::Head;

/// The newest schema of a [`LogEntry`] that this program reads. It writes the first that has what
/// happened, so that an earlier program says of an entry that it needs a later one, and not that
/// the entry is damaged.
pub const ENTRY_SCHEMA: u16 = 2;

/// The first schema that has what happened: that of 0.1.0 knows nothing of firewalls, and not the
/// offer of all other types.
pub(crate) const fn schema_of(kind: &EventKind) -> u16 {
    match kind {
        EventKind::SubscriptionAdded { offer: Offer::AllOtherTypes, .. }
        | EventKind::OfferChanged { offer: Offer::AllOtherTypes, .. }
        | EventKind::FirewallRulesUpdated { .. }
        | EventKind::FirewallStopped { .. }
        | EventKind::FirewallStarted { .. } => 2,
        EventKind::SubscriptionAdded { .. }
        | EventKind::OfferChanged { .. }
        | EventKind::ExemptionAsked { .. }
        | EventKind::ExemptionFurtherSteps { .. }
        | EventKind::ExemptionGranted { .. }
        | EventKind::ExemptionRefused { .. }
        | EventKind::ExemptionRevoked { .. }
        | EventKind::NetworkAdded { .. }
        | EventKind::MachineDeployed { .. }
        | EventKind::MachineStopped { .. }
        | EventKind::MachineDeallocated { .. }
        | EventKind::MachineStarted { .. }
        | EventKind::MachineRestarted { .. }
        | EventKind::MachineRedeployed { .. }
        | EventKind::MachineDeleted { .. }
        | EventKind::GuestShutdown { .. }
        | EventKind::TemporarySubnet { .. } => 1,
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// The version of this layout.
    pub schema: u16,
    /// Its place in the log: 1, 2, 3, without gaps.
    pub revision: u64,
    /// When it was recorded, by the writer's clock; that clock may be wrong.
    #[serde(deserialize_with = "egress25_policy::moment::moment")]
    pub recorded: Timestamp,
    /// Who recorded it.
    pub who: String,
    /// Why; a request's justification (PN3) is in the event. See [`Self::why`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// By which channel; a request's is in the event. See [`Self::channel`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The idempotency key: a second append with it does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What happened; `at` is when it took effect.
    pub event: Event,
}

impl LogEntry {
    /// Why it happened: the request's justification, or what the writer said.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match &self.event.kind {
            EventKind::ExemptionAsked { why: Some(why), .. } => Some(why),
            _ => self.why.as_deref(),
        }
    }

    /// The channel of the request, or the one that the writer said.
    #[must_use]
    pub const fn channel(&self) -> Option<Channel> {
        match &self.event.kind {
            EventKind::ExemptionAsked { channel: Some(channel), .. } => Some(*channel),
            _ => self.channel,
        }
    }

    /// Seals the entry behind the one whose hash is given.
    ///
    /// # Errors
    /// The entry can't be written as JSON, which doesn't happen.
    pub fn seal(&self, previous: &Hash) -> Result<Sealed, StoreError> {
        let body = serde_json::to_string(self).map_err(|error| StoreError::Entry {
            revision: self.revision,
            what: error.to_string(),
        })?;
        // Its bytes are what an export shows.
        let body = json_in_sight(body).into_bytes();
        Ok(Sealed {
            revision: self.revision,
            key: self.key.clone(),
            checksum: crc32fast::hash(&body),
            hash: Hash::of(&[previous.as_bytes(), &body]),
            body,
        })
    }
}

/// An entry as a log keeps it: its bytes, their checksum, and the hash that chains it to all
/// before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its place in the log.
    pub revision: u64,
    /// Its idempotency key, for engines that index it; empty when read back.
    pub key: Option<String>,
    /// The entry's canonical bytes: JSON.
    pub body: Vec<u8>,
    /// CRC-32 (IEEE 802.3) of the bytes: tells damage from a change.
    pub checksum: u32,
    /// SHA-256 of the hash before and the bytes.
    pub hash: Hash,
}

impl Sealed {
    /// Checks the seal against the hash of the entry before, and opens it.
    ///
    /// # Errors
    /// The bytes don't match the checksum (damage) or the chain (a change), or aren't an entry
    /// of this place.
    pub fn open(&self, previous: &Hash) -> Result<LogEntry, StoreError> {
        let wrong = |what: String| StoreError::Entry { revision: self.revision, what };
        if crc32fast::hash(&self.body) != self.checksum {
            return Err(wrong("its bytes don't match their checksum".to_owned()));
        }
        if Hash::of(&[previous.as_bytes(), &self.body]) != self.hash {
            return Err(wrong("the hash chain breaks there".to_owned()));
        }
        let entry = self.peek()?;
        if entry.revision != self.revision {
            return Err(wrong(format!("it says that it is revision {}", entry.revision)));
        }
        Ok(entry)
    }

    /// Opens it as the entry that is next behind a head.
    ///
    /// # Errors
    /// It has another place, or as [`Self::open`] says.
    pub(crate) fn open_behind(&self, head: Head) -> Result<LogEntry, StoreError> {
        let next = head.revision.saturating_add(1);
        if self.revision != next {
            let what = format!("revision {next} should stand in its place");
            return Err(StoreError::Entry { revision: self.revision, what });
        }
        self.open(&head.hash)
    }

    /// Where a log ends whose last entry it is.
    pub(crate) const fn head(&self) -> Head {
        Head { revision: self.revision, hash: self.hash }
    }

    /// Reads the entry without checking its seal.
    ///
    /// # Errors
    /// The bytes are no entry, or one of a later schema.
    pub fn peek(&self) -> Result<LogEntry, StoreError> {
        #[derive(Deserialize)]
        struct Schema {
            schema: u16,
        }
        let is_known = |schema: u16| (1..=ENTRY_SCHEMA).contains(&schema);
        match serde_json::from_slice::<LogEntry>(&self.body) {
            Ok(entry) if is_known(entry.schema) => Ok(entry),
            read => {
                let schema = serde_json::from_slice::<Schema>(&self.body).map(|read| read.schema);
                Err(match (schema, read) {
                    (Ok(found), _) if !is_known(found) => StoreError::EntrySchema {
                        revision: self.revision,
                        found,
                        known: ENTRY_SCHEMA,
                    },
                    (_, Err(error)) => {
                        StoreError::Entry { revision: self.revision, what: error.to_string() }
                    }
                    (_, Ok(_)) => StoreError::Entry {
                        revision: self.revision,
                        what: "its schema can't be read".to_owned(),
                    },
                })
            }
        }
    }
}
