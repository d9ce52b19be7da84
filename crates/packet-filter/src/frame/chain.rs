//! What is behind an IP header: extension headers, and what they lead to.

use etherparse::{IpNumber, Ipv6FragmentHeaderSlice};

use crate::frame::context::{Context, Walk, unclear};
use crate::frame::ip_packet::{IpPacket, MAX_PACKET, Role, role_in_ipv4, role_in_ipv6};
use crate::frame::view::{FrameView, Short};
use crate::frame::{
    DropKind, FragmentDrop, Indeterminate, Layer, MAX_EXTENSIONS, Malformed, NoMatch, Outcome,
    icmp, tcp, tunnel,
};

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
            Role::Tcp => {
                packet.carries(context, view);
                return Err(tcp::judge(context, &packet, view));
            }
            Role::Udp => return tunnel::in_udp(context, &packet, view),
            Role::Tunnel(kind) => return tunnel::in_ip(context, &packet, kind, view),
            Role::Other(no_match) => {
                packet.carries(context, view);
                return Err(Outcome::NoMatch(icmp::told(no_match, packet.next, view)));
            }
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
    if role == Role::Last && IpNumber(next) != IpNumber::IPV6_NO_NEXT_HEADER {
        context.note(Malformed::NotLastHeader, Layer::Extension, view.at());
    }
    // Where the payload length is 0, what is there counts, and what the wire thinks of it was said.
    if role == Role::HopByHop && has_jumbo_option(view) && !packet.to_frame_end {
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
