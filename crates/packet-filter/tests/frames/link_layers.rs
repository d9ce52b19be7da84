//! Link types and what may stand between them and IP.

use egress25_packet_filter::frame::{Layer, MAX_MPLS_LABELS, Malformed, Outcome};
use egress25_packet_filter::link::LinkType;

use crate::support::{
    assert_outcome, ethernet, ethernet_with, of_cut_frame, of_frame, of_link, syn_v4, syn_v6,
};

/// `front` and then `back`.
fn join(front: &[u8], back: &[u8]) -> Vec<u8> {
    [front, back].concat()
}

/// An Ethernet frame with VLAN tags, `(ethertype of the tag, its control field)`.
fn tagged(tags: &[(u16, u16)], packet: &[u8]) -> Vec<u8> {
    let mut frame = ethernet(packet);
    for (ether_type, control) in tags.iter().rev() {
        let [t0, t1] = ether_type.to_be_bytes();
        let [c0, c1] = control.to_be_bytes();
        frame.splice(12..12, [t0, t1, c0, c1]);
    }
    frame
}

// row: VLAN, QinQ (8100, 88a8, 9100), priority tag 0, up to 3 tags
#[test]
fn up_to_three_tags_are_read_outermost_first() {
    for packet in [syn_v4(), syn_v6()] {
        for (tags, ids) in [
            (&[(0x8100, 5)][..], &[5][..]),
            (&[(0x9100, 6)], &[6]),
            (&[(0x8100, 0xe000)], &[0]),
            (&[(0x88a8, 7), (0x8100, 0x2008)], &[7, 8]),
            (&[(0x88a8, 4095), (0x9100, 2), (0x8100, 3)], &[4095, 2, 3]),
        ] {
            let outcome = of_frame(&tagged(tags, &packet));
            assert_outcome(&outcome, "match");
            assert_eq!(outcome.candidate().unwrap().vlan.ids(), ids);
        }
    }
}

#[test]
fn a_fourth_tag_is_indeterminate() {
    let frame = tagged(&[(0x8100, 1); 4], &syn_v4());
    assert_outcome(&of_frame(&frame), "indeterminate too-many-tags");
}

#[test]
fn tags_are_shown_with_dots() {
    let outcome = of_frame(&tagged(&[(0x88a8, 10), (0x8100, 20)], &syn_v4()));
    assert_eq!(outcome.candidate().unwrap().vlan.to_string(), "10.20");
    assert_eq!(of_frame(&ethernet(&syn_v4())).candidate().unwrap().vlan.to_string(), "-");
}

// row: MPLS, PPPoE, LLC/SNAP
#[test]
fn mpls_pppoe_and_llc_are_decoded_in_captures() {
    let (four, six) = (syn_v4(), syn_v6());
    for ether_type in [0x8847, 0x8848] {
        let one = [0, 1, 1, 64];
        assert_outcome(&of_frame(&ethernet_with(ether_type, &join(&one, &four))), "match");
        let two = [0, 1, 0, 64, 0, 2, 1, 64];
        assert_outcome(&of_frame(&ethernet_with(ether_type, &join(&two, &six))), "match");
    }
    for (protocol, packet) in [([0, 0x21], &four), ([0, 0x57], &six)] {
        let len = u8::try_from(packet.len() + 2).unwrap();
        let session = [&[0x11, 0, 0, 1, 0, len][..], &protocol, packet].concat();
        assert_outcome(&of_frame(&ethernet_with(0x8864, &session)), "match");
    }
    let snap = join(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &four);
    let length = u16::try_from(snap.len()).unwrap();
    assert_outcome(&of_frame(&ethernet_with(length, &snap)), "match");
    let snap = join(&[0xaa, 0xaa, 3, 0, 0, 0xf8, 0x86, 0xdd], &six);
    assert_outcome(&of_frame(&ethernet_with(length + 20, &snap)), "match");
    let bare = join(&[6, 6, 3], &four);
    assert_outcome(&of_frame(&ethernet_with(length - 5, &bare)), "match");
}

#[test]
fn what_mpls_pppoe_and_llc_carry_besides_ip_is_no_match() {
    let control_word = join(&[0, 1, 1, 64, 0, 0, 0, 0], &ethernet(&syn_v4()));
    assert_outcome(&of_frame(&ethernet_with(0x8847, &control_word)), "no-match not-ip");
    let link_control = [0x11, 0, 0, 1, 0, 4, 0xc0, 0x21, 1, 1];
    assert_outcome(&of_frame(&ethernet_with(0x8864, &link_control)), "no-match not-ip");
    for (version_and_type, code) in [(0x21, 0), (0x12, 0), (0x11, 9)] {
        let odd = join(&[version_and_type, code, 0, 1, 0, 42, 0, 0x21], &syn_v4());
        assert_outcome(&of_frame(&ethernet_with(0x8864, &odd)), "no-match not-ip");
    }
    let discovery = [0x11, 9, 0, 0, 0, 0];
    assert_outcome(&of_frame(&ethernet_with(0x8863, &discovery)), "no-match not-ip");
    let spanning_tree = [0x42, 0x42, 3, 0, 0, 0];
    assert_outcome(&of_frame(&ethernet_with(6, &spanning_tree)), "no-match not-ip");
    let novell = [0xff, 0xff, 0, 30];
    assert_outcome(&of_frame(&ethernet_with(30, &novell)), "no-match not-ip");
}

#[test]
fn a_label_stack_over_the_limit_is_indeterminate() {
    let label = [0, 1, 0, 64];
    let stack = |above: usize| join(&label.repeat(above), &join(&[0, 1, 1, 64], &syn_v4()));
    let frame = ethernet_with(0x8847, &stack(MAX_MPLS_LABELS - 1));
    assert_outcome(&of_frame(&frame), "match");
    let frame = ethernet_with(0x8847, &stack(MAX_MPLS_LABELS));
    assert_outcome(&of_frame(&frame), "indeterminate too-many-labels");
}

#[test]
fn a_type_between_lengths_and_ethertypes_is_no_match() {
    let mut snap = join(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &syn_v4());
    snap.resize(1536, 0);
    assert_outcome(&of_frame(&ethernet_with(1500, &snap)), "match");
    for value in [1501, 1535] {
        assert_outcome(&of_frame(&ethernet_with(value, &snap)), "no-match not-ip");
    }
}

#[test]
fn of_several_flaws_the_outermost_is_told() {
    let mut packet = syn_v4();
    packet[2] = 0xff;
    let session = join(&[0x11, 0, 0, 1, 4, 0, 0, 0x21], &packet);
    let outcome = of_frame(&ethernet_with(0x8864, &session));
    let (kind, layer) = (Malformed::LengthPastFrame, Layer::Pppoe);
    assert_eq!(outcome, Outcome::Malformed { kind, layer, offset: 20 });
}

#[test]
fn a_length_of_llc_or_pppoe_past_the_frame_is_a_flaw() {
    let snap = join(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &syn_v4());
    assert_outcome(&of_frame(&ethernet_with(1500, &snap)), "malformed length-past-frame");
    let session = join(&[0x11, 0, 0, 1, 4, 0, 0, 0x21], &syn_v4());
    assert_outcome(&of_frame(&ethernet_with(0x8864, &session)), "malformed length-past-frame");
    // Too short for the packet inside is one, too.
    let session = join(&[0x11, 0, 0, 1, 0, 20, 0, 0x21], &syn_v4());
    assert_outcome(&of_frame(&ethernet_with(0x8864, &session)), "malformed length-past-frame");
}

// row: ethertype and IP version disagree
#[test]
fn a_version_that_disagrees_with_what_announced_it_is_malformed() {
    for (ether_type, packet) in [(0x0800, syn_v6()), (0x86dd, syn_v4())] {
        let outcome = of_frame(&ethernet_with(ether_type, &packet));
        assert_outcome(&outcome, "malformed ip-version");
    }
    let mut five = syn_v4();
    five[0] = 0x55;
    assert_outcome(&of_frame(&ethernet_with(0x0800, &five)), "malformed ip-version");
    assert_outcome(&of_link(LinkType::Raw, &five), "malformed ip-version");
    assert_outcome(&of_link(LinkType::Ipv4, &syn_v6()), "malformed ip-version");
    assert_outcome(&of_link(LinkType::Ipv6, &syn_v4()), "malformed ip-version");
}

// row: frame under 14 bytes
#[test]
fn a_frame_under_14_bytes_is_malformed_unless_it_was_cut() {
    let frame = ethernet(&syn_v4());
    for len in 0..14 {
        let outcome = of_frame(&frame[..len]);
        let (kind, layer) = (Malformed::HeaderPastEnd, Layer::Ethernet);
        assert_eq!(outcome, Outcome::Malformed { kind, layer, offset: 0 });
        assert_outcome(&of_cut_frame(&frame, len), "indeterminate cut");
    }
}

#[test]
fn other_ethertypes_are_no_match() {
    for ether_type in [0x0806, 0x8035, 0x88cc, 0x88e5, 0x8863, 1501, 0x05ff] {
        assert_outcome(&of_frame(&ethernet_with(ether_type, &syn_v4())), "no-match not-ip");
    }
    assert_outcome(&of_frame(&ethernet_with(0x0806, &[])), "no-match not-ip");
}

// row: link type unknown
#[test]
fn an_unknown_link_type_is_refused_by_name() {
    let refused = LinkType::from_disk(127).unwrap_err();
    assert_eq!(refused.to_string(), "link type `IEEE802_11_RADIOTAP` (127) is not supported");
}

#[test]
fn bare_packets_are_told_by_their_version() {
    assert_outcome(&of_link(LinkType::Raw, &syn_v4()), "match");
    assert_outcome(&of_link(LinkType::Raw, &syn_v6()), "match");
    assert_outcome(&of_link(LinkType::Ipv4, &syn_v4()), "match");
    assert_outcome(&of_link(LinkType::Ipv6, &syn_v6()), "match");
    assert_outcome(&of_link(LinkType::Raw, &[]), "malformed header-past-end");
}

#[test]
fn cooked_captures_are_read_by_their_protocol() {
    let first = |hardware: u8, protocol: [u8; 2]| {
        let mut header = vec![0, 4, 0, hardware, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
        header.extend(protocol);
        header
    };
    let cooked =
        |header: Vec<u8>, packet: &[u8]| of_link(LinkType::LinuxSll, &join(&header, packet));
    assert_outcome(&cooked(first(1, [8, 0]), &syn_v4()), "match");
    assert_outcome(&cooked(first(1, [0x86, 0xdd]), &syn_v6()), "match");
    assert_outcome(&cooked(first(1, [8, 6]), &syn_v4()), "no-match not-ip");
    let tag = join(&[0, 9, 8, 0], &syn_v4());
    assert_outcome(&cooked(first(1, [0x81, 0]), &tag), "match");
    let snap = join(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &syn_v4());
    assert_outcome(&cooked(first(1, [0, 4]), &snap), "match");
    assert_outcome(&cooked(first(1, [0, 1]), &syn_v4()), "no-match not-ip");
    // Netlink (824 is 0x338): the field is a family, not an ethertype.
    let mut netlink = first(0x38, [8, 0]);
    netlink[2] = 3;
    assert_outcome(&cooked(netlink, &syn_v4()), "no-match not-ip");

    let second = |protocol: [u8; 2], packet: &[u8]| {
        let mut bytes = protocol.to_vec();
        bytes.extend([0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
        of_link(LinkType::LinuxSll2, &join(&bytes, packet))
    };
    assert_outcome(&second([8, 0], &syn_v4()), "match");
    assert_outcome(&second([0x86, 0xdd], &syn_v6()), "match");
}

// row: BSD null family 10 (Linux AF_INET6) besides 24, 28, 30
#[test]
fn loopback_families_are_read_in_either_byte_order() {
    let (four, six) = (syn_v4(), syn_v6());
    for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        assert_outcome(&of_link(LinkType::Null, &join(&family, &four)), "match");
    }
    for value in [10, 24, 28, 30] {
        for family in [[value, 0, 0, 0], [0, 0, 0, value]] {
            assert_outcome(&of_link(LinkType::Null, &join(&family, &six)), "match");
        }
        assert_outcome(&of_link(LinkType::Loop, &join(&[0, 0, 0, value], &six)), "match");
    }
    assert_outcome(&of_link(LinkType::Loop, &join(&[0, 0, 0, 2], &four)), "match");
    for link in [LinkType::Null, LinkType::Loop] {
        assert_outcome(&of_link(link, &join(&[0, 0, 0, 7], &four)), "no-match not-ip");
        assert_outcome(&of_link(link, &[0, 0]), "malformed header-past-end");
    }
}

#[test]
fn ppp_is_read_with_and_without_framing_and_compression() {
    let (four, six) = (syn_v4(), syn_v6());
    for front in [&[0xff, 3, 0, 0x21][..], &[0, 0x21], &[0x21], &[0xff, 3, 0x21]] {
        assert_outcome(&of_link(LinkType::Ppp, &join(front, &four)), "match");
    }
    for front in [&[0xff, 3, 0, 0x57][..], &[0, 0x57], &[0x57]] {
        assert_outcome(&of_link(LinkType::Ppp, &join(front, &six)), "match");
    }
    let labelled = [&[0x02, 0x81, 0, 1, 1, 64][..], &four].concat();
    assert_outcome(&of_link(LinkType::Ppp, &labelled), "match");
    assert_outcome(&of_link(LinkType::Ppp, &[0xff, 3, 0xc0, 0x21]), "no-match not-ip");
}
