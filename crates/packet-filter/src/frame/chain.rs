//! What is behind an IP header: extension headers, and what they lead to.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv6FragmentHeaderSlice};

use crate::frame::context::{Context, Walk, unclear};
use crate::frame::ipv4::MAX_PACKET;
use crate::frame::view::{FrameView, Short};
use crate::frame::{
    DropKind, FragmentDrop, Indeterminate, Layer, MAX_EXTENSIONS, Malformed, NoMatch, Outcome,
    Tunnel, tcp, tunnel,
};

/// The largest protocol number that has been assigned, experiments apart (IANA, 2026).
const LAST_ASSIGNED: u8 = 147;

/// An IP packet whose header has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct IpPacket {
    /// Where the IP header starts: bytes from the frame's first.
    pub(super) at: usize,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// What the next header is.
    pub(super) next: IpNumber,
    /// The length that its header declares, in bytes, without the fragment headers so far.
    pub(super) declared: usize,
    /// Whether more fragments follow this first one.
    pub(super) continued: bool,
    /// What keeps it from being delivered, if it is a SYN to port 25.
    pub(super) drop: Option<DropKind>,
    /// Where a routing header says that this is not the final destination.
    pub(super) segments_left: Option<usize>,
}

impl IpPacket {
    pub(super) const fn fragment_drop(&self, context: &Context<'_>, kind: FragmentDrop) -> Outcome {
        Outcome::FragmentDrop {
            kind,
            source: self.source,
            destination: self.destination,
            vlan: context.vlan,
        }
    }

    /// The drop of a first fragment that does not bring the whole TCP header.
    pub(super) const fn incomplete(&self, context: &Context<'_>) -> Outcome {
        let kind = match self.source {
            IpAddr::V4(_) => FragmentDrop::TinyFirst,
            IpAddr::V6(_) => FragmentDrop::IncompleteChain,
        };
        self.fragment_drop(context, kind)
    }
}

/// What a protocol number means for the question asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Tcp,
    /// No match, but perhaps a tunnel.
    Udp,
    Tunnel(Tunnel),
    /// Legibly no TCP.
    Other(NoMatch),
    HopByHop,
    /// Destination options, Shim6, mobility and HIP: a next header, and a length in 8 bytes.
    Generic,
    Routing,
    Fragment,
    Authentication,
    /// A number that nobody has assigned: it may be an extension header.
    Unknown,
}

/// What a protocol number means in IPv4, which has one extension header (RFC 4302).
pub(super) const fn role_in_ipv4(number: IpNumber) -> Role {
    match number {
        IpNumber::IPV4 => Role::Tunnel(Tunnel::Ipip),
        IpNumber::IPV6 => Role::Tunnel(Tunnel::SixInFour),
        IpNumber::ICMP => Role::Other(NoMatch::Icmp),
        _ => match shared_role(number) {
            Some(role) => role,
            None => Role::Other(NoMatch::NotTcp { protocol: number.0 }),
        },
    }
}

/// What a next-header value means in IPv6.
pub(super) const fn role_in_ipv6(number: IpNumber) -> Role {
    match number {
        IpNumber::IPV4 => Role::Tunnel(Tunnel::FourInSix),
        IpNumber::IPV6 => Role::Tunnel(Tunnel::SixInSix),
        IpNumber::IPV6_ICMP => Role::Other(NoMatch::Icmp),
        IpNumber::IPV6_NO_NEXT_HEADER => Role::Other(NoMatch::NoNextHeader),
        IpNumber::IPV6_HEADER_HOP_BY_HOP => Role::HopByHop,
        IpNumber::IPV6_ROUTE_HEADER => Role::Routing,
        IpNumber::IPV6_FRAGMENTATION_HEADER => Role::Fragment,
        IpNumber::IPV6_DESTINATION_OPTIONS
        | IpNumber::MOBILITY_HEADER
        | IpNumber::HIP
        | IpNumber::SHIM6 => Role::Generic,
        _ => match shared_role(number) {
            Some(role) => role,
            None if number.0 > LAST_ASSIGNED => Role::Unknown,
            None => Role::Other(NoMatch::NotTcp { protocol: number.0 }),
        },
    }
}

/// What a number means in both families.
const fn shared_role(number: IpNumber) -> Option<Role> {
    match number {
        IpNumber::TCP => Some(Role::Tcp),
        IpNumber::UDP => Some(Role::Udp),
        IpNumber::GRE => Some(Role::Tunnel(Tunnel::Gre)),
        IpNumber::ETHER_IP => Some(Role::Tunnel(Tunnel::EtherIp)),
        IpNumber::LAYER2_TUNNELING_PROTOCOL => Some(Role::Tunnel(Tunnel::L2tpV3)),
        IpNumber::AUTHENTICATION_HEADER => Some(Role::Authentication),
        IpNumber::ENCAPSULATING_SECURITY_PAYLOAD => Some(Role::Other(NoMatch::Esp)),
        _ => None,
    }
}

/// Walks the chain (RFC 7045), then hands over to TCP or to the tunnels.
pub(super) fn read<'a>(
    context: &mut Context<'_>,
    mut packet: IpPacket,
    mut view: FrameView<'a>,
) -> Walk<'a> {
    let mut walked = 0_usize;
    loop {
        let role = if packet.source.is_ipv4() {
            role_in_ipv4(packet.next)
        } else {
            role_in_ipv6(packet.next)
        };
        match role {
            Role::Tcp => return Err(tcp::judge(context, &packet, view)),
            Role::Udp => return tunnel::in_udp(context, &packet, view),
            Role::Tunnel(kind) => return tunnel::in_ip(context, &packet, kind, view),
            Role::Other(no_match) => return Err(Outcome::NoMatch(no_match)),
            Role::Unknown => {
                let kind = Indeterminate::UnknownNextHeader;
                return Err(unclear(kind, Layer::Extension, view.at()));
            }
            _ if walked == MAX_EXTENSIONS => {
                return Err(packet.fragment_drop(context, FragmentDrop::ChainTooLong));
            }
            Role::Fragment => view = fragment(context, &mut packet, view)?,
            _ => view = extension(context, &mut packet, role, view)?,
        }
        walked += 1;
    }
}

/// Steps over an extension header that is not a fragment header.
fn extension<'a>(
    context: &mut Context<'_>,
    packet: &mut IpPacket,
    role: Role,
    view: FrameView<'a>,
) -> Walk<'a, FrameView<'a>> {
    let [next, len] = read_extension(context, packet, view.array(0), view)?;
    let len = match role {
        Role::Authentication => (usize::from(len) + 2) * 4,
        _ => (usize::from(len) + 1) * 8,
    };
    if role == Role::Routing {
        let [kind, left] = read_extension(context, packet, view.array(2), view)?;
        if kind == 0 {
            packet.drop = packet.drop.or(Some(DropKind::RoutingHeader0));
        } else if left > 0 {
            packet.segments_left = packet.segments_left.or(Some(view.at()));
        }
    }
    if role == Role::HopByHop && has_jumbo_option(view) {
        context.note(Malformed::Jumbogram, Layer::Extension, view.at());
    }
    // In a first fragment the rest of the header may follow; TCP's header then is not here.
    if len > view.declared() && !packet.continued {
        context.note(Malformed::ExtensionPastEnd, Layer::Extension, view.at());
    }
    packet.next = IpNumber(next);
    Ok(view.skip(len))
}

/// Reads a part of an extension header. A first fragment that ends before it does not bring
/// the whole chain (RFC 7112).
fn read_extension<T>(
    context: &Context<'_>,
    packet: &IpPacket,
    bytes: Result<T, Short>,
    view: FrameView<'_>,
) -> Walk<'static, T> {
    match bytes {
        Err(Short::Past) if packet.continued => Err(packet.incomplete(context)),
        Err(Short::Past) => {
            Err(context.malformed(Malformed::ExtensionPastEnd, Layer::Extension, view.at()))
        }
        other => context.read(other, Layer::Extension, view),
    }
}

/// Reads IPv6's fragment header (RFC 8200, 4.5): an atomic one changes nothing (RFC 6946), a
/// first one is read on, a later one ends the walk.
fn fragment<'a>(
    context: &Context<'_>,
    packet: &mut IpPacket,
    view: FrameView<'a>,
) -> Walk<'a, FrameView<'a>> {
    const LEN: usize = 8;
    let bytes = read_extension(context, packet, view.slice(0, LEN), view)?;
    let Ok(header) = Ipv6FragmentHeaderSlice::from_slice(bytes) else {
        return Err(context.malformed(Malformed::ExtensionPastEnd, Layer::Fragment, view.at()));
    };
    packet.next = header.next_header();
    let offset = header.fragment_offset();
    packet.declared = packet.declared.saturating_sub(LEN);
    if offset.value() == 0 {
        packet.continued |= header.more_fragments();
        return Ok(view.skip(LEN));
    }
    let role = role_in_ipv6(packet.next);
    match role {
        Role::Other(no_match) => return Err(Outcome::NoMatch(no_match)),
        Role::Udp => return Err(tunnel::PLAIN_UDP),
        Role::Tunnel(kind) => return Err(tunnel::outer(context, packet, kind)),
        _ => {}
    }
    // Reassembled, the payload length counts the extension headers in front, but not this one.
    if usize::from(offset.value()) * 8 + packet.declared > MAX_PACKET {
        return Err(context.malformed(Malformed::FragmentPastMaximum, Layer::Fragment, view.at()));
    }
    if role == Role::Tcp && offset.value() <= 2 {
        return Err(packet.fragment_drop(context, FragmentDrop::OverlapsHeader));
    }
    Err(Outcome::NoMatch(NoMatch::NonFirstFragment))
}

/// Whether the hop-by-hop options at the view hold a jumbo payload option (RFC 2675, 2), as
/// far as they can be read.
pub(super) fn has_jumbo_option(view: FrameView<'_>) -> bool {
    const JUMBO: u8 = 0xc2;
    const PAD_1: u8 = 0;
    let len = view.byte(1).map_or(0, |units| (usize::from(units) + 1) * 8);
    let mut at = 2;
    while at < len {
        at += match (view.byte(at), view.byte(at + 1)) {
            (Ok(JUMBO), _) => return true,
            (Ok(PAD_1), _) => 1,
            (Ok(_), Ok(option)) => usize::from(option) + 2,
            _ => return false,
        };
    }
    false
}
