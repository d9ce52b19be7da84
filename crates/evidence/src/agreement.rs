//! What was judged, held against what was seen.

use egress25_policy::{Reason, Verdict};
use serde::Serialize;

use crate::connection::{Logged, Witness};
use crate::reply::Answer;

/// Whether what was seen fits what was judged.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Agreement {
    /// What was seen is what the verdict promises.
    Agrees,
    /// What was seen cannot be, if the verdict is right.
    Contradicts,
    /// What was seen says nothing of the verdict.
    NoEvidence,
}

impl Agreement {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Whether what was seen fits, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Whether it fits.
    pub agreement: Agreement,
    /// Why, in a sentence without its full stop.
    pub why: &'static str,
}

/// The finding on a verdict for a reason, which may hang on a bound of the day of creation, and what
/// came back, as a witness tells it.
pub(crate) const fn of(
    (verdict, reason): (Verdict, Reason),
    answer: Answer,
    is_bounded: bool,
    witness: Witness,
) -> Finding {
    let came_back = matches!(answer, Answer::Returned | Answer::Answered | Answer::Reset);
    let (agreement, why) = if matches!(reason, Reason::Inbound) {
        (Agreement::NoEvidence, "it comes in: the filter is not asked")
    } else if says_nothing(reason) {
        (Agreement::NoEvidence, "the description says nothing of this sender or this packet")
    } else if is_bounded && came_back {
        // The description says no day that this could contradict.
        (
            Agreement::NoEvidence,
            "it hangs on a bound: the day of creation may be another than assumed",
        )
    } else if matches!(reason, Reason::SenderNotRunning) && !came_back {
        (
            Agreement::NoEvidence,
            "it was sent, so its sender ran: the power state is of another time",
        )
    } else if let Some(by_rules) = of_log(reason, answer, witness) {
        by_rules
    } else if matches!(answer, Answer::NotTold) {
        (Agreement::NoEvidence, "the log does not tell whether anything came back")
    } else {
        match verdict {
            Verdict::Pass => of_pass(answer),
            Verdict::Drop => of_drop(answer),
            Verdict::Reject => of_reject(answer),
        }
    };
    Finding { agreement, why }
}

/// What a flow log shows of security groups and admin rules, which decide before the filter (N21, N17),
/// and of flows that began before it.
const fn of_log(
    reason: Reason,
    answer: Answer,
    witness: Witness,
) -> Option<(Agreement, &'static str)> {
    let Witness::FlowLog(Logged { knows_rules, is_let_out, has_begun, .. }) = witness else {
        return None;
    };
    let should_deny = matches!(reason, Reason::SecurityGroupDenies | Reason::AdminRuleDenies);
    Some(match (answer, should_deny) {
        (Answer::Denied, true) => (Agreement::Agrees, "a rule denies it, and a rule denied it"),
        (Answer::Denied, false) if knows_rules => {
            (Agreement::Contradicts, "a rule denied it that the description does not have")
        }
        (Answer::Denied, false) => (
            Agreement::NoEvidence,
            "a rule of yours denied it, before the filter is asked: the description has no rules",
        ),
        (Answer::Returned, _) if !has_begun => (
            Agreement::NoEvidence,
            "it began before the log does: what was true then may be something else",
        ),
        (_, true) if is_let_out => {
            (Agreement::Contradicts, "the rules let it out, so none denied it")
        }
        (_, true) => (Agreement::NoEvidence, "the log does not tell by which rule"),
        _ => return None,
    })
}

/// Whether a reason claims nothing of what the platform did: the sender is not described, or the
/// packet is one that its own machine may have kept, as one to its loopback.
const fn says_nothing(reason: Reason) -> bool {
    matches!(reason, Reason::UnknownSource | Reason::AmbiguousNetwork)
        || reason.is_about_the_packet()
}

/// A pass that is never answered points elsewhere, or the description is wrong (N20).
const fn of_pass(answer: Answer) -> (Agreement, &'static str) {
    match answer {
        Answer::Answered => (Agreement::Agrees, "it passes, and was answered"),
        Answer::Returned => (Agreement::Agrees, "it passes, and packets came back"),
        Answer::Reset => {
            (Agreement::Agrees, "it passes, and the other side, or something before it, refused")
        }
        // Who says so may stand on either side of the filter.
        Answer::Icmp(_) => (Agreement::NoEvidence, "not this filter: an ICMP error refused it"),
        // Silence may be of anything on the way, the filter of another description among it.
        Answer::Silent | Answer::Denied | Answer::NotTold => (
            Agreement::NoEvidence,
            "not this filter: security group, way out, the other side; or the description is wrong",
        ),
    }
}

/// What was answered, or refused by a RST, was not dropped (N19).
const fn of_drop(answer: Answer) -> (Agreement, &'static str) {
    match answer {
        Answer::Answered => (Agreement::Contradicts, "it was answered, so nothing dropped it"),
        Answer::Returned => (Agreement::Contradicts, "packets came back, so nothing dropped it"),
        Answer::Reset => {
            (Agreement::Contradicts, "it was refused by a RST, so nothing dropped it silently")
        }
        // The sender's own system or a router in front of the filter may have said so.
        Answer::Icmp(_) => (Agreement::NoEvidence, "an ICMP error refused it, filtered or not"),
        Answer::Silent => (Agreement::Agrees, "it is dropped, and nothing came back"),
        Answer::Denied | Answer::NotTold => (Agreement::NoEvidence, "nobody tells of the filter"),
    }
}

/// What is rejected is refused (N19).
const fn of_reject(answer: Answer) -> (Agreement, &'static str) {
    match answer {
        Answer::Answered => (Agreement::Contradicts, "it was answered, so nothing rejected it"),
        Answer::Reset | Answer::Icmp(_) => (Agreement::Agrees, "it is rejected, and was refused"),
        // What is blocked in another form than the settings say is blocked all the same.
        Answer::Silent => (Agreement::NoEvidence, "blocked in another form, or the answer is lost"),
        Answer::Returned => (Agreement::NoEvidence, "a refusal is a packet that comes back, too"),
        Answer::Denied | Answer::NotTold => (Agreement::NoEvidence, "nobody tells of the filter"),
    }
}
