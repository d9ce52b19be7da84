//! What packets say, byte by byte, in both families.

use std::net::IpAddr;

use egress25_evidence::{Answer, Seen};
use egress25_packet_filter::frame::{Frame, FrameOptions, transports};
use egress25_packet_filter::link::LinkType;

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// A TCP segment with flags, numbers and options.
fn tcp(ports: (u16, u16), flags: u8, (seq, ack): (u32, u32), options: &[u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).unwrap();
    let mut bytes = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    bytes.extend([seq.to_be_bytes(), ack.to_be_bytes()].concat());
    bytes.extend([words << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(options);
    bytes
}

/// An IP packet of the family of its addresses.
fn ip(protocol: u8, from: IpAddr, to: IpAddr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut packet = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let total = (length + 20).to_be_bytes();
            let mut head = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
            head.extend([from.octets(), to.octets()].concat());
            head
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = length.to_be_bytes();
            let mut head = vec![0x60, 0, 0, 0, length[0], length[1], protocol, 64];
            head.extend([from.octets(), to.octets()].concat());
            head
        }
        _ => panic!("two families"),
    };
    packet.extend(payload);
    packet
}

fn seen(packet: &[u8]) -> Option<Seen> {
    let wire_len = u32::try_from(packet.len()).unwrap();
    let frame = Frame { link: LinkType::Raw, bytes: packet, wire_len };
    let mut found = None;
    transports(&frame, &FrameOptions::default(), &mut |_, transport| {
        found = transport.and_then(|transport| Seen::of(&transport, 25));
    });
    found
}

fn families() -> [(IpAddr, IpAddr); 2] {
    [("10.0.1.4", "203.0.113.25"), ("2001:db8:1::4", "2001:db8::25")]
        .map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap()))
}

#[test]
fn a_syn_and_what_answers_it_have_the_same_ends_and_number() {
    for (from, to) in families() {
        let syn = seen(&ip(6, from, to, &tcp((42_000, 25), SYN, (7, 0), &[2, 4, 5, 180])));
        let Some(Seen::Syn(syn)) = syn else { panic!("{syn:?}") };
        assert_eq!((syn.isn, syn.tuple.from.ip(), syn.tuple.to.port()), (7, from, 25));
        for (flags, answer) in [(SYN | ACK, Answer::Answered), (RST | ACK, Answer::Reset)] {
            let reply = seen(&ip(6, to, from, &tcp((25, 42_000), flags, (90, 8), &[])));
            let Some(Seen::Reply(reply)) = reply else { panic!("{reply:?}") };
            assert_eq!((reply.tuple, reply.isn, reply.answer), (syn.tuple, syn.isn, answer));
        }
    }
}

#[test]
fn other_segments_say_nothing() {
    let [(from, to), _] = families();
    for (ports, flags) in [
        ((25, 42_000), ACK),
        // It acknowledges nothing.
        ((25, 42_000), RST),
        ((25, 42_000), 0x01 | ACK),
        ((443, 42_000), SYN | ACK),
        ((42_000, 443), SYN),
    ] {
        assert_eq!(seen(&ip(6, to, from, &tcp(ports, flags, (90, 8), &[]))), None);
    }
}

#[test]
fn options_tell_syns_apart() {
    let [(from, to), _] = families();
    let options =
        |options: &[u8]| match seen(&ip(6, from, to, &tcp((42_000, 25), SYN, (7, 0), options))) {
            Some(Seen::Syn(syn)) => syn.options,
            other => panic!("{other:?}"),
        };
    assert_eq!(options(&[2, 4, 5, 180]), options(&[2, 4, 5, 180]));
    assert_ne!(options(&[2, 4, 5, 180]), options(&[2, 4, 5, 140]));
}

#[test]
fn an_error_says_who_refused_what() {
    let router: [IpAddr; 2] = ["10.0.1.1".parse().unwrap(), "2001:db8:1::1".parse().unwrap()];
    let messages = [
        (1, 3, 13, "ICMP prohibited from 10.0.1.1"),
        (58, 1, 4, "ICMPv6 port unreachable from 2001:db8:1::1"),
    ];
    for (((from, to), router), (protocol, kind, code, words)) in
        families().into_iter().zip(router).zip(messages)
    {
        let syn = ip(6, from, to, &tcp((42_000, 25), SYN, (7, 0), &[]));
        // What is quoted ends behind eight bytes of TCP.
        let mut error = vec![kind, code, 0, 0, 0, 0, 0, 0];
        error.extend(&syn[..syn.len() - 12]);
        let found = seen(&ip(protocol, router, from, &error));
        let Some(Seen::Reply(reply)) = found else { panic!("{found:?}") };
        assert_eq!((reply.tuple.from.ip(), reply.isn), (from, 7));
        assert_eq!(reply.answer.refused_by().as_deref(), Some(words));
        // No echo, and nothing that was cut.
        error[0] = 128;
        assert_eq!(seen(&ip(protocol, router, from, &error)), None);
        error[0] = kind;
        for len in 0..error.len() {
            assert_eq!(seen(&ip(protocol, router, from, &error[..len])), None);
        }
    }
}
