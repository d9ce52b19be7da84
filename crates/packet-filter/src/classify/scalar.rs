//! The level that needs nothing: the safe twin of the vector levels.

use super::level::{BLOCK, Level};
use super::template::{Template, WINDOW};

/// Bytes one by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scalar;

impl Level for Scalar {
    /// Without vectors the sorter is faster than the sieve: everything is left to it.
    #[inline(always)]
    fn sieve(
        self,
        _template: &Template,
        _bytes: &[u8],
        _offsets: &[u32; BLOCK],
        _captured: &[u32; BLOCK],
    ) -> u64 {
        u64::MAX
    }

    #[inline(always)]
    fn equal_lanes(self, keys: &[u32; 8], key: u32) -> u32 {
        keys.iter()
            .enumerate()
            .fold(0, |bits, (lane, stored)| bits | u32::from(*stored == key) << lane)
    }
}

/// The sieve as it is defined, for the tests of the vector levels.
#[cfg_attr(not(test), expect(dead_code, reason = "the twin that tests compare with"))]
pub(crate) fn sieve(
    template: &Template,
    bytes: &[u8],
    offsets: &[u32; BLOCK],
    captured: &[u32; BLOCK],
) -> u64 {
    let mut left = 0;
    for (at, (offset, captured)) in offsets.iter().zip(captured).enumerate() {
        let start = (*offset as usize).saturating_add(template.base as usize);
        let window = bytes.get(start..).and_then(<[u8]>::first_chunk::<WINDOW>);
        let passes = window
            .filter(|_| *captured >= template.needs())
            .is_some_and(|window| template.passes(compare(template, window)));
        left |= u64::from(!passes) << at;
    }
    left
}

/// The comparison of one window, byte by byte.
fn compare(template: &Template, window: &[u8; WINDOW]) -> u32 {
    let mut bits = 0;
    for (at, order) in template.order.iter().enumerate() {
        let from = (at & 16) | usize::from(order & 15);
        let byte = if order & 0x80 == 0 { window.get(from) } else { None };
        let byte = byte.copied().unwrap_or_default();
        let part = |part: &[u8; WINDOW]| part.get(at).copied().unwrap_or_default();
        let fits =
            (byte & part(&template.mask)).min(part(&template.limit)) == part(&template.value);
        bits |= u32::from(fits) << at;
    }
    bits
}
