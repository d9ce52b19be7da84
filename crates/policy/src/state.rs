//! What events can change of a world, as data: a store keeps it, so as not to fold every event
//! again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::life::Power;
use crate::name::{MachineName, NetworkName, SubscriptionName};
use crate::world::{Machine, Subscription, VirtualNetwork, World};

/// Everything in a world that an event may change; route tables, firewalls, edition and settings
/// stand as they were when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

    /// This world with the changeable part in another state, one that came from [`Self::state`]
    /// of a world that began alike.
    #[must_use]
    pub fn with_state(mut self, state: WorldState) -> Self {
        self.subscriptions = state.subscriptions;
        self.networks = state.networks;
        self.owners.clear();
        self.members.clear();
        for (name, machine) in &state.machines {
            if machine.state.power != Power::Deleted {
                self.own(name, machine);
            }
            self.members.entry(machine.subscription.clone()).or_default().insert(name.clone());
        }
        self.machines = state.machines;
        self
    }
}
