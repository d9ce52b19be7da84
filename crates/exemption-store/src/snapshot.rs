//! Snapshots of the fold: opening a long log reads the newest sound one and the tail after it.
//!
//! A snapshot is a shortcut, never the truth: one that is damaged, belongs to another log, or was
//! made under another policy is ignored, and said to be.

use egress25_policy::{Edition, WorldState};
use serde::{Deserialize, Serialize};

use crate::clocks::Clocks;
use crate::error::StoreError;
use crate::fold::Fold;
use crate::hash::Hash;
use crate::log::{EventLog, StoredSnapshot};

/// The version of a snapshot's layout, and of what the policy makes of events: raised whenever
/// either changes, so that older snapshots are made anew.
const SNAPSHOT_FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    format: u32,
    /// The hash of the edition's data and of the settings.
    policy: Hash,
    /// The hash that the log began with.
    genesis: Hash,
    revision: u64,
    /// The chain's hash after that revision.
    hash: Hash,
    clocks: Clocks,
    state: WorldState,
}

/// A snapshot of a fold.
///
/// # Errors
/// It can't be written as JSON, which doesn't happen.
pub(crate) fn take(fold: &Fold, genesis: &[u8]) -> Result<StoredSnapshot, StoreError> {
    let body = Body {
        format: SNAPSHOT_FORMAT,
        policy: fingerprint(fold)?,
        genesis: Hash::of(&[genesis]),
        revision: fold.head.revision,
        hash: fold.head.hash,
        clocks: fold.clocks.clone(),
        state: fold.world.state(),
    };
    let body = serde_json::to_vec(&body).map_err(|error| unwritable(&error))?;
    let checksum = Hash::of(&[&body]);
    Ok(StoredSnapshot { revision: fold.head.revision, checksum, body })
}

fn unwritable(error: &serde_json::Error) -> StoreError {
    StoreError::Genesis { what: error.to_string() }
}

/// What the meaning of events rests on: the edition's data and the settings.
fn fingerprint(fold: &Fold) -> Result<Hash, StoreError> {
    let edition: &Edition = &fold.world.edition;
    let edition = serde_json::to_vec(edition).map_err(|error| unwritable(&error))?;
    let settings = serde_json::to_vec(&fold.world.settings).map_err(|error| unwritable(&error))?;
    Ok(Hash::of(&[&edition, b"\n", &settings]))
}

/// The fold that a snapshot stands for; `beginning` is the fold of no entry.
///
/// # Errors
/// Why the snapshot can't be trusted.
pub(crate) fn load(
    stored: &StoredSnapshot,
    log: &dyn EventLog,
    genesis: &[u8],
    beginning: &Fold,
) -> Result<Fold, String> {
    if Hash::of(&[&stored.body]) != stored.checksum {
        return Err("its bytes don't match their checksum".to_owned());
    }
    let body: Body = serde_json::from_slice(&stored.body).map_err(|error| error.to_string())?;
    if body.format != SNAPSHOT_FORMAT {
        return Err(format!("its format is {}, not {SNAPSHOT_FORMAT}", body.format));
    }
    if body.genesis != Hash::of(&[genesis]) {
        return Err("it belongs to another log".to_owned());
    }
    if body.policy != fingerprint(beginning).map_err(|error| error.to_string())? {
        return Err("it was made under another edition or other settings".to_owned());
    }
    if body.revision != stored.revision || body.revision == 0 {
        return Err(format!("it says that it is of revision {}", body.revision));
    }
    let there = log.read(body.revision.saturating_sub(1), 1).map_err(|error| error.to_string())?;
    if there.first().map(|sealed| (sealed.revision, sealed.hash))
        != Some((body.revision, body.hash))
    {
        return Err("the log goes another way there".to_owned());
    }
    Ok(Fold {
        world: beginning.world.clone().with_state(body.state),
        clocks: body.clocks,
        head: crate::log::Head { revision: body.revision, hash: body.hash },
        listed: beginning.listed,
    })
}
