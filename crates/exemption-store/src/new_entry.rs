//! What is to be appended, and what became of it.

use egress25_policy::{Applied, Channel, Event};
use jiff::Timestamp;

use crate::entry::LogEntry;

/// Where a writer expects the log to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// Anywhere.
    Any,
    /// At a revision; 0 is the beginning.
    At(u64),
}

/// What happens to an event that would take effect before an earlier one about the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backdated {
    /// It takes effect at that one's time: for times that come from a clock, which may be wrong.
    #[default]
    Raise,
    /// It is refused: for times that a person gave.
    Refuse,
}

/// What happens to an exemption that is asked for or granted, and the text grants the offer none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NeverGranted {
    /// It is refused: no portal and no reviewer would do it.
    #[default]
    Refuse,
    /// It is taken as it is told; the decision does not count it.
    Take,
}

/// Something to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// What happened; `at` is when it took effect.
    pub event: Event,
    /// When it is recorded, by the caller's clock.
    pub recorded: Timestamp,
    /// Who records it.
    pub who: String,
    /// Why, where the event doesn't say so itself.
    pub why: Option<String>,
    /// By which channel, where the event doesn't say so itself.
    pub channel: Option<Channel>,
    /// An idempotency key: with one that was used for the same event, nothing happens.
    pub key: Option<String>,
    /// What happens if its time is too early.
    pub backdated: Backdated,
    /// What happens if it is an exemption that the text never grants.
    pub never_granted: NeverGranted,
}

impl NewEntry {
    /// An entry without the optional parts.
    #[must_use]
    pub fn new(event: Event, recorded: Timestamp, who: impl Into<String>) -> Self {
        Self {
            event,
            recorded,
            who: who.into(),
            why: None,
            channel: None,
            key: None,
            backdated: Backdated::Raise,
            never_granted: NeverGranted::Refuse,
        }
    }
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendOutcome {
    /// The entry as the log has it.
    pub entry: LogEntry,
    /// What it changed; `None`: it had been appended before, with the same idempotency key.
    pub applied: Option<Applied>,
}
