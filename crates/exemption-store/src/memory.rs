//! A log in memory: for trials, and as the model that the others are compared with.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::entry::Sealed;
use crate::error::{LogError, StoreError};
use crate::genesis::Genesis;
use crate::log::{EventLog, Head, Watch};

#[derive(Debug)]
struct Kept {
    genesis: Vec<u8>,
    entries: Vec<Sealed>,
    keys: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    appended: Condvar,
}

/// A log in memory; clones share it. It has no lock to hold: writers meet as conflicts.
#[derive(Debug, Clone)]
pub struct MemoryLog(Arc<Shared>);

impl MemoryLog {
    /// A new log.
    ///
    /// # Errors
    /// The beginning can't be written as JSON, which doesn't happen.
    pub fn new(genesis: &Genesis) -> Result<Self, StoreError> {
        let kept =
            Kept { genesis: genesis.to_bytes()?, entries: Vec::new(), keys: BTreeMap::new() };
        Ok(Self(Arc::new(Shared { kept: Mutex::new(kept), appended: Condvar::new() })))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change is made whole before the lock is let go.
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after(kept: &Kept, revision: u64, limit: usize) -> Vec<Sealed> {
    let skip = usize::try_from(revision).unwrap_or(usize::MAX);
    kept.entries.iter().skip(skip).take(limit).cloned().collect()
}

impl EventLog for MemoryLog {
    fn place(&self) -> String {
        ":memory:".to_owned()
    }

    fn genesis(&self) -> Result<Vec<u8>, LogError> {
        Ok(self.kept().genesis.clone())
    }

    fn head(&self) -> Result<Head, LogError> {
        let kept = self.kept();
        Ok(kept.entries.last().map_or_else(
            || Head { revision: 0, hash: Genesis::hash_of(&kept.genesis) },
            |last| Head { revision: last.revision, hash: last.hash },
        ))
    }

    fn hold(&mut self) -> Result<bool, LogError> {
        Ok(false)
    }

    fn release(&mut self) {}

    fn append(&mut self, expected: u64, entries: &[Sealed]) -> Result<(), LogError> {
        let mut kept = self.kept();
        let actual = kept.entries.last().map_or(0, |last| last.revision);
        if actual != expected {
            return Err(LogError::Conflict { expected, actual });
        }
        for sealed in entries {
            if let Some(key) = &sealed.key {
                kept.keys.insert(key.clone(), sealed.revision);
            }
            // As from any other engine, the key is read back from the bytes alone.
            kept.entries.push(Sealed { key: None, ..sealed.clone() });
        }
        self.0.appended.notify_all();
        Ok(())
    }

    fn read(&self, after_revision: u64, limit: usize) -> Result<Vec<Sealed>, LogError> {
        Ok(after(&self.kept(), after_revision, limit))
    }

    fn find_key(&self, key: &str) -> Result<Option<u64>, LogError> {
        Ok(self.kept().keys.get(key).copied())
    }

    fn watch(&self) -> Result<Box<dyn Watch>, LogError> {
        Ok(Box::new(MemoryWatch(self.clone())))
    }
}

struct MemoryWatch(MemoryLog);

impl Watch for MemoryWatch {
    fn next(&mut self, head: Head, timeout: Duration) -> Result<Vec<Sealed>, LogError> {
        let nothing = |kept: &mut Kept| after(kept, head.revision, 1).is_empty();
        let kept = self.0.kept();
        let (kept, _) = self
            .0
            .0
            .appended
            .wait_timeout_while(kept, timeout, nothing)
            .unwrap_or_else(PoisonError::into_inner);
        Ok(after(&kept, head.revision, usize::MAX))
    }
}
