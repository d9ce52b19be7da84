//! What live traffic is answered differently from a capture.

use egress25_packet_filter::link::LinkType;

use crate::support::{LIVE, assert_outcome, ethernet_with, of, of_live_packet, syn_v4, syn_v6};

#[test]
fn link_layers_are_decoded_in_live_traffic_too() {
    let labelled = ethernet_with(0x8847, &[&[0, 1, 1, 64][..], &syn_v4()].concat());
    let session =
        ethernet_with(0x8864, &[&[0x11, 0, 0, 1, 0, 42, 0, 0x21][..], &syn_v4()].concat());
    let snap = ethernet_with(48, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &syn_v4()].concat());
    for bytes in [&labelled, &session, &snap] {
        assert_outcome(&of(LinkType::Ethernet, bytes, bytes.len(), &LIVE), "match");
    }
}

#[test]
fn plain_frames_are_answered_alike() {
    assert_outcome(&of_live_packet(&syn_v4()), "match");
    assert_outcome(&of_live_packet(&syn_v6()), "match");
}
