//! The TCP reset that answers a rejected SYN (RFC 9293, 3.10.7.1).

use etherparse::{
    Ethernet2Header, Ethernet2Slice, NetSlice, PacketBuilder, PacketBuilderStep, SlicedPacket,
    TransportSlice,
};

/// The reset for an Ethernet frame with a SYN, back to where it came from. `None` where the
/// frame is no plain one with a TCP header: then it is dropped and no more.
pub(crate) fn for_frame(frame: &[u8]) -> Option<Vec<u8>> {
    let ethernet = Ethernet2Slice::from_slice_without_fcs(frame).ok()?;
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let builder = PacketBuilder::ethernet2(ethernet.destination(), ethernet.source());
    answer(&packet, builder)
}

/// The reset for a bare IP packet, as an Ethernet frame between two stations.
pub(crate) fn for_packet(packet: &[u8], from: [u8; 6], to: [u8; 6]) -> Option<Vec<u8>> {
    let packet = SlicedPacket::from_ip(packet).ok()?;
    let builder = PacketBuilder::ethernet2(from, to);
    answer(&packet, builder)
}

fn answer(
    packet: &SlicedPacket<'_>,
    builder: PacketBuilderStep<Ethernet2Header>,
) -> Option<Vec<u8>> {
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return None };
    let builder = match packet.net.as_ref()? {
        NetSlice::Ipv4(ip) => builder.ipv4(ip.header().destination(), ip.header().source(), 64),
        NetSlice::Ipv6(ip) => builder.ipv6(ip.header().destination(), ip.header().source(), 64),
        NetSlice::Arp(_) => return None,
    };
    let payload = u32::try_from(tcp.payload().len()).ok()?;
    // A SYN takes one number, and what it carries takes one a byte.
    let acknowledged = tcp.sequence_number().wrapping_add(1).wrapping_add(payload);
    let builder =
        builder.tcp(tcp.destination_port(), tcp.source_port(), 0, 0).rst().ack(acknowledged);
    let mut frame = Vec::with_capacity(builder.size(0));
    builder.write(&mut frame, &[]).ok()?;
    Some(frame)
}
