//! What the processor can do.

use core::fmt;

use crate::sieve::equal_lanes::Scalar;
use crate::sieve::level::LevelWork;

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

/// A level that the processor has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Detected {
    Scalar(Scalar),
    #[cfg(target_arch = "x86_64")]
    Avx2(crate::sieve::x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(crate::sieve::x86::Avx512),
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
