//! All contradictions of a capture, as sentences.

use std::collections::BTreeMap;

use egress25_policy::{Reason, StoppedBy, Verdict};

use crate::agreement::Agreement;
use crate::connection::Connection;
use crate::reply::Answer;

/// Counts of what was judged against what was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contradictions {
    by: BTreeMap<(StoppedBy, Verdict), Counts>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    all: u64,
    answered: u64,
    refused: u64,
    /// Those that a rule denied.
    denied: u64,
    /// Those that rules let out.
    let_out: u64,
    silent: u64,
}

impl Contradictions {
    /// Those among connections.
    pub fn among<'a, T: 'a>(connections: impl IntoIterator<Item = &'a Connection<T>>) -> Self {
        let mut found = Self::default();
        connections.into_iter().for_each(|connection| found.add(connection));
        found
    }

    fn add<T>(&mut self, connection: &Connection<T>) {
        let (verdict, reason) = connection.judged;
        if reason == Reason::Inbound {
            return;
        }
        let agreement = connection.finding().agreement;
        let counts = self.by.entry((connection.stopped_by(), verdict)).or_default();
        counts.all = counts.all.saturating_add(1);
        let of_kind = match (agreement, connection.answer) {
            (Agreement::Contradicts, Answer::Answered | Answer::Returned) => &mut counts.answered,
            (Agreement::Contradicts, Answer::Denied) => &mut counts.denied,
            (Agreement::Contradicts, Answer::Silent | Answer::NotTold) => &mut counts.let_out,
            (Agreement::Contradicts, Answer::Reset | Answer::Icmp(_)) => &mut counts.refused,
            (Agreement::NoEvidence, Answer::Silent) => &mut counts.silent,
            _ => return,
        };
        *of_kind = of_kind.saturating_add(1);
    }

    /// How many connections contradict.
    #[must_use]
    pub fn count(&self) -> u64 {
        let of = |counts: &Counts| counts.contradicting().iter().map(|(count, _)| count).sum();
        self.by.values().map(of).fold(0, u64::saturating_add)
    }

    /// What contradicts, in sentences.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for ((by, verdict), counts) in &self.by {
            let should = match verdict {
                Verdict::Pass => "pass",
                Verdict::Drop => "be dropped",
                Verdict::Reject => "be rejected",
            };
            for (count, what) in counts.contradicting().into_iter().filter(|(count, _)| *count > 0)
            {
                let all = counts.all;
                sentences.push(format!(
                    "{count} of {all} connections that should {should} {} {what}: the description \
                     does not fit ({})",
                    was(count),
                    doubts(*by)
                ));
            }
        }
        sentences
    }

    /// What was never answered though it passes, in a sentence, if there is any such connection.
    #[must_use]
    pub fn unanswered(&self) -> Option<String> {
        let Counts { all, silent, .. } = *self.by.get(&(StoppedBy::None, Verdict::Pass))?;
        (silent > 0).then(|| {
            format!(
                "{silent} of {all} connections that should pass {} never answered: not this \
                 filter (security group, way out, the other side), or the description is wrong",
                was(silent)
            )
        })
    }
}

impl Counts {
    const fn contradicting(&self) -> [(u64, &'static str); 4] {
        [
            (self.answered, "answered"),
            (self.refused, "refused by a RST"),
            (self.denied, "denied by a security rule"),
            (self.let_out, "let out by the security rules"),
        ]
    }
}

const fn was(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// What of a description may be wrong where something else than what it says stops nothing.
const fn doubts(by: StoppedBy) -> &'static str {
    match by {
        // What passes contradicts where a rule denied it.
        StoppedBy::Rule | StoppedBy::None | StoppedBy::Other => "security groups? admin rules?",
        StoppedBy::Route => "routes? way out? addresses?",
        StoppedBy::Source => "addresses? power?",
        StoppedBy::Platform | StoppedBy::Packet => "offer? date? exemption? started since?",
    }
}
