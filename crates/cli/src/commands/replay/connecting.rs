//! Packets of a capture to connections, and what contradicts the description.

use egress25_evidence::{Seen, SeenAt, Tracker, join_twins};
use egress25_packet_filter::capture::{CaptureBatch, Record};
use egress25_packet_filter::frame::{Frame, FrameOptions, Kind, transports};
use egress25_packet_filter::sieve::Ruling;
use egress25_policy::SMTP_PORT;

use crate::commands::connections::counts::{ConnectionCounts, Described, DescribedConnection};
use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::resolve::ReplayPlan;
use crate::commands::replay::row::PacketRow;
use crate::say::failure::Failure;

const TCP: u8 = 6;
const UDP: u8 = 17;

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
    others: Others,
    /// What the layers of a packet say; its room is reused.
    layers: Vec<(u32, Seen)>,
}

impl Connecting {
    /// For a replay that asks for connections; `describes` where they get rows.
    pub(super) fn new(plan: &ReplayPlan, describes: bool) -> Self {
        Self {
            tracker: Tracker::new(plan.asked.max_connections()),
            options: plan.options,
            port: plan.options.port.unwrap_or(SMTP_PORT),
            describes,
            relay_syns: 0,
            from_port: 0,
            others: Others::default(),
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
                _ => self.others.add(batch.frames().get(place).as_ref(), &self.options, self.port),
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
            others: self.others.count,
            other_ports: self.others.of_other_ports,
            ..ConnectionCounts::of(&connections)
        };
        let nothing_came = self.from_port == 0 && counts.answered == 0;
        (connections, ConnectionCounts { may_lack_a_direction: nothing_came, ..counts })
    }
}

/// Packets that say nothing of the port that connections are to.
#[derive(Debug, Default)]
struct Others {
    count: u64,
    /// Whether one of those that were looked at goes between other ports.
    of_other_ports: bool,
}

impl Others {
    /// The first ones are looked at, and then one of so many, until one is found: a capture of all has
    /// thousands, and one of that port alone is not looked through.
    const FIRST: u64 = 1000;
    const ONE_OF: u64 = 64;

    fn add(&mut self, frame: Option<&Frame<'_>>, options: &FrameOptions, port: u16) {
        self.count = self.count.saturating_add(1);
        let is_looked_at = self.count <= Self::FIRST || self.count.is_multiple_of(Self::ONE_OF);
        if self.of_other_ports || !is_looked_at {
            return;
        }
        let Some(frame) = frame else { return };
        transports(frame, options, &mut |_, transport| {
            let Some(transport) = transport.filter(|one| matches!(one.protocol, TCP | UDP)) else {
                return;
            };
            if let Some([s0, s1, d0, d1]) = transport.bytes.first_chunk() {
                let ports = [[*s0, *s1], [*d0, *d1]].map(u16::from_be_bytes);
                self.of_other_ports |= !ports.contains(&port);
            }
        });
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
            found = Some(Described::from(row));
        }
        Ok(())
    })?;
    Ok(found)
}

impl From<&PacketRow<'_>> for Described {
    fn from(row: &PacketRow<'_>) -> Self {
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
