//! Building frames, and asking what they are.

use std::net::{Ipv4Addr, Ipv6Addr};

use egress25_packet_filter::frame::{
    self, Frame, FrameOptions, Origin, Outcome, VxlanPorts, Wanted,
};
use egress25_packet_filter::link::LinkType;
use etherparse::PacketBuilder;

pub(crate) const SOURCE: [u8; 4] = [10, 0, 0, 4];
pub(crate) const DESTINATION: [u8; 4] = [203, 0, 113, 5];
pub(crate) const SOURCE_6: [u8; 16] = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 4).octets();
pub(crate) const DESTINATION_6: [u8; 16] = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 5).octets();

/// Lengths of the headers that the builders put in front, in bytes.
pub(crate) const ETHERNET: usize = 14;
pub(crate) const IPV4: usize = 20;
pub(crate) const IPV6: usize = 40;
pub(crate) const TCP: usize = 20;

/// A plain SYN to port 25, from the IPv4 header on.
pub(crate) fn syn_v4() -> Vec<u8> {
    write(PacketBuilder::ipv4(SOURCE, DESTINATION, 64).tcp(40_000, 25, 1000, 64_240).syn())
}

/// The same over IPv6.
pub(crate) fn syn_v6() -> Vec<u8> {
    write(PacketBuilder::ipv6(SOURCE_6, DESTINATION_6, 64).tcp(40_000, 25, 1000, 64_240).syn())
}

/// A plain SYN to port 25 between other IPv4 addresses.
pub(crate) fn syn_between(source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(source.octets(), destination.octets(), 64);
    write(builder.tcp(40_000, 25, 1000, 64_240).syn())
}

/// A plain SYN to port 25 between other IPv6 addresses.
pub(crate) fn syn_between_v6(source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    let builder = PacketBuilder::ipv6(source.octets(), destination.octets(), 64);
    write(builder.tcp(40_000, 25, 1000, 64_240).syn())
}

/// The bytes of a TCP packet without payload.
pub(crate) fn write(builder: etherparse::PacketBuilderStep<etherparse::TcpHeader>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(builder.size(0));
    builder.write(&mut bytes, &[]).unwrap();
    bytes
}

/// A UDP packet from the IPv4 header on.
pub(crate) fn udp_v4(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(SOURCE, DESTINATION, 64).udp(source_port, destination_port);
    let mut bytes = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

/// An IPv4 packet with any protocol number and payload, its checksum right.
pub(crate) fn ipv4_with(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = syn_v4();
    packet.truncate(IPV4);
    packet[9] = protocol;
    packet.extend_from_slice(payload);
    set_total_length(&mut packet);
    packet
}

/// An IPv6 packet with any next header and payload.
pub(crate) fn ipv6_with(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = syn_v6();
    packet.truncate(IPV6);
    packet[6] = next_header;
    packet[4..6].copy_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

/// Just the TCP header of the plain SYN.
pub(crate) fn tcp_syn() -> Vec<u8> {
    syn_v4().split_off(IPV4)
}

/// Writes an IPv4 packet's length into its header, and the checksum that is then right.
pub(crate) fn set_total_length(packet: &mut [u8]) {
    let total = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    fix_checksum(packet);
}

/// Makes an IPv4 packet's header checksum right.
pub(crate) fn fix_checksum(packet: &mut [u8]) {
    let header = etherparse::Ipv4HeaderSlice::from_slice(packet).unwrap();
    let checksum = header.to_header().calc_header_checksum();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// An Ethernet header in front, its type told by the packet's version.
pub(crate) fn ethernet(packet: &[u8]) -> Vec<u8> {
    let ether_type = if packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 };
    ethernet_with(ether_type, packet)
}

/// An Ethernet header with any type in front.
pub(crate) fn ethernet_with(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    bytes.extend_from_slice(&ether_type.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) const LIVE: FrameOptions = FrameOptions {
    origin: Origin::Live,
    look_inside: false,
    port: Some(25),
    vxlan_ports: VxlanPorts::STANDARD,
    wanted: Wanted::NOTHING,
};

/// The outcome of an IP packet in an Ethernet frame of a capture.
pub(crate) fn of_packet(packet: &[u8]) -> Outcome {
    of_frame(&ethernet(packet))
}

/// The outcome of a whole Ethernet frame of a capture.
pub(crate) fn of_frame(bytes: &[u8]) -> Outcome {
    of(LinkType::Ethernet, bytes, bytes.len(), &FrameOptions::default())
}

/// The outcome of an IP packet in a live Ethernet frame.
pub(crate) fn of_live_packet(packet: &[u8]) -> Outcome {
    let bytes = ethernet(packet);
    of(LinkType::Ethernet, &bytes, bytes.len(), &LIVE)
}

/// The outcome of an Ethernet frame of which a capture kept the first `kept` bytes.
pub(crate) fn of_cut_frame(bytes: &[u8], kept: usize) -> Outcome {
    of(LinkType::Ethernet, &bytes[..kept], bytes.len(), &FrameOptions::default())
}

/// The outcome of a whole frame of any link type.
pub(crate) fn of_link(link: LinkType, bytes: &[u8]) -> Outcome {
    of(link, bytes, bytes.len(), &FrameOptions::default())
}

/// The outcome of a frame's outermost packet.
pub(crate) fn of(link: LinkType, bytes: &[u8], wire_len: usize, options: &FrameOptions) -> Outcome {
    let wire_len = u32::try_from(wire_len).unwrap();
    frame::outermost(&Frame { link, bytes, wire_len }, options)
}

/// All outcomes of a frame with the option to look inside tunnels.
pub(crate) fn inside(link: LinkType, bytes: &[u8], wire_len: usize) -> Vec<Outcome> {
    let options = FrameOptions { look_inside: true, ..FrameOptions::default() };
    let wire_len = u32::try_from(wire_len).unwrap();
    all(&Frame { link, bytes, wire_len }, &options)
}

/// All outcomes of a frame.
pub(crate) fn all(frame: &Frame<'_>, options: &FrameOptions) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    frame::classify(frame, options, &mut |outcome| outcomes.push(outcome));
    outcomes
}

/// An outcome as the tables write it: its name, and its kind where it has one.
pub(crate) fn brief(outcome: &Outcome) -> String {
    match outcome.kind() {
        "-" => outcome.name().to_owned(),
        kind => format!("{} {kind}", outcome.name()),
    }
}

/// Checks an outcome by its name and kind, as in `malformed data-offset`.
#[track_caller]
pub(crate) fn assert_outcome(outcome: &Outcome, expected: &str) {
    assert_eq!(brief(outcome), expected, "{outcome:?}");
}
