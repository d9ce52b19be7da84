//! An IP packet whose header has been read, and what its protocol number means.

use std::net::IpAddr;

use etherparse::IpNumber;

use crate::frame::context::Context;
use crate::frame::transport::FoundTransport;
use crate::frame::view::FrameView;
use crate::frame::{DropKind, FragmentDrop, NoMatch, Outcome, Tunnel, icmp};

/// The largest packet that the 16-bit length fields allow, in bytes.
pub(super) const MAX_PACKET: usize = 65_535;

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
    /// Whether its length field is 0 and it reaches to the frame's end.
    pub(super) to_frame_end: bool,
    /// Whether more fragments follow this first one.
    pub(super) continued: bool,
    /// What keeps it from being delivered, if it is a SYN to port 25.
    pub(super) drop: Option<DropKind>,
    /// Where a routing header says that this is not the final destination.
    pub(super) segments_left: Option<usize>,
}

impl IpPacket {
    /// Notes what lies behind its headers, at the view.
    pub(super) fn carries(&self, context: &mut Context<'_>, view: FrameView<'_>) {
        let addresses = (self.source, self.destination);
        context.transport = Some(FoundTransport::at(addresses, self.next.0, view));
    }

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
    /// Destination options and Shim6: a next header, and a length in 8 bytes.
    Generic,
    /// Mobility and HIP: the same, but nothing may follow.
    Last,
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
        IpNumber::ICMP => Role::Other(icmp::UNREAD),
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
        IpNumber::IPV6_ICMP => Role::Other(icmp::UNREAD),
        IpNumber::IPV6_NO_NEXT_HEADER => Role::Other(NoMatch::NoNextHeader),
        IpNumber::IPV6_HEADER_HOP_BY_HOP => Role::HopByHop,
        IpNumber::IPV6_ROUTE_HEADER => Role::Routing,
        IpNumber::IPV6_FRAGMENTATION_HEADER => Role::Fragment,
        IpNumber::IPV6_DESTINATION_OPTIONS | IpNumber::SHIM6 => Role::Generic,
        IpNumber::MOBILITY_HEADER | IpNumber::HIP => Role::Last,
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
