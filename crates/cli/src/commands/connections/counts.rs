//! Connections with what is said of them, and their counts.

use std::sync::Arc;

use egress25_evidence::{Agreement, Connection, Contradictions};
use egress25_packet_filter::frame::RELAY_PORTS;
use egress25_policy::{MachineName, NetworkName, Reason, SubscriptionName, Verdict};
use serde::Serialize;

use crate::commands::connections::basis::AnswerBasis;
use crate::say::output::counted;

/// What is said of a connection: what is said of the SYN that decides.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) judged: (Verdict, Reason),
    pub(crate) machine: Option<MachineName>,
    pub(crate) subscription: Option<SubscriptionName>,
    pub(crate) network: Option<NetworkName>,
    pub(crate) edition: String,
    pub(crate) decided_by: Option<SubscriptionName>,
    pub(crate) basis: Arc<AnswerBasis>,
}

/// A connection with what is said of it.
pub(crate) type DescribedConnection = Connection<Option<Described>>;

/// The connections of a capture, as the summary counts them.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ConnectionCounts {
    /// How many there are; what was seen twice is one.
    pub connections: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Those that nothing came back to.
    pub silent: u64,
    /// Those that a security rule denied, by a flow log.
    #[serde(skip_serializing_if = "is_zero")]
    pub denied: u64,
    /// Those of which a flow log does not tell whether anything came back.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_told: u64,
    /// Those of which what was seen fits the verdict.
    pub agree: u64,
    /// Those of which it cannot be.
    pub contradict: u64,
    /// SYNs of connections beyond those that are kept.
    pub syns_not_kept: u64,
    /// SYNs to the ports that relays are reached on.
    pub relay_syns: u64,
    /// Packets from the port that connections are to, tunnels apart.
    pub from_port_25: u64,
    /// Packets that say nothing of a connection to that port; of flow logs, tuples to other ports.
    pub others: u64,
    /// Whether something goes between other ports: what is of port 25 alone tells nothing of relays.
    #[serde(skip)]
    pub(crate) other_ports: bool,
    /// What contradicts the description, in sentences.
    pub contradictions: Vec<String>,
    /// What passes and was never answered, in a sentence.
    pub unanswered: Option<String>,
    /// Whether something does not pass.
    #[serde(skip)]
    pub(crate) is_blocked: bool,
    /// Whether what was seen may be of one direction alone.
    #[serde(skip)]
    pub(crate) may_lack_a_direction: bool,
}

impl ConnectionCounts {
    /// Those of connections.
    pub(crate) fn of(connections: &[DescribedConnection]) -> Self {
        let contradictions = Contradictions::among(connections);
        let count = |is_one: fn(&DescribedConnection) -> bool| {
            let found = connections.iter().filter(|connection| is_one(connection)).count();
            u64::try_from(found).unwrap_or(u64::MAX)
        };
        let with = |name: &str| {
            let found = connections.iter().filter(|connection| connection.answer.name() == name);
            u64::try_from(found.count()).unwrap_or(u64::MAX)
        };
        Self {
            connections: count(|_| true),
            answered: with("answered"),
            refused: with("refused"),
            silent: with("silent"),
            denied: with("denied"),
            not_told: with("not told"),
            agree: count(|one| one.finding().agreement == Agreement::Agrees),
            contradict: contradictions.count(),
            contradictions: contradictions.sentences(),
            unanswered: contradictions.unanswered(),
            is_blocked: count(|one| one.judged.0 != Verdict::Pass) > 0,
            ..Self::default()
        }
    }

    /// The counts that matter most, each with its name.
    pub(crate) fn headline(&self) -> Vec<(&'static str, u64)> {
        let seen = [("denied by a rule", self.denied), ("not told", self.not_told)];
        let always = [
            ("connections", self.connections),
            ("answered", self.answered),
            ("refused", self.refused),
            ("silent", self.silent),
        ];
        let told = [("agree with the verdict", self.agree), ("contradict it", self.contradict)];
        let logged = seen.into_iter().filter(|(_, count)| *count > 0);
        always.into_iter().chain(logged).chain(told).collect()
    }

    /// What contradicts, or may: `what` there was no room for was not held against anything.
    pub(crate) fn contradiction(&self, what: &str) -> Option<String> {
        let mut said = self.contradictions.clone();
        if self.syns_not_kept > 0 {
            said.push(format!(
                "{} {what} are of connections that were not kept, and nothing was held against them \
                 (--max-connections)",
                self.syns_not_kept
            ));
        }
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// They in words.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let first = (self.connections > 0).then(|| self.sentence());
        first.into_iter().chain(self.remarks())
    }

    /// What [`Self::headline`] counts, in words.
    fn sentence(&self) -> String {
        let Self { connections, answered, refused, silent, agree, contradict, .. } = self;
        let all = counted(*connections, "connection", "connections");
        let logged =
            [(self.denied, "denied by a rule"), (self.not_told, "of which it is not told")];
        let logged = logged.into_iter().filter(|(count, _)| *count > 0);
        let logged: String = logged.map(|(count, what)| format!(", {count} {what}")).collect();
        format!(
            "{all}: {answered} answered, {refused} refused, {silent} silent{logged}. What was seen \
             agrees with the verdict of {agree} and contradicts that of {contradict}."
        )
    }

    /// What else there is to say of them.
    pub(crate) fn remarks(&self) -> impl Iterator<Item = String> {
        let mut lines = Vec::new();
        if self.connections == 0 {
            return lines.into_iter();
        }
        if self.may_lack_a_direction {
            lines.push(
                "Nothing in the capture comes from port 25: does it have both directions?"
                    .to_owned(),
            );
        }
        lines.extend(self.unanswered.iter().map(|text| format!("{text}.")));
        if self.is_blocked && self.relay_syns == 0 {
            let ports = RELAY_PORTS.map(|port| port.to_string()).join(", ");
            lines.push(match self.other_ports {
                false => {
                    format!(
                        "Nothing here is of another port than 25: relays ({ports}) do not show."
                    )
                }
                true => format!("No relay is in use: nothing goes to {ports}."),
            });
        }
        lines.into_iter()
    }
}

/// Whether a count is none, for serde.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
