//! What a packet that is not judged has to do with mail.

use core::fmt;

/// What a packet that is not judged has to do with mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing that could be read.
    Nothing,
    /// A TCP segment from the port that is looked for, whatever its flags and its destination.
    Answer,
    /// An ICMP error (types 3, 11, 12; RFC 792) or an ICMPv6 error (types 1 to 4; RFC 4443).
    IcmpError,
    /// A SYN to one of the [relay ports](crate::frame::RELAY_PORTS), not from the port that is
    /// looked for.
    RelaySyn,
    /// A tag or tunnel beside the usual ones, and who knows what is in it.
    OtherEncapsulation,
}

impl Kind {
    /// Every value, in the order of declaration.
    pub const ALL: &[Self] =
        &[Self::Nothing, Self::Answer, Self::IcmpError, Self::RelaySyn, Self::OtherEncapsulation];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Answer => "answer",
            Self::IcmpError => "icmp-error",
            Self::RelaySyn => "relay-syn",
            Self::OtherEncapsulation => "other-encapsulation",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
