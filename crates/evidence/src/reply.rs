//! What came back.

use core::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::tuple::Tuple;

/// What came back to a connection's SYNs, the least telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Answer {
    /// Whoever saw it does not tell.
    NotTold,
    /// Nothing.
    #[default]
    Silent,
    /// A rule of a security group denied it before anything could come back.
    Denied,
    /// An ICMP error.
    Icmp(IcmpError),
    /// A segment with RST that acknowledges the SYN.
    Reset,
    /// Packets, of which nothing more is told: an answer, or a refusal.
    Returned,
    /// A SYN-ACK: the SYN has arrived.
    Answered,
}

impl Answer {
    /// It in words: `answered`, `refused`, `silent`, `denied` or `not told`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotTold => "not told",
            Self::Silent => "silent",
            Self::Denied => "denied",
            Self::Icmp(_) | Self::Reset => "refused",
            Self::Returned | Self::Answered => "answered",
        }
    }

    /// What refused it, if something did.
    #[must_use]
    pub fn refused_by(self) -> Option<String> {
        match self {
            Self::NotTold | Self::Silent | Self::Denied | Self::Returned | Self::Answered => None,
            Self::Icmp(error) => Some(error.to_string()),
            Self::Reset => Some("RST".to_owned()),
        }
    }
}

/// An ICMP error: who says what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct IcmpError {
    /// Who sends it.
    pub from: IpAddr,
    /// Its type, of ICMP or ICMPv6 as the address has it.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Its code.
    pub code: u8,
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, kind, code } = self;
        // RFC 792, RFC 1812 (5.2.7.1) and RFC 4443.
        let what = match (from.is_ipv4(), kind, code) {
            (true, 3, 0) => "network unreachable",
            (true, 3, 1) | (false, 1, 3) => "host unreachable",
            (true, 3, 3) | (false, 1, 4) => "port unreachable",
            (true, 3, 4) | (false, 2, _) => "packet too big",
            (true, 3, 9 | 10 | 13) | (false, 1, 1) => "prohibited",
            (false, 1, 0) => "no route",
            (false, 1, 5 | 6) => "rejected",
            (true, 3, _) | (false, 1, _) => "unreachable",
            (true, 11, _) | (false, 3, _) => "time exceeded",
            _ => "parameter problem",
        };
        let protocol = if from.is_ipv4() { "ICMP" } else { "ICMPv6" };
        write!(f, "{protocol} {what} from {from}")
    }
}

/// What came back to one SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The connection, from the side that sent the SYN.
    pub tuple: Tuple,
    /// The initial sequence number of the SYN that it is for.
    pub isn: u32,
    /// What it says.
    pub answer: Answer,
}
