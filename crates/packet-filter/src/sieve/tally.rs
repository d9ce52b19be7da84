//! How many frames got each code: the one place where a batch is counted.

use crate::sieve::code::Code;

/// How many frames got each code.
pub(crate) type Tally = [u64; 256];

/// Counts frames that got a code.
#[inline(always)]
pub(super) fn count_one(tally: &mut Tally, code: Code, times: u64) {
    if let Some(count) = tally.get_mut(usize::from(code.byte())) {
        *count = count.wrapping_add(times);
    }
}
