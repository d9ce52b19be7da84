//! Fetching the headers of frames ahead of time.

use crate::sieve::frames::Frames;
use crate::sieve::heads::BLOCK;
use crate::sieve::prefetch;

/// How far ahead frames are fetched: one block.
pub(super) const AHEAD: usize = BLOCK;

/// The offsets that are prefetched of each frame: its EtherType, and the flags of a TCP header
/// behind an IPv4 header without options.
const ETHER_TYPE: usize = 12;
const TCP_FLAGS: usize = 47;

/// Fetches the headers of a block.
#[inline(always)]
pub(super) fn fetch(frames: &Frames<'_>, start: usize) {
    for offset in frames.offsets.iter().skip(start).take(BLOCK) {
        fetch_one(frames.bytes, *offset);
    }
}

/// Fetches the headers of the frame at an offset.
#[inline(always)]
pub(super) fn fetch_one(bytes: &[u8], offset: u32) {
    let offset = offset as usize;
    prefetch::byte(bytes, offset.wrapping_add(ETHER_TYPE));
    prefetch::byte(bytes, offset.wrapping_add(TCP_FLAGS));
}

/// What loading the headers of a batch costs, and nothing else: the floor that measurements are
/// held against. Fetches ahead as `run` does and adds up a few bytes of each header, so that
/// the loads happen.
#[must_use]
pub fn touch(frames: &Frames<'_>) -> u64 {
    let mut sum = 0_u64;
    fetch(frames, 0);
    for start in (0..frames.len()).step_by(BLOCK) {
        fetch(frames, start.wrapping_add(AHEAD));
        for offset in frames.offsets.iter().skip(start).take(BLOCK) {
            let frame = frames.bytes.get(*offset as usize..).unwrap_or_default();
            let at = |at: usize| u64::from(frame.get(at).copied().unwrap_or_default());
            sum = sum.wrapping_add(at(ETHER_TYPE)).wrapping_add(at(TCP_FLAGS));
        }
    }
    sum
}

/// Frames that are fetched while something else is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead<'a> {
    /// What they lie in.
    pub(crate) bytes: &'a [u8],
    /// Where they begin.
    pub(crate) offsets: &'a [u32],
}

impl Ahead<'_> {
    /// None.
    pub(crate) const NONE: Self = Self { bytes: &[], offsets: &[] };

    /// Fetches all from one on.
    #[inline(always)]
    pub(crate) fn fetch_from(&self, first: usize) {
        for offset in self.offsets.iter().skip(first) {
            fetch_one(self.bytes, *offset);
        }
    }
}
