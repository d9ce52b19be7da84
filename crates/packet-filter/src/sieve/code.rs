//! A verdict with its reason in one byte.

use core::fmt;

use egress25_policy::{Reason, Verdict};

/// What becomes of a frame, and why, in one byte: 0 for one that passes unjudged, otherwise the
/// verdict in the two highest bits and the reason in the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Code(u8);

const VERDICT_SHIFT: u32 = 6;
const REASON_MASK: u8 = (1 << VERDICT_SHIFT) - 1;

const _: () = assert!(Reason::COUNT < REASON_MASK as usize, "every reason fits into a code");

impl Code {
    /// No SYN to port 25: passes unjudged.
    pub const UNJUDGED: Self = Self(0);

    /// A verdict with its reason.
    #[must_use]
    pub const fn new(verdict: Verdict, reason: Reason) -> Self {
        let verdict = match verdict {
            Verdict::Pass => 0,
            Verdict::Drop => 1,
            Verdict::Reject => 2,
        };
        Self(verdict << VERDICT_SHIFT | (reason as u8 + 1))
    }

    /// The byte itself.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// The code of a byte that was a code's.
    #[inline(always)]
    pub(crate) const fn of_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// What becomes of the frame.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self.0 >> VERDICT_SHIFT {
            0 => Verdict::Pass,
            2 => Verdict::Reject,
            _ => Verdict::Drop,
        }
    }

    /// Why; `None` where it passes unjudged.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        (self.0 & REASON_MASK).checked_sub(1).and_then(Reason::from_index)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            None => f.write_str("Code(unjudged)"),
            Some(reason) => write!(f, "Code({:?}, {reason})", self.verdict()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_and_reason_comes_back_from_its_code() {
        for verdict in [Verdict::Pass, Verdict::Drop, Verdict::Reject] {
            for reason in Reason::ALL {
                let code = Code::of_byte(Code::new(verdict, *reason).byte());
                assert_eq!((code.verdict(), code.reason()), (verdict, Some(*reason)));
            }
        }
        assert_eq!((Code::UNJUDGED.verdict(), Code::UNJUDGED.reason()), (Verdict::Pass, None));
    }
}
