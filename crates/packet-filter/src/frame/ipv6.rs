//! The IPv6 header (RFC 8200, 3).

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv6HeaderSlice};

use crate::frame::chain;
use crate::frame::context::{Context, Walk};
use crate::frame::ip_packet::{IpPacket, Role, role_in_ipv6};
use crate::frame::transport::FoundTransport;
use crate::frame::view::FrameView;
use crate::frame::{Layer, Malformed, Origin, Outcome, icmp, tunnel};

/// The header's length, in bytes.
const HEADER: usize = 40;

/// Reads an IPv6 packet up to its outcome.
pub(super) fn read<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    let first = context.read(view.byte(0), Layer::Ipv6, view)?;
    if first >> 4 != 6 {
        return Err(context.malformed(Malformed::IpVersion, Layer::Ipv6, view.at()));
    }
    let next = IpNumber(context.read(view.byte(6), Layer::Ipv6, view)?);
    let payload = usize::from(context.read(view.be16(4), Layer::Ipv6, view)?);
    let role = role_in_ipv6(next);
    if let Role::Other(no_match) = role {
        let message = view.skip(HEADER);
        let message = if payload == 0 { message } else { message.ending(payload).0 };
        if let (Ok(source), Ok(destination)) = (view.array::<16>(8), view.array::<16>(24)) {
            let addresses = (source.into(), destination.into());
            context.transport = Some(FoundTransport::at(addresses, next.0, message));
        }
        return Err(Outcome::NoMatch(icmp::told(no_match, next, message)));
    }
    let header = view.slice(0, HEADER).map_err(|short| match role {
        Role::Udp => tunnel::unread_udp(context, short, view),
        _ => context.short(short, Layer::Ipv6, view.at()),
    })?;
    let Ok(header) = Ipv6HeaderSlice::from_slice(header) else {
        return Err(context.malformed(Malformed::HeaderPastEnd, Layer::Ipv6, view.at()));
    };
    let packet = IpPacket {
        at: view.at(),
        source: IpAddr::V6(header.source_addr()),
        destination: IpAddr::V6(header.destination_addr()),
        next,
        declared: payload,
        to_frame_end: payload == 0,
        continued: false,
        drop: None,
        segments_left: None,
    };
    let bounded = bounded(context, role, view, payload);
    chain::read(context, packet, bounded)
}

/// The payload, bounded by its length. A length of 0 is what a capture shows of a packet that the
/// card is yet to cut into segments, with a jumbo option (RFC 2675) where it is a large one; it
/// then reaches to the frame's end. On the wire it is a flaw: no such link is there.
fn bounded<'a>(
    context: &mut Context<'_>,
    role: Role,
    view: FrameView<'a>,
    payload: usize,
) -> FrameView<'a> {
    let behind = view.skip(HEADER);
    if payload != 0 {
        return context.bound(behind, payload, Layer::Ipv6);
    }
    if context.options.origin == Origin::Live {
        let is_jumbo = role == Role::HopByHop && chain::has_jumbo_option(behind);
        let kind = if is_jumbo { Malformed::Jumbogram } else { Malformed::PayloadLengthZero };
        context.note(kind, Layer::Ipv6, view.at());
    }
    behind
}
