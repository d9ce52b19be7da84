//! What every level of vector instructions can do.

use crate::sieve::equal_lanes::EqualLanes;
use crate::sieve::fetch::Ahead;
use crate::sieve::frames::Frames;
use crate::sieve::heads::{BLOCK, Heads};
use crate::sieve::ruling::Ruling;
use crate::sieve::tally::Tally;
use crate::sieve::template::Template;
use crate::table::{CommonCase, Homes};

/// One way to compare many bytes at once. A value of such a type is the proof that the
/// processor can do it.
pub(crate) trait Level: EqualLanes {
    /// The frames of a block that are left to be sorted, one bit each. A frame is left where
    /// fewer than [`Template::needs`] bytes of it were captured, or where not all that were
    /// captured lie in `bytes`.
    fn sieve(
        self,
        template: &Template,
        bytes: &[u8],
        offsets: &[u32; BLOCK],
        captured: &[u32; BLOCK],
    ) -> u64;

    /// Reads and checks all frames of the block that begins at a place, and says which of those
    /// whose bits are set are plain candidates: what `CandidateBlock::sort` says. `None` where the
    /// level has no better way, or the block is not whole.
    #[inline(always)]
    fn read_heads(
        self,
        _frames: &Frames<'_>,
        (_start, _left): (usize, u64),
        _port: u16,
        _homes: &Homes,
        _heads: &mut Heads,
    ) -> Option<u64> {
        None
    }

    /// The first look at so many candidates: a ruling each, and one bit for each that could be
    /// told. Some frames are fetched meanwhile, one after the other: all at once they would hold
    /// everything up.
    #[inline(always)]
    fn common_case(
        self,
        look: &CommonCase<'_>,
        heads: &Heads,
        count: usize,
        ahead: Ahead<'_>,
        rulings: &mut [Ruling; BLOCK],
    ) -> u64 {
        let mut told = 0_u64;
        for (number, ruling) in rulings.iter_mut().enumerate().take(count) {
            let (home, source, destination) = heads.candidate(number);
            let (answer, is_told) = look.answer(self, home, source, destination);
            *ruling = answer;
            told |= u64::from(is_told) << (number & 63);
        }
        ahead.fetch_from(0);
        told
    }

    /// Counts the rulings of a block whose bits are set.
    #[inline(always)]
    fn count(self, rulings: &[Ruling; BLOCK], which: u64, tally: &mut Tally<'_>) {
        let mut rest = which;
        while rest != 0 {
            if let Some(ruling) = rulings.get(rest.trailing_zeros() as usize) {
                tally.count(*ruling, 1);
            }
            rest &= rest.wrapping_sub(1);
        }
    }
}

/// Something that is compiled anew for every level.
///
/// No closure: whatever is not inlined into the function that has the level's instructions
/// enabled is compiled without them, and only a method can be made to be inlined.
pub(crate) trait LevelWork {
    /// Does it. To be marked `#[inline(always)]`.
    fn on<L: Level>(self, level: L);
}
