//! What packets that are not judged have to do with mail.

use egress25_packet_filter::frame::{FrameOptions, Kind, Outcome, RELAY_PORTS};
use egress25_packet_filter::link::LinkType;
use etherparse::PacketBuilder;

use crate::support::{
    DESTINATION, ETHERNET, IPV4, IPV6, SOURCE, ethernet, ipv4_with, ipv6_with, of, of_cut_frame,
    of_packet, syn_v4, tcp_syn, write,
};

fn kind(packet: &[u8]) -> Kind {
    of_packet(packet).unjudged_kind()
}

/// A segment from one port to another with some flags, over IPv4.
fn segment(from: u16, to: u16, flags: u8) -> Vec<u8> {
    let mut packet = write(PacketBuilder::ipv4(SOURCE, DESTINATION, 64).tcp(from, to, 1, 1));
    packet[IPV4 + 13] = flags;
    packet
}

/// The same over IPv6.
fn segment_6(from: u16, to: u16, flags: u8) -> Vec<u8> {
    let mut tcp = tcp_syn();
    tcp[..2].copy_from_slice(&from.to_be_bytes());
    tcp[2..4].copy_from_slice(&to.to_be_bytes());
    tcp[13] = flags;
    ipv6_with(6, &tcp)
}

#[test]
fn a_segment_from_port_25_is_an_answer_whatever_its_flags() {
    for make in [segment, segment_6] {
        for flags in [0x12, 0x14, 0x10, 0x11, 0x04, 0x02, 0] {
            assert_eq!(kind(&make(25, 40_000, flags)), Kind::Answer);
            assert_eq!(kind(&make(25, 587, flags)), Kind::Answer);
            assert_eq!(kind(&make(26, 40_000, flags)), Kind::Nothing);
        }
        assert_eq!(kind(&make(25, 25, 0x12)), Kind::Answer);
        for (flags, right) in [
            (0x10, Kind::Acknowledgement),
            (0x18, Kind::Acknowledgement),
            (0x11, Kind::Acknowledgement),
            (0x14, Kind::Nothing),
            (0x12, Kind::Nothing),
            (0x04, Kind::Nothing),
            (0, Kind::Nothing),
        ] {
            assert_eq!(kind(&make(40_000, 25, flags)), right);
        }
        // A SYN to port 25 is judged.
        assert_eq!(kind(&make(25, 25, 0x02)), Kind::Nothing);
    }
}

#[test]
fn a_syn_to_a_relay_port_is_told_from_what_follows_it() {
    for make in [segment, segment_6] {
        for port in RELAY_PORTS {
            assert_eq!(kind(&make(40_000, port, 0x02)), Kind::RelaySyn);
            assert_eq!(kind(&make(40_000, port, 0xc2)), Kind::RelaySyn);
            for flags in [0x12, 0x10, 0x06, 0x18, 0] {
                assert_eq!(kind(&make(40_000, port, flags)), Kind::Nothing);
            }
            assert_eq!(kind(&make(port, 40_000, 0x02)), Kind::Nothing);
        }
        assert_eq!(kind(&make(40_000, 80, 0x02)), Kind::Nothing);
    }
    let frame = ethernet(&segment(40_000, 587, 0x02));
    assert_eq!(of_cut_frame(&frame, ETHERNET + IPV4 + 13).unjudged_kind(), Kind::Nothing);
    assert_eq!(of_cut_frame(&frame, ETHERNET + IPV4 + 14).unjudged_kind(), Kind::RelaySyn);
}

#[test]
fn answers_come_from_the_port_that_is_looked_for() {
    let options = FrameOptions { port: Some(587), ..FrameOptions::default() };
    let frame = ethernet(&segment(587, 40_000, 0x12));
    let outcome = of(LinkType::Ethernet, &frame, frame.len(), &options);
    assert_eq!(outcome.unjudged_kind(), Kind::Answer);
    let frame = ethernet(&segment(25, 40_000, 0x12));
    let outcome = of(LinkType::Ethernet, &frame, frame.len(), &options);
    assert_eq!(outcome.unjudged_kind(), Kind::Nothing);
}

#[test]
fn errors_of_icmp_are_told_from_other_messages() {
    let quoted = syn_v4();
    for message in 0..=u8::MAX {
        let body = [&[message, 1, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
        let expected = |errors: &[u8]| {
            if errors.contains(&message) { Kind::IcmpError } else { Kind::Nothing }
        };
        assert_eq!(kind(&ipv4_with(1, &body)), expected(&[3, 11, 12]));
        assert_eq!(kind(&ipv6_with(58, &body)), expected(&[1, 2, 3, 4]));
        // ICMPv6 in IPv4 is neither.
        assert_eq!(kind(&ipv4_with(58, &body)), Kind::Nothing);
    }
    let optioned = [&[58, 0, 1, 4, 0, 0, 0, 0][..], &[1, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(kind(&ipv6_with(60, &optioned)), Kind::IcmpError);
    assert_eq!(kind(&ipv6_with(60, &optioned)[..IPV6 + 8]), Kind::Nothing);
}

#[test]
fn a_type_that_is_not_there_is_none() {
    let error = ipv4_with(1, &[3, 1, 0, 0, 0, 0, 0, 0]);
    let changed = |at: usize, bytes: [u8; 2]| {
        let mut packet = error.clone();
        packet[at..at + 2].copy_from_slice(&bytes);
        let outcome = of_packet(&packet);
        assert!(matches!(outcome, Outcome::NoMatch(_)));
        outcome.unjudged_kind()
    };
    assert_eq!(changed(6, [0x20, 0]), Kind::IcmpError);
    assert_eq!(changed(6, [0, 1]), Kind::Nothing);
    assert_eq!(changed(2, [0, 20]), Kind::Nothing);
    assert_eq!(changed(2, [0, 0]), Kind::IcmpError);
    assert_eq!(changed(0, [0x44, 0]), Kind::Nothing);
    assert_eq!(of_cut_frame(&ethernet(&error), ETHERNET + IPV4).unjudged_kind(), Kind::Nothing);
}
