//! What live traffic is answered differently from a capture.

use egress25_packet_filter::frame::{FrameOptions, LinkLayers};
use egress25_packet_filter::link::LinkType;

use crate::support::{LIVE, assert_outcome, ethernet_with, of, of_live_packet, syn_v4, syn_v6};

#[test]
fn link_layers_are_a_setting_in_live_traffic_and_always_decoded_in_captures() {
    let labelled = ethernet_with(0x8847, &[&[0, 1, 1, 64][..], &syn_v4()].concat());
    let session =
        ethernet_with(0x8864, &[&[0x11, 0, 0, 1, 0, 42, 0, 0x21][..], &syn_v4()].concat());
    let snap = ethernet_with(48, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &syn_v4()].concat());
    for (bytes, without) in [
        (&labelled, LinkLayers { mpls: false, ..LinkLayers::default() }),
        (&session, LinkLayers { pppoe: false, ..LinkLayers::default() }),
        (&snap, LinkLayers { llc: false, ..LinkLayers::default() }),
    ] {
        let judge = |options: &FrameOptions| of(LinkType::Ethernet, bytes, bytes.len(), options);
        assert_outcome(&judge(&LIVE), "match");
        assert_outcome(
            &judge(&FrameOptions { link_layers: without, ..LIVE }),
            "no-match not-decoded",
        );
        let capture = FrameOptions { link_layers: without, ..FrameOptions::default() };
        assert_outcome(&judge(&capture), "match");
    }
}

#[test]
fn plain_frames_are_answered_alike() {
    assert_outcome(&of_live_packet(&syn_v4()), "match");
    assert_outcome(&of_live_packet(&syn_v6()), "match");
}
