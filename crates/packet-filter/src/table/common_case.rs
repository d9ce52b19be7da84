//! The common case of an answer, without a branch that depends on the packet.
//!
//! Nearly every sender stands in the bucket where its search begins, and the first byte of most
//! destinations tells that they are at the Internet's edge. What is none of that is left to
//! [`Table::answer_further`].

use core::sync::atomic::Ordering;

use crate::sieve::{Code, EqualLanes, Heads, Ruling, prefetch};
use crate::table::bucket::{Bucket, LANES};
use crate::table::senders::place_of;
use crate::table::{Homes, SenderPlace, Table};

/// The parts of a table that an answer reads, for the IPv4 addresses of one network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommonCase<'a> {
    pub(crate) network: u32,
    pub(crate) buckets: &'a [Bucket],
    pub(crate) places: &'a [SenderPlace],
    by_byte: &'a [Code; 256],
    /// The codes of the reasons that there are.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "only the vector level looks codes up by vectors")
    )]
    pub(crate) words: &'a [u32; 64],
}

impl Table {
    /// What answers of one network read.
    pub(crate) fn common_case(&self, homes: &Homes) -> CommonCase<'_> {
        CommonCase {
            network: homes.network(),
            buckets: self.v4.buckets(),
            places: &self.places,
            by_byte: &self.by_byte,
            words: &self.words,
        }
    }
}

impl CommonCase<'_> {
    /// Has the processor fetch the bucket where a search begins.
    #[inline(always)]
    pub(crate) fn prefetch(&self, home: u32) {
        prefetch::element(self.buckets, home as usize);
    }

    /// Has the processor fetch the bucket where the searches of some heads go on, those whose bits
    /// are set: together they wait once.
    #[inline(always)]
    pub(crate) fn prefetch_further(&self, heads: &Heads, mut further: u64) {
        while further != 0 {
            let (home, ..) = heads.candidate(further.trailing_zeros() as usize);
            self.prefetch(home.wrapping_add(1));
            further &= further.wrapping_sub(1);
        }
    }

    /// What becomes of an IPv4 SYN to port 25, and whether that could be told: where not, the
    /// ruling means nothing.
    #[inline(always)]
    pub(crate) fn answer<L: EqualLanes>(
        &self,
        level: L,
        home: u32,
        source: u32,
        to: u32,
    ) -> (Ruling, bool) {
        const NOT_TOLD: (Ruling, bool) = (Ruling::UNJUDGED, false);
        let Some(Bucket { keys, values }) = self.buckets.get(home as usize) else {
            return NOT_TOLD;
        };
        let equal = level.equal_lanes(keys, source);
        let lane = equal.trailing_zeros() as usize & (LANES - 1);
        let Some(value) = values.get(lane) else { return NOT_TOLD };
        let value = value.load(Ordering::Relaxed);
        // A lane that holds nothing is of place 0, which no network has.
        let Some(place) = self.places.get(place_of(value)) else { return NOT_TOLD };
        let is_ours = place.network == self.network;
        let told = (equal != 0) & is_ours & place.is_edge_at_once(to);
        let [.., reason] = value.to_be_bytes();
        // Every byte is a place of the array.
        let code = self.by_byte.get(usize::from(reason)).copied().unwrap_or(Code::UNJUDGED);
        (Ruling::new(code, place_of(value)), told)
    }
}
