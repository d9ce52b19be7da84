//! The process that owns a lab: it builds the network, enforces the policy, and answers.

mod files;
mod follower;
mod join;
mod listeners;
mod probe;
mod serve;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use egress25_policy::{Event, EventKind, MachineName, Power, World};

use crate::control::place::LabFolder;
use crate::enforce::judge::{Clock, Court};
use crate::enforce::policy_state::PolicyState;
use crate::enforce::verdict::Hub;
use crate::enforce::{self, DataPath, Enforce, NodeSpaces};
use crate::error::LabError;
use crate::network::hosts::Hosts;
use crate::network::plan::{NodeKind, Plan};
use crate::network::{self, Space};
use crate::smtp::Mailboxes;
use jiff::Timestamp;

use follower::FeedFollower;
use listeners::Captures;

pub use serve::serve;

/// Where events come from besides the control socket: a store that somebody else writes to.
pub trait EventFeed: Send {
    /// Waits for the next event, with its place in the log; `None` when there will be none any
    /// more.
    ///
    /// # Errors
    /// Why the events cannot be followed for now; the next call tries again.
    fn next(&mut self) -> Option<Result<(u64, Event), String>>;
}

/// Where events are written that somebody asks the lab for; they come back by [`EventFeed`].
pub trait EventSink: Send + Sync {
    /// Writes an event, and returns its place in the log.
    ///
    /// # Errors
    /// The event is refused or cannot be written.
    fn append(&self, event: &Event) -> Result<u64, LabError>;
}

/// What a lab is made of.
pub struct Setup {
    /// The lab's folder, for its control socket and its files; [`LabFolder::claim`] has claimed it for
    /// this process.
    pub folder: PathBuf,
    /// The world as it stands.
    pub world: World,
    /// The hosts around it.
    pub hosts: Hosts,
    /// The data path.
    pub datapath: DataPath,
    /// The time.
    pub clock: Clock,
    /// Where events are written; without one they are applied as they are asked for.
    pub log: Option<Box<dyn EventSink>>,
}

/// A lab that is up.
pub struct Owner {
    plan: RwLock<Arc<Plan>>,
    pub(crate) spaces: NodeSpaces,
    pub(crate) court: Court,
    /// Since when it is up.
    pub(crate) since: Timestamp,
    pub(crate) hosts: Hosts,
    pub(crate) datapath: DataPath,
    pub(crate) folder: PathBuf,
    pub(crate) mail: Arc<Mailboxes>,
    enforce: Box<dyn Enforce>,
    log: Option<Box<dyn EventSink>>,
    follower: FeedFollower,
    captures: Captures,
    /// Held while an event is applied; whether the ports are cut off.
    applying: Mutex<bool>,
}

impl Owner {
    /// Builds the network, loads the data path, and checks that it works.
    ///
    /// # Errors
    /// What could not be built; nothing that would pass unfiltered is left then.
    pub fn build(setup: Setup) -> Result<Self, LabError> {
        let Setup { folder, world, hosts, datapath, clock, log } = setup;
        LabFolder::handed(&folder)?;
        let plan = Plan::of(&world, &hosts, datapath == DataPath::AfPacket)?;
        let running: Vec<(MachineName, bool)> = world
            .machines()
            .iter()
            .map(|(name, machine)| (name.clone(), machine.state.power == Power::Running))
            .collect();
        let spaces = make_spaces(&plan, &world, &hosts, &folder)?;
        for (number, link) in plan.links.iter().enumerate() {
            let left = enforce::space(&spaces, link.left.node)?;
            let right = enforce::space(&spaces, link.right.node)?;
            network::add_link((&left, &link.left), (&right, &link.right), number)?;
        }
        let policy = Arc::new(PolicyState::new(world)?);
        let court = Court { policy, hub: Arc::new(Hub::default()), clock };
        // The rules come before the addresses: no moment in which something could slip through.
        let rules_first = matches!(datapath, DataPath::Nft | DataPath::NfQueue);
        let mut enforce = None;
        if rules_first {
            enforce = Some(enforce::load(datapath, &plan, &spaces, &court)?);
        }
        for (id, node) in plan.nodes.iter().enumerate() {
            let ends: Vec<_> = plan.ends(id).collect();
            let space = enforce::space(&spaces, id)?;
            network::configure(&space, node, &ends)?;
            if let Some(interface) = &node.masquerade
                && let Some(end) = ends.iter().find(|end| end.interface == *interface)
            {
                translate(&space, end)?;
            }
        }
        let enforce = match enforce {
            Some(enforce) => enforce,
            None => enforce::load(datapath, &plan, &spaces, &court)?,
        };
        let mail = Arc::new(Mailboxes::default());
        let owner = Self {
            plan: RwLock::new(Arc::new(plan)),
            spaces,
            court,
            since: clock(),
            hosts,
            datapath,
            folder,
            mail,
            enforce,
            log,
            follower: FeedFollower::default(),
            captures: Captures::default(),
            applying: Mutex::new(false),
        };
        owner.check_datapath(None)?;
        for (machine, runs) in running {
            if !runs {
                owner.set_power(&machine, false)?;
            }
        }
        owner.start_mail_servers()?;
        Ok(owner)
    }

    /// The plan as it stands; more machines may join it.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows a feed of events in a thread of its own.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn follow(self: &Arc<Self>, mut feed: Box<dyn EventFeed>) -> Result<(), LabError> {
        let owner = self.clone();
        std::thread::Builder::new()
            .name("feed".to_owned())
            .spawn(move || {
                // However this ends, it is said.
                let _ended = Ended(&owner);
                while let Some(event) = feed.next() {
                    match event {
                        Ok((place, event)) => {
                            let done = owner.apply(&[event]).map(drop);
                            owner.follower.reached(place, done.map_err(|e| e.to_string()), &owner);
                        }
                        Err(complaint) => owner.complain(complaint),
                    }
                }
            })
            .map(drop)
            .map_err(LabError::system("starting a thread"))
    }

    /// Notes something that nobody waits to be told.
    pub(crate) fn complain(&self, what: String) {
        self.court.hub.complain(what);
    }

    /// Lets events happen that somebody asked for: by the log where there is one.
    pub(crate) fn ask(&self, events: &[Event]) -> Result<u64, LabError> {
        let Some(log) = &self.log else { return self.apply(events) };
        for event in events {
            let place = log.append(event)?;
            // It comes back by the feed; whoever asked wants to see it in force.
            self.follower.wait(place)?;
        }
        Ok(self.court.policy.generation())
    }

    /// Lets events happen, in order: the world, the rules, the links.
    ///
    /// # Errors
    /// An event is refused, and neither it nor the later ones have happened; or the rules could
    /// not be brought up to the world.
    pub fn apply(&self, events: &[Event]) -> Result<u64, LabError> {
        let mut cut = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let mut refused = Ok(());
        let mut moved = Vec::new();
        for event in events {
            match self.court.policy.apply(event) {
                Ok(_) => {
                    moved.extend(event.kind.machine().cloned().map(|m| (m, &event.kind)));
                    if let EventKind::NetworkAdded { network, .. } = &event.kind {
                        self.complain(format!(
                            "network `{network}` came after the lab was built; neither it nor its \
                             machines are in the lab until it is built anew"
                        ));
                    }
                }
                Err(error) => {
                    refused = Err(error);
                    break;
                }
            }
        }
        let world = self.court.policy.world();
        self.enforce(&mut cut, &world)?;
        for (machine, kind) in moved {
            let power = world.machines().get(&machine).map(|machine| machine.state.power);
            match kind {
                // Off and on again, and the same programming as before.
                EventKind::MachineRestarted { .. } => {
                    self.set_power(&machine, false)?;
                    self.set_power(&machine, true)?;
                }
                EventKind::MachineDeployed { .. } if !self.has_node(&machine) => {
                    self.join(&world, &machine)?;
                }
                _ => self.set_power(&machine, power == Some(Power::Running))?,
            }
        }
        refused.map(|()| self.court.policy.generation())
    }

    /// Brings the rules up to the world. Where that fails, something may pass that must not any
    /// more: every judged port is cut off until it succeeds.
    fn enforce(&self, cut: &mut bool, world: &World) -> Result<(), LabError> {
        // Whoever applies events holds the lock: it is the world's.
        let updated = self.enforce.update(world, self.court.policy.generation());
        if updated.is_ok() != *cut {
            return updated;
        }
        *cut = updated.is_err();
        let plan = self.plan();
        for point in &plan.points {
            let place = enforce::space(&self.spaces, point.node)?;
            let mut ends = plan.ends(point.node);
            let end = ends.find(|end| end.interface == point.interface);
            if let Some((node, end)) = plan.nodes.get(point.node).zip(end) {
                network::set_link(&place, node, end, !*cut)?;
            }
        }
        if let Err(error) = &updated {
            self.complain(format!(
                "the rules could not be changed: {error}; all judged ports are cut off until they \
                 can"
            ));
        }
        updated
    }

    /// Takes a machine's links up or down. What is down stays so whatever root does inside: the
    /// fabric takes nothing from its ports.
    fn set_power(&self, machine: &MachineName, up: bool) -> Result<(), LabError> {
        let kind = NodeKind::Machine(machine.clone());
        let plan = self.plan();
        let Some(id) = plan.nodes.iter().position(|node| node.kind == kind) else {
            self.complain(format!("`{machine}` has no node in the lab: nothing of it is moved"));
            return Ok(());
        };
        if let Some(found) = self.court.policy.world().machines().get(machine) {
            for (fabric, rule) in plan.shut(found) {
                network::set_rule(&*enforce::space(&self.spaces, fabric)?, &rule, !up)?;
            }
        }
        let space = enforce::space(&self.spaces, id)?;
        let Some(node) = plan.nodes.get(id) else { return Ok(()) };
        for end in plan.ends(id) {
            network::set_link(&space, node, end, up)?;
        }
        Ok(())
    }

    /// Refuses what a machine that does not run cannot do.
    pub(crate) fn runs(&self, machine: &MachineName) -> Result<(), LabError> {
        let power = self.court.policy.world().machines().get(machine).map(|m| m.state.power);
        match power {
            None | Some(Power::Running) => Ok(()),
            Some(power) => {
                let what = format!("`{machine}` is `{power}`: nothing runs in it; start it first");
                Err(LabError::Declined(what))
            }
        }
    }

    /// Ends the program that judges, as if it had crashed.
    pub(crate) fn stop_filter(&self) {
        self.enforce.stop_filter();
        // A program that waits for the next packet notices by it.
        let _ = self.send_probe(None);
    }

    fn start_mail_servers(&self) -> Result<(), LabError> {
        for (name, host) in &self.hosts {
            let space = enforce::space(&self.spaces, self.plan().node(name)?)?;
            for port in &host.smtp {
                crate::smtp::serve(&space, name, *port, &self.mail, self.court.clock)?;
            }
        }
        Ok(())
    }
}

/// Says that events are followed no more.
struct Ended<'a>(&'a Owner);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.complain("the store's events are followed no more; build the lab anew".to_owned());
    }
}

/// Makes the namespaces of every node.
fn make_spaces(
    plan: &Plan,
    world: &World,
    hosts: &Hosts,
    folder: &std::path::Path,
) -> Result<NodeSpaces, LabError> {
    let mut spaces = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let files = files::of(node, world, hosts, folder)?;
        spaces.push(Arc::new(Space::make(&node.name, &files)?));
    }
    Ok(Arc::new(RwLock::new(spaces)))
}

/// Hides what a node forwards behind the public addresses of an interface: with nftables, or
/// iptables.
fn translate(space: &Space, end: &network::plan::LinkEnd) -> Result<(), LabError> {
    let interface = &end.interface;
    let public: Vec<IpAddr> = end
        .addresses
        .iter()
        .map(ipnet::IpNet::addr)
        .filter(|address| !network::graph::is_link_local(*address))
        .collect();
    let rule = |address: &IpAddr| {
        let (family, of) = if address.is_ipv4() { ("ipv4", "ip") } else { ("ipv6", "ip6") };
        format!("meta nfproto {family} oifname \"{interface}\" snat {of} to {address}; ")
    };
    let rules: String = public.iter().map(rule).collect();
    let chain = "type nat hook postrouting priority 100;";
    let script = format!("table inet edge {{ chain source {{ {chain} {rules} }}; }}");
    if space.demand(&["nft", "-f", "-"], &script).is_ok() {
        return Ok(());
    }
    for address in &public {
        let program = if address.is_ipv4() { "iptables" } else { "ip6tables" };
        let to = address.to_string();
        let rule = ["-t", "nat", "-A", "POSTROUTING", "-o", interface, "-j", "SNAT"];
        let command: Vec<&str> =
            [program].into_iter().chain(rule).chain(["--to-source", &to]).collect();
        space.demand(&command, "")?;
    }
    Ok(())
}

/// Whether something told is no probe of ours.
pub(crate) fn probe_free(told: &enforce::verdict::Told) -> bool {
    match told {
        enforce::verdict::Told::Verdict(event) => !enforce::verdict::is_probe(event.source),
        enforce::verdict::Told::Missed(_) | enforce::verdict::Told::Note(_) => true,
    }
}
