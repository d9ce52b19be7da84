//! Finding a key in a bucket, and the level that needs nothing for it.

/// One way to compare the keys of a bucket. A value of such a type is the proof that the
/// processor can do it.
pub(crate) trait EqualLanes: Copy {
    /// The lanes of a bucket that hold a key, one bit each.
    fn equal_lanes(self, keys: &[u32; 8], key: u32) -> u32;
}

/// Bytes one by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scalar;

impl EqualLanes for Scalar {
    #[inline(always)]
    fn equal_lanes(self, keys: &[u32; 8], key: u32) -> u32 {
        keys.iter()
            .enumerate()
            .fold(0, |bits, (lane, stored)| bits | u32::from(*stored == key) << lane)
    }
}
