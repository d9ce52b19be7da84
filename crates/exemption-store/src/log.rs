//! The seam between the store and the engine that keeps its log.

use std::time::Duration;

use crate::entry::Sealed;
use crate::error::LogError;
use crate::hash::Hash;

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last revision; 0 where there is none.
    pub revision: u64,
    /// Its hash, or that of the beginning.
    pub hash: Hash,
}

/// Reads of one state of a log, whatever others do to it meanwhile.
///
/// # Errors
/// As `read` says, or the log can't be read.
pub(crate) fn of_one_state<T, E: From<LogError>>(
    log: &(impl EventLog + ?Sized),
    read: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let looks = log.look()?;
    let result = read();
    if looks {
        log.look_away();
    }
    result
}

/// An engine that keeps a log: what SQLite, memory, or a cluster must be able to do.
///
/// **What an engine promises.** When [`append`](Self::append) returns `Ok`, the entries are
/// durable, all of them, right after `expected`; when it returns an error, none of them was
/// acknowledged. Entries never change and never go away. Readers see prefixes of the log.
///
/// It is not promised that the bytes are sound: whoever reads checks the seals.
pub trait EventLog {
    /// What to call it in messages, such as a path.
    fn place(&self) -> String;

    /// The bytes that the log began with.
    ///
    /// # Errors
    /// They can't be read.
    fn genesis(&self) -> Result<Vec<u8>, LogError>;

    /// Where the log ends now.
    ///
    /// # Errors
    /// It can't be read.
    fn head(&self) -> Result<Head, LogError>;

    /// Keeps other writers out until the next [`append`](Self::append) or
    /// [`release`](Self::release). Returns false where the engine has no such lock: an append
    /// may come back as a conflict then.
    ///
    /// # Errors
    /// Another writer didn't let go in time, or the log can't be written.
    fn hold(&mut self) -> Result<bool, LogError>;

    /// Lets other writers in again.
    fn release(&mut self);

    /// From here to [`look_away`](Self::look_away), reads see one state of the log, whatever
    /// others do to it meanwhile. Returns false where they do so already, or where the engine
    /// has no such thing.
    ///
    /// # Errors
    /// The log can't be read.
    fn look(&self) -> Result<bool, LogError> {
        Ok(false)
    }

    /// Reads see the newest state again.
    fn look_away(&self) {}

    /// Appends entries after revision `expected`, all or none, and returns when they are durable.
    ///
    /// # Errors
    /// [`LogError::Conflict`] if the log doesn't end there; anything else if they can't be
    /// written.
    fn append(&mut self, expected: u64, entries: &[Sealed]) -> Result<(), LogError>;

    /// The entries after a revision, in order, at most `limit`.
    ///
    /// # Errors
    /// They can't be read.
    fn read(&self, after: u64, limit: usize) -> Result<Vec<Sealed>, LogError>;

    /// The revision of the entry with an idempotency key.
    ///
    /// # Errors
    /// It can't be read.
    fn find_key(&self, key: &str) -> Result<Option<u64>, LogError>;

    /// A watch over the log, with a connection of its own.
    ///
    /// # Errors
    /// The log can't be watched.
    fn watch(&self) -> Result<Box<dyn Watch>, LogError>;

    /// What the engine itself finds wrong in its files; empty if nothing.
    ///
    /// # Errors
    /// They can't be read.
    fn inspect(&self) -> Result<Vec<String>, LogError> {
        Ok(Vec::new())
    }
}

/// A watch over a log.
pub trait Watch: Send {
    /// The entries after a place in the log, as soon as there are any; empty if there are none
    /// for as long as `timeout`. There may be more than one call returns.
    ///
    /// # Errors
    /// The log can't be read, or doesn't lead through that place any more. The next call tries
    /// anew.
    fn next(&mut self, after: Head, timeout: Duration) -> Result<Vec<Sealed>, LogError>;
}
