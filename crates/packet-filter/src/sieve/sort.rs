//! One frame at a time: certainly no match, a plain candidate, or odd.
//!
//! What is said here is what [`frame::outermost`](crate::frame::outermost) says; whatever takes
//! more than a few comparisons is odd, and left to it.

use crate::frame::{
    Frame, FrameOptions, Kind, Origin, VlanTags, icmp_kind, is_tunnel_port, kind_of_segment,
};
use crate::link::LinkType;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// The IPv4 header without options, the IPv6 header, and TCP's up to its flags, in bytes.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const TCP_TO_FLAGS: usize = 14;
const TCP_HEADER: usize = 20;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP_V6: u8 = 58;

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// What a frame turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sorted {
    /// No SYN to port 25, or a tunnel that is carried: passes unjudged, of a kind if that is
    /// wanted.
    Passes(Kind),
    /// A plain IPv4 SYN to port 25, for the table to judge.
    V4 { source: u32, destination: u32, vlan: VlanTags },
    /// A plain IPv6 SYN to port 25, for the table to judge.
    V6 { source: u128, destination: u128, vlan: VlanTags },
    /// For the reference to read.
    Odd,
}

/// What an untagged IPv4 packet turned out to be: the common case, small enough for registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quick {
    Passes(Kind),
    Syn { source: u32, destination: u32 },
    Odd,
}

/// Sorts a frame of Ethernet without tags that carries IPv4; `None` for any other.
#[inline(always)]
pub(crate) fn sort_plain(frame: &Frame<'_>, options: &FrameOptions) -> Option<Quick> {
    if let Some((source, destination)) = plain_syn(frame, options) {
        return Some(Quick::Syn { source, destination });
    }
    sort_unlike(frame, options)
}

/// As [`sort_plain`], for whatever is no plain SYN.
#[inline(never)]
fn sort_unlike(frame: &Frame<'_>, options: &FrameOptions) -> Option<Quick> {
    let [.., 0x08, 0x00] = frame.bytes.first_chunk::<14>()? else { return None };
    (frame.link == LinkType::Ethernet).then(|| ipv4(IpSlice::at(frame, 14), options))
}

/// The addresses of the plainest of all candidates, with one branch at the end: a SYN to the
/// port, in IPv4 without options, over Ethernet without tags, from a capture, nothing wrong with
/// it and nothing special about its addresses.
#[inline(always)]
fn plain_syn(frame: &Frame<'_>, options: &FrameOptions) -> Option<(u32, u32)> {
    let head = frame.bytes.first_chunk::<54>()?;
    let (_, head) = head.split_first_chunk::<12>()?;
    let (kind, head) = head.split_first_chunk::<4>()?;
    let (total, head) = head.split_first_chunk::<4>()?;
    let (fragment, head) = head.split_first_chunk::<4>()?;
    let (addresses, head) = head.get(2..)?.split_first_chunk::<8>()?;
    let (ports, head) = head.split_first_chunk::<4>()?;
    let flags = head.get(8..)?.first_chunk::<2>()?;
    let total = u32::from_be_bytes(*total) >> 16;
    let addresses = u64::from_be_bytes(*addresses);
    let source = u32::try_from(addresses >> 32).unwrap_or_default();
    let destination = u32::try_from(addresses & 0xffff_ffff).unwrap_or_default();
    let flags = u32::from(u16::from_be_bytes(*flags));
    let len = (flags >> 12).wrapping_mul(4);
    let present = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
    let port = u32::from(options.port.unwrap_or_default());
    // What has to be equal, each with what does not count masked out.
    let unequal = ((u32::from_be_bytes(*kind) & 0xffff_ff00) ^ 0x0800_4500)
        | ((u32::from_be_bytes(*fragment) & 0x3fff_00ff) ^ u32::from(TCP))
        | ((u32::from_be_bytes(*ports) & 0xffff) ^ port)
        | ((flags & u32::from(SYN | ACK | RST)) ^ u32::from(SYN));
    // The data offset lies between 20 and what is there; so does the total length.
    let lengths = (len.wrapping_sub(20) <= total.wrapping_sub(40)) & (total >= 40) & (len >= 20);
    // As the general way has it: the declared end lies in the frame, or the frame was cut.
    let sound = (total.wrapping_add(14) <= present) | (frame.wire_len > present);
    let addressed = (source < 0xe000_0000)
        & (destination.wrapping_sub(1) < 0xdfff_ffff)
        & (destination >> 24 != 127);
    let asked = (frame.link == LinkType::Ethernet)
        & (options.origin == Origin::Capture)
        & options.port.is_some();
    ((unequal == 0) & lengths & sound & addressed & asked).then_some((source, destination))
}

/// Sorts a frame.
#[inline(never)]
pub(crate) fn sort(frame: &Frame<'_>, options: &FrameOptions) -> Sorted {
    match frame.link {
        LinkType::Ethernet => match frame.bytes.first_chunk::<14>() {
            Some([.., high, low]) => {
                other_ether_type(frame, u16::from_be_bytes([*high, *low]), options)
            }
            None => Sorted::Odd,
        },
        LinkType::Raw => match frame.bytes.first().map(|first| first >> 4) {
            Some(4) => tagged_ipv4(IpSlice::at(frame, 0), VlanTags::NONE, options),
            Some(6) => ipv6(IpSlice::at(frame, 0), VlanTags::NONE, options),
            _ => Sorted::Odd,
        },
        LinkType::Ipv4 => tagged_ipv4(IpSlice::at(frame, 0), VlanTags::NONE, options),
        LinkType::Ipv6 => ipv6(IpSlice::at(frame, 0), VlanTags::NONE, options),
        LinkType::LinuxSll => cooked(frame, [2, 14], 16, options),
        LinkType::LinuxSll2 => cooked(frame, [8, 0], 20, options),
        _ => Sorted::Odd,
    }
}

/// An IPv4 packet behind tags or behind another link layer.
fn tagged_ipv4(packet: IpSlice<'_>, vlan: VlanTags, options: &FrameOptions) -> Sorted {
    match ipv4(packet, options) {
        Quick::Passes(kind) => Sorted::Passes(kind),
        Quick::Syn { source, destination } => Sorted::V4 { source, destination, vlan },
        Quick::Odd => Sorted::Odd,
    }
}

/// Ethernet by its type field: VLAN tags are read, MPLS, PPPoE and LLC are odd.
#[inline(never)]
fn other_ether_type(frame: &Frame<'_>, first: u16, options: &FrameOptions) -> Sorted {
    let (mut ether_type, mut at, mut vlan) = (first, 14_usize, VlanTags::NONE);
    loop {
        match ether_type {
            IPV4 => return tagged_ipv4(IpSlice::at(frame, at), vlan, options),
            IPV6 => return ipv6(IpSlice::at(frame, at), vlan, options),
            0x8100 | 0x88a8 | 0x9100 => {
                let tag = frame.bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
                let Some([control, id, high, low]) = tag else { return Sorted::Odd };
                if !vlan.push(u16::from_be_bytes([*control, *id]) & 0x0fff) {
                    return Sorted::Odd;
                }
                ether_type = u16::from_be_bytes([*high, *low]);
                at = at.wrapping_add(4);
            }
            // Lengths (LLC), MPLS and PPPoE, and the tags of switches.
            0..=1500 | 0x8847 | 0x8848 | 0x8864 => return Sorted::Odd,
            0x8903 | 0x8909 | 0x8926 | 0x8988 | 0x88e7 => return Sorted::Odd,
            _ => return Sorted::Passes(Kind::Nothing),
        }
    }
}

/// A Linux cooked capture: where the device's kind and the protocol are, and how long it is.
#[inline(never)]
fn cooked(frame: &Frame<'_>, fields: [usize; 2], len: usize, options: &FrameOptions) -> Sorted {
    let [hardware, protocol] = fields.map(|at| be16(frame.bytes, at));
    let (Some(hardware), Some(protocol)) = (hardware, protocol) else { return Sorted::Odd };
    match (hardware, protocol) {
        // Devices whose protocol field is no ethertype.
        (770 | 824 | 803, _) => Sorted::Odd,
        (_, IPV4) => tagged_ipv4(IpSlice::at(frame, len), VlanTags::NONE, options),
        (_, IPV6) => ipv6(IpSlice::at(frame, len), VlanTags::NONE, options),
        _ => Sorted::Odd,
    }
}

/// An IP packet as it lies in a frame.
#[derive(Debug, Clone, Copy)]
struct IpSlice<'a> {
    /// The captured bytes from its header on.
    bytes: &'a [u8],
    /// How many bytes there were on the wire from its header on.
    wire: usize,
    /// Whether the capture cut the frame.
    cut: bool,
}

impl<'a> IpSlice<'a> {
    #[inline(always)]
    fn at(frame: &Frame<'a>, at: usize) -> Self {
        let wire = usize::try_from(frame.wire_len).unwrap_or(usize::MAX);
        let present = frame.bytes.len();
        Self {
            bytes: frame.bytes.get(at..).unwrap_or_default(),
            wire: wire.max(present).saturating_sub(at),
            cut: wire > present,
        }
    }

    /// Where the content ends by a length that a header declares, from the packet's first byte,
    /// and whether the frame can keep that promise (see the reference's views).
    #[inline(always)]
    const fn end(&self, declared: usize) -> (usize, bool) {
        if declared > self.wire && !self.cut { (self.wire, false) } else { (declared, true) }
    }

    /// The byte at a place, if it is there and lies in front of the end.
    #[inline(always)]
    fn byte(&self, at: usize, end: usize) -> Option<u8> {
        if at < end { self.bytes.get(at).copied() } else { None }
    }
}

#[inline(always)]
fn ipv4(packet: IpSlice<'_>, options: &FrameOptions) -> Quick {
    let Some(header) = packet.bytes.first_chunk::<IPV4_HEADER>() else { return Quick::Odd };
    let [first, _, t0, t1, _, _, f0, f1, _, protocol, _, _, addresses @ ..] = *header;
    if first >> 4 != 4 {
        return Quick::Odd;
    }
    let header_len = usize::from(first & 0x0f).wrapping_mul(4);
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    let broken = header_len < IPV4_HEADER || (total != 0 && total < header_len);
    let fragment = u16::from_be_bytes([f0, f1]) & 0x3fff != 0;
    // A total length of 0 reaches to the frame's end; on the wire it is a flaw.
    let (end, sound) = match total {
        0 => (packet.wire, options.origin == Origin::Capture),
        _ => packet.end(total),
    };
    match protocol {
        TCP if broken || fragment => return Quick::Odd,
        TCP => {}
        UDP if broken || !options.look_inside => return Quick::Passes(Kind::Nothing),
        UDP if !fragment => {
            let passes = udp_passes(&packet, header_len, end, options);
            return if passes { Quick::Passes(Kind::Nothing) } else { Quick::Odd };
        }
        ICMP if options.wanted.icmp_errors => {
            let later = u16::from_be_bytes([f0, f1]) & 0x1fff != 0;
            let message = if broken || later { None } else { packet.byte(header_len, end) };
            return Quick::Passes(message.map_or(Kind::Nothing, |type_| icmp_kind(ICMP, type_)));
        }
        // What has a meaning of its own: tunnels and the authentication header.
        4 | UDP | 41 | 47 | 51 | 97 | 115 => return Quick::Odd,
        _ => return Quick::Passes(Kind::Nothing),
    }
    match segment(&packet, header_len, end, options) {
        Segment::Passes(kind) => Quick::Passes(kind),
        Segment::Syn => {
            let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses;
            let source = u32::from_be_bytes([s0, s1, s2, s3]);
            let destination = u32::from_be_bytes([d0, d1, d2, d3]);
            let plain = sound
                && header_len == IPV4_HEADER
                && s0 < 224
                && !matches!(d0, 127 | 224..)
                && destination != 0
                && (options.origin == Origin::Capture || checksum_fits(header));
            if plain { Quick::Syn { source, destination } } else { Quick::Odd }
        }
        Segment::Odd => Quick::Odd,
    }
}

#[inline(never)]
fn ipv6(packet: IpSlice<'_>, vlan: VlanTags, options: &FrameOptions) -> Sorted {
    let Some(header) = packet.bytes.first_chunk::<IPV6_HEADER>() else { return Sorted::Odd };
    let [first, _, _, _, p0, p1, next, _, addresses @ ..] = *header;
    let payload = usize::from(u16::from_be_bytes([p0, p1]));
    if first >> 4 != 6 {
        return Sorted::Odd;
    }
    // ICMPv6 and "no next header" are legibly not TCP, whatever follows.
    let (end, sound) = packet.end(payload.wrapping_add(IPV6_HEADER));
    if next == ICMP_V6 && options.wanted.icmp_errors {
        let message = packet.byte(IPV6_HEADER, if payload == 0 { packet.wire } else { end });
        let kind = message.map_or(Kind::Nothing, |type_| icmp_kind(ICMP_V6, type_));
        return Sorted::Passes(kind);
    }
    if matches!(next, ICMP_V6 | 59) || (next == UDP && !options.look_inside) {
        return Sorted::Passes(Kind::Nothing);
    }
    if payload == 0 {
        return Sorted::Odd;
    }
    match next {
        UDP if udp_passes(&packet, IPV6_HEADER, end, options) => {
            return Sorted::Passes(Kind::Nothing);
        }
        TCP => {}
        _ => return Sorted::Odd,
    }
    match segment(&packet, IPV6_HEADER, end, options) {
        Segment::Passes(kind) => Sorted::Passes(kind),
        Segment::Syn => {
            let (source, destination) = addresses.split_at(16);
            let word = |bytes: &[u8]| {
                bytes.iter().fold(0_u128, |word, byte| (word << 8) | u128::from(*byte))
            };
            let (source, destination) = (word(source), word(destination));
            // Multicast, and what the reference takes for IPv4-mapped, loopback or unspecified:
            // all of those but multicast begin with 80 zero bits.
            let special = |address: u128| address >> 120 == 0xff || address >> 48 == 0;
            if sound && !special(source) && !special(destination) {
                Sorted::V6 { source, destination, vlan }
            } else {
                Sorted::Odd
            }
        }
        Segment::Odd => Sorted::Odd,
    }
}

/// What a TCP segment is.
enum Segment {
    Passes(Kind),
    Syn,
    Odd,
}

/// Reads TCP behind a header, up to where the packet ends by what was declared.
#[inline(always)]
fn segment(packet: &IpSlice<'_>, at: usize, end: usize, options: &FrameOptions) -> Segment {
    let Some(tcp) = packet.bytes.get(at..) else { return Segment::Odd };
    let declared = end.saturating_sub(at);
    let (Some([s0, s1, p0, p1]), true) = (tcp.first_chunk::<4>(), declared >= 4) else {
        return Segment::Odd;
    };
    let port = u16::from_be_bytes([*p0, *p1]);
    // What passes is of a kind, if that is wanted at all.
    let passes = |flags: Option<u8>| {
        Segment::Passes(if options.wanted.of_tcp() {
            let ports = [u16::from_be_bytes([*s0, *s1]), port];
            options.wanted.only(kind_of_segment(ports, flags, options))
        } else {
            Kind::Nothing
        })
    };
    if options.port.is_some_and(|wanted| wanted != port) {
        return passes(packet.byte(at.wrapping_add(TCP_TO_FLAGS - 1), end));
    }
    let Some([.., offset, flags]) = tcp.first_chunk::<TCP_TO_FLAGS>() else { return Segment::Odd };
    if declared < TCP_TO_FLAGS {
        return Segment::Odd;
    }
    if flags & SYN == 0 || flags & ACK != 0 {
        return passes(Some(*flags));
    }
    let len = usize::from(offset >> 4).wrapping_mul(4);
    if flags & RST == 0 && len >= TCP_HEADER && len <= declared {
        Segment::Syn
    } else {
        Segment::Odd
    }
}

/// UDP where the packets in tunnels are asked for: plain where no port is a tunnel's.
fn udp_passes(packet: &IpSlice<'_>, at: usize, end: usize, options: &FrameOptions) -> bool {
    let header = packet.bytes.get(at..).and_then(<[u8]>::first_chunk::<6>);
    let (Some([s0, s1, d0, d1, ..]), true) = (header, end.saturating_sub(at) >= 6) else {
        return false;
    };
    let tunnel = |port: u16| is_tunnel_port(port, &options.vxlan_ports);
    !tunnel(u16::from_be_bytes([*s0, *s1])) && !tunnel(u16::from_be_bytes([*d0, *d1]))
}

/// Whether the checksum of an IPv4 header without options is right (RFC 791, 3.1).
fn checksum_fits(header: &[u8; IPV4_HEADER]) -> bool {
    let (words, _) = header.as_chunks::<2>();
    let stored = words.get(5).map_or(0, |word| u16::from_be_bytes(*word));
    let sum: u32 = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let mut sum = sum.wrapping_sub(u32::from(stored));
    sum = (sum & 0xffff).wrapping_add(sum >> 16);
    sum = (sum & 0xffff).wrapping_add(sum >> 16);
    !sum & 0xffff == u32::from(stored)
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_be_bytes(*raw))
}
