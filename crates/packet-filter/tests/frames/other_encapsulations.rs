//! Tags and tunnels beside the usual ones: never silently no SYN.

use egress25_packet_filter::frame::{Kind, Outcome, Tunnel};
use egress25_packet_filter::link::LinkType;

use crate::support::{
    LIVE, brief, ethernet, ethernet_with, inside, ipv4_with, of, of_frame, syn_v4, syn_v6, udp_v4,
};

fn join(front: &[u8], back: &[u8]) -> Vec<u8> {
    [front, back].concat()
}

/// A frame of each, with a SYN to port 25 inside.
fn samples() -> Vec<(Tunnel, Vec<u8>)> {
    let (four, six, frame) = (syn_v4(), syn_v6(), ethernet(&syn_v4()));
    let ayiya = [&[0x45, 0x52, 0x11, 41, 0, 0, 0, 0][..], &[7; 16], &[9; 20], &six].concat();
    let mirrored = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0];
    let radio = [0, 0x10, 2, 0, 0, 0, 0, 0];
    vec![
        (Tunnel::Ayiya, ethernet(&udp_v4(5072, 50_000, &ayiya))),
        (Tunnel::GreInUdp, ethernet(&udp_v4(50_000, 4754, &join(&[0, 0, 8, 0], &four)))),
        (Tunnel::Capwap, ethernet(&udp_v4(50_000, 5247, &join(&radio, &frame)))),
        (Tunnel::Erspan, ethernet(&ipv4_with(47, &join(&mirrored, &frame)))),
        (Tunnel::Eoip, ethernet(&ipv4_with(47, &join(&[32, 1, 100, 0, 0, 54, 7, 0], &frame)))),
        (Tunnel::CiscoMetadata, ethernet_with(0x8909, &join(&[1, 1, 0, 1, 0, 5, 8, 0], &four))),
        (Tunnel::FabricPath, ethernet_with(0x8903, &join(&[0, 0x60], &frame))),
        (Tunnel::VnTag, ethernet_with(0x8926, &join(&[0, 0, 0, 1, 8, 0], &four))),
        (Tunnel::Tag8988, ethernet_with(0x8988, &join(&[0, 0, 8, 0], &four))),
        (Tunnel::ServiceTag, ethernet_with(0x88e7, &join(&[0, 0, 0, 9], &frame))),
    ]
}

fn looked_into(bytes: &[u8]) -> Vec<String> {
    inside(LinkType::Ethernet, bytes, bytes.len()).iter().map(brief).collect()
}

// row: other tags and tunnels: Cisco 0x8909, 0x8903, 0x8926, 0x8988, 802.1ah 0x88e7, AYIYA (UDP
//      5072), GRE in UDP (4754), ERSPAN, CAPWAP, EoIP
#[test]
fn other_encapsulations_are_told_and_looked_into_where_they_can_be() {
    let samples = samples();
    assert_eq!(samples.len(), Tunnel::ALL.iter().filter(|tunnel| tunnel.is_other()).count());
    for (tunnel, bytes) in samples {
        assert_eq!(brief(&of_frame(&bytes)), format!("other-encapsulation {tunnel}"));
        let within = match tunnel {
            Tunnel::Tag8988 => "indeterminate opaque-tunnel",
            _ => "match",
        };
        let expected = [format!("other-encapsulation {tunnel}"), within.to_owned()];
        assert_eq!(looked_into(&bytes), expected, "{tunnel}");
    }
}

#[test]
fn what_is_gre_or_no_ip_is_not_carried_and_what_a_capture_shows_of_tags_passes() {
    for (tunnel, bytes) in samples() {
        let gre = matches!(tunnel, Tunnel::Erspan | Tunnel::Eoip);
        let (captured, live) =
            (of_frame(&bytes), of(LinkType::Ethernet, &bytes, bytes.len(), &LIVE));
        assert_eq!(captured.is_judged(), gre, "{tunnel}");
        assert_eq!(live.is_judged(), gre || tunnel.is_tag(), "{tunnel}");
        assert_eq!(captured.addresses().is_none(), tunnel.is_tag());
        let kind = if gre { Kind::Nothing } else { Kind::OtherEncapsulation };
        assert_eq!(captured.unjudged_kind(), kind);
    }
}

#[test]
fn their_ports_without_their_headers_are_plain_udp() {
    for (port, payload) in [
        (5072, &[0x45, 0x52, 0x11, 6, 0, 0, 0, 0][..]),
        (5072, &[0x45, 0x52]),
        (4754, &[0x40, 0, 8, 0, 0, 0, 0, 0]),
        (4754, &[0, 0, 0, 1, 0, 0]),
        (5247, &[1, 0x10, 0, 0, 0, 0, 0, 0]),
        (5247, &[0; 8]),
        (5246, &[0, 0x10, 0, 0, 0, 0, 0, 0]),
    ] {
        let bytes = ethernet(&udp_v4(50_000, port, payload));
        assert_eq!(looked_into(&bytes), ["no-match not-tcp"], "{port} {payload:02x?}");
    }
}

#[test]
fn every_form_of_their_headers_is_stepped_over() {
    let (four, frame) = (syn_v4(), ethernet(&syn_v4()));
    let third = |bits: [u8; 2]| {
        [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1][..], &[0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0], &bits].concat()
    };
    let more = [&third([0, 1])[..], &[0; 8]].concat();
    for (header, payload, expected) in [
        (vec![0, 0, 0x88, 0xbe], &frame, "other-encapsulation erspan, match"),
        (third([0, 0]), &frame, "other-encapsulation erspan, match"),
        (more, &frame, "other-encapsulation erspan, match"),
        (third([8, 0]), &four, "other-encapsulation erspan, match"),
        (third([4, 0]), &four, "other-encapsulation erspan, indeterminate opaque-tunnel"),
        (
            vec![0, 0, 0x89, 9, 8, 0, 1, 1, 0, 1, 0, 5],
            &four,
            "encapsulated gre, other-encapsulation cisco-metadata, match",
        ),
    ] {
        let bytes = ethernet(&ipv4_with(47, &join(&header, payload)));
        assert_eq!(looked_into(&bytes).join(", "), expected, "{header:02x?}");
    }
    for (radio, expected) in [
        ([0, 0x10, 3, 0, 0, 0, 0, 0], "indeterminate opaque-tunnel"),
        ([0, 0x10, 2, 0x80, 0, 0, 0, 0], "indeterminate opaque-tunnel"),
        ([0, 0x10, 2, 8, 0, 0, 0, 0], "no-match not-ip"),
    ] {
        let bytes = ethernet(&udp_v4(50_000, 5247, &join(&radio, &frame)));
        assert_eq!(looked_into(&bytes), ["other-encapsulation capwap", expected]);
    }
    let beat = ethernet(&udp_v4(5072, 5072, &[0x45, 0x52, 0x10, 59, 0, 0, 0, 0]));
    assert_eq!(looked_into(&beat), ["other-encapsulation ayiya", "no-match not-ip"]);
    let metadata = ethernet_with(0x8909, &[1, 0, 0x86, 0xdd]);
    let outcome: Outcome = of_frame(&metadata);
    assert_eq!(outcome.to_string(), "other-encapsulation: cisco-metadata");
}
