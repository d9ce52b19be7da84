//! The TCP reset that answers a rejected SYN (RFC 9293, 3.10.7.1).

use std::net::IpAddr;

use etherparse::{Ethernet2Slice, NetSlice, SlicedPacket, TransportSlice};
use pnet_packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::{Ipv4Flags, MutableIpv4Packet};
use pnet_packet::ipv6::MutableIpv6Packet;
use pnet_packet::tcp::{MutableTcpPacket, TcpFlags};
use pnet_packet::{MutablePacket, ipv4, tcp};

/// How far it may go.
const HOPS: u8 = 64;
/// A header without options, in words of four bytes.
const PLAIN_HEADER: u8 = 5;
/// How long the headers are, in bytes.
const ETHERNET: usize = MutableEthernetPacket::minimum_packet_size();
const IPV4: usize = MutableIpv4Packet::minimum_packet_size();
const IPV6: usize = MutableIpv6Packet::minimum_packet_size();
const TCP: usize = MutableTcpPacket::minimum_packet_size();

/// What a reset says.
#[derive(Debug, Clone, Copy)]
struct Reset {
    from: [u8; 6],
    to: [u8; 6],
    source: IpAddr,
    destination: IpAddr,
    source_port: u16,
    destination_port: u16,
    acknowledged: u32,
}

/// The reset for an Ethernet frame with a SYN, back to where it came from. `None` where the
/// frame is no plain one with a TCP header: then it is dropped and no more.
pub(crate) fn for_frame(frame: &[u8]) -> Option<Vec<u8>> {
    let ethernet = Ethernet2Slice::from_slice_without_fcs(frame).ok()?;
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    built(&answer(&packet, ethernet.destination(), ethernet.source())?)
}

/// The reset for a bare IP packet, as an Ethernet frame between two stations.
pub(crate) fn for_packet(packet: &[u8], from: [u8; 6], to: [u8; 6]) -> Option<Vec<u8>> {
    built(&answer(&SlicedPacket::from_ip(packet).ok()?, from, to)?)
}

fn answer(packet: &SlicedPacket<'_>, from: [u8; 6], to: [u8; 6]) -> Option<Reset> {
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return None };
    let (source, destination) = match packet.net.as_ref()? {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            (header.destination_addr().into(), header.source_addr().into())
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            (header.destination_addr().into(), header.source_addr().into())
        }
        NetSlice::Arp(_) => return None,
    };
    let payload = u32::try_from(tcp.payload().len()).ok()?;
    Some(Reset {
        from,
        to,
        source,
        destination,
        source_port: tcp.destination_port(),
        destination_port: tcp.source_port(),
        // A SYN takes one number, and what it carries takes one a byte.
        acknowledged: tcp.sequence_number().wrapping_add(1).wrapping_add(payload),
    })
}

/// The Ethernet frame of a reset.
fn built(reset: &Reset) -> Option<Vec<u8>> {
    let ip_header = if reset.source.is_ipv4() { IPV4 } else { IPV6 };
    let mut frame = vec![0; ETHERNET + ip_header + TCP];
    let mut ethernet = MutableEthernetPacket::new(&mut frame)?;
    ethernet.set_destination(reset.to.into());
    ethernet.set_source(reset.from.into());
    ethernet.set_ethertype(match reset.source {
        IpAddr::V4(_) => EtherTypes::Ipv4,
        IpAddr::V6(_) => EtherTypes::Ipv6,
    });
    let packet = ethernet.payload_mut();
    segment(packet.get_mut(ip_header..)?, reset)?;
    match (reset.source, reset.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut ip = MutableIpv4Packet::new(packet)?;
            ip.set_version(4);
            ip.set_header_length(PLAIN_HEADER);
            ip.set_total_length(u16::try_from(IPV4 + TCP).ok()?);
            ip.set_flags(Ipv4Flags::DontFragment);
            ip.set_ttl(HOPS);
            ip.set_next_level_protocol(IpNextHeaderProtocols::Tcp);
            ip.set_source(source);
            ip.set_destination(destination);
            ip.set_checksum(ipv4::checksum(&ip.to_immutable()));
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let mut ip = MutableIpv6Packet::new(packet)?;
            ip.set_version(6);
            ip.set_payload_length(u16::try_from(TCP).ok()?);
            ip.set_next_header(IpNextHeaderProtocols::Tcp);
            ip.set_hop_limit(HOPS);
            ip.set_source(source);
            ip.set_destination(destination);
        }
        _ => return None,
    }
    Some(frame)
}

/// Its TCP header, with a checksum.
fn segment(bytes: &mut [u8], reset: &Reset) -> Option<()> {
    let mut segment = MutableTcpPacket::new(bytes)?;
    segment.set_source(reset.source_port);
    segment.set_destination(reset.destination_port);
    segment.set_acknowledgement(reset.acknowledged);
    segment.set_data_offset(PLAIN_HEADER);
    segment.set_flags(TcpFlags::RST | TcpFlags::ACK);
    let whole = segment.to_immutable();
    let checksum = match (reset.source, reset.destination) {
        (IpAddr::V4(from), IpAddr::V4(to)) => tcp::ipv4_checksum(&whole, &from, &to),
        (IpAddr::V6(from), IpAddr::V6(to)) => tcp::ipv6_checksum(&whole, &from, &to),
        _ => return None,
    };
    segment.set_checksum(checksum);
    Some(())
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    const HERE: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const THERE: [u8; 6] = [2, 0, 0, 0, 0, 2];
    const PAYLOAD: &[u8] = b"EHLO";

    /// A SYN with data and what another library answers to it.
    fn pairs() -> [(Vec<u8>, Vec<u8>); 2] {
        let (from, to) = ([10, 1, 0, 4], [203, 0, 113, 25]);
        let (from6, to6) = ([0xfd; 16], [0x20; 16]);
        let out = || PacketBuilder::ethernet2(HERE, THERE);
        let back = || PacketBuilder::ethernet2(THERE, HERE);
        let syn4 = out().ipv4(from, to, 9).tcp(40_000, 25, u32::MAX, 7).syn();
        let syn6 = out().ipv6(from6, to6, 9).tcp(40_000, 25, u32::MAX, 7).syn();
        let rst4 = back().ipv4(to, from, 64).tcp(25, 40_000, 0, 0).rst().ack(4);
        let rst6 = back().ipv6(to6, from6, 64).tcp(25, 40_000, 0, 0).rst().ack(4);
        [(syn4, rst4), (syn6, rst6)].map(|(syn, rst)| {
            let (mut question, mut answer) = (Vec::new(), Vec::new());
            syn.write(&mut question, PAYLOAD).unwrap();
            rst.write(&mut answer, &[]).unwrap();
            (question, answer)
        })
    }

    #[test]
    fn a_reset_is_what_another_library_builds() {
        for (question, answer) in pairs() {
            assert_eq!(for_frame(&question), Some(answer.clone()));
            assert_eq!(for_packet(&question[14..], THERE, HERE), Some(answer));
        }
        assert_eq!(for_frame(&[0; 60]), None);
        assert_eq!(for_packet(&[0x45; 20], THERE, HERE), None);
    }
}
