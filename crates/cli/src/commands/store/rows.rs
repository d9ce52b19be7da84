//! What the tables have in their rows.

use egress25_exemption_store::{LogEntry, Sealed};
use egress25_policy::{Event, EventKind};
use jiff::Timestamp;
use serde::Serialize;

use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow};

/// An entry of the log, as every format has it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EntryRow {
    revision: u64,
    at: Timestamp,
    recorded: Timestamp,
    who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    event: Event,
    entry_schema: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl EntryRow {
    pub(crate) fn of(entry: &LogEntry, sealed: Option<&Sealed>) -> Self {
        Self {
            revision: entry.revision,
            at: entry.event.at,
            recorded: entry.recorded,
            who: entry.who.clone(),
            why: entry.why().map(str::to_owned),
            channel: entry.channel().map(egress25_policy::Channel::name),
            key: entry.key.clone(),
            event: entry.event.clone(),
            entry_schema: entry.schema,
            checksum: sealed.map(|sealed| format!("{:08x}", sealed.checksum)),
            hash: sealed.map(|sealed| sealed.hash.to_string()),
        }
    }

    /// The cells of the table for people.
    pub(crate) fn brief(&self) -> [String; 6] {
        let mut kind = self.event.kind.name().to_owned();
        if let EventKind::OfferChanged { offer, .. } = &self.event.kind {
            kind.push_str(&format!(" to {offer}"));
        }
        let mut why = self.why.clone().unwrap_or_default();
        if let Some(channel) = self.channel {
            why = if why.is_empty() { channel.to_owned() } else { format!("{channel}: {why}") };
        }
        [
            self.revision.to_string(),
            self.at.to_string(),
            kind,
            subject(&self.event.kind),
            self.who.clone(),
            why,
        ]
    }
}

impl TableRow for EntryRow {
    const COLUMNS: &'static [&'static str] = &[
        "revision", "at", "recorded", "kind", "subject", "who", "why", "channel", "key",
        "checksum", "hash",
    ];

    fn cells(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            self.revision.to_string(),
            self.at.to_string(),
            self.recorded.to_string(),
            self.event.kind.name().to_owned(),
            subject(&self.event.kind),
            self.who.clone(),
            text(&self.why),
            self.channel.unwrap_or_default().to_owned(),
            text(&self.key),
            text(&self.checksum),
            text(&self.hash),
        ]
    }
}

/// Writes entries as a table for people.
pub(crate) fn write_brief(console: &mut Console, rows: &[EntryRow]) -> Result<(), Failure> {
    let header = ["revision", "took effect", "what", "of", "by", "why"];
    output::write_rows(console, &header, rows.iter().map(EntryRow::brief))
}

/// What an event is about.
fn subject(kind: &EventKind) -> String {
    match kind {
        EventKind::NetworkAdded { network, .. } | EventKind::TemporarySubnet { network } => {
            network.to_string()
        }
        EventKind::MachineDeployed { machine, placement: Some(placement) } => {
            format!("{machine} in {}", placement.subscription)
        }
        other => other
            .subscription()
            .map(ToString::to_string)
            .or_else(|| other.machine().map(ToString::to_string))
            .or_else(|| other.firewall().map(ToString::to_string))
            .unwrap_or_default(),
    }
}
