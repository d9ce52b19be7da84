//! A batch is judged as its frames are one by one.

use egress25_lab::enforce::judge::ThreadJudge;
use egress25_packet_filter::link::LinkType;
use egress25_policy::Verdict::{self, Drop, Pass};

use crate::setting::{court, frame, in_a_row};

const OWN: [u8; 4] = [10, 1, 0, 4];

#[test]
fn a_batch_is_judged_as_its_frames_are_one_by_one() {
    let mut fragment = frame(OWN, 25, true, 1);
    fragment[20] = 0x20;
    let mut cut = frame(OWN, 25, true, 1);
    cut.truncate(40);
    let cases: [(Vec<u8>, Verdict, Option<&str>); 7] = [
        (frame(OWN, 25, true, 1), Drop, Some("not-granted")),
        (frame([10, 1, 0, 9], 25, true, 1), Drop, Some("spoofed-source")),
        (frame([10, 1, 0, 9], 587, true, 1), Pass, None),
        (frame(OWN, 25, false, 1), Pass, None),
        (fragment, Drop, Some("malformed")),
        (cut, Drop, Some("malformed")),
        (vec![0xff; 60], Pass, None),
    ];
    // More of them than a vector has lanes, in another order each time.
    let order: Vec<usize> = (0..cases.len() * 40).map(|at| (at * 5 + at / 7) % 7).collect();
    let frames: Vec<Vec<u8>> = order.iter().map(|at| cases[*at].0.clone()).collect();
    let expected: Vec<Verdict> = order.iter().map(|at| cases[*at].1).collect();

    let (at_once, port) = court();
    let (mut judge, mut verdicts) = (ThreadJudge::new(at_once.clone()), Vec::new());
    let (bytes, list) = in_a_row(&frames);
    judge.judge_batch(&port, &list.frames(LinkType::Ethernet, None, &bytes), &mut verdicts);

    let (single, port) = court();
    let (mut judge, mut one, mut all) = (ThreadJudge::new(single.clone()), Vec::new(), Vec::new());
    for frame in &frames {
        let (bytes, list) = in_a_row(std::slice::from_ref(frame));
        judge.judge_batch(&port, &list.frames(LinkType::Ethernet, None, &bytes), &mut one);
        all.extend_from_slice(&one);
    }
    assert_eq!(verdicts, all);
    assert_eq!(at_once.hub.counts(), single.hub.counts());
    let told = |reason: &str| {
        let counts = at_once.hub.counts();
        let found = counts.iter().find(|(found, ..)| found.to_string() == reason);
        found.map_or(0, |(.., count)| *count)
    };
    for reason in ["not-granted", "spoofed-source", "malformed"] {
        let of_reason = order.iter().filter(|at| cases[**at].2 == Some(reason)).count();
        assert_eq!(told(reason), of_reason as u64, "{reason}");
    }
    assert_eq!(verdicts, expected);
}
