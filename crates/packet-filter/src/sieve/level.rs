//! What the processor can do.

use core::fmt;

use crate::sieve::candidate_block::Heads;
use crate::sieve::code::Code;
use crate::sieve::frames::Frames;
use crate::sieve::run::{Tally, count_one, fetch_one};
use crate::sieve::scalar::Scalar;
use crate::sieve::template::Template;
use crate::table::{CommonCase, Homes};

/// Frames in a block of the sieve.
pub(crate) const BLOCK: usize = 64;

/// One way to compare many bytes at once. A value of such a type is the proof that the
/// processor can do it.
pub(crate) trait Level: Copy {
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

    /// The lanes of a bucket that hold a key, one bit each.
    fn equal_lanes(self, keys: &[u32; 8], key: u32) -> u32;

    /// Reads and checks all frames of the block that begins at a place, and says which of those
    /// whose bits are set are plain candidates: what `CandidateBlock::sort` says. `None` where the level
    /// has no better way, or the block is not whole.
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

    /// The first look at so many candidates: a code each, and one bit for each that could be
    /// told. Some frames are fetched meanwhile, one after the other: all at once they would hold
    /// everything up.
    #[inline(always)]
    fn common_case(
        self,
        look: &CommonCase<'_>,
        heads: &Heads,
        count: usize,
        ahead: Ahead<'_>,
        codes: &mut [Code; BLOCK],
    ) -> u64 {
        let mut told = 0_u64;
        for (number, code) in codes.iter_mut().enumerate().take(count) {
            let (home, source, destination) = heads.candidate(number);
            let (answer, is_told) = look.answer(self, home, source, destination);
            *code = answer;
            told |= u64::from(is_told) << (number & 63);
        }
        ahead.fetch_from(0);
        told
    }

    /// Counts the codes of a block whose bits are set.
    #[inline(always)]
    fn count(self, codes: &[Code; BLOCK], which: u64, tally: &mut Tally) {
        let mut rest = which;
        while rest != 0 {
            if let Some(code) = codes.get(rest.trailing_zeros() as usize) {
                count_one(tally, *code, 1);
            }
            rest &= rest.wrapping_sub(1);
        }
    }
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

/// Something that is compiled anew for every level.
///
/// No closure: whatever is not inlined into the function that has the level's instructions
/// enabled is compiled without them, and only a method can be made to be inlined.
pub(crate) trait LevelWork {
    /// Does it. To be marked `#[inline(always)]`.
    fn on<L: Level>(self, level: L);
}

/// Which vector instructions are used. All give the same answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Vectors {
    /// None beyond what every processor of the architecture has.
    Scalar,
    /// AVX2.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
}

impl Vectors {
    /// Every level, the slowest first.
    pub const ALL: &[Self] = &[Self::Scalar, Self::Avx2, Self::Avx512];

    /// The best that this processor has.
    #[must_use]
    pub fn best() -> Self {
        let here = Self::ALL.iter().rev().find(|level| level.is_here());
        here.copied().unwrap_or(Self::Scalar)
    }

    /// Whether this processor has it.
    #[must_use]
    pub fn is_here(self) -> bool {
        match self.detect() {
            Detected::Scalar(_) => self == Self::Scalar,
            #[cfg(target_arch = "x86_64")]
            Detected::Avx2(_) | Detected::Avx512(_) => true,
        }
    }

    /// The proof that the processor has it, or of the scalar level.
    pub(crate) fn detect(self) -> Detected {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Scalar => {}
            Self::Avx2 => {
                if let Some(level) = crate::sieve::x86::Avx2::detect() {
                    return Detected::Avx2(level);
                }
            }
            Self::Avx512 => {
                if let Some(level) = crate::sieve::x86::Avx512::detect() {
                    return Detected::Avx512(level);
                }
            }
        }
        Detected::Scalar(Scalar)
    }
}

impl fmt::Display for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
        })
    }
}

impl Detected {
    /// Does some work on this level.
    #[inline]
    pub(crate) fn run(self, work: impl LevelWork) {
        match self {
            Self::Scalar(level) => work.on(level),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(level) => level.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(level) => level.run(work),
        }
    }
}

/// A level that the processor has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Detected {
    Scalar(Scalar),
    #[cfg(target_arch = "x86_64")]
    Avx2(crate::sieve::x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(crate::sieve::x86::Avx512),
}
