//! From what lies behind the IP headers to what it says of a connection.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};

use egress25_packet_filter::frame::Transport;

use crate::reply::{Answer, IcmpError, Reply};
use crate::tuple::Tuple;

const TCP: u8 = 6;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The fixed part of TCP's header, in bytes.
const TCP_HEADER: usize = 20;

/// A SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syn {
    /// The connection's ends.
    pub tuple: Tuple,
    /// Its sequence number.
    pub isn: u32,
    /// A number that stands for its TCP options.
    pub options: u64,
    /// How many bytes of data it carries, as far as they were captured (TCP Fast Open, RFC 7413).
    pub carries: u32,
}

/// What a packet says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Somebody tries.
    Syn(Syn),
    /// Something came back.
    Reply(Reply),
    /// The sender acknowledges what came back, which may itself be lost: the first segment after the
    /// SYN, of the sequence number that follows that of the SYN (RFC 9293, 3.5).
    Acknowledgement(Reply),
}

impl Seen {
    /// Whether something came back.
    #[must_use]
    pub const fn is_reply(&self) -> bool {
        !matches!(self, Self::Syn(_))
    }

    /// What a segment to or from a port, or an ICMP error about one to it, says; `None` where that is
    /// nothing. A segment with RST says something only where it acknowledges: otherwise it is for no
    /// SYN (RFC 9293, 3.10.7.3).
    #[must_use]
    pub fn of(transport: &Transport<'_>, port: u16) -> Option<Self> {
        match transport.protocol {
            TCP => tcp(transport, port),
            ICMP => icmp(transport, port, ipv4_syn),
            ICMP_V6 => icmp(transport, port, ipv6_syn),
            _ => None,
        }
    }
}

fn tcp(transport: &Transport<'_>, port: u16) -> Option<Seen> {
    let Transport { source, destination, bytes, .. } = *transport;
    let head = bytes.first_chunk::<14>()?;
    let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags] = *head;
    let from = SocketAddr::new(source, u16::from_be_bytes([s0, s1]));
    let to = SocketAddr::new(destination, u16::from_be_bytes([d0, d1]));
    let reply = |answer| {
        let isn = u32::from_be_bytes([a0, a1, a2, a3]).wrapping_sub(1);
        let is_reply = from.port() == port;
        is_reply.then_some(Seen::Reply(Reply { tuple: Tuple { from: to, to: from }, isn, answer }))
    };
    let sequence = u32::from_be_bytes([q0, q1, q2, q3]);
    match flags & (SYN | RST | ACK) {
        SYN if to.port() == port => {
            let end = usize::from(offset >> 4).wrapping_mul(4).min(bytes.len());
            let mut hasher = DefaultHasher::new();
            bytes.get(TCP_HEADER..end).unwrap_or_default().hash(&mut hasher);
            let carries = u32::try_from(bytes.len().saturating_sub(end)).unwrap_or(0);
            let (tuple, options) = (Tuple { from, to }, hasher.finish());
            Some(Seen::Syn(Syn { tuple, isn: sequence, options, carries }))
        }
        both if both == SYN | ACK => reply(Answer::Answered),
        both if both == RST | ACK => reply(Answer::Reset),
        ACK if to.port() == port => {
            let (tuple, isn) = (Tuple { from, to }, sequence.wrapping_sub(1));
            Some(Seen::Acknowledgement(Reply { tuple, isn, answer: Answer::Answered }))
        }
        _ => None,
    }
}

/// The SYN's ends and sequence number, as far as an error quotes it.
type Quoted = (IpAddr, IpAddr, [u8; 8]);

fn icmp(
    transport: &Transport<'_>,
    port: u16,
    quoted: impl Fn(&[u8]) -> Option<Quoted>,
) -> Option<Seen> {
    let (head, packet) = transport.bytes.split_first_chunk::<8>()?;
    let [kind, code, ..] = *head;
    let is_error = match transport.protocol {
        ICMP => matches!(kind, 3 | 11 | 12),
        _ => matches!(kind, 1..=4),
    };
    let (source, destination, tcp) = quoted(packet).filter(|_| is_error)?;
    let [s0, s1, d0, d1, isn @ ..] = tcp;
    let from = SocketAddr::new(source, u16::from_be_bytes([s0, s1]));
    let to = SocketAddr::new(destination, u16::from_be_bytes([d0, d1]));
    let answer = Answer::Icmp(IcmpError { from: transport.source, kind, code });
    let isn = u32::from_be_bytes(isn);
    (to.port() == port).then_some(Seen::Reply(Reply { tuple: Tuple { from, to }, isn, answer }))
}

fn ipv4_syn(packet: &[u8]) -> Option<Quoted> {
    let head = packet.first_chunk::<20>()?;
    let [first, .., s0, s1, s2, s3, d0, d1, d2, d3] = *head;
    let [.., protocol, _, _, _, _, _, _, _, _, _, _] = *head;
    let tcp = packet.get(usize::from(first & 0x0f).wrapping_mul(4)..)?.first_chunk::<8>()?;
    let fits = first >> 4 == 4 && first & 0x0f >= 5 && protocol == TCP;
    fits.then_some(([s0, s1, s2, s3].into(), [d0, d1, d2, d3].into(), *tcp))
}

/// Extension headers in front of a quoted SYN are not read: no sender of mail has them.
fn ipv6_syn(packet: &[u8]) -> Option<Quoted> {
    let (head, behind) = packet.split_first_chunk::<40>()?;
    let (start, addresses) = head.split_first_chunk::<8>()?;
    let [first, _, _, _, _, _, next, _] = *start;
    let (source, destination) = addresses.split_first_chunk::<16>()?;
    let destination = destination.first_chunk::<16>()?;
    let fits = first >> 4 == 6 && next == TCP;
    fits.then_some(((*source).into(), (*destination).into(), *behind.first_chunk::<8>()?))
}
