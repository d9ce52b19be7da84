//! IPv4 headers, lengths, options and addresses.

use std::net::Ipv4Addr;

use etherparse::{Icmpv4Type, PacketBuilder, icmpv4::DestUnreachableHeader};

use crate::support::{
    DESTINATION, ETHERNET, IPV4, SOURCE, TCP, assert_outcome, ethernet, ipv4_with, of_cut_frame,
    of_frame, of_live_packet, of_packet, set_total_length, syn_between, syn_v4, tcp_syn, udp_v4,
};

/// The plain SYN with options in its IPv4 header.
fn with_options(options: &[u8]) -> Vec<u8> {
    let mut packet = syn_v4();
    packet.splice(IPV4..IPV4, options.iter().copied());
    packet[0] = 0x45 + u8::try_from(options.len() / 4).unwrap();
    set_total_length(&mut packet);
    packet
}

fn with_total_length(total: u16) -> Vec<u8> {
    let mut packet = syn_v4();
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    packet
}

// row: IPv4 checksum zero or bad
#[test]
fn the_header_checksum_counts_only_in_live_traffic() {
    for checksum in [[0, 0], [0x12, 0x34]] {
        let mut packet = syn_v4();
        packet[10..12].copy_from_slice(&checksum);
        assert_outcome(&of_packet(&packet), "match");
        assert_outcome(&of_live_packet(&packet), "malformed ipv4-checksum");
    }
    assert_outcome(&of_live_packet(&syn_v4()), "match");
}

// row: IHL 6 to 15
#[test]
fn tcp_is_found_by_the_header_length() {
    for words in 1..=10 {
        assert_outcome(&of_packet(&with_options(&[1; 40][..words * 4])), "match");
    }
}

// row: loose or strict source route
#[test]
fn a_source_route_is_dropped_for_its_own_reason() {
    for (kind, name) in [(131, "drop loose-source-route"), (137, "drop strict-source-route")] {
        let first = [kind, 7, 4, 198, 51, 100, 1, 0];
        let behind_others = [1, 7, 3, 4, kind, 3, 4, 0];
        for options in [first, behind_others] {
            let outcome = of_packet(&with_options(&options));
            assert_outcome(&outcome, name);
            assert_eq!(outcome.candidate().unwrap().destination.to_string(), "203.0.113.5");
        }
    }
}

#[test]
fn a_source_route_behind_the_end_of_the_options_is_none() {
    assert_outcome(&of_packet(&with_options(&[0, 131, 3, 4])), "match");
    assert_outcome(&of_packet(&with_options(&[7, 0, 131, 3])), "match");
}

// row: IHL below 5, IHL past total, total below IHL+20
#[test]
fn impossible_lengths_are_malformed() {
    for ihl in 0..5 {
        let mut packet = syn_v4();
        packet[0] = 0x40 | ihl;
        assert_outcome(&of_packet(&packet), "malformed header-length");
    }
    let mut past_total = syn_v4();
    past_total[0] = 0x4f;
    assert_outcome(&of_packet(&past_total), "malformed header-length");
    for total in 1..20 {
        assert_outcome(&of_packet(&with_total_length(total)), "malformed header-length");
    }
    for total in 20..40 {
        assert_outcome(&of_packet(&with_total_length(total)), "malformed tcp-too-short");
    }
}

// row: total length 0
#[test]
fn a_total_length_of_0_reaches_to_the_frames_end_in_captures() {
    let mut packet = with_total_length(0);
    crate::support::fix_checksum(&mut packet);
    assert_outcome(&of_packet(&packet), "match");
    assert_outcome(&of_live_packet(&packet), "malformed total-length-zero");
}

// row: total length past the frame
#[test]
fn a_total_length_past_the_frame_is_believed_only_if_the_capture_was_cut() {
    let frame = ethernet(&with_total_length(1500));
    assert_outcome(&of_frame(&frame), "malformed length-past-frame");
    let mut longer = frame.clone();
    for wire_len in [1514, 60] {
        longer.resize(wire_len, 0);
        assert_outcome(&of_cut_frame(&longer, frame.len()), "match");
    }
}

// row: Ethernet padding, FCS behind the total length
#[test]
fn padding_and_frame_check_sequence_are_ignored() {
    for trailer in [&[0; 6][..], &[0xde, 0xad, 0xbe, 0xef], &[0; 1000]] {
        let mut frame = ethernet(&syn_v4());
        frame.extend_from_slice(trailer);
        assert_outcome(&of_frame(&frame), "match");
    }
}

#[test]
fn a_header_in_the_padding_is_no_match() {
    let mut datagram = udp_v4(1, 2, &[]);
    datagram.extend(tcp_syn());
    assert_outcome(&of_packet(&datagram), "no-match not-tcp");
    // An acknowledgement, with a SYN's flags where a longer segment would have them.
    let mut acknowledgement = syn_v4();
    acknowledgement[IPV4 + 13] = 0x10;
    acknowledgement.extend(tcp_syn());
    assert_outcome(&of_packet(&acknowledgement), "no-match not-syn");
    // No TCP at all before the padding starts.
    assert_outcome(&of_packet(&with_total_length(20)), "malformed tcp-too-short");
}

// row: frame cut before the flags (byte 48 of a plain frame)
#[test]
fn a_frame_cut_before_byte_48_is_indeterminate() {
    let mut frame = ethernet(&syn_v4());
    frame.extend_from_slice(&[0; 6]);
    for kept in 0..frame.len() {
        let expected = if kept < 48 { "indeterminate cut" } else { "match" };
        assert_outcome(&of_cut_frame(&frame, kept), expected);
    }
}

#[test]
fn a_cut_frame_that_shows_another_protocol_or_port_is_no_match() {
    let datagram = ethernet(&udp_v4(1, 25, &[0; 20]));
    for kept in ETHERNET + 10..datagram.len() {
        assert_outcome(&of_cut_frame(&datagram, kept), "no-match not-tcp");
    }
    let mut other_port = ethernet(&syn_v4());
    other_port[ETHERNET + IPV4 + 3] = 26;
    for kept in ETHERNET..other_port.len() {
        let cut = kept < ETHERNET + IPV4 + 4;
        let expected = if cut { "indeterminate cut" } else { "no-match other-port" };
        assert_outcome(&of_cut_frame(&other_port, kept), expected);
    }
}

#[test]
fn an_authentication_header_is_walked_over() {
    let mut header = vec![6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    header.extend_from_slice(&[0xaa; 12]);
    header.extend(tcp_syn());
    assert_outcome(&of_packet(&ipv4_with(51, &header)), "match");
    header[0] = 17;
    assert_outcome(&of_packet(&ipv4_with(51, &header)), "no-match not-tcp");
    header[0] = 6;
    header[1] = 200;
    assert_outcome(&of_packet(&ipv4_with(51, &header)), "malformed extension-past-end");
    header[0] = 50;
    assert_outcome(&of_packet(&ipv4_with(51, &header)), "no-match esp");
}

// row: header quoted in ICMP, SYN-like payload, UDP, SCTP, DCCP port 25, ARP
#[test]
fn quoted_headers_and_other_protocols_are_no_match() {
    let unreachable = Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port);
    let builder = PacketBuilder::ipv4(DESTINATION, SOURCE, 64).icmpv4(unreachable);
    let mut quoting = Vec::new();
    builder.write(&mut quoting, &syn_v4()).unwrap();
    assert_outcome(&of_packet(&quoting), "no-match icmp");
    assert_outcome(&of_packet(&udp_v4(1, 2, &syn_v4())), "no-match not-tcp");
    assert_outcome(&of_packet(&udp_v4(40_000, 25, b"x")), "no-match not-tcp");
    for protocol in [132, 33, 136, 2, 89] {
        assert_outcome(&of_packet(&ipv4_with(protocol, &tcp_syn())), "no-match not-tcp");
    }
    assert_outcome(&of_packet(&ipv4_with(50, &tcp_syn())), "no-match esp");
    let arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 4, 0, 0, 0, 0, 0, 0];
    assert_outcome(&of_frame(&crate::support::ethernet_with(0x0806, &arp)), "no-match not-ip");
}

#[test]
fn udp_passes_however_broken_its_header_is() {
    for (at, value) in [(0, 0x40), (0, 0x4f), (2, 0xff), (3, 19), (6, 0x1f)] {
        let mut datagram = udp_v4(1, 25, &[0; 20]);
        datagram[at] = value;
        assert_outcome(&of_packet(&datagram), "no-match not-tcp");
        assert_outcome(&of_live_packet(&datagram), "no-match not-tcp");
    }
}

// row: destination multicast, broadcast, loopback, 0.0.0.0
#[test]
fn undeliverable_destinations_are_dropped_for_their_own_reason() {
    for (destination, expected) in [
        (Ipv4Addr::new(224, 0, 0, 1), "drop multicast-destination"),
        (Ipv4Addr::new(239, 255, 255, 255), "drop multicast-destination"),
        (Ipv4Addr::BROADCAST, "drop broadcast-destination"),
        (Ipv4Addr::LOCALHOST, "drop loopback-destination"),
        (Ipv4Addr::new(127, 1, 2, 3), "drop loopback-destination"),
        (Ipv4Addr::UNSPECIFIED, "drop unspecified-destination"),
        (Ipv4Addr::new(223, 255, 255, 255), "match"),
        (Ipv4Addr::new(255, 255, 255, 254), "match"),
    ] {
        let packet = syn_between(SOURCE.into(), destination);
        assert_outcome(&of_packet(&packet), expected);
    }
}

#[test]
fn a_multicast_or_broadcast_source_is_malformed() {
    for source in [Ipv4Addr::new(224, 1, 1, 1), Ipv4Addr::BROADCAST] {
        let packet = syn_between(source, DESTINATION.into());
        assert_outcome(&of_packet(&packet), "malformed source-address");
    }
}

// row: source address that no interface of the world owns
// row: instance metadata and wire server addresses (169.254.169.254, 168.63.129.16)
#[test]
fn whose_address_it_is_and_the_platforms_own_are_left_to_the_policy() {
    for (source, destination) in [
        (Ipv4Addr::new(192, 0, 2, 1), DESTINATION.into()),
        (Ipv4Addr::UNSPECIFIED, DESTINATION.into()),
        (SOURCE.into(), Ipv4Addr::new(169, 254, 169, 254)),
        (SOURCE.into(), Ipv4Addr::new(168, 63, 129, 16)),
        (SOURCE.into(), Ipv4Addr::new(192, 168, 1, 1)),
    ] {
        assert_outcome(&of_packet(&syn_between(source, destination)), "match");
    }
}

// row: 64 KB GSO frame with SYN
#[test]
fn a_frame_of_64_kilobytes_is_a_match() {
    let mut packet = syn_v4();
    packet.resize(65_535, 0);
    set_total_length(&mut packet);
    assert_outcome(&of_packet(&packet), "match");
    // Larger than the length field can say: offload leaves 0 there.
    packet.resize(200_000, 0);
    packet[2..4].copy_from_slice(&[0, 0]);
    assert_outcome(&of_packet(&packet), "match");
}

#[test]
fn a_frame_that_ends_inside_the_header_is_malformed_where_it_was_not_cut() {
    let frame = ethernet(&syn_v4());
    for len in ETHERNET..ETHERNET + IPV4 {
        let outcome = of_frame(&frame[..len]);
        assert_eq!(outcome.name(), "malformed", "{len}: {outcome:?}");
    }
    for len in ETHERNET + IPV4..ETHERNET + IPV4 + TCP {
        let outcome = of_frame(&frame[..len]);
        assert_outcome(&outcome, "malformed length-past-frame");
    }
}
