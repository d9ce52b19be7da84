//! Random frames that were seen in a direction: counts and rulings against the reference.

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::{Direction, Sighting};
use egress25_packet_filter::sieve::FrameList;
use egress25_policy::Reason;

use crate::build::{LINKS, Random, frame, table};
use crate::compare::{told, ways};

const SEEN: [Option<Direction>; 3] = [None, Some(Direction::Inbound), Some(Direction::Outbound)];

#[test]
fn a_frame_of_a_direction_was_shown_otherwise_than_it_was_counted() {
    let table = table();
    let mut random = Random::new(25);
    let mut changed = [0_usize; Reason::COUNT];
    for options in ways() {
        for link in LINKS {
            let mut filter = Filter::new(table.clone(), options);
            let (mut list, mut bytes) = (FrameList::default(), Vec::new());
            for _ in 0..1_000 {
                let made = frame(&mut random, link);
                let captured = u32::try_from(made.bytes.len()).unwrap();
                list.push(u32::try_from(bytes.len()).unwrap(), captured, made.wire);
                bytes.extend(made.bytes);
            }
            let seen: Vec<_> = (0..list.len()).map(|_| random.pick(&SEEN)).collect();
            let interface = random.pick(&[None, Some("two"), Some("unknown")]);
            let frames = list.frames(link, interface, &bytes);
            let mut rulings = Vec::new();
            filter.judge(&frames, &mut rulings);
            let before = rulings.clone();
            filter.heed_directions(&frames, &mut rulings, |at| seen[at]);
            let mut judged = 0;
            for (at, frame) in frames.iter().enumerate() {
                let sighting = Sighting { interface, direction: seen[at] };
                let look = filter.look(&frame, sighting);
                let (verdict, reason, inside, kind) = told(rulings[at]);
                assert_eq!((verdict, reason), (look.verdict, look.reason), "{link} {frame:02x?}");
                judged += u64::from(reason.is_some());
                let (.., inside_before, kind_before) = told(before[at]);
                assert_eq!((inside, kind), (inside_before, kind_before), "{link} {frame:02x?}");
                if rulings[at] != before[at] {
                    assert_eq!((before[at].place(), rulings[at].place()), (0, 0));
                    changed[before[at].reason().unwrap().index()] += 1;
                }
                match seen[at] {
                    None => assert_eq!(rulings[at], before[at]),
                    Some(Direction::Inbound) => assert_ne!(reason, Some(Reason::UnknownSource)),
                    Some(Direction::Outbound) => assert_ne!(reason, Some(Reason::Inbound)),
                }
            }
            let counters = filter.counters();
            assert_eq!(counters.judged(), judged);
            assert_eq!(counters.unjudged(), 1_000 - judged);
            for met in counters.met() {
                let of_it = rulings.iter().filter(|ruling| {
                    ruling.reason() == Some(met.reason)
                        && table.subscription(**ruling) == met.subscription.as_ref()
                });
                assert_eq!(u64::try_from(of_it.count()).unwrap(), met.count, "{met:?}");
            }
        }
    }
    for reason in [
        Reason::UnknownSource,
        Reason::Inbound,
        Reason::Malformed,
        Reason::FragmentDrop,
        Reason::Indeterminate,
        Reason::SourceRouted,
        Reason::MartianDestination,
        Reason::TunnelNotCarried,
    ] {
        let times = changed[reason.index()];
        assert!(times > 10, "{reason} became another reason {times} times");
    }
}
