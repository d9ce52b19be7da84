//! What becomes of a frame, and who it counts for, in one word.

use core::fmt;

use egress25_policy::{Reason, Verdict};

use crate::frame::Kind;
use crate::sieve::Code;

/// What a batch's caller learns of each frame: the [`Code`] of its outermost packet in the lowest
/// byte, and above it the number of the place that its sender has in the table, 0 where nobody is
/// known to send it. Where the packet is not judged, its [`Kind`] stands there in the place of the
/// sender's. The highest bit tells a tunnel that is to be looked into.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Ruling(u32);

const INSIDE: u32 = 1 << 31;
const PLACE_SHIFT: u32 = 8;

impl Ruling {
    /// No SYN to port 25: passes unjudged.
    pub const UNJUDGED: Self = Self(0);

    /// The most places that a ruling can tell apart.
    pub(crate) const PLACES: u32 = 1 << (INSIDE.trailing_zeros() - PLACE_SHIFT);

    #[inline(always)]
    pub(crate) const fn new(code: Code, place: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a table has no more places")]
        Self((place as u32) << PLACE_SHIFT | code.byte() as u32)
    }

    /// Passes unjudged, and is of a kind.
    #[inline(always)]
    pub(crate) const fn unjudged(kind: Kind) -> Self {
        Self((kind as u32) << PLACE_SHIFT)
    }

    /// The same, of a frame whose tunnel is to be looked into.
    #[must_use]
    pub(crate) const fn and_inside(self) -> Self {
        Self(self.0 | INSIDE)
    }

    /// The word itself.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) const fn word(self) -> u32 {
        self.0
    }

    /// The verdict and the reason.
    #[inline(always)]
    pub(crate) const fn code(self) -> Code {
        let [code, ..] = self.0.to_le_bytes();
        Code::of_byte(code)
    }

    /// The number of the sender's place in the table, which stands for the subscription, the
    /// network and the routes that senders have alike; 0 where nobody is known to send it.
    #[must_use]
    #[inline(always)]
    pub const fn place(self) -> usize {
        ((self.0 & !INSIDE) >> PLACE_SHIFT) as usize
    }

    /// Whether the outermost packet is judged.
    #[must_use]
    #[inline]
    pub const fn is_judged(self) -> bool {
        self.0 & 0xff != 0
    }

    /// Whether there is more to see than that it passes unjudged: it is judged, or what is inside
    /// of it has to be looked at.
    #[must_use]
    #[inline]
    pub const fn is_told(self) -> bool {
        self.is_judged() || self.has_inside()
    }

    /// Whether it is a tunnel whose inside is to be looked at, by
    /// [`Filter::judge_inside`](crate::filter::Filter::judge_inside).
    #[must_use]
    pub const fn has_inside(self) -> bool {
        self.0 & INSIDE != 0
    }

    /// What a frame whose outermost packet is not judged is nevertheless good for, as far as the
    /// [options](crate::frame::FrameOptions::wanted) ask for it; nothing for one that is judged.
    #[must_use]
    #[inline]
    pub fn kind(self) -> Kind {
        let kind = if self.is_judged() { 0 } else { self.place() };
        Kind::ALL.get(kind).copied().unwrap_or(Kind::Nothing)
    }

    /// What becomes of the frame's outermost packet.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        self.code().verdict()
    }

    /// Why; `None` where it passes unjudged.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        self.code().reason()
    }
}

impl fmt::Debug for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = if self.has_inside() { ", look inside" } else { "" };
        if self.is_judged() {
            write!(f, "Ruling({:?}, place {}{inside})", self.code(), self.place())
        } else {
            write!(f, "Ruling(unjudged, {}{inside})", self.kind())
        }
    }
}
