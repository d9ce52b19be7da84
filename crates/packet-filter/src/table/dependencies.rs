//! What a table depends on besides its senders.

use std::collections::BTreeMap;

use egress25_policy::{Forwarder, MachineName, SubscriptionName};

/// What a table depends on besides its senders.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    /// The exits, in the order of their numbers.
    pub(super) exits: Vec<Exit>,
    /// Whether each machine that can forward ran: where destinations lead depends on it.
    pub(super) ran: BTreeMap<MachineName, bool>,
}

/// A way out by a forwarder.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) forwarder: Forwarder,
    /// The subscription whose change is one of the exit's.
    pub(super) subscription: Option<SubscriptionName>,
}
