//! IPv6 headers, extension headers and addresses.

use std::net::Ipv6Addr;

use egress25_packet_filter::frame::MAX_EXTENSIONS;

use crate::support::{
    DESTINATION_6, ETHERNET, IPV6, SOURCE_6, assert_outcome, ethernet, ipv6_with, of_cut_frame,
    of_live_packet, of_packet, syn_between_v6, syn_v6, tcp_syn,
};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const ESP: u8 = 50;
const AUTHENTICATION: u8 = 51;
const NO_NEXT: u8 = 59;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// An extension header of 8 bytes, padding its only option.
const fn padded(next: u8) -> [u8; 8] {
    [next, 0, 1, 4, 0, 0, 0, 0]
}

/// An extension header: its number, and its bytes with the next header's number.
type Header<'a> = (u8, &'a dyn Fn(u8) -> Vec<u8>);

/// The SYN behind extension headers.
fn chained(headers: &[Header<'_>]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (position, (_, header)) in headers.iter().enumerate() {
        let next = headers.get(position + 1).map_or(6, |(number, _)| *number);
        payload.extend(header(next));
    }
    payload.extend(tcp_syn());
    ipv6_with(headers[0].0, &payload)
}

/// A routing header of a type, with some segments left and one address.
fn routing(next: u8, kind: u8, left: u8) -> Vec<u8> {
    let mut bytes = vec![next, 2, kind, left, 0, 0, 0, 0];
    bytes.extend_from_slice(&DESTINATION_6);
    bytes
}

// row: IPv6 hop-by-hop, destination options, routing header with no segments left, AH, Shim6,
//      atomic fragment
#[test]
fn extension_headers_are_walked_over() {
    for kind in [HOP_BY_HOP, DESTINATION_OPTIONS, SHIM6] {
        let packet = chained(&[(kind, &|next| padded(next).to_vec())]);
        assert_outcome(&of_packet(&packet), "match");
    }
    for kind in [2, 3, 4] {
        let packet = chained(&[(ROUTING, &|next| routing(next, kind, 0))]);
        assert_outcome(&of_packet(&packet), "match");
    }
    let authentication = |next| [vec![next, 4], vec![0; 22]].concat();
    assert_outcome(&of_packet(&chained(&[(AUTHENTICATION, &authentication)])), "match");
    let atomic = |next| vec![next, 0, 0, 0, 0, 0, 0, 9];
    assert_outcome(&of_packet(&chained(&[(FRAGMENT, &atomic)])), "match");
}

// row: Mobility (135), HIP (139) header before TCP
#[test]
fn nothing_may_follow_a_mobility_or_hip_header() {
    for kind in [MOBILITY, HIP] {
        let packet = chained(&[(kind, &|next| padded(next).to_vec())]);
        assert_outcome(&of_packet(&packet), "malformed not-last-header");
        assert_outcome(&of_live_packet(&packet), "malformed not-last-header");
        // Alone it is what it is, and what is legibly no SYN to port 25 passes.
        let alone = ipv6_with(kind, &padded(NO_NEXT));
        assert_outcome(&of_packet(&alone), "no-match no-next-header");
        let mut other_port = packet.clone();
        other_port[IPV6 + 8 + 3] = 26;
        assert_outcome(&of_packet(&other_port), "no-match other-port");
        let udp = ipv6_with(kind, &[&padded(17)[..], &[0; 8]].concat());
        assert_outcome(&of_packet(&udp), "no-match not-tcp");
    }
}

#[test]
fn hop_by_hop_options_out_of_place_are_walked_over() {
    let options = |next| padded(next).to_vec();
    let packet = chained(&[(DESTINATION_OPTIONS, &options), (HOP_BY_HOP, &options)]);
    assert_outcome(&of_packet(&packet), "match");
}

#[test]
fn long_options_are_walked_over_by_their_length() {
    let long = |next| [vec![next, 255], vec![0; 2046]].concat();
    assert_outcome(&of_packet(&chained(&[(DESTINATION_OPTIONS, &long)])), "match");
}

#[test]
fn a_chain_over_the_limit_is_dropped() {
    let header: Header<'_> = (DESTINATION_OPTIONS, &|next| padded(next).to_vec());
    assert_outcome(&of_packet(&chained(&[header; MAX_EXTENSIONS])), "match");
    let longer = chained(&[header; MAX_EXTENSIONS + 1]);
    assert_outcome(&of_packet(&longer), "fragment-drop chain-too-long");
}

// row: routing header type 0
#[test]
fn a_routing_header_of_type_0_is_dropped_for_its_own_reason() {
    for left in [0, 1] {
        let packet = chained(&[(ROUTING, &|next| routing(next, 0, left))]);
        assert_outcome(&of_packet(&packet), "drop routing-header-0");
    }
}

#[test]
fn a_routing_header_with_segments_left_is_indeterminate() {
    for kind in [2, 3, 4, 200] {
        let packet = chained(&[(ROUTING, &|next| routing(next, kind, 1))]);
        assert_outcome(&of_packet(&packet), "indeterminate segments-left");
    }
    let mut to_udp = ipv6_with(ROUTING, &routing(17, 4, 1));
    to_udp.extend_from_slice(&[0; 8]);
    to_udp[5] += 8;
    assert_outcome(&of_packet(&to_udp), "no-match not-tcp");
}

// row: ESP, no next header
#[test]
fn encrypted_and_empty_packets_are_no_match() {
    assert_outcome(&of_packet(&ipv6_with(ESP, &[0xaa; 48])), "no-match esp");
    assert_outcome(&of_packet(&ipv6_with(NO_NEXT, &tcp_syn())), "no-match no-next-header");
    assert_outcome(&of_packet(&ipv6_with(NO_NEXT, &[])), "no-match no-next-header");
    let behind_options = [&padded(NO_NEXT)[..], &tcp_syn()].concat();
    let packet = ipv6_with(HOP_BY_HOP, &behind_options);
    assert_outcome(&of_packet(&packet), "no-match no-next-header");
}

// row: unknown next header
#[test]
fn an_unknown_next_header_is_indeterminate() {
    for number in [148, 200, 252, 253, 254, 255] {
        let packet = ipv6_with(number, &[&padded(6)[..], &tcp_syn()].concat());
        assert_outcome(&of_packet(&packet), "indeterminate unknown-next-header");
    }
    for number in [1, 2, 17, 33, 58, 89, 103, 112, 132, 136, 147] {
        assert_eq!(of_packet(&ipv6_with(number, &tcp_syn())).name(), "no-match");
    }
}

// row: extension past the end, payload length short
#[test]
fn impossible_lengths_are_malformed() {
    let past_end = chained(&[(DESTINATION_OPTIONS, &|next| vec![next, 9, 1, 4, 0, 0, 0, 0])]);
    assert_outcome(&of_packet(&past_end), "malformed extension-past-end");
    let half = ipv6_with(DESTINATION_OPTIONS, &[6]);
    assert_outcome(&of_packet(&half), "malformed extension-past-end");

    for payload in 1..20 {
        let mut short = syn_v6();
        short[5] = payload;
        assert_outcome(&of_packet(&short), "malformed tcp-too-short");
    }

    let mut past_frame = syn_v6();
    past_frame[5] += 1;
    assert_outcome(&of_packet(&past_frame), "malformed length-past-frame");
    let mut frame = ethernet(&past_frame);
    frame.push(0);
    assert_outcome(&of_cut_frame(&frame, frame.len() - 1), "match");
}

// row: IPv6 payload length 0 (large send offload) or jumbogram in a capture
#[test]
fn a_payload_length_of_zero_reaches_to_the_end_of_a_captured_frame() {
    let jumbo = |next| vec![next, 0, 0xc2, 4, 0, 1, 0, 0];
    let with_option = chained(&[(HOP_BY_HOP, &jumbo)]);
    for (packet, tcp, flaw) in [
        (syn_v6(), IPV6, "malformed payload-length-zero"),
        (with_option, IPV6 + 8, "malformed jumbogram"),
    ] {
        let mut packet = packet;
        packet[4..6].copy_from_slice(&[0, 0]);
        packet.extend([0; 3000]);
        assert_outcome(&of_packet(&packet), "match");
        assert_outcome(&of_live_packet(&packet), flaw);
        // Legibly no SYN to port 25: as in IPv4, it passes.
        let mut other_port = packet.clone();
        other_port[tcp + 3] = 26;
        let mut acknowledgement = packet.clone();
        acknowledgement[tcp + 13] = 0x10;
        for (packet, expected) in
            [(other_port, "no-match other-port"), (acknowledgement, "no-match not-syn")]
        {
            assert_outcome(&of_packet(&packet), expected);
            assert_outcome(&of_live_packet(&packet), expected);
        }
        // What nobody sent is not there.
        assert_outcome(&of_packet(&packet[..tcp + 13]), "malformed tcp-too-short");
        let frame = ethernet(&packet);
        assert_outcome(&of_cut_frame(&frame, ETHERNET + tcp + 13), "indeterminate cut");
    }
}

#[test]
fn a_jumbo_option_beside_a_payload_length_is_malformed() {
    let jumbo = |next| vec![next, 0, 0xc2, 4, 0, 0, 0, 28];
    let with_length = chained(&[(HOP_BY_HOP, &jumbo)]);
    assert_outcome(&of_packet(&with_length), "malformed jumbogram");
    let behind_padding = |next| vec![next, 1, 0, 1, 1, 0, 0xc2, 4, 0, 0, 0, 28, 1, 2, 0, 0];
    let packet = chained(&[(HOP_BY_HOP, &behind_padding)]);
    assert_outcome(&of_packet(&packet), "malformed jumbogram");
}

// row: IPv4-mapped address on the wire
#[test]
fn ipv4_mapped_addresses_are_malformed_and_translated_ones_are_not() {
    let mapped = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0xcb00, 0x7105);
    let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0xcb00, 0x7105);
    let (source, destination) = (SOURCE_6.into(), DESTINATION_6.into());
    for packet in [syn_between_v6(source, mapped), syn_between_v6(mapped, destination)] {
        assert_outcome(&of_packet(&packet), "malformed mapped-address");
    }
    assert_outcome(&of_packet(&syn_between_v6(source, translated)), "match");
}

#[test]
fn addresses_that_cannot_be_are_told_apart() {
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
    let source = Ipv6Addr::from(SOURCE_6);
    for (destination, expected) in [
        (group, "drop multicast-destination"),
        (Ipv6Addr::LOCALHOST, "drop loopback-destination"),
        (Ipv6Addr::UNSPECIFIED, "drop unspecified-destination"),
        (link_local, "match"),
    ] {
        assert_outcome(&of_packet(&syn_between_v6(source, destination)), expected);
    }
    let packet = syn_between_v6(group, DESTINATION_6.into());
    assert_outcome(&of_packet(&packet), "malformed source-address");
}

#[test]
fn a_quoted_header_is_no_match() {
    let mut error = vec![1, 1, 0, 0, 0, 0, 0, 0];
    error.extend(syn_v6());
    assert_outcome(&of_packet(&ipv6_with(58, &error)), "no-match icmp");
}

#[test]
fn a_frame_cut_before_the_flags_is_indeterminate() {
    let frame = ethernet(&chained(&[(HOP_BY_HOP, &|next| padded(next).to_vec())]));
    let flags = ETHERNET + IPV6 + 8 + 13;
    for kept in 0..frame.len() {
        let expected = if kept <= flags { "indeterminate cut" } else { "match" };
        assert_outcome(&of_cut_frame(&frame, kept), expected);
    }
}
