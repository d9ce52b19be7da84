//! What lies behind the IP headers: a TCP segment, or an ICMP message.

use std::net::IpAddr;

use crate::frame::Frame;
use crate::frame::view::FrameView;

/// A TCP segment or an ICMP message, and between whom it goes: what says whether a SYN was
/// answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport<'a> {
    /// The IP source address.
    pub source: IpAddr,
    /// The IP destination address.
    pub destination: IpAddr,
    /// The protocol: 6 is TCP, 1 ICMP, 58 ICMPv6.
    pub protocol: u8,
    /// Its bytes, as many as there are, from its first on and up to the packet's end.
    pub bytes: &'a [u8],
}

/// Where one is in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundTransport {
    addresses: (IpAddr, IpAddr),
    protocol: u8,
    at: usize,
    end: usize,
}

impl FoundTransport {
    /// At the view's place, up to its end.
    pub(super) fn at(addresses: (IpAddr, IpAddr), protocol: u8, view: FrameView<'_>) -> Self {
        let at = view.at();
        Self { addresses, protocol, at, end: at.saturating_add(view.declared()) }
    }

    /// It with its bytes.
    pub(super) fn of<'a>(&self, frame: &Frame<'a>) -> Transport<'a> {
        let Self { addresses: (source, destination), protocol, at, end } = *self;
        let bytes = frame.bytes.get(at..end.min(frame.bytes.len())).unwrap_or_default();
        Transport { source, destination, protocol, bytes }
    }
}
