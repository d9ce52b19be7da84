//! What an event does to the world, and which events the state machines forbid.
//!
//! An event is checked whole before anything changes: a refused one leaves the world as it was.

use std::collections::BTreeSet;

use crate::article::edition::Effect;
use crate::article::settings::YesNo;
use crate::article::statement::{Cited, cited_text};
use crate::life::change::{Change, Undo};
use crate::life::event::{Event, EventKind, Placement};
use crate::life::exemption::Exemption;
use crate::life::power::{MachineState, Missed, Power, Programmed, ProgrammedBy};
use crate::world::capture_ids::CaptureIds;
use crate::world::creation::Creation;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubnetName, SubscriptionName};
use crate::world::{
    DEFAULT_SUBNET, FirewallState, Interface, Machine, MachineKind, Subnet, Subscription,
    VirtualNetwork, World,
};

/// What an event changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The machines whose verdicts may be others now.
    pub machines: Vec<MachineName>,
    /// The subscription whose offer or exemption changed: what firewalls and appliances of it
    /// let through may be different now.
    pub subscription: Option<SubscriptionName>,
    /// Whether networks, addresses or routes changed: a table has to be compiled anew.
    pub structure: bool,
}

/// An event that the state machines forbid. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", because(.statements))]
pub struct Refused {
    /// Why, and what was expected.
    pub what: String,
    /// The statements that forbid it, where the article does.
    pub statements: Vec<Cited>,
}

fn because(statements: &[Cited]) -> String {
    if statements.is_empty() {
        return String::new();
    }
    format!(" [{}]", cited_text(statements))
}

pub(crate) fn refuse<T>(what: impl Into<String>, statements: Vec<Cited>) -> Result<T, Refused> {
    Err(Refused { what: what.into(), statements })
}

impl World {
    /// Lets an event happen.
    ///
    /// # Errors
    /// The event names something that does not exist, or a state machine forbids it (granting
    /// what was never asked for, starting what runs). Nothing has changed then.
    pub fn apply(&mut self, event: &Event) -> Result<Applied, Refused> {
        self.apply_undoably(event).map(|(applied, _)| applied)
    }

    /// Lets an event happen, and says what takes it back.
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn apply_undoably(&mut self, event: &Event) -> Result<(Applied, Undo), Refused> {
        let mut change = Change::of(self);
        let applied = change.apply(event);
        let undo = change.into_undo();
        match applied {
            Ok(applied) => Ok((applied, undo)),
            Err(refused) => {
                self.undo(undo);
                Err(refused)
            }
        }
    }
}

impl Change<'_> {
    fn apply(&mut self, event: &Event) -> Result<Applied, Refused> {
        match &event.kind {
            EventKind::SubscriptionAdded { subscription, offer, created } => {
                let added = Subscription {
                    id: None,
                    offer: *offer,
                    created: Creation::on(*created),
                    exemption: Exemption::default(),
                };
                self.add_subscription(subscription, added)
                    .map_err(|error| Refused { what: error.to_string(), statements: vec![] })?;
                Ok(Applied::default())
            }
            EventKind::NetworkAdded { network, address_space } => {
                self.network_added(network, address_space)
            }
            EventKind::OfferChanged { subscription, offer } => {
                self.offer_changed(event, subscription, *offer)
            }
            EventKind::ExemptionAsked { .. }
            | EventKind::ExemptionFurtherSteps { .. }
            | EventKind::ExemptionGranted { .. }
            | EventKind::ExemptionRefused { .. }
            | EventKind::ExemptionRevoked { .. } => self.exemption_moves(event),
            EventKind::TemporarySubnet { network } => self.temporary_subnet(event, network),
            EventKind::MachineDeployed { machine, placement } => {
                self.machine_deployed(event, machine, placement.as_ref())
            }
            EventKind::FirewallRulesUpdated { firewall }
            | EventKind::FirewallStopped { firewall }
            | EventKind::FirewallStarted { firewall } => self.firewall_moves(event, firewall),
            EventKind::MachineStopped { machine }
            | EventKind::MachineDeallocated { machine }
            | EventKind::MachineStarted { machine }
            | EventKind::MachineRestarted { machine }
            | EventKind::MachineRedeployed { machine }
            | EventKind::MachineDeleted { machine }
            | EventKind::GuestShutdown { machine } => self.machine_moves(event, machine),
        }
    }

    fn network_added(
        &mut self,
        name: &NetworkName,
        address_space: &[ipnet::IpNet],
    ) -> Result<Applied, Refused> {
        let network = VirtualNetwork {
            nat_gateway: None,
            address_space: address_space.to_vec(),
            subnets: Subnet::over_all_of(address_space),
            peerings: vec![],
            gateway: None,
            capture: CaptureIds::default(),
        };
        self.add_network(name, network)
            .map_err(|error| Refused { what: error.to_string(), statements: vec![] })?;
        Ok(Applied { structure: true, ..Applied::default() })
    }

    pub(crate) fn known(&self, name: &SubscriptionName) -> Result<&Subscription, Refused> {
        match self.subscriptions.get(name) {
            Some(subscription) => Ok(subscription),
            None => refuse(format!("there is no subscription `{name}`"), vec![]),
        }
    }

    pub(crate) fn machines_of(&self, subscription: &SubscriptionName) -> Vec<MachineName> {
        self.members.get(subscription).into_iter().flatten().cloned().collect()
    }

    pub(crate) fn firewalls_of(&self, subscription: &SubscriptionName) -> Vec<FirewallName> {
        let firewalls = self.firewalls.iter();
        let here = firewalls.filter(|(_, firewall)| firewall.subscription == *subscription);
        here.map(|(name, _)| name.clone()).collect()
    }

    fn machine_deployed(
        &mut self,
        event: &Event,
        name: &MachineName,
        placement: Option<&Placement>,
    ) -> Result<Applied, Refused> {
        if let Some(placement) = placement {
            let machine = self.placed(placement)?;
            self.add_machine(name, machine)
                .map_err(|error| Refused { what: error.to_string(), statements: vec![] })?;
        }
        let Some(machine) = self.machines.get(name) else {
            return refuse(
                format!(
                    "there is no machine `{name}`; say its subscription, network and addresses"
                ),
                vec![],
            );
        };
        if !matches!(machine.state.power, Power::NotDeployed | Power::Deleted) {
            let power = machine.state.power;
            return refuse(
                format!("machine `{name}` is `{power}`; it is deployed already"),
                vec![],
            );
        }
        let machine = machine.clone();
        for interface in &machine.interfaces {
            for address in &interface.addresses {
                if let Some((owner, ..)) = self.owner(&interface.network, *address)
                    && owner != name
                {
                    let what = format!("address {address} of `{name}` belongs to `{owner}` now");
                    return refuse(what, vec![]);
                }
            }
        }
        self.state(name, |state| {
            state.power = Power::Running;
            state.deployed = Some(event.at);
        });
        let machines = self.program(name, event, ProgrammedBy::Deployment);
        Ok(Applied { machines, subscription: None, structure: true })
    }

    fn placed(&self, placement: &Placement) -> Result<Machine, Refused> {
        let offer = self.known(&placement.subscription)?.offer;
        Ok(Machine {
            subscription: placement.subscription.clone(),
            kind: MachineKind::VirtualMachine,
            interfaces: vec![Interface {
                public_addresses: vec![],
                network: placement.network.clone(),
                subnet: placement
                    .subnet
                    .clone()
                    .unwrap_or_else(|| SubnetName::from(DEFAULT_SUBNET)),
                addresses: placement.addresses.clone(),
                ip_forwarding: false,
                default_outbound_connectivity: None,
                security_group: None,
                application_security_groups: vec![],
            }],
            forwards_by: None,
            route_all: true,
            behind: vec![],
            state: MachineState::new(Power::NotDeployed, ProgrammedBy::Beginning, offer, false),
        })
    }

    fn machine_moves(&mut self, event: &Event, name: &MachineName) -> Result<Applied, Refused> {
        use Power as P;
        let Some(machine) = self.machines.get(name) else {
            return refuse(format!("there is no machine `{name}`"), vec![]);
        };
        let power = machine.state.power;
        let settings = &self.settings;
        let guest_counts =
            (settings.guest_restart_counts == YesNo::Yes).then_some(ProgrammedBy::Restart);
        // The new power state, and what programs the machine anew, if anything does.
        let (next, by) = match (&event.kind, power) {
            (EventKind::MachineStopped { .. } | EventKind::GuestShutdown { .. }, P::Running) => {
                (P::Stopped, None)
            }
            (EventKind::MachineDeallocated { .. }, P::Running | P::Stopped) => {
                (P::Deallocated, None)
            }
            //= PG6
            //= PN5
            (EventKind::MachineStarted { .. }, P::Deallocated) => {
                (P::Running, Some(ProgrammedBy::Start))
            }
            (EventKind::MachineStarted { .. }, P::Stopped)
            | (EventKind::MachineRestarted { .. }, P::Running) => (P::Running, guest_counts),
            (EventKind::MachineRedeployed { .. }, P::Running | P::Stopped) => {
                let counts = settings.redeploy_counts == YesNo::Yes;
                (P::Running, counts.then_some(ProgrammedBy::Redeploy))
            }
            (EventKind::MachineDeleted { .. }, P::Running | P::Stopped | P::Deallocated) => {
                (P::Deleted, None)
            }
            (kind, power) => {
                return refuse(
                    format!("`{}` does not fit machine `{name}`, which is `{power}`", kind.name()),
                    vec![],
                );
            }
        };
        let uncounted = next == P::Running && by.is_none();
        let redeployed = matches!(event.kind, EventKind::MachineRedeployed { .. });
        self.state(name, |state| {
            state.power = next;
            state.missed.redeploy |= uncounted && redeployed;
            state.missed.restart |= uncounted && !redeployed;
        });
        let mut machines = vec![name.clone()];
        if let Some(by) = by {
            machines = self.program(name, event, by);
        }
        Ok(Applied { machines, subscription: None, structure: next == P::Deleted })
    }

    /// A firewall picks up what its subscription may do at an update of its rules and at a start.
    fn firewall_moves(&mut self, event: &Event, name: &FirewallName) -> Result<Applied, Refused> {
        let Some(firewall) = self.firewalls.get(name) else {
            return refuse(format!("there is no firewall `{name}`"), vec![]);
        };
        let owner = firewall.subscription.clone();
        let (runs, renewed) = match (&event.kind, firewall.state.runs) {
            (EventKind::FirewallRulesUpdated { .. }, true)
            | (EventKind::FirewallStarted { .. }, false) => (true, true),
            (EventKind::FirewallStopped { .. }, true) => (false, false),
            (kind, runs) => {
                let how = if runs { "running" } else { "stopped" };
                let what = format!("`{}` does not fit firewall `{name}`, which is", kind.name());
                return refuse(format!("{what} {how}"), vec![]);
            }
        };
        let structure = runs != firewall.state.runs;
        let subscription = self.subscriptions.get(&owner);
        let exempt = subscription.is_some_and(|found| found.exemption.is_granted(&self.settings));
        self.firewall(name, |state| {
            let unchanged = *state;
            let renewed = if renewed { FirewallState::new(exempt) } else { unchanged };
            *state = FirewallState { runs, ..renewed };
        });
        Ok(Applied { machines: vec![], subscription: Some(owner), structure })
    }

    fn temporary_subnet(&mut self, event: &Event, name: &NetworkName) -> Result<Applied, Refused> {
        if !self.networks.contains_key(name) {
            return refuse(format!("there is no network `{name}`"), vec![]);
        }
        let here: BTreeSet<_> = self
            .owners
            .within(Some(name))
            .filter(|(_, (owner, _))| {
                let machine = self.machines.get(owner);
                machine.is_some_and(|machine| {
                    machine.kind == MachineKind::AppService
                        || self.delegated_network(machine) == Some(name)
                })
            })
            .map(|(_, (owner, _))| owner.clone())
            .collect();
        let mut machines = Vec::new();
        for machine in &here {
            machines.extend(self.program(machine, event, ProgrammedBy::TemporarySubnet));
        }
        Ok(Applied { machines, subscription: None, structure: false })
    }

    /// Programs a machine with its subscription's state, and returns the machines that changed.
    pub(crate) fn program(
        &mut self,
        name: &MachineName,
        event: &Event,
        by: ProgrammedBy,
    ) -> Vec<MachineName> {
        let mut touched = vec![name.clone()];
        let Some(machine) = self.machines.get(name) else { return touched };
        let Some(subscription) = self.subscriptions.get(&machine.subscription) else {
            return touched;
        };
        let Some(by) = self.programs(machine, by) else {
            self.state(name, |state| match by {
                ProgrammedBy::TemporarySubnet => state.missed.temporary_subnet = true,
                _ => state.missed.allocation = Some(by),
            });
            return touched;
        };
        let granted = subscription.exemption.is_granted(&self.settings);
        let had = machine.state.programmed.exempt;
        let reaches = match self.edition.effect {
            // The new type counts at once; an exemption is picked up as ever.
            _ if by == ProgrammedBy::OfferChange => had,
            Effect::NextStart => {
                by != ProgrammedBy::Deployment || self.settings.new_vm_after_exemption == YesNo::Yes
            }
            // A later start keeps what the machine was created with.
            Effect::MachinesCreatedAfter => by == ProgrammedBy::Deployment || had,
        };
        let owner = machine.subscription.clone();
        let programmed = Programmed {
            at: Some(event.at),
            by,
            offer: subscription.offer,
            exempt: granted && reaches,
            cut_off: false,
        };
        let cycled = programmed.exempt
            && by == ProgrammedBy::Start
            && self.edition.effect == Effect::NextStart
            && self.settings.one_cycle_frees_all == YesNo::Yes;
        self.state(name, |state| {
            state.programmed = programmed.clone();
            state.missed = Missed::default();
        });
        if cycled {
            for neighbour in self.machines_of(&owner) {
                let freed = self.machines.get(&neighbour);
                if freed.is_some_and(|machine| !machine.state.programmed.exempt) {
                    self.state(&neighbour, |state| {
                        state.programmed =
                            Programmed { by: ProgrammedBy::Neighbour, ..programmed.clone() };
                    });
                    touched.push(neighbour);
                }
            }
        }
        touched
    }
}

impl World {
    /// Where one machine's stop and start frees the others (PG6 word for word), those that had
    /// theirs before the world began have freed their neighbours, too.
    pub(crate) fn free_neighbours(&mut self) {
        if self.settings.one_cycle_frees_all == YesNo::No
            || self.edition.effect != Effect::NextStart
        {
            return;
        }
        for members in self.members.values() {
            let exempt = |name| {
                let machine = self.machines.get(name);
                machine.is_some_and(|machine: &Machine| machine.state.programmed.exempt)
            };
            if !members.iter().any(exempt) {
                continue;
            }
            for name in members {
                if let Some(machine) = self.machines.get_mut(name)
                    && !machine.state.programmed.exempt
                {
                    machine.state.programmed.exempt = true;
                    machine.state.programmed.by = ProgrammedBy::Neighbour;
                }
            }
        }
    }

    /// What programs a machine when something happens that programs most; `None`: not by itself.
    ///
    /// Nobody stops an App Service: a change of its network renews it, and nothing else. Where a
    /// subnet is delegated a temporary one comes beside the stop and start, whichever is first.
    fn programs(&self, machine: &Machine, by: ProgrammedBy) -> Option<ProgrammedBy> {
        use ProgrammedBy as By;
        let is_app_service = machine.kind == MachineKind::AppService;
        let missed = machine.state.missed;
        match by {
            By::Start | By::Redeploy | By::Restart if is_app_service => None,
            By::Start | By::Redeploy | By::Restart if self.needs_temporary_subnet(machine) => {
                missed.temporary_subnet.then_some(by)
            }
            By::TemporarySubnet if !is_app_service => missed.allocation,
            _ => Some(by),
        }
    }

    /// Whether a machine stands in a network where it takes a temporary subnet, too, to program it.
    pub(crate) fn needs_temporary_subnet(&self, machine: &Machine) -> bool {
        self.delegated_network(machine).is_some()
    }

    /// The network of a machine's in which some subnet is delegated: the text speaks of the
    /// network, and in most such subnets there can be no machine.
    pub(crate) fn delegated_network<'a>(&self, machine: &'a Machine) -> Option<&'a NetworkName> {
        if !self.edition.delegated_subnet_needs_temporary {
            return None;
        }
        let delegated = |interface: &&Interface| {
            let network = self.networks.get(&interface.network);
            let mut subnets = network.into_iter().flat_map(|network| network.subnets.values());
            subnets.any(|subnet| subnet.delegated_to.is_some())
        };
        machine.interfaces.iter().find(delegated).map(|interface| &interface.network)
    }
}
