//! Order, retransmissions, memory, both families, and ports that are used again.

use std::net::IpAddr;

use egress25_evidence::{Agreement, Answer, Connection, IcmpError, Tuple};
use proptest::prelude::*;

use crate::packets::{DROPPED, PASSES, Packet, connections, reply, syn, tracked, tuple};

/// What does not depend on the order of packets.
fn facts(connection: &Connection<()>) -> (Tuple, u32, u64, Answer, Agreement, Option<String>) {
    let seconds = connection.seconds().map(|seconds| format!("{seconds:.3}"));
    let agreement = connection.finding().agreement;
    let Connection { tuple, isn, tries, answer, .. } = connection;
    (*tuple, *isn, *tries, *answer, agreement, seconds)
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0_u8..4).prop_map(|last| IpAddr::from([10, 0, 0, last])),
        (0_u16..4).prop_map(|last| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last])),
    ]
}

/// A connection: its ends, a number, how often it is tried, what comes back, and whether it passes.
fn attempt() -> impl Strategy<Value = (IpAddr, u16, u32, u32, Answer, bool)> {
    let answer = prop_oneof![Just(Answer::Silent), Just(Answer::Reset), Just(Answer::Answered)];
    (address(), 1024_u16..1028, 0_u32..1 << 20, 1_u32..6, answer, any::<bool>())
}

/// The packets of attempts with numbers of their own, each begun a second after the one before it
/// and tried at 0, 1, 3, 7 and 15 seconds.
fn packets(attempts: &[(IpAddr, u16, u32, u32, Answer, bool)]) -> Vec<(i64, Packet)> {
    let mut packets = Vec::new();
    for (number, (from, port, isn, tries, answer, passes)) in (0_u32..).zip(attempts) {
        // The upper half makes it another one than all others.
        let (tuple, isn) = (tuple(*from, *port), isn | number << 24);
        let begun = i64::from(number) * 1000;
        let judged = if *passes { PASSES } else { DROPPED };
        let times = (0..*tries).map(|one| begun + ((1_i64 << one) - 1) * 1000);
        let last = times.clone().next_back().unwrap_or(begun);
        packets.extend(times.map(|time| (time, syn(tuple, isn, judged))));
        if *answer != Answer::Silent {
            packets.push((last + 20, reply(tuple, isn, *answer)));
        }
    }
    packets
}

proptest! {
    #[test]
    fn a_connection_is_what_was_tried_whatever_the_order(
        (attempts, order) in prop::collection::vec(attempt(), 1..12).prop_flat_map(|attempts| {
            let count = packets(&attempts).len();
            let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
            (Just(attempts), order)
        })
    ) {
        let packets = packets(&attempts);
        let shuffled: Vec<_> = order.iter().map(|place| packets[*place]).collect();
        let mut found: Vec<_> = tracked(1_000, &shuffled).0.iter().map(facts).collect();
        let mut in_order: Vec<_> = tracked(1_000, &packets).0.iter().map(facts).collect();
        found.sort();
        in_order.sort();
        prop_assert_eq!(&found, &in_order);
        prop_assert_eq!(found.len(), attempts.len());
        for (number, (_, _, isn, tries, answer, passes)) in (0_u32..).zip(&attempts) {
            let found = found.iter().find(|one| one.1 == isn | number << 24);
            let (.., found_tries, found_answer, agreement, _) = found.expect("it was tried");
            prop_assert_eq!((*found_tries, *found_answer), (u64::from(*tries), *answer));
            let contradicts = !passes && *answer != Answer::Silent;
            prop_assert_eq!(*agreement == Agreement::Contradicts, contradicts);
        }
    }

    #[test]
    fn memory_is_bounded_and_the_rest_is_counted(
        attempts in prop::collection::vec(attempt(), 1..40),
        max in 0_usize..20,
    ) {
        let packets = packets(&attempts);
        let (kept, not_kept) = tracked(max, &packets);
        prop_assert!(kept.len() <= max);
        let syns = packets.iter().filter(|(_, one)| matches!(one, Packet::Syn(..))).count();
        let tries: u64 = kept.iter().map(|one| one.tries).sum();
        prop_assert_eq!(tries + not_kept, u64::try_from(syns).unwrap());
    }
}

#[test]
fn a_port_that_is_used_again_is_another_connection() {
    let tuple = tuple([10, 0, 0, 4].into(), 42_000);
    let found = connections(&[
        (0, syn(tuple, 1, DROPPED)),
        (20, reply(tuple, 1, Answer::Reset)),
        (5_000, syn(tuple, 900, DROPPED)),
        (6_000, syn(tuple, 900, DROPPED)),
    ]);
    let brief: Vec<_> = found.iter().map(|one| (one.isn, one.tries, one.answer)).collect();
    assert_eq!(brief, [(1, 1, Answer::Reset), (900, 2, Answer::Silent)]);
    // So are the same numbers when nobody waits for them any more.
    let found = connections(&[(0, syn(tuple, 1, DROPPED)), (241_000, syn(tuple, 1, DROPPED))]);
    assert_eq!(found.len(), 2);
}

#[test]
fn four_tries_in_31_seconds_are_one_connection() {
    let tuple = tuple([10, 0, 1, 4].into(), 42_002);
    let found = connections(&[0, 1_000, 15_000, 31_000].map(|at| (at, syn(tuple, 3, DROPPED))));
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.tries, one.seconds(), one.answer), (4, Some(31.0), Answer::Silent));
}

#[test]
fn a_syn_that_two_interfaces_show_is_one_try() {
    let tuple = tuple([10, 0, 1, 4].into(), 42_002);
    let found = connections(&[(0, syn(tuple, 3, DROPPED)), (1, syn(tuple, 3, DROPPED))]);
    assert_eq!(found[0].tries, 1);
}

#[test]
fn an_answer_to_another_syn_is_none() {
    let tuple = tuple([10, 0, 1, 4].into(), 42_002);
    let found = connections(&[(0, syn(tuple, 3, DROPPED)), (9, reply(tuple, 4, Answer::Answered))]);
    assert_eq!(found[0].answer, Answer::Silent);
}

#[test]
fn what_passed_in_the_end_may_be_what_was_answered() {
    let tuple = tuple([10, 0, 1, 4].into(), 42_002);
    let found = connections(&[
        (0, syn(tuple, 3, DROPPED)),
        (1_000, syn(tuple, 3, PASSES)),
        (1_020, reply(tuple, 3, Answer::Answered)),
    ]);
    assert_eq!(found[0].judged, PASSES);
    assert_eq!(found[0].finding().agreement, Agreement::Agrees);
    assert!(found[0].has(|verdict, reason| (verdict, reason) == DROPPED));
}

#[test]
fn answers_without_a_syn_do_not_fill_the_memory() {
    let mut packets: Vec<_> = (0..10_000)
        .map(|isn| (0, reply(tuple([10, 0, 0, 4].into(), 1), isn, Answer::Reset)))
        .collect();
    packets.push((1, syn(tuple([10, 0, 0, 4].into(), 1), 9_999, DROPPED)));
    let (found, _) = tracked(100, &packets);
    // The latest ones are still known.
    assert_eq!(found[0].answer, Answer::Reset);
}

#[test]
fn a_syn_that_passes_after_the_answer_hid_that_a_dropped_one_was_answered() {
    let tuple = tuple([10, 0, 0, 4].into(), 42_000);
    let finding = |packets: &[(i64, Packet)]| connections(packets)[0].finding().agreement;
    let (first, answer) = (syn(tuple, 1, DROPPED), reply(tuple, 1, Answer::Answered));
    let late = [(0, first), (100, answer), (2_000, syn(tuple, 1, PASSES))];
    assert_eq!(finding(&late), Agreement::Contradicts);
    assert_eq!(
        finding(&[(0, first), (2_000, syn(tuple, 1, PASSES)), (2_100, answer)]),
        Agreement::Agrees
    );
    // An ICMP error is no such answer.
    let from = [10, 0, 0, 1].into();
    let error = reply(tuple, 1, Answer::Icmp(IcmpError { from, kind: 3, code: 1 }));
    let tried_on = [(0, first), (200, error), (3_000, syn(tuple, 1, PASSES)), (3_100, answer)];
    assert_eq!(finding(&tried_on), Agreement::Agrees);
}
