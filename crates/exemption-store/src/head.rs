//! Where a log ends.

use crate::hash::Hash;

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last revision; 0 where there is none.
    pub revision: u64,
    /// Its hash, or that of the beginning.
    pub hash: Hash,
}
