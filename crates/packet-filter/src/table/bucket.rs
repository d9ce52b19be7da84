//! A bucket of senders: one cache line.

use std::sync::atomic::{AtomicU32, Ordering};

/// Keys in a bucket.
pub(crate) const LANES: usize = 8;

/// The value of a lane that holds nothing.
pub(crate) const EMPTY: u32 = 0;

/// One cache line of keys and values.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    pub(crate) keys: [u32; LANES],
    pub(crate) values: [AtomicU32; LANES],
}

impl Bucket {
    pub(super) const fn new() -> Self {
        Self { keys: [0; LANES], values: [const { AtomicU32::new(EMPTY) }; LANES] }
    }

    /// The lanes fill up from the first: the last one tells whether the bucket is full.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.values.last().is_some_and(|value| value.load(Ordering::Relaxed) != EMPTY)
    }
}
