//! The IPv6 header (RFC 8200, 3).

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv6HeaderSlice};

use crate::frame::chain;
use crate::frame::context::{Context, Walk};
use crate::frame::ip_packet::{IpPacket, Role, role_in_ipv6};
use crate::frame::view::FrameView;
use crate::frame::{Layer, Malformed, Outcome, tunnel};

/// The header's length, in bytes.
const HEADER: usize = 40;

/// Reads an IPv6 packet up to its outcome.
pub(super) fn read<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    let first = context.read(view.byte(0), Layer::Ipv6, view)?;
    if first >> 4 != 6 {
        return Err(context.malformed(Malformed::IpVersion, Layer::Ipv6, view.at()));
    }
    let next = IpNumber(context.read(view.byte(6), Layer::Ipv6, view)?);
    let role = role_in_ipv6(next);
    if let Role::Other(no_match) = role {
        return Err(Outcome::NoMatch(no_match));
    }
    let payload = usize::from(context.read(view.be16(4), Layer::Ipv6, view)?);
    let header = view.slice(0, HEADER).map_err(|short| match role {
        Role::Udp => tunnel::unread_udp(context, short, view),
        _ => context.short(short, Layer::Ipv6, view.at()),
    })?;
    let Ok(header) = Ipv6HeaderSlice::from_slice(header) else {
        return Err(context.malformed(Malformed::HeaderPastEnd, Layer::Ipv6, view.at()));
    };
    let payload_view = view.skip(HEADER);
    if payload == 0 {
        return Err(empty(context, role, view));
    }
    let packet = IpPacket {
        at: view.at(),
        source: IpAddr::V6(header.source_addr()),
        destination: IpAddr::V6(header.destination_addr()),
        next,
        declared: payload,
        continued: false,
        drop: None,
        segments_left: None,
    };
    let payload_view = context.bound(payload_view, payload, Layer::Ipv6);
    chain::read(context, packet, payload_view)
}

/// A payload length of 0 promises a jumbogram (RFC 2675), or else leaves no room for what the
/// next-header field announces.
fn empty(context: &Context<'_>, role: Role, view: FrameView<'_>) -> Outcome {
    match role {
        Role::Udp => tunnel::PLAIN_UDP,
        Role::HopByHop if chain::has_jumbo_option(view.skip(HEADER)) => {
            context.malformed(Malformed::Jumbogram, Layer::Ipv6, view.at())
        }
        _ => context.malformed(Malformed::PayloadLengthZero, Layer::Ipv6, view.at()),
    }
}
