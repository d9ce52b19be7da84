//! How many frames got each verdict and reason, by the sender's subscription: the one place where
//! what is judged is counted.

use crate::sieve::Ruling;
use crate::table::SenderPlace;

/// Counters of one subscription: one a code.
pub(crate) const CODES: usize = 256;

/// The counters of a table's subscriptions, the first of them nobody's, and the places that tell
/// which one is a sender's.
pub(crate) struct Tally<'a> {
    pub(crate) places: &'a [SenderPlace],
    pub(crate) counts: &'a mut [u64],
}

impl Tally<'_> {
    /// Counts frames that got a ruling.
    #[inline(always)]
    pub(crate) fn count(&mut self, ruling: Ruling, times: u64) {
        if let Some(count) = self.counter(ruling) {
            *count = count.wrapping_add(times);
        }
    }

    /// Counts a frame that was counted by one ruling by another.
    pub(crate) fn recount(&mut self, from: Ruling, to: Ruling) {
        if let Some(count) = self.counter(from) {
            *count = count.wrapping_sub(1);
        }
        self.count(to, 1);
    }

    #[inline(always)]
    fn counter(&mut self, ruling: Ruling) -> Option<&mut u64> {
        let subscription = self.places.get(ruling.place()).map_or(0, SenderPlace::subscription);
        let at = (subscription as usize).wrapping_mul(CODES);
        let at = at.wrapping_add(usize::from(ruling.code().byte()));
        self.counts.get_mut(at)
    }

    /// Counts frames that pass unjudged.
    pub(crate) fn count_unjudged(&mut self, times: u64) {
        self.count(Ruling::UNJUDGED, times);
    }
}
