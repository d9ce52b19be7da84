//! Properties that hold for random, mutated and truncated frames.

use egress25_packet_filter::frame::{
    Candidate, FragmentDrop, Frame, FrameOptions, Indeterminate, MAX_TUNNELS, Malformed, NoMatch,
    Origin, Outcome, outermost,
};
use egress25_packet_filter::link::LinkType;
use etherparse::{SlicedPacket, TransportSlice};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{
    LIVE, all, ethernet, ethernet_with, ipv4_with, ipv6_with, syn_v4, syn_v6, tcp_syn, udp_v4,
};

const LINKS: [LinkType; 9] = [
    LinkType::Ethernet,
    LinkType::Null,
    LinkType::Loop,
    LinkType::Ppp,
    LinkType::Raw,
    LinkType::Ipv4,
    LinkType::Ipv6,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
];

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Frames whose outermost packet is a match, whole.
fn matches() -> Vec<(LinkType, Vec<u8>)> {
    let (four, six, tcp) = (syn_v4(), syn_v6(), tcp_syn());
    let join = |front: &[u8]| [front, &four].concat();
    let options = [&[60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0][..], &tcp].concat();
    let atomic = [&[6, 0, 0, 0, 0, 0, 0, 9][..], &tcp].concat();
    let routed = [&[6, 0, 4, 0, 0, 0, 0, 0][..], &tcp].concat();
    let authentic = [&[6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &tcp].concat();
    let cooked = join(&[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0]);
    let cooked_2 = join(&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    let mut frames: Vec<_> = [
        ethernet(&four),
        ethernet(&six),
        ethernet(&ipv6_with(0, &options)),
        ethernet(&ipv6_with(44, &atomic)),
        ethernet(&ipv6_with(43, &routed)),
        ethernet(&ipv4_with(51, &authentic)),
        ethernet_with(0x8100, &join(&[0, 5, 8, 0])),
        ethernet_with(0x88a8, &join(&[0, 5, 0x81, 0, 0, 6, 8, 0])),
        ethernet_with(0x8847, &join(&[0, 1, 0, 64, 0, 2, 1, 64])),
        ethernet_with(0x8864, &join(&[0x11, 0, 0, 1, 0, 42, 0, 0x21])),
        ethernet_with(48, &join(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0])),
    ]
    .into_iter()
    .map(|bytes| (LinkType::Ethernet, bytes))
    .collect();
    frames.extend([
        (LinkType::Null, join(&[2, 0, 0, 0])),
        (LinkType::Loop, join(&[0, 0, 0, 2])),
        (LinkType::Ppp, join(&[0xff, 3, 0, 0x21])),
        (LinkType::Raw, six.clone()),
        (LinkType::Ipv4, four.clone()),
        (LinkType::Ipv6, six),
        (LinkType::LinuxSll, cooked),
        (LinkType::LinuxSll2, cooked_2),
    ]);
    frames
}

/// Those, and frames that are something else.
fn templates() -> Vec<(LinkType, Vec<u8>)> {
    let frame = ethernet(&syn_v4());
    let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame].concat();
    let geneve = [&[1, 0, 0x65, 0x58, 0, 0, 8, 0, 0, 0, 0, 0][..], &frame].concat();
    let gtp = [&[0x36, 255, 0, 48, 0, 0, 0, 1, 0, 1, 0, 0x85, 1, 0, 0, 0][..], &syn_v4()];
    let gre = [&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1][..], &syn_v4()].concat();
    let jumbo = [&[6, 0, 0xc2, 4, 0, 0, 0, 28][..], &tcp_syn()].concat();
    let mut fragment = syn_v4();
    fragment[6] = 0x20;
    let mut frames = matches();
    for packet in [
        udp_v4(1, 4789, &vxlan),
        udp_v4(1, 6081, &geneve),
        udp_v4(1, 2152, &gtp.concat()),
        udp_v4(1, 3544, &syn_v6()),
        ipv4_with(4, &ipv4_with(41, &syn_v6())),
        ipv4_with(47, &gre),
        ipv4_with(115, &[&[0, 0, 0, 5, 9, 9, 9, 9][..], &frame].concat()),
        ipv6_with(0, &jumbo),
        ipv6_with(135, &[&[6, 0, 0, 0, 0, 0, 0, 0][..], &tcp_syn()].concat()),
        ipv6_with(58, &[1, 1, 0, 0, 0, 0, 0, 0]),
        ipv4_with(1, &[3, 1, 0, 0, 0, 0, 0, 0]),
        udp_v4(1, 5072, &[&[0x40, 0, 1, 41, 0, 0, 0, 0][..], &[0; 16], &syn_v6()].concat()),
        udp_v4(1, 4754, &gre),
        fragment,
    ] {
        frames.push((LinkType::Ethernet, ethernet(&packet)));
    }
    let metadata = [&[1, 1, 0, 1, 0, 5, 8, 0][..], &syn_v4()].concat();
    frames.push((LinkType::Ethernet, ethernet_with(0x8909, &metadata)));
    frames
}

fn options() -> impl Strategy<Value = FrameOptions> {
    any::<[bool; 3]>().prop_map(|[live, inside, any_port]| FrameOptions {
        origin: if live { Origin::Live } else { Origin::Capture },
        look_inside: inside,
        port: if any_port { None } else { Some(25) },
        ..FrameOptions::default()
    })
}

/// A template with a few bytes overwritten, most of them in its headers.
fn mutated() -> impl Strategy<Value = (LinkType, Vec<u8>)> {
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..5);
    (select(templates()), changes).prop_map(|((link, mut bytes), changes)| {
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        (link, bytes)
    })
}

/// The outcome of a frame of which the first `kept` bytes are present.
fn cut(link: LinkType, bytes: &[u8], kept: usize) -> Outcome {
    let wire_len = u32::try_from(bytes.len()).unwrap();
    outermost(&Frame { link, bytes: &bytes[..kept], wire_len }, &FrameOptions::default())
}

fn whole(link: LinkType, bytes: &[u8]) -> Outcome {
    cut(link, bytes, bytes.len())
}

/// What holds for the list of outcomes of any frame.
fn check_shape(frame: &Frame<'_>, options: &FrameOptions) -> Result<(), TestCaseError> {
    let outcomes = all(frame, options);
    let Some((last, before)) = outcomes.split_last() else {
        return Err(TestCaseError::fail("no outcome at all"));
    };
    let tunnels = before.iter().all(|outcome| matches!(outcome, Outcome::Encapsulated { .. }));
    prop_assert!(tunnels, "{:?}", outcomes);
    prop_assert!(outcomes.len() <= MAX_TUNNELS + 2);
    prop_assert!(options.look_inside || outcomes.len() == 1);
    prop_assert_eq!(outermost(frame, options), outcomes[0]);
    if let (Some(candidate), Some(port)) = (last.candidate(), options.port) {
        prop_assert_eq!(candidate.destination_port, port);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(4096))]

    #[test]
    fn random_bytes_have_an_outcome(
        link in select(LINKS.to_vec()),
        bytes in vec(any::<u8>(), 0..200),
        missing in 0_u32..200,
        options in options(),
    ) {
        let wire_len = u32::try_from(bytes.len()).unwrap() + missing;
        check_shape(&Frame { link, bytes: &bytes, wire_len }, &options)?;
    }

    #[test]
    fn mutated_and_truncated_frames_have_an_outcome(
        (link, bytes) in mutated(),
        kept in any::<prop::sample::Index>(),
        wire_len in prop_oneof![Just(0_u32), 0_u32..3000, Just(u32::MAX)],
        options in options(),
    ) {
        let bytes = &bytes[..kept.index(bytes.len() + 1)];
        check_shape(&Frame { link, bytes, wire_len }, &options)?;
    }

    #[test]
    fn what_a_cut_frame_shows_does_not_contradict_the_whole(
        (link, bytes) in mutated(),
        kept in any::<prop::sample::Index>(),
    ) {
        let kept = kept.index(bytes.len());
        let part = cut(link, &bytes, kept);
        let whole = whole(link, &bytes);
        let agrees = match (whole, part) {
            (_, Outcome::Indeterminate { .. }) => true,
            // A length past the frame is held against the whole only, and a fragment's end is
            // where the frame's is.
            (Outcome::Malformed { kind: Malformed::LengthPastFrame, .. }, _) => true,
            (Outcome::FragmentDrop { kind: FragmentDrop::TinyFirst, .. }, _)
            | (Outcome::FragmentDrop { kind: FragmentDrop::IncompleteChain, .. }, _)
            | (Outcome::Malformed { kind: Malformed::HeaderPastEnd, .. }, _) => true,
            // The first rule that is seen broken may be another.
            (Outcome::Malformed { .. }, Outcome::Malformed { .. }) => true,
            // A carried tunnel passes as other UDP does.
            (Outcome::Encapsulated { carried: true, .. }, Outcome::NoMatch(_))
            | (Outcome::NoMatch(_), Outcome::Encapsulated { carried: true, .. }) => true,
            // What kind of GRE it is stands behind its first bytes.
            (Outcome::Encapsulated { carried: false, .. }, _) if part.kind() == "gre" => true,
            // Flags and the type of a message may be cut.
            (Outcome::NoMatch(whole), Outcome::NoMatch(part)) => whole.as_str() == part.as_str(),
            (whole, part) => whole == part,
        };
        prop_assert!(agrees, "{}: whole {:?}, {} bytes {:?}", link, whole, kept, part);
    }

    #[test]
    fn padding_behind_a_packet_changes_nothing(
        (link, bytes) in select(templates()),
        padding in vec(any::<u8>(), 0..80),
    ) {
        let mut padded = bytes.clone();
        padded.extend(padding);
        prop_assert_eq!(whole(link, &padded), whole(link, &bytes));
    }

    #[test]
    fn a_tag_changes_only_the_candidates_tags(
        packet in select(vec![syn_v4(), syn_v6()]),
        ids in vec(0_u16..4096, 1..=3),
        types in vec(select(vec![0x8100_u16, 0x88a8, 0x9100]), 3),
    ) {
        let mut frame = ethernet(&packet);
        let plain = *whole(LinkType::Ethernet, &frame).candidate().unwrap();
        for (id, ether_type) in ids.iter().rev().zip(types) {
            let tag = [ether_type.to_be_bytes(), id.to_be_bytes()].concat();
            frame.splice(12..12, tag);
        }
        let tagged = *whole(LinkType::Ethernet, &frame).candidate().unwrap();
        prop_assert_eq!(tagged.vlan.ids(), &ids[..]);
        prop_assert_eq!(Candidate { vlan: plain.vlan, ..tagged }, plain);
    }

    #[test]
    fn live_traffic_differs_only_in_checksum_lengths_of_zero_and_tags(
        (link, bytes) in mutated(),
    ) {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let live = outermost(&Frame { link, bytes: &bytes, wire_len }, &LIVE);
        let strict = matches!(live, Outcome::Malformed {
            kind: Malformed::Ipv4Checksum | Malformed::TotalLengthZero
                | Malformed::PayloadLengthZero | Malformed::Jumbogram, ..
        } | Outcome::Encapsulated { addresses: None, .. });
        prop_assert!(strict || live == whole(link, &bytes), "{:?}", live);
    }

    #[test]
    fn a_port_that_is_asked_for_is_found_and_another_is_not(
        (link, bytes) in mutated(),
    ) {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let frame = Frame { link, bytes: &bytes, wire_len };
        let ask = |port| outermost(&frame, &FrameOptions { port, ..FrameOptions::default() });
        if let Some(candidate) = ask(None).candidate() {
            let port = candidate.destination_port;
            prop_assert_eq!(ask(Some(port)), ask(None));
            let other = ask(Some(port.wrapping_add(1)));
            let is_other = matches!(other, Outcome::NoMatch(NoMatch::OtherPort { .. }));
            prop_assert!(is_other, "{:?}", other);
        }
    }

    #[test]
    fn what_etherparse_reads_strictly_as_a_syn_is_one(
        (link, bytes) in mutated(),
    ) {
        let ours = whole(link, &bytes);
        let syn = if link == LinkType::Ethernet { strict_syn(&bytes) } else { None };
        let agrees = syn.is_none_or(|ports| is_strict_syn(&ours, ports));
        prop_assert!(agrees, "etherparse {:?}, we {:?}", syn, ours);
    }
}

/// Whether an outcome is what it has to be where etherparse reads a SYN with these ports: the
/// other direction does not hold, as etherparse refuses or does not read some that we do.
fn is_strict_syn(ours: &Outcome, ports: (u16, u16)) -> bool {
    match ours {
        Outcome::Match(candidate) | Outcome::Dropped { candidate, .. } => {
            (candidate.source_port, candidate.destination_port) == ports
        }
        // Rules that etherparse does not have.
        Outcome::Malformed { kind, .. } => matches!(
            kind,
            Malformed::SourceAddress
                | Malformed::MappedAddress
                | Malformed::Jumbogram
                | Malformed::PayloadLengthZero
        ),
        other => matches!(other, Outcome::Indeterminate { kind: Indeterminate::SegmentsLeft, .. }),
    }
}

/// The ports of a SYN to port 25 as etherparse's strict reading finds it, unfragmented.
fn strict_syn(bytes: &[u8]) -> Option<(u16, u16)> {
    let packet = SlicedPacket::from_ethernet(bytes).ok()?;
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return None };
    let syn = tcp.syn() && !tcp.ack() && !tcp.rst() && tcp.destination_port() == 25;
    syn.then(|| (tcp.source_port(), tcp.destination_port()))
}

#[test]
fn a_matching_frame_is_indeterminate_up_to_its_flags_and_a_match_from_there_on() {
    for (link, bytes) in matches() {
        let full = whole(link, &bytes);
        assert!(matches!(full, Outcome::Match(_)), "{link}: {full:?}");
        let flags = bytes.len() - 20 + 13;
        for kept in 0..=bytes.len() {
            let part = cut(link, &bytes, kept);
            if kept <= flags {
                let cut = matches!(part, Outcome::Indeterminate { kind: Indeterminate::Cut, .. });
                assert!(cut, "{link}, {kept} bytes: {part:?}");
            } else {
                assert_eq!(part, full, "{link}, {kept} bytes");
            }
        }
    }
}
