//! What the two programs behind `truth.tsv` count, packet by packet, as far as it differs.
//!
//! libpcap's expression is short enough to be evaluated here. tshark is not; but where it
//! differs from us, one of the known reasons must hold.

use egress25_packet_filter::frame::{
    FragmentDrop, Frame, FrameOptions, Indeterminate, Malformed, NoMatch, Outcome, Tunnel,
    outermost,
};
use egress25_packet_filter::link::LinkType;
use etherparse::{LaxSlicedPacket, TransportSlice};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Where IP starts as libpcap's generated code takes it, and its ethertype.
struct Place {
    start: usize,
    ether_type: u16,
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// libpcap looks at one place of the link header, and reads neither tags nor LLC.
fn place(frame: &Frame<'_>) -> Option<Place> {
    let bytes = frame.bytes;
    let (start, ether_type) = match frame.link {
        LinkType::Ethernet => (14, be16(bytes, 12)?),
        LinkType::LinuxSll => (16, be16(bytes, 14)?),
        LinkType::LinuxSll2 => (20, be16(bytes, 0)?),
        LinkType::Ppp => (4, if be16(bytes, 2)? == 0x21 { IPV4 } else { 0 }),
        LinkType::Null => (4, family(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?))),
        LinkType::Loop => (4, family(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?))),
        LinkType::Raw => (0, if bytes.first()? >> 4 == 4 { IPV4 } else { IPV6 }),
        LinkType::Ipv4 => (0, IPV4),
        _ => (0, IPV6),
    };
    Some(Place { start, ether_type })
}

fn family(value: u32) -> u16 {
    match value {
        2 => IPV4,
        24 | 28 | 30 => IPV6,
        _ => 0,
    }
}

/// libpcap's capture filter for a SYN without ACK to a port. For any port the corpus's column
/// counts IPv4 only.
pub(crate) fn libpcap(frame: &Frame<'_>, port: Option<u16>) -> bool {
    expression(frame, port).unwrap_or(false)
}

fn expression(frame: &Frame<'_>, port: Option<u16>) -> Option<bool> {
    let bytes = frame.bytes;
    let Place { start, ether_type } = place(frame)?;
    let tcp = match ether_type {
        IPV4 if *bytes.get(start + 9)? == 6 && be16(bytes, start + 6)? & 0x1fff == 0 => {
            start + usize::from(bytes.get(start)? & 0x0f) * 4
        }
        IPV6 if port.is_some() && *bytes.get(start + 6)? == 6 => start + 40,
        _ => return Some(false),
    };
    let to = be16(bytes, tcp + 2)?;
    Some(port.is_none_or(|port| port == to) && bytes.get(tcp + 13)? & 0x12 == 0x02)
}

/// Why libpcap's count of a frame differs from ours: the reason and the difference. A reason
/// that is not known is none of the table's.
pub(crate) fn libpcap_reason(
    frame: &Frame<'_>,
    port: Option<u16>,
    outer: &Outcome,
) -> Option<(&'static str, i64)> {
    match (outer.candidate().is_some(), libpcap(frame, port)) {
        (true, false) => Some((blind(frame, port), -1)),
        (false, true) => Some((counted_though(outer), 1)),
        _ => None,
    }
}

/// What libpcap's expression does not look through.
fn blind(frame: &Frame<'_>, port: Option<u16>) -> &'static str {
    let Some(Place { start, ether_type }) = place(frame) else { return "unexplained" };
    let next = |at| frame.bytes.get(start + at).copied();
    match ether_type {
        0x8100 | 0x88a8 | 0x9100 => "vlan-tag",
        0x8847 | 0x8848 => "mpls",
        0x8864 => "pppoe",
        _ if frame.link == LinkType::Null && family_is_swapped(frame) => "null-byte-order",
        0..=1500 if frame.link == LinkType::Ethernet => "llc",
        IPV6 if port.is_none() => "ipv6-not-in-the-column",
        IPV6 if next(6) != Some(6) => "ipv6-extension-header",
        IPV4 if next(9) == Some(51) => "authentication-header",
        _ => "unexplained",
    }
}

fn family_is_swapped(frame: &Frame<'_>) -> bool {
    matches!(*frame.bytes, [0, 0, 0, 2 | 10 | 24 | 28 | 30, ..])
}

/// What libpcap's expression does not check.
fn counted_though(outer: &Outcome) -> &'static str {
    match outer {
        Outcome::Malformed { .. } => "malformed",
        Outcome::FragmentDrop { .. } => "fragment-drop",
        _ => "unexplained",
    }
}

/// Why tshark counts a frame that we do not: the reason and the difference.
pub(crate) fn tshark_reason(
    frame: &Frame<'_>,
    port: Option<u16>,
    outcomes: &[Outcome],
) -> Option<(&'static str, i64)> {
    let (outer, inner) = outcomes.split_first()?;
    if outer.candidate().is_some() {
        // tshark takes a payload length of 0 for an empty packet.
        return has_no_payload_length(frame).then_some(("payload-length-zero", -1));
    }
    // tshark does not know how long the cookies of L2TPv3 are, and takes another length.
    let seen_inside = inner.iter().filter_map(Outcome::candidate);
    if seen_inside.filter(|candidate| candidate.tunnel != Some(Tunnel::L2tpV3)).count() > 0 {
        return Some(("inside-a-tunnel", 1));
    }
    let reason = match outer {
        Outcome::NoMatch(NoMatch::Icmp { .. }) if quotes_a_syn(frame, port) => "quoted-in-icmp",
        Outcome::Malformed {
            kind: Malformed::SynWithRst | Malformed::SourceAddress | Malformed::MappedAddress,
            ..
        } => "malformed",
        Outcome::Malformed { kind: Malformed::LengthPastFrame, .. } if legible(frame, port) => {
            "malformed"
        }
        Outcome::Indeterminate { kind: Indeterminate::TooManyTags, .. }
        | Outcome::FragmentDrop { kind: FragmentDrop::ChainTooLong, .. } => "over-our-limit",
        _ => return None,
    };
    Some((reason, 1))
}

/// Whether a frame of Ethernet carries IPv6 with a payload length of 0.
fn has_no_payload_length(frame: &Frame<'_>) -> bool {
    let field = |at| be16(frame.bytes, at);
    frame.link == LinkType::Ethernet && field(12) == Some(IPV6) && field(18) == Some(0)
}

/// Whether TCP comes in fragments here, by etherparse's reading or by our outcome.
pub(crate) fn is_tcp_fragment(frame: &Frame<'_>, outer: &Outcome) -> bool {
    let packet = match frame.link {
        LinkType::Ethernet => LaxSlicedPacket::from_ethernet(frame.bytes).ok(),
        _ => LaxSlicedPacket::from_ip(frame.bytes).ok(),
    };
    let fragmented = packet.and_then(|packet| packet.net).is_some_and(|net| {
        net.ip_payload_ref().is_some_and(|payload| {
            payload.fragmented && payload.ip_number == etherparse::IpNumber::TCP
        })
    });
    fragmented || matches!(outer, Outcome::FragmentDrop { .. })
}

/// Whether a frame is a SYN if its lengths are not held against it.
fn legible(frame: &Frame<'_>, port: Option<u16>) -> bool {
    let believed = Frame { wire_len: u32::MAX, ..*frame };
    outermost(&believed, &FrameOptions { port, ..FrameOptions::default() }).candidate().is_some()
}

/// Whether an ICMP error quotes a SYN.
fn quotes_a_syn(frame: &Frame<'_>, port: Option<u16>) -> bool {
    let quoted = match LaxSlicedPacket::from_ethernet(frame.bytes).ok().and_then(|p| p.transport) {
        Some(TransportSlice::Icmpv4(icmp)) => icmp.payload(),
        Some(TransportSlice::Icmpv6(icmp)) => icmp.payload(),
        _ => return false,
    };
    let inner = Frame { link: LinkType::Raw, bytes: quoted, wire_len: u32::MAX };
    outermost(&inner, &FrameOptions { port, ..FrameOptions::default() }).candidate().is_some()
}
