//! A row: one judged packet.

use std::net::IpAddr;
use std::sync::Arc;

use egress25_packet_filter::capture::VERDICT_MARK;
use egress25_policy::{
    MachineName, NetworkName, Reason, StatementId, StoppedBy, SubscriptionName, Verdict,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::commands::connections::basis::AnswerBasis;
use crate::say::output::{OfAnotherPage, TableRow};

/// One judged packet.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PacketRow<'a> {
    /// The version of the layout, in lines that stand alone: written here, because to add a field
    /// from outside makes rows much slower to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u32>,
    /// `packet`: what this line is, among those of another kind.
    pub kind: &'static str,
    /// What stops it, in one word.
    pub stopped_by: StoppedBy,
    /// The packet's number in the capture, from 1, as Wireshark counts.
    pub packet: u64,
    /// How deep it lies in tunnels; 0 is the outermost.
    pub depth: u32,
    /// When it was captured.
    pub time: Option<Timestamp>,
    /// The machine that sends it.
    pub machine: Option<&'a MachineName>,
    /// That machine's subscription.
    pub subscription: Option<&'a SubscriptionName>,
    /// The network that it belongs to.
    pub network: Option<&'a NetworkName>,
    /// Its source address.
    pub source: Option<IpAddr>,
    /// Its source port.
    pub source_port: Option<u16>,
    /// Its destination address.
    pub destination: Option<IpAddr>,
    /// Its destination port.
    pub port: Option<u16>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
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
    /// The tunnel that it was found in.
    pub tunnel: Option<&'static str>,
    /// What is wrong with the packet itself, where that decided.
    pub detail: Option<String>,
    /// Which of the statements are not the article's word, and whose they are.
    pub sources: &'a [OfAnotherPage],
    /// The statements as a person reads them.
    #[serde(skip)]
    pub cited: &'a str,
    /// What it rests on, as it is shared by packets that have the same answer.
    #[serde(skip)]
    pub(super) basis: &'a Arc<AnswerBasis>,
}

impl TableRow for PacketRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "stopped_by",
        "packet",
        "depth",
        "time",
        "machine",
        "subscription",
        "network",
        "source",
        "source_port",
        "destination",
        "port",
        "verdict",
        "reason",
        "edition",
        "statements",
        "assumed",
        "decided_by",
        "rule",
        "tunnel",
        "detail",
        "sources",
    ];

    // There is a row for every judged packet: nothing is built in between, as other rows have it.
    fn cells(&self) -> Vec<String> {
        fn text<T: ToString>(value: Option<&T>) -> String {
            value.map(ToString::to_string).unwrap_or_default()
        }
        vec![
            self.stopped_by.name().to_owned(),
            self.packet.to_string(),
            self.depth.to_string(),
            text(self.time.as_ref()),
            text(self.machine.as_ref()),
            text(self.subscription.as_ref()),
            text(self.network.as_ref()),
            text(self.source.as_ref()),
            text(self.source_port.as_ref()),
            text(self.destination.as_ref()),
            text(self.port.as_ref()),
            self.verdict.to_string(),
            self.reason.to_string(),
            self.edition.to_owned(),
            self.statements.iter().map(StatementId::as_str).collect::<Vec<_>>().join(" "),
            self.assumed.join(" "),
            text(self.decided_by.as_ref()),
            self.rule.unwrap_or_default().to_owned(),
            self.tunnel.unwrap_or_default().to_owned(),
            text(self.detail.as_ref()),
            OfAnotherPage::cell(self.sources),
        ]
    }
}

impl PacketRow<'_> {
    /// The verdict as a packet comment.
    pub(super) fn comment(&self) -> String {
        let mut text = format!("{VERDICT_MARK}{} {}", self.verdict, self.reason);
        if !self.cited.is_empty() {
            text.push_str(&format!(" [{}]", self.cited));
        }
        if let Some(detail) = &self.detail {
            text.push_str(&format!(" ({detail})"));
        }
        if let (Some(machine), Some(subscription)) = (self.machine, self.subscription) {
            text.push_str(&format!("; machine {machine}, subscription {subscription}"));
        }
        if let Some(decided_by) = self.decided_by {
            text.push_str(&format!(", decided by {decided_by}"));
        }
        if let Some(rule) = self.rule {
            text.push_str(&format!(", by {rule}"));
        }
        if let Some(tunnel) = self.tunnel {
            text.push_str(&format!("; inside of {tunnel}"));
        }
        text.push_str(&format!("; edition {}", self.edition));
        text
    }
}
