//! What an event does to the world, and which events the state machines forbid.
//!
//! An event is checked whole before anything changes: a refused one leaves the world as it was.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::article::edition::{Edition, Effect};
use crate::article::offer::Offer;
use crate::article::settings::{OfferChangeEffect, RevocationEffect, Settings, YesNo};
use crate::article::statement::StatementId;
use crate::decide::restriction::why_unrestricted;
use crate::decide::terms::{may_ask_by, reserves_revocation};
use crate::life::change::{Change, Undo};
use crate::life::event::{Event, EventKind, Placement};
use crate::life::exemption::{Exemption, ExemptionState, Grant};
use crate::life::power::{MachineState, Missed, Power, Programmed, ProgrammedBy};
use crate::world::capture_ids::CaptureIds;
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
    pub statements: Vec<StatementId>,
}

fn because(statements: &[StatementId]) -> String {
    if statements.is_empty() {
        return String::new();
    }
    let ids: Vec<_> = statements.iter().map(StatementId::as_str).collect();
    format!(" ({})", ids.join(", "))
}

fn refuse<T>(what: impl Into<String>, statements: &[StatementId]) -> Result<T, Refused> {
    Err(Refused { what: what.into(), statements: statements.to_vec() })
}

impl World {
    /// Lets an event happen.
    ///
    /// # Errors
    /// The event names something that does not exist, or a state machine forbids it (granting
    /// what was never asked for, asking for an offer that is never exempt (DV2), starting what
    /// runs). Nothing has changed then.
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
                    created: *created,
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

    fn known(&self, name: &SubscriptionName) -> Result<&Subscription, Refused> {
        match self.subscriptions.get(name) {
            Some(subscription) => Ok(subscription),
            None => refuse(format!("there is no subscription `{name}`"), &[]),
        }
    }

    fn machines_of(&self, subscription: &SubscriptionName) -> Vec<MachineName> {
        self.members.get(subscription).into_iter().flatten().cloned().collect()
    }

    fn offer_changed(
        &mut self,
        event: &Event,
        name: &SubscriptionName,
        offer: Offer,
    ) -> Result<Applied, Refused> {
        let old = self.known(name)?;
        if old.offer == offer {
            return refuse(format!("`{name}` has the offer `{offer}` already"), &[]);
        }
        let survives = self.settings.exemption_survives_offer_change == YesNo::Yes;
        let state = match old.exemption.state {
            state if survives => state,
            //= PG7
            ExemptionState::Granted | ExemptionState::Lapsed => ExemptionState::Lapsed,
            _ => ExemptionState::None,
        };
        self.subscription(name, |subscription| {
            subscription.offer = offer;
            let exemption = &mut subscription.exemption;
            if exemption.state != state {
                (exemption.state, exemption.since) = (state, Some(event.at));
            }
        });
        let machines = self.machines_of(name);
        self.forget_restarts(&machines);
        if self.settings.offer_change_effect == OfferChangeEffect::Immediate {
            for machine in &machines {
                self.program(machine, event, ProgrammedBy::OfferChange);
            }
        }
        Ok(Applied { machines, subscription: Some(name.clone()), structure: false })
    }

    /// What was restarted before there was anything to pick up tells nobody anything.
    fn forget_restarts(&mut self, machines: &[MachineName]) {
        for name in machines {
            self.state(name, |state| state.missed = Missed::default());
        }
    }

    /// The edition under which an event happened: its own, or the world's.
    fn edition_of(&self, event: &Event) -> Result<std::sync::Arc<Edition>, Refused> {
        match &event.edition {
            None => Ok(self.edition.clone()),
            Some(id) if *id == self.edition.id => Ok(self.edition.clone()),
            Some(id) => Edition::named(id)
                .map_err(|error| Refused { what: error.to_string(), statements: vec![] }),
        }
    }

    fn exemption_moves(&mut self, event: &Event) -> Result<Applied, Refused> {
        let Some(name) = event.kind.subscription() else {
            return refuse("the event names no subscription", &[]);
        };
        let subscription = self.known(name)?;
        let edition = self.edition_of(event)?;
        let state = self.next_exemption_state(&edition, name, subscription, &event.kind)?;
        let under = event.edition.clone().filter(|id| *id != self.edition.id);
        let grant = Grant { at: Some(event.at), to: subscription.offer, under };
        self.subscription(name, |subscription| {
            let exemption = &mut subscription.exemption;
            (exemption.state, exemption.since) = (state, Some(event.at));
            if state == ExemptionState::Granted {
                exemption.grant = Some(grant);
            }
        });
        let machines = self.machines_of(name);
        if state == ExemptionState::Granted {
            self.forget_restarts(&machines);
        }
        //= PG9
        if state == ExemptionState::Revoked
            && self.settings.revocation_effect == RevocationEffect::Immediate
        {
            for machine in &machines {
                self.state(machine, |state| state.programmed.cut_off());
            }
            let firewalls = self.firewalls.iter();
            let here = firewalls.filter(|(_, firewall)| firewall.subscription == *name);
            for firewall in here.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
                self.firewall(&firewall, |state| {
                    state.cut_off |= state.exempt;
                    state.exempt = false;
                });
            }
        }
        Ok(Applied { machines, subscription: Some(name.clone()), structure: false })
    }

    /// The state that an exemption event leads to, if the state machine allows it.
    fn next_exemption_state(
        &self,
        edition: &Edition,
        name: &SubscriptionName,
        subscription: &Subscription,
        kind: &EventKind,
    ) -> Result<ExemptionState, Refused> {
        use ExemptionState as S;
        let (rule, _) = edition.rule(subscription.offer);
        let state = subscription.exemption.state;
        match kind {
            EventKind::ExemptionAsked { channel, why, .. } => {
                self.may_ask(edition, name, subscription)?;
                //= PG4
                //= CS2
                //= PN2
                let ways = may_ask_by(&self.settings, rule);
                if let Some(channel) = channel
                    && !ways.contains(channel)
                {
                    let channels: Vec<_> = ways.iter().map(|c| c.name()).collect();
                    return refuse(
                        format!(
                            "`{}` is not where `{name}` asks; {} asks by: {}",
                            channel.name(),
                            subscription.offer.title(),
                            channels.join(", ")
                        ),
                        &rule.cites.request,
                    );
                }
                //= PN3
                let needs_why =
                    rule.asks.contains(&crate::article::edition::Requirement::Justification);
                if needs_why && why.as_deref().is_none_or(|why| why.trim().is_empty()) {
                    return refuse(
                        format!(
                            "the request of `{name}` must say `why` it cannot use an authenticated \
                             relay"
                        ),
                        &rule.cites.request,
                    );
                }
                Ok(S::Requested)
            }
            //= PG5
            //= PN4
            EventKind::ExemptionGranted { .. } if asked(state) => {
                grants_any(edition, &self.settings, subscription.offer)?;
                Ok(S::Granted)
            }
            EventKind::ExemptionFurtherSteps { .. } if state == S::Requested => Ok(S::FurtherSteps),
            EventKind::ExemptionRefused { .. } if asked(state) => {
                if self.settings.requests_can_be_refused == YesNo::No {
                    let what = "a request is granted or answered with further steps (setting \
                                `requests_can_be_refused`)";
                    return refuse(what, &rule.cites.answer);
                }
                Ok(S::Refused)
            }
            EventKind::ExemptionRevoked { .. } if state == S::Granted => {
                if !reserves_revocation(&self.settings, rule) {
                    return refuse(
                        format!(
                            "edition {} reserves no revocation for {} (setting \
                             `exemption_terms_when_silent`)",
                            edition.id,
                            subscription.offer.title()
                        ),
                        &[],
                    );
                }
                Ok(S::Revoked)
            }
            other => refuse(
                format!(
                    "`{}` does not fit the exemption of `{name}`, which is `{state}`; it needs {}",
                    other.name(),
                    match other {
                        EventKind::ExemptionRevoked { .. } => "`granted`",
                        EventKind::ExemptionFurtherSteps { .. } => "`requested`",
                        _ => "`requested` or `further-steps`",
                    }
                ),
                if rule.cites.answer.is_empty() { &rule.cites.request } else { &rule.cites.answer },
            ),
        }
    }

    /// Whether a subscription may ask for an exemption at all.
    fn may_ask(
        &self,
        edition: &Edition,
        name: &SubscriptionName,
        subscription: &Subscription,
    ) -> Result<(), Refused> {
        let (rule, _) = edition.rule(subscription.offer);
        if rule.restriction == crate::article::edition::Restriction::Open {
            return refuse(
                format!("`{name}` is not restricted; there is nothing to ask for"),
                &rule.cites.open,
            );
        }
        //= PG1
        //= G2
        let (offer, created) = (subscription.offer, subscription.created);
        if let Some(statements) = why_unrestricted(self, edition, offer, created) {
            let what = format!(
                "`{name}` is not restricted: it was created on {created}, before the restriction; \
                 there is nothing to ask for"
            );
            return refuse(what, &statements);
        }
        grants_any(edition, &self.settings, offer)?;
        let under = subscription.exemption.grant.as_ref().and_then(|grant| grant.under.as_ref());
        let uncounted = under.is_some() && self.settings.grandfather_exemptions == YesNo::No;
        match subscription.exemption.state {
            // One of an earlier edition that does not count: it is asked for anew.
            ExemptionState::Granted if uncounted => Ok(()),
            state @ (ExemptionState::Requested | ExemptionState::Granted) => refuse(
                format!("the exemption of `{name}` is `{state}` already"),
                &rule.cites.request,
            ),
            _ => Ok(()),
        }
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
                &[],
            );
        };
        if !matches!(machine.state.power, Power::NotDeployed | Power::Deleted) {
            let power = machine.state.power;
            return refuse(format!("machine `{name}` is `{power}`; it is deployed already"), &[]);
        }
        let machine = machine.clone();
        for interface in &machine.interfaces {
            for address in &interface.addresses {
                if let Some((owner, ..)) = self.owner(&interface.network, *address)
                    && owner != name
                {
                    let what = format!("address {address} of `{name}` belongs to `{owner}` now");
                    return refuse(what, &[]);
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
                network: placement.network.clone(),
                subnet: placement
                    .subnet
                    .clone()
                    .unwrap_or_else(|| SubnetName::from(DEFAULT_SUBNET)),
                addresses: placement.addresses.clone(),
                ip_forwarding: false,
            }],
            forwards_by: None,
            state: MachineState::new(Power::NotDeployed, ProgrammedBy::Beginning, offer, false),
        })
    }

    fn machine_moves(&mut self, event: &Event, name: &MachineName) -> Result<Applied, Refused> {
        use Power as P;
        let Some(machine) = self.machines.get(name) else {
            return refuse(format!("there is no machine `{name}`"), &[]);
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
                    &[],
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
            return refuse(format!("there is no firewall `{name}`"), &[]);
        };
        let owner = firewall.subscription.clone();
        let (runs, renewed) = match (&event.kind, firewall.state.runs) {
            (EventKind::FirewallRulesUpdated { .. }, true)
            | (EventKind::FirewallStarted { .. }, false) => (true, true),
            (EventKind::FirewallStopped { .. }, true) => (false, false),
            (kind, runs) => {
                let how = if runs { "running" } else { "stopped" };
                let what = format!("`{}` does not fit firewall `{name}`, which is", kind.name());
                return refuse(format!("{what} {how}"), &[]);
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
            return refuse(format!("there is no network `{name}`"), &[]);
        }
        let first = (name.clone(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let in_network = self.owners.range(first..).take_while(|((network, _), _)| network == name);
        let here: BTreeSet<_> = in_network
            .filter(|(_, (owner, _))| {
                let machine = self.machines.get(owner);
                machine.is_some_and(|machine| self.delegated_network(machine) == Some(name))
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
    fn program(&mut self, name: &MachineName, event: &Event, by: ProgrammedBy) -> Vec<MachineName> {
        let mut touched = vec![name.clone()];
        let Some(machine) = self.machines.get(name) else { return touched };
        let Some(subscription) = self.subscriptions.get(&machine.subscription) else {
            return touched;
        };
        if self.needs_temporary_subnet(machine)
            && matches!(by, ProgrammedBy::Start | ProgrammedBy::Redeploy | ProgrammedBy::Restart)
        {
            return touched;
        }
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

    /// Whether a machine stands in a subnet that only a temporary subnet programs anew.
    pub(crate) fn needs_temporary_subnet(&self, machine: &Machine) -> bool {
        self.delegated_network(machine).is_some()
    }

    /// The network in which a machine stands in such a subnet.
    pub(crate) fn delegated_network<'a>(&self, machine: &'a Machine) -> Option<&'a NetworkName> {
        if !self.edition.delegated_subnet_needs_temporary {
            return None;
        }
        let delegated = |interface: &&Interface| {
            self.subnet(&interface.network, &interface.subnet)
                .is_some_and(|subnet| subnet.delegated_to.is_some())
        };
        machine.interfaces.iter().find(delegated).map(|interface| &interface.network)
    }
}

/// Whether an edition grants an exemption to an offer at all.
fn grants_any(edition: &Edition, settings: &Settings, offer: Offer) -> Result<(), Refused> {
    let (rule, _) = edition.rule(offer);
    //= DV2
    if !may_ask_by(settings, rule).is_empty() {
        return Ok(());
    }
    let cites = if rule.cites.never.is_empty() { &rule.cites.blocked } else { &rule.cites.never };
    refuse(format!("no exemption is ever granted to {}", offer.title()), cites)
}

/// Whether a request is there that can be answered.
const fn asked(state: ExemptionState) -> bool {
    matches!(state, ExemptionState::Requested | ExemptionState::FurtherSteps)
}
