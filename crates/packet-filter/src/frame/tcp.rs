//! TCP (RFC 9293): the last step, and the only one that makes a candidate.

use std::net::IpAddr;

use egress25_policy::UnfitDestination;

use crate::frame::context::{Context, unclear};
use crate::frame::ip_packet::IpPacket;
use crate::frame::view::{FrameView, Short};
use crate::frame::{
    Candidate, DropKind, FragmentDrop, FrameOptions, Indeterminate, Kind, Layer, Malformed,
    NoMatch, Outcome, RELAY_PORTS,
};

/// The header without its options, in bytes.
const FIXED: usize = 20;

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The outcome of a packet whose chain leads to TCP, unfragmented or in its first fragment.
///
/// The order matters: what makes the segment none of our business comes first, then what is
/// wrong with it, then where it goes.
pub(super) fn judge(context: &Context<'_>, packet: &IpPacket, view: FrameView<'_>) -> Outcome {
    outcome(context, packet, view).unwrap_or_else(|outcome| outcome)
}

fn outcome(
    context: &Context<'_>,
    packet: &IpPacket,
    view: FrameView<'_>,
) -> Result<Outcome, Outcome> {
    let at = view.at();
    // Before the port: in a fragment that short, later ones may still rewrite the header.
    if packet.continued && view.declared() < FIXED {
        return Err(packet.incomplete(context));
    }
    let short = |short| match short {
        Short::Past => context.malformed(Malformed::TcpTooShort, Layer::Tcp, at),
        cut @ Short::Cut => context.short(cut, Layer::Tcp, at),
    };
    let destination_port = view.be16(2).map_err(short)?;
    if context.options.port.is_some_and(|port| port != destination_port) {
        let ports = [view.be16(0).map_err(short)?, destination_port];
        let kind = kind_of_segment(ports, view.byte(13).ok(), context.options);
        return Err(Outcome::NoMatch(NoMatch::OtherPort { kind }));
    }
    let source_port = view.be16(0).map_err(short)?;
    let [offset, flags] = view.array(12).map_err(short)?;
    if flags & SYN == 0 || flags & ACK != 0 {
        let ports = [source_port, destination_port];
        let kind = kind_of_segment(ports, Some(flags), context.options);
        return Err(Outcome::NoMatch(NoMatch::NotSyn { kind }));
    }
    if flags & RST != 0 {
        return Err(context.malformed(Malformed::SynWithRst, Layer::Tcp, at + 13));
    }
    header_length(context, packet, view, usize::from(offset >> 4) * 4)?;
    context.noted()?;
    addresses(packet)?;
    if let Some(header) = packet.segments_left {
        let kind = Indeterminate::SegmentsLeft;
        return Err(unclear(kind, Layer::Extension, header));
    }
    let candidate = Candidate {
        source: packet.source,
        destination: packet.destination,
        source_port,
        destination_port,
        vlan: context.vlan,
        vni: context.vni,
        tunnel: context.tunnel,
    };
    Ok(match packet.drop.or_else(|| undeliverable(packet.destination)) {
        Some(kind) => Outcome::Dropped { candidate, kind },
        None => Outcome::Match(candidate),
    })
}

/// What a segment that is no candidate has to do with mail, by its ports and, where they are there
/// and count, its flags.
#[inline(always)]
pub(crate) fn kind_of_segment(
    [source, destination]: [u16; 2],
    flags: Option<u8>,
    options: &FrameOptions,
) -> Kind {
    if source == options.mail_port() {
        return Kind::Answer;
    }
    match flags {
        Some(flags) if destination == options.mail_port() => match flags & (SYN | ACK | RST) {
            ACK => Kind::Acknowledgement,
            _ => Kind::Nothing,
        },
        Some(flags) if flags & (SYN | ACK | RST) == SYN && RELAY_PORTS.contains(&destination) => {
            Kind::RelaySyn
        }
        _ => Kind::Nothing,
    }
}

/// Checks the data offset, in bytes, against what the packet declares to bring. A first
/// fragment of IPv4 may leave options to the next one; IPv6 must not (RFC 7112, 5).
fn header_length(
    context: &Context<'_>,
    packet: &IpPacket,
    view: FrameView<'_>,
    len: usize,
) -> Result<(), Outcome> {
    let (at, declared) = (view.at(), view.declared());
    if declared < FIXED {
        return Err(context.malformed(Malformed::TcpTooShort, Layer::Tcp, at));
    }
    if len < FIXED || (len > declared && !packet.continued) {
        return Err(context.malformed(Malformed::DataOffset, Layer::Tcp, at + 12));
    }
    if len > declared && packet.source.is_ipv6() {
        return Err(packet.fragment_drop(context, FragmentDrop::IncompleteChain));
    }
    Ok(())
}

/// Checks what no sender may put in an address field.
fn addresses(packet: &IpPacket) -> Result<(), Outcome> {
    let malformed = |kind, layer| Outcome::Malformed { kind, layer, offset: packet.at };
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), _) if source.is_multicast() || source.is_broadcast() => {
            Err(malformed(Malformed::SourceAddress, Layer::Ipv4))
        }
        (IpAddr::V6(source), _) if source.is_multicast() => {
            Err(malformed(Malformed::SourceAddress, Layer::Ipv6))
        }
        (IpAddr::V6(source), destination)
            if source.to_ipv4_mapped().is_some()
                || UnfitDestination::of(destination) == Some(UnfitDestination::Mapped) =>
        {
            Err(malformed(Malformed::MappedAddress, Layer::Ipv6))
        }
        _ => Ok(()),
    }
}

/// Why nothing delivers TCP to this address, if so.
fn undeliverable(destination: IpAddr) -> Option<DropKind> {
    match UnfitDestination::of(destination)? {
        UnfitDestination::Multicast => Some(DropKind::MulticastDestination),
        UnfitDestination::Broadcast => Some(DropKind::BroadcastDestination),
        UnfitDestination::Loopback => Some(DropKind::LoopbackDestination),
        UnfitDestination::Unspecified => Some(DropKind::UnspecifiedDestination),
        // The first is the table's to judge, as the platform's address among them is; the other
        // has been refused as malformed.
        UnfitDestination::LinkLocal | UnfitDestination::Mapped => None,
    }
}
