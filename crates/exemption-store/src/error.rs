//! What can go wrong: with the engine that keeps the log, and with the store on top of it.

use std::time::Duration;

use egress25_policy::{InventoryError, Refused, UnfitAddressSpace, UnfitName, shell_word};
use jiff::Timestamp;

use crate::hash::Hash;

/// What went wrong in the engine that keeps the log. Nothing that was acknowledged is undone by
/// any of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// There is no store at the place.
    #[error("there is no store at `{place}`; `egress25 store init --store {}` begins one", shell_word(.place))]
    NotFound {
        /// Where it was looked for.
        place: String,
    },
    /// There is something at the place already.
    #[error("there is a file at `{place}` already; nothing was changed")]
    Exists {
        /// The place.
        place: String,
    },
    /// The file is something else.
    #[error("`{place}` is no egress25 store: {what}")]
    NotAStore {
        /// The file.
        place: String,
        /// How that shows.
        what: String,
    },
    /// The file was written by a later version of the program.
    #[error(
        "store `{place}` has schema {found}, but this program knows up to {known}; use the \
         version that wrote it, or a later one"
    )]
    Newer {
        /// The file.
        place: String,
        /// Its schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The file was written by an earlier version of the program.
    #[error(
        "store `{place}` has schema {found}, and this program works with {known}; \
         `egress25 store migrate --store {}` brings it up to date and keeps a copy",
        shell_word(.place)
    )]
    Older {
        /// The file.
        place: String,
        /// Its schema.
        found: i64,
        /// The one that this program works with.
        known: i64,
    },
    /// The file may not be read or written.
    #[error("store `{place}` can't be used: {what}")]
    Access {
        /// The file.
        place: String,
        /// What is in the way.
        what: String,
    },
    /// No space is left.
    #[error(
        "no space is left for store `{place}` ({what}); nothing was written: make room and try \
         again"
    )]
    Full {
        /// The file.
        place: String,
        /// What the engine said.
        what: String,
    },
    /// Another process kept the store locked.
    #[error(
        "store `{place}` is locked: another process has been writing for more than {} ms; nothing \
         was written, try again", .waited.as_millis()
    )]
    Busy {
        /// The file.
        place: String,
        /// How long this process waited.
        waited: Duration,
    },
    /// Reading or writing failed.
    #[error(
        "reading or writing store `{place}` failed ({what}): is there space left beside it? What was \
         acknowledged stands; what this was to write was not: try again, with the same idempotency \
         key where there is one"
    )]
    Io {
        /// The file.
        place: String,
        /// What the engine said.
        what: String,
    },
    /// The file was removed or replaced while it was open.
    #[error(
        "`{place}` was removed, or another file was put in its place, while the store was open; \
         this entry was not acknowledged: put the file back, or take a backup with `egress25 store \
         restore BACKUP --store {}`, and open the store anew",
        shell_word(.place)
    )]
    Removed {
        /// The file.
        place: String,
    },
    /// The file is damaged.
    #[error(
        "store `{place}` is damaged: {what}; `egress25 store restore BACKUP --store {}` takes a backup",
        shell_word(.place)
    )]
    Damaged {
        /// The file.
        place: String,
        /// How that shows.
        what: String,
    },
    /// Entries that had been acknowledged are not there any more.
    #[error(
        "store `{place}` has lost entries: revision {witnessed} was there, but the log ends at \
         {revision} or goes another way; `egress25 store restore BACKUP --store {}` takes a backup",
        shell_word(.place)
    )]
    Lost {
        /// The file.
        place: String,
        /// Where the log ends.
        revision: u64,
        /// The last revision that is known to have been acknowledged.
        witnessed: u64,
    },
    /// Somebody else appended first.
    #[error("expected the log to end at revision {expected}, but it ends at {actual}")]
    Conflict {
        /// What the writer expected.
        expected: u64,
        /// What it is.
        actual: u64,
    },
    /// Anything else that the engine says.
    #[error("store `{place}`: {what}")]
    Engine {
        /// The file.
        place: String,
        /// What the engine said.
        what: String,
    },
}

/// What went wrong in the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The engine.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The state machines forbid the event; nothing was written.
    #[error("`{kind}` is refused: {refused}; nothing was written")]
    Refused {
        /// The kind of the event.
        kind: &'static str,
        /// Why, with the statements that forbid it.
        refused: Refused,
    },
    /// The event begins something by a name that is none.
    #[error("`{kind}` is refused: {unfit}; nothing was written")]
    Name {
        /// The kind of the event.
        kind: &'static str,
        /// The name.
        unfit: UnfitName,
    },
    /// The event begins a network with an address space that none has.
    #[error("`{kind}` is refused: {unfit}; nothing was written")]
    AddressSpace {
        /// The kind of the event.
        kind: &'static str,
        /// The prefix.
        unfit: UnfitAddressSpace,
    },
    /// The event would take effect before an earlier one about the same thing.
    #[error(
        "`{kind}` would take effect at {at}, before revision {revision}'s, which is about \
         {subject} and took effect at {floor}; nothing was written: give a later time, or none"
    )]
    Backdated {
        /// The kind of the event.
        kind: &'static str,
        /// When it would take effect.
        at: Timestamp,
        /// What both are about.
        subject: String,
        /// When the earlier one took effect.
        floor: Timestamp,
        /// The revision that took effect then.
        revision: u64,
    },
    /// The idempotency key stands for something else.
    #[error(
        "idempotency key `{key}` was used for another event at revision {revision}; nothing was \
         written"
    )]
    KeyTaken {
        /// The key.
        key: String,
        /// Where it was used.
        revision: u64,
    },
    /// An entry is not what was written.
    #[error("revision {revision} is damaged or was changed: {what}")]
    Entry {
        /// The revision.
        revision: u64,
        /// How that shows.
        what: String,
    },
    /// A later version of the program wrote the entry.
    #[error(
        "revision {revision} has entry schema {found}, but this program knows up to {known}; use a \
         later version"
    )]
    EntrySchema {
        /// The revision.
        revision: u64,
        /// Its schema.
        found: u16,
        /// The newest that this program knows.
        known: u16,
    },
    /// An entry that was accepted once doesn't fit the policy as this program has it.
    #[error("revision {revision} doesn't fit this program's policy: {refused}")]
    Unfoldable {
        /// The revision.
        revision: u64,
        /// Why.
        refused: Refused,
    },
    /// What the log begins with can't be built.
    #[error("what the log begins with doesn't fit: {what}")]
    Genesis {
        /// What doesn't fit.
        what: String,
    },
    /// The inventory that the log begins with.
    #[error("the inventory that the log begins with: {}", .0.what)]
    Inventory(InventoryError),
    /// An import isn't what an export wrote.
    #[error("line {line} of the import: {what}; nothing was kept")]
    Import {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Reading or writing an export failed.
    #[error("the export: {what}")]
    Stream {
        /// What the system said.
        what: String,
    },
    /// The head is not the one that was noted.
    #[error("revision {revision} has hash {found}, but {noted} was noted; the log was changed")]
    Anchor {
        /// The revision.
        revision: u64,
        /// Its hash in the log.
        found: Hash,
        /// What was noted.
        noted: Hash,
    },
}
