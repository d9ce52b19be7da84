//! Tunnels: the outer packet's outcome, and where the inner packet starts.

use etherparse::{EtherType, IpNumber};

use crate::frame::context::{Context, Inside, NextContent, Walk, unclear};
use crate::frame::ip_packet::IpPacket;
use crate::frame::view::{FrameView, Short};
use crate::frame::{Indeterminate, Layer, NoMatch, Outcome, Tunnel, VxlanPorts};
use crate::link::LinkType;

/// Well-known UDP ports (RFC 8926, 3GPP TS 29.281, RFC 4380, draft-massar-v6ops-ayiya-02,
/// RFC 8086, RFC 5415). VXLAN's are a setting.
const GENEVE: u16 = 6081;
const GTP_U: u16 = 2152;
const TEREDO: u16 = 3544;
const AYIYA: u16 = 5072;
const GRE_IN_UDP: u16 = 4754;
const CAPWAP_DATA: u16 = 5247;

/// Ethertypes of a tunnel's payload: bridged Ethernet (RFC 1701) and PPP (RFC 2637).
const BRIDGED: u16 = 0x6558;
const PPP: u16 = 0x880b;

/// What GRE announces ERSPAN with (types I and II, type III), and EoIP.
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const EOIP: u16 = 0x6400;

/// A payload that is no packet: another protocol, or the tunnel's own business.
const NOT_IP: Outcome = Outcome::NoMatch(NoMatch::NotIp);

/// UDP that is no tunnel.
pub(super) const PLAIN_UDP: Outcome =
    Outcome::NoMatch(NoMatch::NotTcp { protocol: IpNumber::UDP.0 });

const ETHERNET: NextContent = NextContent::Link(LinkType::Ethernet);

/// Where a tunnel's payload starts and what it is, or the outcome of not finding one.
type Payload<'a> = Walk<'a, (NextContent, FrameView<'a>)>;

/// The outer packet's outcome.
pub(super) const fn outer(context: &Context<'_>, packet: &IpPacket, tunnel: Tunnel) -> Outcome {
    Outcome::Encapsulated {
        tunnel,
        carried: tunnel.carried(),
        addresses: Some((packet.source, packet.destination)),
        vlan: context.vlan,
    }
}

/// A tunnel that has a protocol number of its own.
pub(super) fn in_ip<'a>(
    context: &Context<'_>,
    packet: &IpPacket,
    kind: Tunnel,
    view: FrameView<'a>,
) -> Walk<'a> {
    let view = whole(packet, view);
    let (tunnel, vni) = match kind {
        Tunnel::Gre => gre_kind(view),
        other => (other, None),
    };
    let outer = outer(context, packet, tunnel);
    if !context.options.look_inside {
        return Err(outer);
    }
    let payload = match tunnel {
        Tunnel::Ipip | Tunnel::FourInSix => Ok((NextContent::EtherType(EtherType::IPV4.0), view)),
        Tunnel::SixInFour | Tunnel::SixInSix => {
            Ok((NextContent::EtherType(EtherType::IPV6.0), view))
        }
        Tunnel::Gre | Tunnel::Nvgre | Tunnel::Erspan | Tunnel::Eoip => gre(context, view),
        Tunnel::EtherIp => ether_ip(context, view),
        _ => l2tp(context, view),
    };
    Ok(Inside { outer, tunnel, vni, payload })
}

/// UDP: a tunnel where both the port and the header behind it say so, otherwise no match.
pub(super) fn in_udp<'a>(
    context: &Context<'_>,
    packet: &IpPacket,
    view: FrameView<'a>,
) -> Walk<'a> {
    const HEADER: usize = 8;
    let view = whole(packet, view);
    let ports = view.be16(0).and_then(|source| Ok((source, view.be16(2)?, view.be16(4)?)));
    let (source_port, port, len) = ports.map_err(|short| unread_udp(context, short, view))?;
    // A length of 0 is what segmentation offload leaves; one past the end is not believed.
    let payload = view.skip(HEADER);
    let payload = match usize::from(len).checked_sub(HEADER) {
        Some(len) if len > 0 => payload.ending(len.min(payload.declared())).0,
        _ => payload,
    };
    let header = match (source_port, port) {
        (_, port) if context.options.vxlan_ports.contains(port) => {
            Some((Tunnel::Vxlan, vxlan(payload)))
        }
        (_, GENEVE) => Some((Tunnel::Geneve, geneve(payload))),
        (_, GTP_U) => Some((Tunnel::GtpU, gtp_u(payload))),
        (_, TEREDO) | (TEREDO, _) => Some((Tunnel::Teredo, teredo(payload))),
        (_, AYIYA) | (AYIYA, _) => Some((Tunnel::Ayiya, ayiya(payload))),
        (_, GRE_IN_UDP) => Some((Tunnel::GreInUdp, gre_in_udp(context, payload))),
        (_, CAPWAP_DATA) | (CAPWAP_DATA, _) => Some((Tunnel::Capwap, capwap(payload))),
        _ => None,
    };
    let (tunnel, payload, vni) = match header {
        None | Some((_, Err(Short::Past) | Ok(None))) => return Err(PLAIN_UDP),
        Some((tunnel, Err(Short::Cut))) => {
            let outcome = context.short(Short::Cut, Layer::Tunnel, payload.at());
            (tunnel, Err(outcome), None)
        }
        Some((tunnel, Ok(Some(found)))) => (tunnel, found.payload, found.vni),
    };
    let outer = outer(context, packet, tunnel);
    if context.options.look_inside {
        Ok(Inside { outer, tunnel, vni, payload })
    } else {
        Err(outer)
    }
}

/// UDP that cannot be read up to its ports: it passes in any case, but where the inside is
/// asked for and the capture was cut, that cannot be told.
pub(super) const fn unread_udp(
    context: &Context<'_>,
    short: Short,
    view: FrameView<'_>,
) -> Outcome {
    match short {
        Short::Cut if context.options.look_inside => {
            unclear(Indeterminate::Cut, Layer::Udp, view.at())
        }
        _ => PLAIN_UDP,
    }
}

/// What a first fragment brings is a part: the rest is not missing, but elsewhere.
fn whole<'a>(packet: &IpPacket, view: FrameView<'a>) -> FrameView<'a> {
    if packet.continued { view.continued_elsewhere() } else { view }
}

/// Whether a UDP port may be a tunnel's.
pub(crate) fn is_port(port: u16, vxlan_ports: &VxlanPorts) -> bool {
    let fixed = [GENEVE, GTP_U, TEREDO, AYIYA, GRE_IN_UDP, CAPWAP_DATA];
    fixed.contains(&port) || vxlan_ports.contains(port)
}

/// A UDP tunnel's header: its network identifier and its payload.
struct UdpTunnel<'a> {
    vni: Option<u32>,
    payload: Payload<'a>,
}

/// The result of reading a UDP tunnel's header; nothing where it is none.
type Header<'a> = Result<Option<UdpTunnel<'a>>, Short>;

/// VXLAN (RFC 7348, 5): the flag that the identifier is valid must be set.
fn vxlan(view: FrameView<'_>) -> Header<'_> {
    let [flags, _, _, _, v0, v1, v2, _] = view.array(0)?;
    let vni = u32::from_be_bytes([0, v0, v1, v2]);
    Ok((flags & 0x08 != 0)
        .then(|| UdpTunnel { vni: Some(vni), payload: Ok((ETHERNET, view.skip(8))) }))
}

/// Geneve (RFC 8926, 3.4), version 0.
fn geneve(view: FrameView<'_>) -> Header<'_> {
    let [first, _, p0, p1, v0, v1, v2, _] = view.array(0)?;
    if first >> 6 != 0 {
        return Ok(None);
    }
    let inner = view.skip(8 + usize::from(first & 0x3f) * 4);
    let vni = u32::from_be_bytes([0, v0, v1, v2]);
    let content = by_protocol_type(u16::from_be_bytes([p0, p1])).ok_or(NOT_IP);
    let payload = content.map(|content| (content, inner));
    Ok(Some(UdpTunnel { vni: Some(vni), payload }))
}

/// GTP-U (TS 29.281, 5.1): version 1, a G-PDU; extension headers are stepped over.
fn gtp_u(view: FrameView<'_>) -> Header<'_> {
    const G_PDU: u8 = 255;
    const MAX_EXTENSION_HEADERS: usize = 8;
    let [flags, message] = view.array(0)?;
    if flags >> 4 != 0b0011 || message != G_PDU {
        return Ok(None);
    }
    if flags & 0b0111 == 0 {
        return Ok(Some(UdpTunnel { vni: None, payload: Ok((NextContent::Ip, view.skip(8))) }));
    }
    let mut at = view.skip(12);
    let mut next = if flags & 0b0100 == 0 { 0 } else { view.byte(11)? };
    for _ in 0..MAX_EXTENSION_HEADERS {
        if next == 0 {
            return Ok(Some(UdpTunnel { vni: None, payload: Ok((NextContent::Ip, at)) }));
        }
        let len = usize::from(at.byte(0)?) * 4;
        if len == 0 {
            return Ok(None);
        }
        next = at.byte(len - 1)?;
        at = at.skip(len);
    }
    Ok(None)
}

/// Teredo (RFC 4380, 5.1.1): an authentication and an origin indication may stand in front.
fn teredo(view: FrameView<'_>) -> Header<'_> {
    let mut view = view;
    if view.array(0)? == [0, 1] {
        let [id, value] = view.array(2)?;
        view = view.skip(4 + usize::from(id) + usize::from(value) + 9);
    }
    if view.array(0)? == [0, 0] {
        view = view.skip(8);
    }
    let content = NextContent::EtherType(EtherType::IPV6.0);
    Ok((view.byte(0)? >> 4 == 6).then_some(UdpTunnel { vni: None, payload: Ok((content, view)) }))
}

/// AYIYA (draft-massar-v6ops-ayiya-02, 3): an identity of two to the power of a number, a
/// signature, and what the next header says; operations that bring no packet say none.
fn ayiya(view: FrameView<'_>) -> Header<'_> {
    const LAST_OPERATION: u8 = 7;
    let [identity, signature, operation, next] = view.array(0)?;
    let content = match IpNumber(next) {
        IpNumber::IPV4 => Ok(NextContent::EtherType(EtherType::IPV4.0)),
        IpNumber::IPV6 => Ok(NextContent::EtherType(EtherType::IPV6.0)),
        IpNumber::IPV6_NO_NEXT_HEADER => Err(NOT_IP),
        _ => return Ok(None),
    };
    let len = 8 + (1 << usize::from(identity >> 4)) + usize::from(signature >> 4) * 4;
    let payload = content.map(|content| (content, view.skip(len)));
    Ok((operation & 0x0f <= LAST_OPERATION).then_some(UdpTunnel { vni: None, payload }))
}

/// GRE in UDP (RFC 8086, 3): GRE of version 0 without what RFC 2784 took away from it.
fn gre_in_udp<'a>(context: &Context<'_>, view: FrameView<'a>) -> Header<'a> {
    let (flags, protocol) = (view.be16(0)?, view.be16(2)?);
    let is_gre = flags & 0x4fff == 0 && by_protocol_type(protocol).is_some();
    Ok(is_gre.then(|| UdpTunnel { vni: None, payload: gre(context, view) }))
}

/// CAPWAP's data channel (RFC 5415, 4.3), in the clear: a frame of Ethernet in one piece can be
/// read, one of the radio's own or a part of one cannot. Encrypted it is plain UDP.
fn capwap(view: FrameView<'_>) -> Header<'_> {
    const NATIVE: u8 = 0x01;
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    let [preamble, len, native, flags, _, _, _, _] = view.array(0)?;
    let len = usize::from(len >> 3) * 4;
    if preamble != 0 || len < 8 {
        return Ok(None);
    }
    let payload = if flags & KEEP_ALIVE != 0 {
        Err(NOT_IP)
    } else if native & NATIVE != 0 || flags & FRAGMENT != 0 {
        Err(opaque(view))
    } else {
        Ok((ETHERNET, view.skip(len)))
    };
    Ok(Some(UdpTunnel { vni: None, payload }))
}

/// What a protocol type field of GRE or Geneve announces, where that may hold IP.
const fn by_protocol_type(value: u16) -> Option<NextContent> {
    match value {
        BRIDGED => Some(ETHERNET),
        PPP => Some(NextContent::Ppp),
        // Below 0x0600 it is no ethertype.
        0..0x0600 => None,
        other => Some(NextContent::EtherType(other)),
    }
}

/// Which kind of GRE it is, and its network identifier.
fn gre_kind(view: FrameView<'_>) -> (Tunnel, Option<u32>) {
    let version = view.byte(1).map(|low| low & 0b0111);
    match (nvgre_subnet(view), version, view.be16(2)) {
        (Some(id), _, _) => (Tunnel::Nvgre, Some(id)),
        (None, Ok(0), Ok(ERSPAN | ERSPAN_3)) => (Tunnel::Erspan, None),
        (None, Ok(1), Ok(EOIP)) => (Tunnel::Eoip, None),
        _ => (Tunnel::Gre, None),
    }
}

/// The virtual subnet of NVGRE (RFC 7637, 3.2): a key, and Ethernet inside.
fn nvgre_subnet(view: FrameView<'_>) -> Option<u32> {
    let [flags, low, p0, p1] = view.array(0).ok()?;
    let [v0, v1, v2, _] = view.array(4).ok()?;
    let nvgre = flags & 0xf0 == 0x20 && low & 7 == 0 && u16::from_be_bytes([p0, p1]) == BRIDGED;
    nvgre.then(|| u32::from_be_bytes([0, v0, v1, v2]))
}

/// GRE (RFC 2784, 2890) and PPTP's variant of it (RFC 2637, 4.1).
fn gre<'a>(context: &Context<'_>, view: FrameView<'a>) -> Payload<'a> {
    let flags = context.read(view.be16(0), Layer::Tunnel, view)?;
    let protocol = context.read(view.be16(2), Layer::Tunnel, view)?;
    let four_if = |bit: u16| if flags & bit != 0 { 4 } else { 0 };
    let (sequence, acknowledgement) = (four_if(0x1000), four_if(0x0080));
    match flags & 0b0111 {
        // RFC 1701's source routes are of unknown length.
        0 if flags & 0x4000 != 0 => Err(opaque(view)),
        0 => {
            let len = 4 + four_if(0x8000) + four_if(0x2000) + sequence;
            match protocol {
                // Without a sequence number it is of type I, which has no header.
                ERSPAN if sequence == 0 => return Ok((ETHERNET, view.skip(len))),
                ERSPAN => return Ok((ETHERNET, view.skip(len + 8))),
                ERSPAN_3 => return erspan_3(context, view.skip(len)),
                _ => {}
            }
            by_protocol_type(protocol).map(|content| (content, view.skip(len))).ok_or(NOT_IP)
        }
        // A length and the tunnel's number stand where the key would.
        1 if protocol == EOIP => Ok((ETHERNET, view.skip(8))),
        // Without a sequence number it is an acknowledgement that brings nothing.
        1 if sequence == 0 || protocol != PPP => Err(NOT_IP),
        1 => Ok((NextContent::Ppp, view.skip(8 + sequence + acknowledgement))),
        _ => Err(opaque(view)),
    }
}

/// ERSPAN of type III (draft-foschiano-erspan-03, 4.3): 12 bytes, and 8 more where it says so;
/// the kind of the frame stands in between.
fn erspan_3<'a>(context: &Context<'_>, view: FrameView<'a>) -> Payload<'a> {
    let [kind, more] = context.read(view.array(10), Layer::Tunnel, view)?;
    let frame = view.skip(if more & 1 == 0 { 12 } else { 20 });
    match (kind >> 2) & 0x1f {
        0 => Ok((ETHERNET, frame)),
        2 => Ok((NextContent::Ip, frame)),
        _ => Err(opaque(view)),
    }
}

/// EtherIP (RFC 3378, 3): version 3.
fn ether_ip<'a>(context: &Context<'_>, view: FrameView<'a>) -> Payload<'a> {
    let first = context.read(view.byte(0), Layer::Tunnel, view)?;
    if first >> 4 == 3 { Ok((ETHERNET, view.skip(2))) } else { Err(opaque(view)) }
}

/// L2TPv3 over IP (RFC 3931, 4.1.1). Only the endpoints know how long its cookie is (0, 4 or 8
/// bytes) and whether a sublayer of 4 bytes follows, so the first length is taken at which
/// there is Ethernet with a whole IP packet inside.
fn l2tp<'a>(context: &Context<'_>, view: FrameView<'a>) -> Payload<'a> {
    let session = context.read(view.be32(0), Layer::Tunnel, view)?;
    if session == 0 {
        return Err(NOT_IP);
    }
    [4, 8, 12, 16]
        .into_iter()
        .map(|len| view.skip(len))
        .find(|&frame| holds_ip(frame).unwrap_or(false))
        .map(|frame| (ETHERNET, frame))
        .ok_or_else(|| opaque(view))
}

/// Whether there is an Ethernet frame at the view with an IP packet that fits.
fn holds_ip(frame: FrameView<'_>) -> Result<bool, Short> {
    let packet = frame.skip(14);
    let first = packet.byte(0)?;
    Ok(match (EtherType(frame.be16(12)?), first >> 4) {
        (EtherType::IPV4, 4) => {
            let total = usize::from(packet.be16(2)?);
            first & 0x0f >= 5 && total >= 20 && total <= packet.declared()
        }
        (EtherType::IPV6, 6) => usize::from(packet.be16(4)?) + 40 <= packet.declared(),
        _ => false,
    })
}

const fn opaque(view: FrameView<'_>) -> Outcome {
    unclear(Indeterminate::OpaqueTunnel, Layer::Tunnel, view.at())
}
