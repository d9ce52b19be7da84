//! A reader that keeps up with what other processes append, and survives a store that fails.

use std::time::Duration;

use egress25_policy::{Applied, World};

use crate::entry::LogEntry;
use crate::error::StoreError;
use crate::fold::Fold;
use crate::head::Head;
use crate::sqlite::SqliteWatch;
use crate::store::Store;

/// How a follower stands to its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowerState {
    /// It has seen everything up to the last poll.
    Current,
    /// The log can't be read: the world is the last good one, and may be out of date.
    Stale {
        /// What is wrong.
        error: StoreError,
    },
}

/// Keeps a world up to date with a log, through a connection of its own.
///
/// Each entry is told with [`Applied`]: which machines' verdicts may be others now. A consumer
/// patches those entries of its table; only a change of structure needs a new table.
///
/// **When the log fails, the last good world stays**, and [`Self::state`] says so; the next poll
/// tries again.
pub struct Follower {
    watch: SqliteWatch,
    fold: Fold,
    state: FollowerState,
}

impl Store {
    /// A follower that goes on from what this store has seen.
    ///
    /// # Errors
    /// The log can't be watched.
    pub fn follow(&self) -> Result<Follower, StoreError> {
        let fold = self.fold().clone();
        let watch = SqliteWatch::over(self.log())?;
        Ok(Follower { watch, fold, state: FollowerState::Current })
    }
}

impl Follower {
    /// The world as last seen.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.fold.world
    }

    /// The last revision that was seen, and its hash.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.fold.head
    }

    /// How it stands to its log.
    #[must_use]
    pub const fn state(&self) -> &FollowerState {
        &self.state
    }

    /// Waits at most `timeout` for new entries, and tells each with what it changed and the world
    /// after it. That the log failed, [`Self::state`] says.
    pub fn poll(&mut self, timeout: Duration, seen: impl FnMut(&LogEntry, &Applied, &World)) {
        self.state = match self.step(timeout, seen) {
            Ok(()) => FollowerState::Current,
            Err(error) => FollowerState::Stale { error },
        };
    }

    fn step(
        &mut self,
        timeout: Duration,
        mut seen: impl FnMut(&LogEntry, &Applied, &World),
    ) -> Result<(), StoreError> {
        for sealed in self.watch.next(self.fold.head, timeout)? {
            let (entry, applied) = self.fold.take(&sealed)?;
            seen(&entry, &applied, &self.fold.world);
        }
        Ok(())
    }
}
