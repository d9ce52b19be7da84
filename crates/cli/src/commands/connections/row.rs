//! A row: one connection.

use std::net::IpAddr;

use egress25_evidence::Agreement;
use egress25_policy::{
    MachineName, NetworkName, Reason, StatementId, StoppedBy, SubscriptionName, Verdict,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::commands::connections::counts::DescribedConnection;
use crate::say::output::{self, OfAnotherPage, TableRow};

/// One connection: what was judged of it, and what was seen.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ConnectionRow<'a> {
    /// `connection`: what this line is, among those of another kind.
    pub kind: &'static str,
    /// What stops it, in one word.
    pub stopped_by: StoppedBy,
    /// The number of its first SYN in the capture, from 1, as Wireshark counts.
    pub packet: u64,
    /// How deep that lies in tunnels; 0 is the outermost.
    pub depth: u32,
    /// When it was first tried.
    pub time: Option<Timestamp>,
    /// How long it went on: to what came back first, or to its last SYN.
    pub seconds: Option<f64>,
    /// How often it was tried.
    pub tries: u64,
    /// The machine that sends it.
    pub machine: Option<&'a MachineName>,
    /// That machine's subscription.
    pub subscription: Option<&'a SubscriptionName>,
    /// The network that it belongs to.
    pub network: Option<&'a NetworkName>,
    /// Its source address.
    pub source: IpAddr,
    /// Its source port.
    pub source_port: u16,
    /// Other addresses that it was seen from before: of containers and pods behind the machine.
    pub behind: &'a [IpAddr],
    /// Other addresses that it was seen from later: of what translates it.
    pub translated_to: &'a [IpAddr],
    /// Its destination address.
    pub destination: IpAddr,
    /// Its destination port.
    pub port: u16,
    /// What becomes of it: of its first SYN that passes, or else of its first.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// What came back: `answered`, `refused` or `silent`; of a flow log `denied` or `not told`, too.
    pub seen: &'static str,
    /// What refused it: `RST`, an ICMP error and whose it is, or the security rule that denied it.
    pub refused_by: Option<String>,
    /// Whether what was seen fits the verdict.
    pub evidence: Agreement,
    /// Why it does or does not.
    pub because: &'static str,
    /// The edition that judged it.
    pub edition: &'a str,
    /// The statements that it rests on.
    pub statements: &'a [StatementId],
    /// The settings that it rests on, as `name=value`.
    pub assumed: &'a [String],
    /// The subscription whose rule decided, where that is not the sender's.
    pub decided_by: Option<&'a SubscriptionName>,
    /// The security rule that denied it.
    pub rule: Option<&'a str>,
    /// Which of the statements are not the article's word, and whose they are.
    pub sources: &'a [OfAnotherPage],
    /// The statements as a person reads them.
    #[serde(skip)]
    pub cited: &'a str,
    /// Whether people are told the edition: each may have its own.
    #[serde(skip)]
    pub(crate) names_edition: bool,
    /// Whether people are told the source beside the machine: it sends from several.
    #[serde(skip)]
    pub(crate) names_source: bool,
}

impl<'a> ConnectionRow<'a> {
    /// The row of a connection.
    pub(crate) fn of(connection: &'a DescribedConnection, names_edition: bool) -> Self {
        let (verdict, reason) = connection.judged;
        let described = connection.kept.as_ref();
        let basis = described.map(|described| &*described.basis);
        let finding = connection.finding();
        // To a thousandth: what is finer is the capture's.
        let seconds = connection.seconds().map(|seconds| (seconds * 1000.0).round() / 1000.0);
        Self {
            kind: "connection",
            stopped_by: connection.stopped_by(),
            packet: connection.seen.packet,
            depth: connection.seen.depth,
            time: connection.first,
            seconds,
            tries: connection.tries,
            machine: described.and_then(|described| described.machine.as_ref()),
            subscription: described.and_then(|described| described.subscription.as_ref()),
            network: described.and_then(|described| described.network.as_ref()),
            source: connection.tuple.from.ip(),
            source_port: connection.tuple.from.port(),
            behind: &connection.behind,
            translated_to: &connection.translated_to,
            destination: connection.tuple.to.ip(),
            port: connection.tuple.to.port(),
            verdict,
            reason,
            seen: connection.answer.name(),
            refused_by: connection.answer.refused_by().or_else(|| connection.denied_by.clone()),
            evidence: finding.agreement,
            because: finding.why,
            edition: described.map_or("", |described| &described.edition),
            statements: basis.map_or(&[], |basis| &basis.statements),
            assumed: basis.map_or(&[], |basis| &basis.assumed),
            decided_by: described.and_then(|described| described.decided_by.as_ref()),
            rule: basis.and_then(|basis| basis.rule.as_deref()),
            sources: basis.map_or(&[], |basis| &basis.sources),
            cited: basis.map_or("", |basis| &basis.cited),
            names_edition,
            names_source: false,
        }
    }
}

impl TableRow for ConnectionRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "stopped_by",
        "packet",
        "depth",
        "time",
        "seconds",
        "tries",
        "machine",
        "subscription",
        "network",
        "source",
        "source_port",
        "behind",
        "translated_to",
        "destination",
        "port",
        "verdict",
        "reason",
        "seen",
        "refused_by",
        "evidence",
        "because",
        "edition",
        "statements",
        "assumed",
        "decided_by",
        "rule",
        "sources",
    ];

    fn cells(&self) -> Vec<String> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let cell = |column: &&str| match *column {
            "sources" => OfAnotherPage::cell(self.sources),
            column => value.get(column).map_or_else(String::new, output::text),
        };
        Self::COLUMNS.iter().map(cell).collect()
    }
}
