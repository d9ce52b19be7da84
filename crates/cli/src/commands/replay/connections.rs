//! Packets of a capture to connections, and what contradicts the description.

use std::sync::Arc;

use egress25_evidence::{Agreement, Connection, Contradictions, Seen, SeenAt, Tracker, join_twins};
use egress25_packet_filter::capture::{CaptureBatch, Record};
use egress25_packet_filter::frame::{FrameOptions, Kind, RELAY_PORTS, transports};
use egress25_packet_filter::sieve::Ruling;
use egress25_policy::{MachineName, NetworkName, Reason, SMTP_PORT, SubscriptionName, Verdict};
use serde::Serialize;

use crate::commands::replay::basis::AnswerBasis;
use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::resolve::ReplayPlan;
use crate::commands::replay::row::PacketRow;
use crate::say::failure::Failure;
use crate::say::output::counted;

/// Brings packets together to connections while a capture is read.
#[derive(Debug)]
pub(super) struct Connecting {
    tracker: Tracker<Option<Described>>,
    options: FrameOptions,
    port: u16,
    /// Whether connections get rows, which say more than the verdict.
    describes: bool,
    relay_syns: u64,
    from_port: u64,
    /// Packets that have nothing to do with the port that connections are to.
    others: u64,
    /// What the layers of a packet say; its room is reused.
    layers: Vec<(u32, Seen)>,
}

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
pub struct ConnectionCounts {
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
    /// Packets that neither go to that port nor come from it; most of what a capture of that port alone
    /// lacks.
    pub others: u64,
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

impl Connecting {
    /// For a replay that asks for connections; `describes` where they get rows.
    pub(super) fn new(plan: &ReplayPlan, describes: bool) -> Self {
        Self {
            tracker: Tracker::new(plan.max_connections),
            options: plan.options,
            port: plan.options.port.unwrap_or(SMTP_PORT),
            describes,
            relay_syns: 0,
            from_port: 0,
            others: 0,
            layers: Vec::new(),
        }
    }

    /// Takes in a batch that was just judged.
    pub(super) fn batch(
        &mut self,
        batch: &CaptureBatch<'_>,
        judge: &mut ReplayJudge,
    ) -> Result<(), Failure> {
        for place in 0..batch.len() {
            let ruling = judge.ruling(place);
            match ruling.kind() {
                Kind::RelaySyn => self.relay_syns = self.relay_syns.saturating_add(1),
                Kind::Acknowledgement if !self.tracker.awaits_answers() => {}
                kind @ (Kind::Answer | Kind::Acknowledgement | Kind::IcmpError) => {
                    self.from_port = self.from_port.saturating_add(u64::from(kind == Kind::Answer));
                    self.packet(batch, (place, ruling), judge)?;
                }
                _ if ruling.is_told() => self.packet(batch, (place, ruling), judge)?,
                _ => self.others = self.others.saturating_add(1),
            }
        }
        Ok(())
    }

    fn packet(
        &mut self,
        batch: &CaptureBatch<'_>,
        (place, ruling): (usize, Ruling),
        judge: &mut ReplayJudge,
    ) -> Result<(), Failure> {
        let (Some(frame), Some(record)) = (batch.frames().get(place), batch.record(place)) else {
            return Ok(());
        };
        let packet = record.index.saturating_add(1);
        let (mut depth, mut layers) = (0, std::mem::take(&mut self.layers));
        layers.clear();
        transports(&frame, &self.options, &mut |outcome, transport| {
            let seen = transport.and_then(|transport| Seen::of(&transport, self.port));
            let is_judged = outcome.candidate().is_some();
            layers
                .extend(seen.filter(|seen| is_judged || seen.is_reply()).map(|seen| (depth, seen)));
            depth = depth.saturating_add(1);
        });
        for (depth, seen) in &layers {
            let at = SeenAt { packet, depth: *depth, time: record.timestamp };
            let syn = match seen {
                Seen::Reply(reply) => {
                    self.tracker.reply(reply, at);
                    continue;
                }
                Seen::Acknowledgement(reply) => {
                    self.tracker.acknowledgement(reply, at);
                    continue;
                }
                Seen::Syn(syn) => syn,
            };
            // What is judged inside of a tunnel only its row tells.
            let inside = match depth {
                0 => None,
                depth => describe(judge, &record, (place, *depth))?,
            };
            let judged = match depth {
                0 => ruling.reason().map(|reason| (ruling.verdict(), reason)),
                _ => inside.as_ref().map(|inside| inside.judged),
            };
            let Some(judged) = judged else { continue };
            if let Some(connection) = self.tracker.syn(syn, at, judged)
                && self.describes
            {
                connection.kept = match inside {
                    None => describe(judge, &record, (place, *depth))?,
                    inside => inside,
                };
                let described = connection.kept.as_ref();
                connection.is_bounded = described.is_some_and(|of| of.basis.hangs_on_a_bound);
            }
        }
        self.layers = layers;
        Ok(())
    }

    /// The connections in the order of the capture, and their counts.
    pub(super) fn finish(self) -> (Vec<DescribedConnection>, ConnectionCounts) {
        let (connections, syns_not_kept) = self.tracker.finish();
        let connections = join_twins(connections);
        let counts = ConnectionCounts {
            syns_not_kept,
            relay_syns: self.relay_syns,
            from_port_25: self.from_port,
            others: self.others,
            ..ConnectionCounts::of(&connections)
        };
        let nothing_came = self.from_port == 0 && counts.answered == 0;
        (connections, ConnectionCounts { may_lack_a_direction: nothing_came, ..counts })
    }
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

    /// They in words.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Self { connections, answered, refused, silent, agree, contradict, .. } = self;
        if *connections == 0 {
            return Vec::new();
        }
        let all = counted(*connections, "connection", "connections");
        let logged =
            [(self.denied, "denied by a rule"), (self.not_told, "of which it is not told")];
        let logged = logged.into_iter().filter(|(count, _)| *count > 0);
        let logged: String = logged.map(|(count, what)| format!(", {count} {what}")).collect();
        let mut lines = vec![format!(
            "{all}: {answered} answered, {refused} refused, {silent} silent{logged}. What was seen \
             agrees with the verdict of {agree} and contradicts that of {contradict}."
        )];
        if self.may_lack_a_direction {
            lines.push(
                "Nothing in the capture comes from port 25: does it have both directions?"
                    .to_owned(),
            );
        }
        lines.extend(self.unanswered.iter().map(|text| format!("{text}.")));
        if self.is_blocked && self.relay_syns == 0 {
            let ports = RELAY_PORTS.map(|port| port.to_string()).join(", ");
            lines.push(match self.others {
                0 => {
                    format!("The capture is of port 25 alone: relays ({ports}) do not show in it.")
                }
                _ => format!("No relay is in use: nothing goes to {ports}."),
            });
        }
        lines
    }
}

/// What is said of a packet at a depth.
fn describe(
    judge: &mut ReplayJudge,
    record: &Record<'_>,
    (place, depth): (usize, u32),
) -> Result<Option<Described>, Failure> {
    let mut found = None;
    judge.rows(record, place, &mut |row| {
        if row.depth == depth {
            found = Some(Described::of(row));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether a count is none, for serde.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Described {
    fn of(row: &PacketRow<'_>) -> Self {
        Self {
            judged: (row.verdict, row.reason),
            machine: row.machine.cloned(),
            subscription: row.subscription.cloned(),
            network: row.network.cloned(),
            edition: row.edition.to_owned(),
            decided_by: row.decided_by.cloned(),
            basis: row.basis.clone(),
        }
    }
}
