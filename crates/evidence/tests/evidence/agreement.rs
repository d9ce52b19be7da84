//! What was judged against what was seen, and how contradictions are said.

use egress25_evidence::{Agreement, Answer, Contradictions, IcmpError};
use egress25_policy::{Reason, Verdict};

use crate::packets::{DROPPED, PASSES, UNKNOWN, connections, reply, syn, tuple};

const ICMP: Answer = Answer::Icmp(IcmpError {
    from: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    kind: 3,
    code: 13,
});

fn agreement(judged: (Verdict, Reason), answer: Answer) -> Agreement {
    let tuple = tuple([10, 0, 1, 4].into(), 42_000);
    let found = connections(&[(0, syn(tuple, 1, judged)), (9, reply(tuple, 1, answer))]);
    found[0].finding().agreement
}

#[test]
fn an_answer_contradicts_a_drop_and_silence_contradicts_nothing() {
    use Agreement::{Agrees, Contradicts, NoEvidence};
    let rejected = (Verdict::Reject, Reason::AzureFirewallUnsupported);
    let denied = (Verdict::Drop, Reason::SecurityGroupDenies);
    let martian = (Verdict::Drop, Reason::MartianDestination);
    for (judged, expected) in [
        (PASSES, [NoEvidence, NoEvidence, Agrees, Agrees]),
        (DROPPED, [Agrees, NoEvidence, Contradicts, Contradicts]),
        (denied, [Agrees, NoEvidence, Contradicts, Contradicts]),
        (rejected, [NoEvidence, Agrees, Agrees, Contradicts]),
        (UNKNOWN, [NoEvidence; 4]),
        (martian, [NoEvidence; 4]),
        ((Verdict::Pass, Reason::Inbound), [NoEvidence; 4]),
    ] {
        let found = [Answer::Silent, ICMP, Answer::Reset, Answer::Answered]
            .map(|answer| agreement(judged, answer));
        assert_eq!(found, expected, "{judged:?}");
    }
}

#[test]
fn contradictions_are_said_with_what_may_be_wrong() {
    let of = |port| tuple([10, 0, 1, 4].into(), port);
    let found = connections(&[
        (0, syn(of(1), 1, DROPPED)),
        (1, reply(of(1), 1, Answer::Answered)),
        (2, syn(of(2), 2, DROPPED)),
        (3, reply(of(2), 2, Answer::Reset)),
        (4, syn(of(3), 3, DROPPED)),
        (5, syn(of(4), 4, (Verdict::Drop, Reason::SecurityGroupDenies))),
        (6, reply(of(4), 4, Answer::Answered)),
        (7, syn(of(5), 5, PASSES)),
    ]);
    let contradictions = Contradictions::among(&found);
    assert_eq!(contradictions.count(), 3);
    assert_eq!(
        contradictions.sentences(),
        [
            "1 of 1 connections that should be dropped was answered: the description does not fit \
             (security groups? admin rules?)",
            "1 of 3 connections that should be dropped was answered: the description does not fit \
             (offer? date? exemption? started since?)",
            "1 of 3 connections that should be dropped was refused by a RST: the description does \
             not fit (offer? date? exemption? started since?)",
        ]
    );
    let unanswered = contradictions.unanswered();
    assert_eq!(
        unanswered.as_deref(),
        Some(
            "1 of 1 connections that should pass was never answered: not this filter (security \
             group, way out, the other side), or the description is wrong"
        )
    );
}
