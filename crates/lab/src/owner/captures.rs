//! How many captures are being written: the lab waits for them at its end.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long the lab waits at its end for captures to be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many captures are being written.
#[derive(Debug, Default)]
pub(super) struct Captures {
    count: Mutex<usize>,
    fewer: Condvar,
}

impl Captures {
    pub(super) fn begin(&self) -> Capturing<'_> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_add(1);
        Capturing(self)
    }

    /// Waits until none is written any more, or for so long that something is wrong with one.
    pub(super) fn wait(&self) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits for the answer of one that was not written learns it by the lab's end.
        let _ = self.fewer.wait_timeout_while(count, PATIENCE, |count| *count > 0);
    }
}

/// Counts for a capture until it ends.
pub(super) struct Capturing<'a>(&'a Captures);

impl Drop for Capturing<'_> {
    fn drop(&mut self) {
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        self.0.fewer.notify_all();
    }
}
