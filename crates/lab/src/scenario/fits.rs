//! Whether a scenario fits the lab that it is played in, before anything is built.

use std::collections::BTreeSet;
use std::net::IpAddr;

use egress25_policy::{EventKind, MachineName, SubscriptionName, World, nearest};
use jiff::Timestamp;

use crate::error::LabError;
use crate::network::hosts::{Hosts, default_hosts, host_and_port};
use crate::network::plan::Plan;
use crate::scenario::fault::ScenarioFault;
use crate::scenario::file::{Action, PostfixAction, Scenario, Step, event_at};

/// The server that a Postfix is given where a step names none.
pub(super) const RELAY: &str = "mx.example.net:25";

/// The lab as the steps before have left it.
struct StagedLab {
    world: World,
    hosts: Hosts,
    /// The nodes in which something can be done.
    nodes: BTreeSet<String>,
    at: Timestamp,
}

impl Scenario {
    /// Checks the hosts, and that every step names nodes and servers that are there when it is
    /// played, and events that can happen unless it expects them to be refused. `world` is the
    /// lab's when the scenario begins, `at` a time that is not before, `text` the scenario's.
    ///
    /// # Errors
    /// The first that does not fit, with the step and its place in the text.
    pub fn fits(&self, text: &str, world: &World, at: Timestamp) -> Result<(), ScenarioFault> {
        let hosts = if self.host.is_empty() { default_hosts(world) } else { self.host.clone() };
        let plan =
            Plan::of(world, &hosts, false).map_err(|error| ScenarioFault::of_file(text, &error))?;
        let nodes = plan.names.keys().cloned().collect();
        let mut lab = StagedLab { world: world.clone(), hosts, nodes, at };
        for (index, step) in self.step.iter().enumerate() {
            lab.play(step)
                .map_err(|error| ScenarioFault::of_step(text, index, &step.title(), &error))?;
        }
        Ok(())
    }
}

impl StagedLab {
    fn play(&mut self, step: &Step) -> Result<(), LabError> {
        match step.action()? {
            Action::Connect(connect) => {
                self.node("connect.from", &connect.from)?;
                self.server("connect.to", &connect.to)
            }
            Action::Mail(mail) => {
                self.node("mail.from", &mail.from)?;
                self.server("mail.server", &mail.server)
            }
            Action::Postfix(postfix) => {
                self.node("postfix.on", &postfix.on)?;
                if postfix.action != PostfixAction::Start {
                    return Ok(());
                }
                self.server("postfix.relay", postfix.relay.as_deref().unwrap_or(RELAY))?;
                let mut routes = postfix.routes.values();
                routes.try_for_each(|server| self.server("postfix.routes", server))
            }
            Action::Exec(exec) => self.node("exec.on", &exec.on),
            Action::Event(fields) => self.happen(step, fields),
            Action::Wait(_) => Ok(()),
        }
    }

    fn node(&self, key: &str, name: &str) -> Result<(), LabError> {
        if self.nodes.contains(name) {
            return Ok(());
        }
        let known = nearest(name, self.nodes.iter().map(String::as_str));
        Err(LabError::input(key, format!("the lab has no `{name}`; it has: {known}")))
    }

    /// Whether a server's name is a host's, a machine's, or an address.
    fn server(&self, key: &str, server: &str) -> Result<(), LabError> {
        let (name, _) = host_and_port(server)?;
        if name.parse::<IpAddr>().is_ok()
            || self.hosts.contains_key(&name)
            || self.world.machines().contains_key(name.as_str())
        {
            return Ok(());
        }
        let hosts = self.hosts.keys().map(String::as_str);
        let machines = self.world.machines().keys().map(MachineName::as_str);
        let known = nearest(&name, hosts.chain(machines));
        Err(LabError::input(key, format!("`{name}` is no host and no machine; there are: {known}")))
    }

    fn happen(&mut self, step: &Step, fields: &serde_json::Value) -> Result<(), LabError> {
        let event = event_at(fields, self.at)?;
        let granted = self.world.refuse_what_is_never_granted(&event);
        match granted.and_then(|()| self.world.apply(&event)) {
            Ok(_) => {
                if let EventKind::MachineDeployed { machine, .. } = &event.kind {
                    self.nodes.insert(machine.to_string());
                }
                Ok(())
            }
            Err(_) if step.expect.as_deref() == Some("refused") => self.knows(&event.kind, fields),
            Err(refused) => Err(LabError::input(
                "event",
                format!("{refused}; where that is what the step shows, `expect = \"refused\"`"),
            )),
        }
    }

    /// Whether what an event is about is there: a misspelt name is refused, too, and shows nothing.
    fn knows(&self, kind: &EventKind, fields: &serde_json::Value) -> Result<(), LabError> {
        let machines: Vec<_> = self.world.machines().keys().map(MachineName::as_str).collect();
        let subscriptions =
            self.world.subscriptions().keys().map(SubscriptionName::as_str).collect();
        for (key, known) in [("machine", machines), ("subscription", subscriptions)] {
            let Some(name) = fields.get(key).and_then(serde_json::Value::as_str) else { continue };
            if kind.begun().is_none_or(|(_, begun)| begun != name) && !known.contains(&name) {
                let known = nearest(name, known);
                let what = format!("the lab has no {key} `{name}`; it has: {known}");
                return Err(LabError::input(format!("event.{key}"), what));
            }
        }
        Ok(())
    }
}
