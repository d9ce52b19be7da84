//! ICMP and ICMPv6: no match in any case; whether it is an error.

use etherparse::IpNumber;

use crate::frame::view::FrameView;
use crate::frame::{Kind, NoMatch};

/// ICMP of which the type cannot be read.
pub(super) const UNREAD: NoMatch = NoMatch::Icmp { kind: Kind::Nothing };

/// What a message of a kind is: destination unreachable, time exceeded and parameter problem
/// (RFC 792), and the errors of ICMPv6 that are in use (RFC 4443).
#[inline(always)]
pub(crate) const fn kind(protocol: u8, message: u8) -> Kind {
    match (IpNumber(protocol), message) {
        (IpNumber::ICMP, 3 | 11 | 12) | (IpNumber::IPV6_ICMP, 1..=4) => Kind::IcmpError,
        _ => Kind::Nothing,
    }
}

/// The outcome's kind where a protocol number says ICMP and the message starts at the view;
/// others stay as they are.
pub(super) fn told(no_match: NoMatch, protocol: IpNumber, view: FrameView<'_>) -> NoMatch {
    match (no_match, view.byte(0)) {
        (NoMatch::Icmp { .. }, Ok(message)) => NoMatch::Icmp { kind: kind(protocol.0, message) },
        _ => no_match,
    }
}
