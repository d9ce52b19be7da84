//! A connection that somebody tried to open.

use std::net::IpAddr;

use egress25_policy::{Reason, StoppedBy, Verdict};
use jiff::{SignedDuration, Timestamp};

use crate::agreement::{self, Finding};
use crate::reply::Answer;
use crate::tuple::Tuple;

const _: () = assert!(Reason::COUNT <= u64::BITS as usize, "a reason is a bit of a word");

/// Between two sightings of one packet on one host, on another interface or before and after it is
/// translated, lies no more than this; no system repeats a SYN so soon (RFC 6298 has it wait for a
/// second).
pub(crate) const ONE_PACKET: SignedDuration = SignedDuration::from_millis(100);

/// Where a packet was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenAt {
    /// Its number in the capture, from 1.
    pub packet: u64,
    /// How deep it lies in tunnels; 0 is the outermost.
    pub depth: u32,
    /// When, where the capture says so.
    pub time: Option<Timestamp>,
}

/// Who saw a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Witness {
    /// A capture of its packets.
    #[default]
    Capture,
    /// A flow log: what security groups and admin rules let out (N21).
    FlowLog(Logged),
}

/// What a flow log shows of a flow beside its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Logged {
    /// Whether the description has rules of security groups and admin rules at all.
    pub knows_rules: bool,
    /// Whether such a rule let it out.
    pub is_let_out: bool,
    /// Whether something else than such a rule denied it: the network's encryption, or the platform
    /// without a rule (N21).
    pub is_denied_otherwise: bool,
    /// Whether the log has its beginning.
    pub has_begun: bool,
}

/// A connection: all SYNs with the same ends and the same initial sequence number, and what came
/// back. What a caller keeps with it is `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection<T> {
    /// Its ends, as the filter sees them.
    pub tuple: Tuple,
    /// The initial sequence number of its SYNs.
    pub isn: u32,
    /// A number that stands for the TCP options of its first SYN.
    pub options: u64,
    /// The SYN that is earliest in the capture.
    pub seen: SeenAt,
    /// The time of its first SYN.
    pub first: Option<Timestamp>,
    /// The time of its last SYN.
    pub last_try: Option<Timestamp>,
    /// The time of what came back first.
    pub answered_at: Option<Timestamp>,
    /// How often it was tried: a copy of a SYN on another interface is no try.
    pub tries: u64,
    /// What came back.
    pub answer: Answer,
    /// The verdict and the reason of the SYN that decides: the first that passes, or else the first.
    pub judged: (Verdict, Reason),
    /// Whether that hangs on a bound of the subscription's day of creation, and not on the day.
    pub is_bounded: bool,
    /// Who saw it.
    pub witness: Witness,
    /// The rule that denied it, where its witness names one.
    pub denied_by: Option<String>,
    /// Other addresses that its SYNs were seen from before they had the sender's: those of containers
    /// and pods behind it.
    pub behind: Vec<IpAddr>,
    /// Other addresses that its SYNs were seen from later: of what translates them.
    pub translated_to: Vec<IpAddr>,
    /// What is kept with it.
    pub kept: T,
    /// What its SYNs were judged: the reasons as bits, by verdict.
    pub(crate) met: [u64; 3],
}

impl<T> Connection<T> {
    /// Whether one of its SYNs was judged so.
    #[must_use]
    pub fn has(&self, is_wanted: impl Fn(Verdict, Reason) -> bool) -> bool {
        [Verdict::Pass, Verdict::Drop, Verdict::Reject].into_iter().zip(self.met).any(
            |(verdict, met)| {
                let mut of_it =
                    Reason::ALL.iter().filter(|reason| met & (1 << reason.index()) != 0);
                of_it.any(|reason| is_wanted(verdict, *reason))
            },
        )
    }

    /// What stops it: what its witness saw do so, or else what the description says.
    #[must_use]
    pub fn stopped_by(&self) -> StoppedBy {
        match (self.answer, self.witness) {
            (Answer::Denied, _) => StoppedBy::Rule,
            (_, Witness::FlowLog(Logged { is_denied_otherwise: true, .. })) => StoppedBy::Other,
            _ => StoppedBy::of(self.judged.0, self.judged.1),
        }
    }

    /// Whether its witness saw something else stop it than the description says.
    #[must_use]
    pub fn is_stopped_otherwise(&self) -> bool {
        self.stopped_by() != StoppedBy::of(self.judged.0, self.judged.1)
    }

    /// Notes what one of its SYNs was judged.
    pub(crate) const fn meet(&mut self, (verdict, reason): (Verdict, Reason)) {
        let [pass, drop, reject] = &mut self.met;
        let of_it = match verdict {
            Verdict::Pass => pass,
            Verdict::Drop => drop,
            Verdict::Reject => reject,
        };
        *of_it |= 1 << reason.index();
    }

    /// How long it went on, from its first SYN to what came back first, or to its last SYN.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        let end = self.answered_at.or(self.last_try)?;
        Some(end.duration_since(self.first?).as_secs_f64().max(0.0))
    }

    /// What was judged, held against what was seen.
    #[must_use]
    pub fn finding(&self) -> Finding {
        agreement::of(self.judged, self.answer, self.is_bounded, self.witness)
    }
}
