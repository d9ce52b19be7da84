//! The durable, append-only log of what happened to subscriptions and machines.
//!
//! The log is the truth; the [`World`](egress25_policy::World) at any time is its fold. A
//! [`SqliteLog`] keeps sealed entries; a [`Store`] puts the policy on top: it refuses what the
//! state machines forbid, and keeps the fold. A [`Follower`] is a reader that keeps up with what
//! other processes write.
//!
//! **Order is the revision's, always.** An entry's effective time never lies before that of an
//! earlier entry about the same subscription, machine, network or address, so
//! that folding by revision and folding by effective time lead to the same world.
//!
//! Nothing here reads a clock, prints, or looks at the environment.

mod clocks;
mod entry;
mod error;
mod fold;
mod follower;
mod genesis;
mod hash;
mod head;
mod ndjson;
mod new_entry;
mod sqlite;
mod store;
mod verify;

pub use entry::{ENTRY_SCHEMA, LogEntry, Sealed};
pub use error::{LogError, StoreError};
pub use fold::Fold;
pub use follower::{Follower, FollowerState};
pub use genesis::Genesis;
pub use hash::Hash;
pub use head::Head;
pub use ndjson::{export, import};
pub use new_entry::{AppendOutcome, Backdated, ExpectedRevision, NeverGranted, NewEntry};
pub use sqlite::{
    BESIDE, Keep, SqliteLog, SqliteOptions, StorePlace, beside, files_of, foreign_beside, one_name,
};
pub use store::Store;
pub use verify::{Finding, VerifyReport, verify};
