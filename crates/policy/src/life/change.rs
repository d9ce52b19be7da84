//! A change of the world that can be taken back: what an event replaces is kept as it was.

use std::ops::Deref;

use crate::life::power::{MachineState, Power};
use crate::world::build::WorldError;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubscriptionName};
use crate::world::{FirewallState, Machine, Subscription, VirtualNetwork, World};

/// What takes one event back: hand it to [`World::undo`] while nothing later stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undo {
    before: Vec<Before>,
}

/// Something as it was before it was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    /// A subscription; `None`: there was none.
    Subscription(SubscriptionName, Option<Subscription>),
    /// There was no network of that name.
    NoNetwork(NetworkName),
    /// A machine; `None`: there was none.
    Machine(MachineName, Option<Box<Machine>>),
    /// What changes in a machine's life.
    State(MachineName, MachineState),
    /// What changes in a firewall's life.
    Firewall(FirewallName, FirewallState),
}

/// A world while an event changes it: read through it, change it by its methods alone.
pub(crate) struct Change<'a> {
    world: &'a mut World,
    undo: Undo,
}

impl Deref for Change<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        self.world
    }
}

impl<'a> Change<'a> {
    pub(crate) fn of(world: &'a mut World) -> Self {
        Self { world, undo: Undo::default() }
    }

    /// What takes back all that was changed.
    pub(crate) fn into_undo(self) -> Undo {
        self.undo
    }

    pub(crate) fn add_subscription(
        &mut self,
        name: &SubscriptionName,
        added: Subscription,
    ) -> Result<(), WorldError> {
        self.world.add_subscription(name.clone(), added)?;
        self.undo.before.push(Before::Subscription(name.clone(), None));
        Ok(())
    }

    pub(crate) fn add_network(
        &mut self,
        name: &NetworkName,
        added: VirtualNetwork,
    ) -> Result<(), WorldError> {
        self.world.add_network(name.clone(), added)?;
        self.undo.before.push(Before::NoNetwork(name.clone()));
        Ok(())
    }

    pub(crate) fn add_machine(
        &mut self,
        name: &MachineName,
        added: Machine,
    ) -> Result<(), WorldError> {
        let old = self.machines.get(name).cloned().map(Box::new);
        self.world.add_machine(name.clone(), added)?;
        self.undo.before.push(Before::Machine(name.clone(), old));
        Ok(())
    }

    /// Changes a subscription, if there is one of that name.
    pub(crate) fn subscription(
        &mut self,
        name: &SubscriptionName,
        change: impl FnOnce(&mut Subscription),
    ) {
        if let Some(subscription) = self.world.subscriptions.get_mut(name) {
            let old = subscription.clone();
            change(subscription);
            self.undo.before.push(Before::Subscription(name.clone(), Some(old)));
        }
    }

    /// Changes a machine's state, if there is one of that name: whether it owns its addresses
    /// follows from its power.
    pub(crate) fn state(&mut self, name: &MachineName, change: impl FnOnce(&mut MachineState)) {
        let Some(machine) = self.world.machines.get_mut(name) else { return };
        let old = machine.state.clone();
        change(&mut machine.state);
        if machine.state != old {
            self.world.own_by_power(name, old.power);
            self.undo.before.push(Before::State(name.clone(), old));
        }
    }

    /// Changes a firewall's state, if there is one of that name.
    pub(crate) fn firewall(
        &mut self,
        name: &FirewallName,
        change: impl FnOnce(&mut FirewallState),
    ) {
        if let Some(firewall) = self.world.firewalls.get_mut(name) {
            self.undo.before.push(Before::Firewall(name.clone(), firewall.state));
            change(&mut firewall.state);
        }
    }
}

impl World {
    /// Takes an event back, the last one that stands.
    pub fn undo(&mut self, undo: Undo) {
        for before in undo.before.into_iter().rev() {
            match before {
                Before::Subscription(name, Some(old)) => {
                    self.subscriptions.insert(name, old);
                }
                Before::Subscription(name, None) => {
                    self.subscriptions.remove(&name);
                }
                Before::NoNetwork(name) => {
                    self.remove_network(&name);
                }
                Before::Machine(name, old) => self.put_machine(name, old.map(|old| *old)),
                Before::Firewall(name, old) => {
                    if let Some(firewall) = self.firewalls.get_mut(&name) {
                        firewall.state = old;
                    }
                }
                Before::State(name, old) => {
                    if let Some(machine) = self.machines.get_mut(&name) {
                        let power = std::mem::replace(&mut machine.state, old).power;
                        self.own_by_power(&name, power);
                    }
                }
            }
        }
    }

    /// Has a machine own its addresses, or give them up, if its power says otherwise than before.
    fn own_by_power(&mut self, name: &MachineName, before: Power) {
        let Some(machine) = self.machines.get(name) else { return };
        let owns = machine.state.power != Power::Deleted;
        if owns != (before != Power::Deleted) {
            let machine = machine.clone();
            if owns {
                self.claim_addresses(name, &machine);
            } else {
                self.release_addresses(name, &machine);
            }
        }
    }

    /// Puts a machine where one of that name stands or none; `None` takes it away.
    pub(crate) fn put_machine(&mut self, name: MachineName, machine: Option<Machine>) {
        if let Some(old) = self.machines.remove(&name) {
            self.release_addresses(&name, &old);
            self.leave(&name, &old.subscription);
        }
        if let Some(machine) = machine {
            if machine.state.power != Power::Deleted {
                self.claim_addresses(&name, &machine);
            }
            self.members.entry(machine.subscription.clone()).or_default().insert(name.clone());
            self.machines.insert(name, machine);
        }
    }

    /// Takes a machine out of a subscription's members.
    fn leave(&mut self, name: &MachineName, subscription: &SubscriptionName) {
        if let Some(members) = self.members.get_mut(subscription) {
            members.remove(name);
            if members.is_empty() {
                self.members.remove(subscription);
            }
        }
    }
}
