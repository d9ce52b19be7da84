//! Fragments of both families.

use crate::support::{assert_outcome, ipv4_with, ipv6_with, of_packet, set_total_length, tcp_syn};

const MORE: u16 = 0x2000;
const DONT: u16 = 0x4000;
const EVIL: u16 = 0x8000;

/// An IPv4 packet with a protocol, a fragment field and a payload.
fn v4(protocol: u8, field: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = ipv4_with(protocol, payload);
    packet[6..8].copy_from_slice(&field.to_be_bytes());
    set_total_length(&mut packet);
    packet
}

/// An IPv6 packet with a fragment header: what follows it, its offset in units of 8 bytes,
/// whether more follow, and the payload.
fn v6(next: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
    let mut bytes = vec![next, 0, high, low, 0, 0, 0, 9];
    bytes.extend_from_slice(payload);
    ipv6_with(44, &bytes)
}

// row: IPv4 first fragment with fewer than 20 bytes of TCP; TCP fragment at offset 1 or 2
#[test]
fn tiny_first_fragments_and_those_inside_the_header_are_dropped() {
    for len in 0..20 {
        let outcome = of_packet(&v4(6, MORE, &tcp_syn()[..len]));
        assert_outcome(&outcome, "fragment-drop tiny-first");
    }
    for offset in [1, 2] {
        for more in [0, MORE] {
            let outcome = of_packet(&v4(6, offset | more, &[0x41; 48]));
            assert_outcome(&outcome, "fragment-drop overlaps-header");
        }
        assert_outcome(&of_packet(&v6(6, offset, true, &[0; 48])), "fragment-drop overlaps-header");
    }
}

#[test]
fn a_tiny_first_fragment_is_dropped_whatever_port_it_shows() {
    let mut tcp = tcp_syn();
    tcp[3] = 80;
    assert_outcome(&of_packet(&v4(6, MORE, &tcp[..8])), "fragment-drop tiny-first");
    assert_outcome(&of_packet(&v4(6, MORE, &tcp)), "no-match other-port");
}

// row: IPv4 first fragment with the whole header
#[test]
fn a_first_fragment_with_the_whole_header_is_a_match() {
    assert_outcome(&of_packet(&v4(6, MORE, &tcp_syn())), "match");
    let mut with_data = tcp_syn();
    with_data.extend_from_slice(&[0x41; 12]);
    assert_outcome(&of_packet(&v4(6, MORE, &with_data)), "match");
    assert_outcome(&of_packet(&v6(6, 0, true, &with_data)), "match");
}

#[test]
fn options_left_to_the_next_fragment_are_allowed_in_ipv4_only() {
    let mut tcp = tcp_syn();
    tcp[12] = 15 << 4;
    assert_outcome(&of_packet(&v4(6, MORE, &tcp)), "match");
    assert_outcome(&of_packet(&v6(6, 0, true, &tcp)), "fragment-drop incomplete-chain");
    assert_outcome(&of_packet(&v4(6, 0, &tcp)), "malformed data-offset");
}

// row: other non-first fragments
#[test]
fn later_fragments_are_no_match_whatever_their_payload_looks_like() {
    for offset in [3, 100, 1000] {
        let outcome = of_packet(&v4(6, offset | MORE, &tcp_syn()));
        assert_outcome(&outcome, "no-match non-first-fragment");
        let outcome = of_packet(&v6(6, offset, true, &tcp_syn()));
        assert_outcome(&outcome, "no-match non-first-fragment");
    }
    assert_outcome(&of_packet(&v4(17, 1 | MORE, &tcp_syn())), "no-match not-tcp");
    assert_outcome(&of_packet(&v6(17, 1, true, &tcp_syn())), "no-match not-tcp");
}

// row: overlapping fragments
#[test]
fn of_overlapping_fragments_each_first_is_judged_and_offset_1_dropped() {
    let mut to_80 = tcp_syn();
    to_80[3] = 80;
    for (packet, expected) in [
        (v4(6, MORE, &to_80), "no-match other-port"),
        (v4(6, MORE, &tcp_syn()), "match"),
        (v4(6, 1, &[0; 44]), "fragment-drop overlaps-header"),
        (v6(6, 0, true, &to_80), "no-match other-port"),
        (v6(6, 0, true, &tcp_syn()), "match"),
        (v6(6, 1, false, &[0; 44]), "fragment-drop overlaps-header"),
        (v6(6, 3, false, &[0; 44]), "no-match non-first-fragment"),
    ] {
        assert_outcome(&of_packet(&packet), expected);
    }
}

// row: fragment that ends past 65,535
#[test]
fn a_fragment_that_ends_past_the_largest_packet_is_malformed() {
    // The header counts: 20 + 8189 * 8 + 3 is the last byte that an IPv4 packet can have.
    assert_outcome(&of_packet(&v4(6, 8189, &[0; 3])), "no-match non-first-fragment");
    assert_outcome(&of_packet(&v4(6, 8189, &[0; 4])), "malformed fragment-past-maximum");
    assert_outcome(&of_packet(&v4(6, 0x1fff, &[0; 24])), "malformed fragment-past-maximum");
    assert_outcome(&of_packet(&v4(17, 0x1fff, &[0; 24])), "no-match not-tcp");
    // The payload length does not count IPv6's header.
    assert_outcome(&of_packet(&v6(6, 8191, false, &[0; 7])), "no-match non-first-fragment");
    assert_outcome(&of_packet(&v6(6, 8191, false, &[0; 8])), "malformed fragment-past-maximum");
}

// row: evil bit, DF with MF
#[test]
fn the_other_bits_of_the_fragment_field_do_not_matter() {
    for field in [EVIL, DONT, EVIL | DONT, DONT | MORE, EVIL | DONT | MORE] {
        assert_outcome(&of_packet(&v4(6, field, &tcp_syn())), "match");
    }
    let outcome = of_packet(&v4(6, EVIL | DONT | 3, &tcp_syn()));
    assert_outcome(&outcome, "no-match non-first-fragment");
}

#[test]
fn an_atomic_fragment_is_read_on() {
    assert_outcome(&of_packet(&v6(6, 0, false, &tcp_syn())), "match");
    let mut nested = vec![6, 0, 0, 0, 0, 0, 0, 9];
    nested.extend(tcp_syn());
    assert_outcome(&of_packet(&v6(44, 0, false, &nested)), "match");
}

// row: IPv6 chain over our stated limit; first fragment without the whole chain
#[test]
fn a_first_fragment_without_the_whole_chain_is_dropped() {
    for len in 0..20 {
        let outcome = of_packet(&v6(6, 0, true, &tcp_syn()[..len]));
        assert_outcome(&outcome, "fragment-drop incomplete-chain");
    }
    // The chain goes on with destination options that end behind the fragment.
    let options = [6, 3, 1, 4, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0];
    for len in 0..=16 {
        let outcome = of_packet(&v6(60, 0, true, &options[..len]));
        assert_outcome(&outcome, "fragment-drop incomplete-chain");
    }
    let to_udp = [17, 3, 1, 4, 0, 0, 0, 0];
    assert_outcome(&of_packet(&v6(60, 0, true, &to_udp)), "no-match not-tcp");
}

#[test]
fn a_tiny_fragment_with_an_authentication_header_is_dropped() {
    let mut payload = vec![6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    payload.extend_from_slice(&tcp_syn()[..12]);
    assert_outcome(&of_packet(&v4(51, MORE, &payload)), "fragment-drop tiny-first");
    assert_outcome(&of_packet(&v4(51, MORE, &payload[..1])), "fragment-drop tiny-first");
    assert_outcome(&of_packet(&v4(51, 1, &payload)), "no-match non-first-fragment");
}
