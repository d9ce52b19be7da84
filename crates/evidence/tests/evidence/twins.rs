//! One connection that was seen twice.

use std::net::IpAddr;

use egress25_evidence::{Agreement, Answer};
use proptest::prelude::*;

use crate::packets::{DROPPED, PASSES, UNKNOWN, connections, reply, syn, tuple};

const POD: [u8; 4] = [172, 22, 1, 253];
const MACHINE: [u8; 4] = [10, 0, 1, 4];

#[test]
fn a_container_behind_a_machine_is_one_connection_with_it() {
    let (pod, machine) = (tuple(POD.into(), 50_000), tuple(MACHINE.into(), 61_000));
    let mut packets = Vec::new();
    for at in [0, 1_000, 3_000, 7_000] {
        packets.push((at, syn(pod, 77, UNKNOWN)));
        packets.push((at, syn(machine, 77, DROPPED)));
    }
    let found = connections(&packets);
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.tuple, one.tries, one.judged), (machine, 4, DROPPED));
    assert_eq!(one.behind, [IpAddr::from(POD)]);
    assert_eq!(one.finding().agreement, Agreement::Agrees);
    assert!(one.has(|_, reason| reason == UNKNOWN.1));
}

#[test]
fn what_comes_back_to_either_of_two_comes_back_to_both() {
    let (pod, machine) = (tuple(POD.into(), 50_000), tuple(MACHINE.into(), 50_000));
    let found = connections(&[
        (0, syn(pod, 77, UNKNOWN)),
        (0, syn(machine, 77, DROPPED)),
        (20, reply(pod, 77, Answer::Answered)),
    ]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].finding().agreement, Agreement::Contradicts);
}

#[test]
fn the_sender_stays_who_it_is_where_an_appliance_translates_it() {
    let (spoke, hub) = (tuple([10, 1, 0, 4].into(), 50_000), tuple(MACHINE.into(), 50_000));
    let found = connections(&[(0, syn(spoke, 77, PASSES)), (1, syn(hub, 77, PASSES))]);
    assert_eq!((found.len(), found[0].tuple), (1, spoke));
    assert_eq!(found[0].translated_to, [IpAddr::from(MACHINE)]);
}

proptest! {
    #[test]
    fn two_are_one_only_with_the_same_number_time_and_destination(
        other_isn in any::<bool>(),
        later in prop_oneof![0_i64..=100, 101_i64..5_000],
        same_source in any::<bool>(),
    ) {
        let (pod, machine) = (tuple(POD.into(), 50_000), tuple(MACHINE.into(), 50_001));
        let second = if same_source { tuple(POD.into(), 50_001) } else { machine };
        let isn = if other_isn { 78 } else { 77 };
        let found = connections(&[(0, syn(pod, 77, UNKNOWN)), (later, syn(second, isn, DROPPED))]);
        let is_one = !other_isn && later <= 100 && !same_source;
        prop_assert_eq!(found.len() == 1, is_one);
    }
}
