//! What events can change of a world, as data: two worlds that began alike are the same if this is.

use std::collections::BTreeMap;

use crate::world::name::{MachineName, NetworkName, SubscriptionName};
use crate::world::{Machine, Subscription, VirtualNetwork, World};

/// Everything in a world that an event may change; route tables, firewalls, edition and settings
/// stand as they were when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldState {
    /// The subscriptions.
    pub subscriptions: BTreeMap<SubscriptionName, Subscription>,
    /// The networks.
    pub networks: BTreeMap<NetworkName, VirtualNetwork>,
    /// The machines.
    pub machines: BTreeMap<MachineName, Machine>,
}

impl World {
    /// What events may have changed of this world.
    #[must_use]
    pub fn state(&self) -> WorldState {
        WorldState {
            subscriptions: self.subscriptions.clone(),
            networks: self.networks.clone(),
            machines: self.machines.clone(),
        }
    }
}
