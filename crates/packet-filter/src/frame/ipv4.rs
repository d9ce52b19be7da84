//! IPv4 (RFC 791), with the fragment rules of RFC 1858 and RFC 3128.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice};

use crate::frame::chain;
use crate::frame::context::{Context, Walk};
use crate::frame::ip_packet::{IpPacket, MAX_PACKET, Role, role_in_ipv4};
use crate::frame::transport::FoundTransport;
use crate::frame::view::FrameView;
use crate::frame::{
    DropKind, FragmentDrop, Layer, Malformed, NoMatch, Origin, Outcome, icmp, tunnel,
};

/// The header without its options, in bytes.
const FIXED: usize = 20;

/// Reads an IPv4 packet up to its outcome.
pub(super) fn read<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    let first = context.read(view.byte(0), Layer::Ipv4, view)?;
    if first >> 4 != 4 {
        return Err(context.malformed(Malformed::IpVersion, Layer::Ipv4, view.at()));
    }
    // The protocol is read before anything is checked: a packet that is legibly none of our
    // business passes whatever else is wrong with it.
    let protocol = IpNumber(context.read(view.byte(9), Layer::Ipv4, view)?);
    let fragment = Fragment::read(context.read(view.be16(6), Layer::Ipv4, view)?);
    let total = usize::from(context.read(view.be16(2), Layer::Ipv4, view)?);
    let header_len = usize::from(first & 0x0f) * 4;
    let broken = header_len < FIXED || (total != 0 && total < header_len);
    let role = role_in_ipv4(protocol);
    match role {
        Role::Other(no_match) if broken || fragment.offset != 0 => {
            return Err(Outcome::NoMatch(no_match));
        }
        Role::Other(no_match) => {
            let view = if total == 0 { view } else { view.ending(total).0 };
            let message = view.skip(header_len);
            if let Ok([s0, s1, s2, s3, d0, d1, d2, d3]) = view.array(12) {
                let addresses = ([s0, s1, s2, s3].into(), [d0, d1, d2, d3].into());
                context.transport = Some(FoundTransport::at(addresses, protocol.0, message));
            }
            return Err(Outcome::NoMatch(icmp::told(no_match, protocol, message)));
        }
        Role::Udp if broken || fragment.offset != 0 => return Err(tunnel::PLAIN_UDP),
        _ if broken => {
            return Err(context.malformed(Malformed::HeaderLength, Layer::Ipv4, view.at()));
        }
        _ => {}
    }
    let view = bounded(context, view, total);
    if fragment.offset != 0 && !matches!(role, Role::Tunnel(_)) {
        later_fragment(context, protocol, fragment.offset, total, view)?;
    }
    let fixed: [u8; FIXED] = view.array(0).map_err(|short| match role {
        Role::Udp => tunnel::unread_udp(context, short, view),
        _ => context.short(short, Layer::Ipv4, view.at()),
    })?;
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = fixed;
    let header = view.slice(0, header_len).unwrap_or_default();
    let packet = IpPacket {
        at: view.at(),
        source: IpAddr::from([s0, s1, s2, s3]),
        destination: IpAddr::from([d0, d1, d2, d3]),
        next: protocol,
        declared: total,
        to_frame_end: total == 0,
        continued: fragment.more,
        drop: options(context, header, view),
        segments_left: None,
    };
    match role {
        Role::Tunnel(kind) if fragment.offset != 0 => Err(tunnel::outer(context, &packet, kind)),
        _ if fragment.offset != 0 => {
            Err(packet.fragment_drop(context, FragmentDrop::OverlapsHeader))
        }
        _ => chain::read(context, packet, view.skip(header_len)),
    }
}

/// The offset, in units of 8 bytes, and the flag of IPv4's fragment field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fragment {
    offset: u16,
    more: bool,
}

impl Fragment {
    /// The reserved ("evil") bit and "don't fragment" change nothing.
    const fn read(field: u16) -> Self {
        Self { offset: field & 0x1fff, more: field & 0x2000 != 0 }
    }
}

/// Bounds the packet by its total length. A total length of 0 is what a capture shows of a
/// packet that the card is yet to cut into segments; it then reaches to the frame's end.
fn bounded<'a>(context: &mut Context<'_>, view: FrameView<'a>, total: usize) -> FrameView<'a> {
    if total != 0 {
        return context.bound(view, total, Layer::Ipv4);
    }
    if context.options.origin == Origin::Live {
        context.note(Malformed::TotalLengthZero, Layer::Ipv4, view.at());
    }
    view
}

/// Ends the walk at a later fragment of TCP or of an authentication header, but for one that
/// overlaps TCP's header: that one goes on, to be dropped with its addresses.
fn later_fragment(
    context: &Context<'_>,
    protocol: IpNumber,
    offset: u16,
    total: usize,
    view: FrameView<'_>,
) -> Walk<'static, ()> {
    if usize::from(offset) * 8 + total > MAX_PACKET {
        Err(context.malformed(Malformed::FragmentPastMaximum, Layer::Ipv4, view.at()))
    } else if protocol == IpNumber::TCP && offset <= 2 {
        Ok(())
    } else {
        Err(Outcome::NoMatch(NoMatch::NonFirstFragment))
    }
}

/// Checks what needs the whole header: the checksum in live traffic, and the options.
fn options(context: &mut Context<'_>, header: &[u8], view: FrameView<'_>) -> Option<DropKind> {
    let slice = Ipv4HeaderSlice::from_slice(header).ok()?;
    if context.options.origin == Origin::Live && checksum(header) != slice.header_checksum() {
        context.note(Malformed::Ipv4Checksum, Layer::Ipv4, view.at());
    }
    source_route(slice.options())
}

/// The checksum that a header should have (RFC 791, 3.1), over its bytes as they came: the
/// reserved bit counts, too.
fn checksum(header: &[u8]) -> u16 {
    const OWN: usize = 5;
    let (words, _) = header.as_chunks::<2>();
    let others = words.iter().enumerate().filter(|(at, _)| *at != OWN);
    let sum = others.fold(0_u16, |sum, (_, word)| {
        let (sum, carry) = sum.overflowing_add(u16::from_be_bytes(*word));
        sum + u16::from(carry)
    });
    !sum
}

/// Finds a source route option (RFC 791, 3.1). Reading stops at the end of the list and at an
/// option whose length makes no sense, as receivers do.
fn source_route(mut options: &[u8]) -> Option<DropKind> {
    loop {
        options = match *options {
            [] | [0, ..] => return None,
            [1, ref rest @ ..] => rest,
            [131, ..] => return Some(DropKind::LooseSourceRoute),
            [137, ..] => return Some(DropKind::StrictSourceRoute),
            [_, len, ..] if len >= 2 => options.get(usize::from(len)..)?,
            _ => return None,
        };
    }
}
