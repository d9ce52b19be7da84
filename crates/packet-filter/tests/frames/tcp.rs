//! The SYN test itself, and what is wrong with a segment.

use egress25_packet_filter::frame::{FrameOptions, Layer, Malformed, Outcome};
use egress25_packet_filter::link::LinkType;
use etherparse::{PacketBuilder, TcpOptionElement};

use crate::support::{
    DESTINATION, ETHERNET, IPV4, SOURCE, assert_outcome, ethernet, of, of_frame, of_packet,
    set_total_length, syn_v4, syn_v6, write,
};

const PORT: usize = IPV4 + 2;
const OFFSET: usize = IPV4 + 12;
const FLAGS: usize = IPV4 + 13;

fn with_flags(flags: u8) -> Outcome {
    let mut packet = syn_v4();
    packet[FLAGS] = flags;
    of_packet(&packet)
}

#[test]
fn a_plain_syn_is_a_match_with_its_addresses_and_ports() {
    for packet in [syn_v4(), syn_v6()] {
        let outcome = of_packet(&packet);
        let candidate = outcome.candidate().unwrap();
        assert_eq!((candidate.source_port, candidate.destination_port), (40_000, 25));
        let (source, destination) = if packet[0] >> 4 == 4 {
            ("10.0.0.4", "203.0.113.5")
        } else {
            ("2001:db8::4", "2001:db8:1::5")
        };
        assert_eq!(candidate.source.to_string(), source);
        assert_eq!(candidate.destination.to_string(), destination);
        assert!(candidate.vlan.is_empty());
        assert_eq!((candidate.vni, candidate.tunnel), (None, None));
        assert!(matches!(outcome, Outcome::Match(_)));
    }
}

// row: SYN test: flags & (SYN, ACK, RST) == SYN; ECE, CWR, AE, reserved, URG, PSH do not matter
// row: SYN+FIN
// row: SYN+RST
// row: SYN+ACK, other flags, source port 25 only
#[test]
fn all_256_values_of_the_flags_are_told_apart() {
    for flags in 0..=u8::MAX {
        let expected = match (flags & 0x02 != 0, flags & 0x10 != 0, flags & 0x04 != 0) {
            (true, false, false) => "match",
            (true, false, true) => "malformed syn-with-rst",
            _ => "no-match not-syn",
        };
        assert_outcome(&with_flags(flags), expected);
    }
}

#[test]
fn accurate_ecn_and_reserved_bits_do_not_matter() {
    for low_bits in 0..16 {
        let mut packet = syn_v4();
        packet[OFFSET] |= low_bits;
        assert_outcome(&of_packet(&packet), "match");
    }
}

#[test]
fn a_source_port_of_25_alone_is_no_match() {
    let reply = PacketBuilder::ipv4(SOURCE, DESTINATION, 64).tcp(25, 40_000, 1, 1).syn();
    assert_outcome(&of_packet(&write(reply)), "no-match other-port");
    let both = PacketBuilder::ipv4(SOURCE, DESTINATION, 64).tcp(25, 25, 1, 1).syn();
    assert_outcome(&of_packet(&write(both)), "match");
}

#[test]
fn ports_are_read_in_network_byte_order() {
    for port in [24, 26, 0x1900, 465, 587] {
        let other = PacketBuilder::ipv4(SOURCE, DESTINATION, 64).tcp(40_000, port, 1, 1).syn();
        assert_outcome(&of_packet(&write(other)), "no-match other-port");
    }
}

// row: each retransmission; each side of a simultaneous open
#[test]
fn retransmissions_and_both_sides_of_a_simultaneous_open_are_matches() {
    let syn = syn_v4();
    let back = PacketBuilder::ipv4(DESTINATION, SOURCE, 64).tcp(25, 25, 7, 1).syn();
    for packet in [&syn, &syn, &write(back)] {
        assert_outcome(&of_packet(packet), "match");
    }
}

// row: data in the SYN, Fast Open, MPTCP options
#[test]
fn data_fast_open_and_multipath_options_do_not_matter() {
    let fast_open = [34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1];
    let multipath = [30, 12, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    for options in [fast_open, multipath] {
        let builder = PacketBuilder::ipv4(SOURCE, DESTINATION, 64)
            .tcp(40_000, 25, 1, 1)
            .syn()
            .options_raw(&options)
            .unwrap();
        let mut bytes = Vec::new();
        builder.write(&mut bytes, b"EHLO a\r\n").unwrap();
        assert_outcome(&of_packet(&bytes), "match");
    }
}

// row: TCP checksum bad, zero or partial
#[test]
fn the_tcp_checksum_does_not_matter() {
    for checksum in [[0, 0], [0xff, 0xff], [0x12, 0x34]] {
        let mut packet = syn_v4();
        packet[IPV4 + 16..IPV4 + 18].copy_from_slice(&checksum);
        assert_outcome(&of_packet(&packet), "match");
        assert_outcome(&crate::support::of_live_packet(&packet), "match");
    }
}

// row: data offset below 5 or past the end
#[test]
fn a_data_offset_below_5_or_past_the_end_is_malformed() {
    for offset in 0..16_u8 {
        let mut packet = syn_v4();
        packet[OFFSET] = offset << 4;
        let expected = if offset == 5 { "match" } else { "malformed data-offset" };
        assert_outcome(&of_packet(&packet), expected);
    }
}

#[test]
fn full_options_are_a_match_and_malformed_options_too() {
    let mss = PacketBuilder::ipv4(SOURCE, DESTINATION, 64)
        .tcp(40_000, 25, 1, 1)
        .syn()
        .options(&[TcpOptionElement::MaximumSegmentSize(1460)])
        .unwrap();
    assert_outcome(&of_packet(&write(mss)), "match");
    let mut packet = syn_v4();
    packet.extend_from_slice(&[1; 40]);
    packet[OFFSET] = 15 << 4;
    set_total_length(&mut packet);
    assert_outcome(&of_packet(&packet), "match");
}

// row: TCP option of length 0
#[test]
fn an_option_of_length_0_is_a_match() {
    let mut packet = syn_v4();
    packet.extend_from_slice(&[2, 0, 0, 0]);
    packet[OFFSET] = 6 << 4;
    set_total_length(&mut packet);
    assert_outcome(&of_packet(&packet), "match");
}

#[test]
fn a_malformed_outcome_says_layer_and_byte() {
    let mut packet = syn_v4();
    packet[OFFSET] = 4 << 4;
    let outcome = of_packet(&packet);
    let offset = ETHERNET + OFFSET;
    assert_eq!(
        outcome,
        Outcome::Malformed { kind: Malformed::DataOffset, layer: Layer::Tcp, offset }
    );
    assert_eq!(outcome.to_string(), "malformed: data-offset in `tcp` at byte 46");
}

#[test]
fn what_is_legibly_none_of_our_business_passes_whatever_else_is_wrong() {
    let mut to_443 = syn_v4();
    to_443[PORT..PORT + 2].copy_from_slice(&443_u16.to_be_bytes());
    to_443[OFFSET] = 0;
    to_443[12] = 224;
    assert_outcome(&of_packet(&to_443), "no-match other-port");
    to_443[2] = 0xff;
    assert_outcome(&of_packet(&to_443), "no-match other-port");
    let mut acknowledgement = syn_v4();
    acknowledgement[FLAGS] = 0x10;
    acknowledgement[OFFSET] = 0;
    acknowledgement[2] = 0xff;
    assert_outcome(&of_packet(&acknowledgement), "no-match not-syn");
}

#[test]
fn any_port_can_be_asked_for() {
    let other = PacketBuilder::ipv4(SOURCE, DESTINATION, 64).tcp(40_000, 443, 1, 1).syn();
    let bytes = ethernet(&write(other));
    assert_outcome(&of_frame(&bytes), "no-match other-port");
    let any = FrameOptions { port: None, ..FrameOptions::default() };
    let outcome = of(LinkType::Ethernet, &bytes, bytes.len(), &any);
    assert_eq!(outcome.candidate().unwrap().destination_port, 443);
}
