//! Tunnels: the outer packet, and the inner one where it is asked for.

use egress25_packet_filter::frame::{
    Frame, FrameOptions, MAX_TUNNELS, MAX_VXLAN_PORTS, Outcome, Tunnel, VxlanPorts,
};
use egress25_packet_filter::link::LinkType;

use crate::support::{
    ETHERNET, IPV4, all, brief, ethernet, inside, ipv4_with, ipv6_with, of_packet,
    set_total_length, syn_v4, syn_v6, udp_v4,
};

/// The outcomes of an IP packet and of what is inside it, as text.
fn looked_into(packet: &[u8]) -> Vec<String> {
    let bytes = ethernet(packet);
    inside(LinkType::Ethernet, &bytes, bytes.len()).iter().map(brief).collect()
}

fn join(front: &[u8], back: &[u8]) -> Vec<u8> {
    [front, back].concat()
}

/// One packet of each kind of tunnel, with a SYN to port 25 inside.
fn samples() -> Vec<(Tunnel, Vec<u8>)> {
    let (four, six, frame) = (syn_v4(), syn_v6(), ethernet(&syn_v4()));
    let gtp = [0x30, 255, 0, 40, 0, 0, 0, 1];
    vec![
        (Tunnel::Ipip, ipv4_with(4, &four)),
        (Tunnel::SixInFour, ipv4_with(41, &six)),
        (Tunnel::FourInSix, ipv6_with(4, &four)),
        (Tunnel::SixInSix, ipv6_with(41, &six)),
        (Tunnel::Gre, ipv4_with(47, &join(&[0, 0, 8, 0], &four))),
        (Tunnel::Nvgre, ipv4_with(47, &join(&[0x20, 0, 0x65, 0x58, 0, 0, 9, 1], &frame))),
        (Tunnel::EtherIp, ipv4_with(97, &join(&[0x30, 0], &frame))),
        (Tunnel::L2tpV3, ipv4_with(115, &join(&[0, 0, 0, 5], &frame))),
        (Tunnel::Vxlan, udp_v4(50_000, 4789, &join(&[8, 0, 0, 0, 0, 0, 7, 0], &frame))),
        (Tunnel::Geneve, udp_v4(50_000, 6081, &join(&[0, 0, 0x65, 0x58, 0, 0, 8, 0], &frame))),
        (Tunnel::GtpU, udp_v4(2152, 2152, &join(&gtp, &four))),
        (Tunnel::Teredo, udp_v4(50_000, 3544, &six)),
    ]
}

// row: IPIP, 6in4, 4in6, GRE, NVGRE, VXLAN, Geneve, GTP, Teredo, EtherIP, L2TPv3
#[test]
fn every_tunnel_is_encapsulated_and_judged_inside_where_asked() {
    let samples = samples();
    assert_eq!(samples.len(), Tunnel::ALL.iter().filter(|tunnel| !tunnel.is_other()).count());
    for (tunnel, packet) in samples {
        let outer = of_packet(&packet);
        assert!(
            matches!(outer, Outcome::Encapsulated { tunnel: t, .. } if t == tunnel),
            "{tunnel}: {outer:?}"
        );
        let expected = [format!("encapsulated {tunnel}"), "match".to_owned()];
        assert_eq!(looked_into(&packet), expected, "{tunnel}");
    }
}

#[test]
fn ip_in_ip_and_gre_are_not_carried_the_others_are() {
    let refused: Vec<&str> =
        Tunnel::ALL.iter().filter(|t| !t.carried() && !t.is_tag()).map(|t| t.as_str()).collect();
    assert_eq!(refused, ["ipip", "6in4", "4in6", "6in6", "gre", "nvgre", "erspan", "eoip"]);
    for (tunnel, packet) in samples() {
        let outcome = of_packet(&packet);
        let Outcome::Encapsulated { carried, addresses: Some((source, _)), .. } = outcome else {
            panic!("{tunnel}");
        };
        assert_eq!(carried, tunnel.carried());
        assert!(["10.0.0.4", "2001:db8::4"].contains(&source.to_string().as_str()));
    }
}

// row: VXLAN on other ports than 4789
#[test]
fn vxlan_is_looked_for_on_the_ports_that_are_named() {
    let header = [8, 0, 0, 0, 0, 0, 7, 0];
    let kinds = |port: u16, named: &[u16]| {
        let bytes = ethernet(&udp_v4(50_000, port, &join(&header, &ethernet(&syn_v4()))));
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let vxlan_ports = VxlanPorts::new(named).unwrap();
        let options = FrameOptions { look_inside: true, vxlan_ports, ..FrameOptions::default() };
        let frame = Frame { link: LinkType::Ethernet, bytes: &bytes, wire_len };
        all(&frame, &options).iter().map(brief).collect::<Vec<_>>()
    };
    for port in [10_800, 10_801] {
        assert_eq!(kinds(port, &[10_800, 10_801]), ["encapsulated vxlan", "match"]);
        assert_eq!(kinds(port, &[4789]), ["no-match not-tcp"]);
    }
    assert_eq!(kinds(4789, &[10_800]), ["no-match not-tcp"]);
    assert!(VxlanPorts::new(&[1; MAX_VXLAN_PORTS + 1]).is_none());
}

#[test]
fn an_inner_candidate_says_its_tunnel_and_network() {
    for (tunnel, packet) in samples() {
        let bytes = ethernet(&packet);
        let outcomes = inside(LinkType::Ethernet, &bytes, bytes.len());
        let candidate = outcomes[1].candidate().unwrap();
        assert_eq!(candidate.tunnel, Some(tunnel));
        let vni = match tunnel {
            Tunnel::Vxlan => Some(7),
            Tunnel::Geneve => Some(8),
            Tunnel::Nvgre => Some(9),
            _ => None,
        };
        assert_eq!(candidate.vni, vni, "{tunnel}");
    }
}

#[test]
fn an_inner_frame_has_its_own_tags_and_bare_ip_the_outer_ones() {
    let tagged = |frame: &[u8], id: u8| {
        let mut bytes = frame.to_vec();
        bytes.splice(12..12, [0x81, 0, 0, id]);
        bytes
    };
    let inner = tagged(&ethernet(&syn_v4()), 20);
    let vxlan = udp_v4(50_000, 4789, &join(&[8, 0, 0, 0, 0, 0, 7, 0], &inner));
    let ids = |packet: &[u8]| {
        let frame = tagged(&ethernet(packet), 10);
        let outcomes = inside(LinkType::Ethernet, &frame, frame.len());
        outcomes[1].candidate().unwrap().vlan.ids().to_vec()
    };
    assert_eq!(ids(&vxlan), [20]);
    assert_eq!(ids(&ipv4_with(4, &syn_v4())), [10]);
}

#[test]
fn optional_fields_of_gre_are_stepped_over() {
    let (four, all) = (syn_v4(), [0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1]);
    assert_eq!(looked_into(&ipv4_with(47, &join(&all, &four))), ["encapsulated gre", "match"]);
    let pptp = [0x30, 0x81, 0x88, 0x0b, 0, 44, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21];
    assert_eq!(looked_into(&ipv4_with(47, &join(&pptp, &four))), ["encapsulated gre", "match"]);
    let acknowledgement = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1];
    assert_eq!(
        looked_into(&ipv4_with(47, &acknowledgement)),
        ["encapsulated gre", "no-match not-ip"]
    );
    let routed = [0x40, 0, 8, 0, 0, 0, 0, 0];
    assert_eq!(
        looked_into(&ipv4_with(47, &join(&routed, &four))),
        ["encapsulated gre", "indeterminate opaque-tunnel"]
    );
}

#[test]
fn headers_of_geneve_gtp_and_teredo_are_stepped_over() {
    let options = [2, 0, 0x86, 0xdd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let geneve = udp_v4(1, 6081, &join(&options, &syn_v6()));
    assert_eq!(looked_into(&geneve), ["encapsulated geneve", "match"]);
    let extended = [0x36, 255, 0, 48, 0, 0, 0, 1, 0, 1, 0, 0x85, 1, 0, 0, 0];
    let gtp = udp_v4(1, 2152, &join(&extended, &syn_v4()));
    assert_eq!(looked_into(&gtp), ["encapsulated gtp-u", "match"]);
    let indications = [&[0, 1, 0, 0][..], &[0; 9], &[0, 0, 0xff, 0xff, 1, 2, 3, 4]].concat();
    let teredo = udp_v4(3544, 50_000, &join(&indications, &syn_v6()));
    assert_eq!(looked_into(&teredo), ["encapsulated teredo", "match"]);
}

#[test]
fn the_cookie_of_l2tp_is_guessed_where_a_whole_packet_fits() {
    for cookie in [&[][..], &[9; 4], &[9; 8], &[9; 12]] {
        let payload = [&[0, 0, 0, 5][..], cookie, &ethernet(&syn_v4())].concat();
        assert_eq!(looked_into(&ipv4_with(115, &payload)), ["encapsulated l2tpv3", "match"]);
    }
    let unreadable = [&[0, 0, 0, 5][..], &[9; 60]].concat();
    assert_eq!(
        looked_into(&ipv4_with(115, &unreadable)),
        ["encapsulated l2tpv3", "indeterminate opaque-tunnel"]
    );
    let control = [&[0; 4][..], &[9; 60]].concat();
    assert_eq!(looked_into(&ipv4_with(115, &control)), ["encapsulated l2tpv3", "no-match not-ip"]);
}

#[test]
fn a_tunnels_port_without_its_header_is_plain_udp() {
    for (port, payload) in [
        (4789, &[0; 20][..]),
        (4789, &[8, 0, 0]),
        (6081, &[0xc0; 20]),
        (2152, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]),
        (3544, &[0x45; 20]),
        (5555, &syn_v4()),
    ] {
        assert_eq!(looked_into(&udp_v4(50_000, port, payload)), ["no-match not-tcp"], "{port}");
    }
}

#[test]
fn what_is_wrong_inside_is_said_of_the_inside() {
    let mut broken = syn_v4();
    broken[IPV4 + 12] = 0;
    assert_eq!(looked_into(&ipv4_with(4, &broken)), ["encapsulated ipip", "malformed data-offset"]);
    assert_eq!(
        looked_into(&ipv4_with(4, &syn_v4()[..30])),
        ["encapsulated ipip", "malformed length-past-frame"]
    );
    let mut acknowledgement = syn_v4();
    acknowledgement[IPV4 + 13] = 0x10;
    assert_eq!(
        looked_into(&ipv4_with(4, &acknowledgement)),
        ["encapsulated ipip", "no-match not-syn"]
    );
}

#[test]
fn tunnels_in_tunnels_are_entered_to_a_limit() {
    let nested = |tunnels: usize| (0..tunnels).fold(syn_v4(), |packet, _| ipv4_with(4, &packet));
    let mut expected = vec!["encapsulated ipip"; MAX_TUNNELS];
    expected.push("match");
    assert_eq!(looked_into(&nested(MAX_TUNNELS)), expected);
    expected.insert(0, "encapsulated ipip");
    *expected.last_mut().unwrap() = "indeterminate too-many-tunnels";
    assert_eq!(looked_into(&nested(MAX_TUNNELS + 1)), expected);
}

#[test]
fn a_fragment_of_a_tunnel_is_one_and_its_first_is_looked_into() {
    let fragment = |field: u16, payload: &[u8]| {
        let mut packet = ipv4_with(4, payload);
        packet[6..8].copy_from_slice(&field.to_be_bytes());
        set_total_length(&mut packet);
        looked_into(&packet)
    };
    assert_eq!(fragment(0x2000, &syn_v4()[..40]), ["encapsulated ipip", "match"]);
    assert_eq!(fragment(0x2000, &syn_v4()[..32]), ["encapsulated ipip", "indeterminate cut"]);
    assert_eq!(fragment(4, &[0x41; 32]), ["encapsulated ipip"]);
}

#[test]
fn a_cut_tunnel_is_indeterminate_inside() {
    let frame = ethernet(&udp_v4(1, 4789, &join(&[8, 0, 0, 0, 0, 0, 7, 0], &ethernet(&syn_v4()))));
    let flags = ETHERNET + IPV4 + 8 + 8 + ETHERNET + IPV4 + 13;
    for kept in ETHERNET + IPV4 + 8..frame.len() {
        let outcomes = inside(LinkType::Ethernet, &frame[..kept], frame.len());
        let expected = if kept <= flags { "indeterminate cut" } else { "match" };
        let found: Vec<_> = outcomes.iter().map(brief).collect();
        assert_eq!(found, ["encapsulated vxlan", expected], "{kept}");
    }
}
