//! The process that owns a lab: it builds the network, enforces the policy, and answers.

mod captures;
mod files;
mod follower;
mod join;
mod listeners;
mod probe;
mod serve;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use egress25_policy::{Applied, Event, EventKind, MachineName, Power, World};

use crate::control::place::LabFolder;
use crate::enforce::judge::{Clock, Court};
use crate::enforce::policy_state::PolicyState;
use crate::enforce::verdict::Hub;
use crate::enforce::{DataPath, Enforce, enforcer};
use crate::error::LabError;
use crate::network::hosts::Hosts;
use crate::network::plan::{NodeKind, Plan};
use crate::network::{self, NodeSpaces};
use crate::runtime::Runtime;
use jiff::Timestamp;

use captures::Captures;
use follower::FeedFollower;

pub use serve::serve;

/// An event that has happened, and what it has led to.
#[derive(Debug, Clone, Copy)]
pub struct FollowedEvent<'a> {
    /// Its place in the log.
    pub place: u64,
    /// The event.
    pub event: &'a Event,
    /// What it has changed.
    pub applied: &'a Applied,
    /// The world after it.
    pub world: &'a World,
}

/// Whoever follows the log of a lab and folds its world: a store that somebody else writes to, too.
pub trait EventFeed: Send {
    /// Waits a while for events, and tells of each.
    ///
    /// # Errors
    /// Why the events cannot be followed for now; the next call tries again.
    fn poll(&mut self, seen: &mut dyn FnMut(&FollowedEvent<'_>)) -> Result<(), String>;
}

/// Where events are written that somebody asks the lab for; they come back by [`EventFeed`].
pub trait EventSink: Send + Sync {
    /// Writes an event, and returns its place in the log.
    ///
    /// # Errors
    /// The event is refused or cannot be written.
    fn append(&self, event: &Event) -> Result<u64, LabError>;
}

/// How the events come that somebody asks a lab for. Either folds the lab's one world.
enum EventSource {
    /// By a log, which is followed.
    Log(Box<dyn EventSink>),
    /// As they are asked for; this is the world after the last.
    Requests(Box<Mutex<World>>),
}

/// What a lab is made of.
pub struct Setup {
    /// The lab's folder, for its control socket and its files; [`LabFolder::claim`] has claimed it
    /// for this process.
    pub folder: PathBuf,
    /// The world as it stands.
    pub world: World,
    /// The hosts around it.
    pub hosts: Hosts,
    /// The data path.
    pub datapath: DataPath,
    /// The time.
    pub clock: Clock,
    /// Where events are written; without one they happen as they are asked for.
    pub log: Option<Box<dyn EventSink>>,
}

/// A lab that is up.
pub struct Owner {
    plan: RwLock<Arc<Plan>>,
    pub(crate) spaces: Arc<NodeSpaces>,
    pub(crate) court: Court,
    /// Since when it is up.
    pub(crate) since: Timestamp,
    pub(crate) hosts: Hosts,
    pub(crate) datapath: DataPath,
    pub(crate) folder: PathBuf,
    enforce: Box<dyn Enforce>,
    events: EventSource,
    follower: FeedFollower,
    captures: Captures,
    /// The mail servers run on it, and what is said by rtnetlink.
    runtime: Runtime,
    /// Held while the lab is brought up to an event; whether the ports are cut off.
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
        let policy = Arc::new(PolicyState::new(&world)?);
        let spaces = Arc::new(NodeSpaces::default());
        let owner = Self {
            plan: RwLock::default(),
            enforce: enforcer(datapath, &spaces),
            spaces,
            court: Court { policy, hub: Arc::new(Hub::default()), clock },
            since: clock(),
            hosts,
            datapath,
            folder,
            events: log.map_or_else(
                || EventSource::Requests(Box::new(Mutex::new(world))),
                EventSource::Log,
            ),
            follower: FeedFollower::default(),
            captures: Captures::default(),
            runtime: Runtime::start()?,
            applying: Mutex::new(false),
        };
        let world = owner.court.policy.world();
        owner.grow(&world, plan)?;
        owner.check_datapath(None)?;
        for (name, machine) in world.machines() {
            if machine.state.power != Power::Running {
                owner.set_power(name, false)?;
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
                loop {
                    let polled = feed.poll(&mut |next| {
                        let followed = owner.court.policy.follow(next.world, next.applied);
                        let done = owner.bring_up(&[&next.event.kind], followed);
                        owner.follower.reached(next.place, done, &owner.court.hub);
                    });
                    if let Err(complaint) = polled {
                        owner.complain(complaint);
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

    /// Lets events happen that somebody asked for, in order. Those before one that is refused
    /// have happened.
    pub(crate) fn happen(&self, events: &[Event]) -> Result<(), LabError> {
        match &self.events {
            EventSource::Log(log) => {
                for event in events {
                    let place = log.append(event)?;
                    // It comes back by the feed; whoever asked wants to see it in force.
                    self.follower.wait(place)?;
                }
            }
            EventSource::Requests(world) => {
                let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
                let mut happened = Vec::new();
                let refused = events.iter().try_for_each(|event| {
                    // As a store that is asked for it.
                    world.refuse_what_is_never_granted(event)?;
                    let (applied, undo) = world.apply_undoably(event)?;
                    // World and table change together, or neither does.
                    let followed = self.court.policy.follow(&world, &applied);
                    followed.inspect_err(|_| world.undo(undo))?;
                    happened.push(&event.kind);
                    Ok::<(), LabError>(())
                });
                self.bring_up(&happened, Ok(()))?;
                refused?;
            }
        }
        Ok(())
    }

    /// Brings the lab up to events that have happened, in order: the rules, the links. `followed`
    /// is whether the policy could be.
    fn bring_up(
        &self,
        happened: &[&EventKind],
        followed: Result<(), LabError>,
    ) -> Result<(), LabError> {
        let mut cut = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in happened {
            if let EventKind::NetworkAdded { network, .. } = kind {
                self.complain(format!(
                    "network `{network}` came after the lab was built; neither it nor its \
                     machines are in the lab until it is built anew"
                ));
            }
        }
        let policy = self.court.policy.snapshot();
        let updated = followed.and_then(|()| self.enforce.update(&policy));
        self.cut_off(&mut cut, updated)?;
        for (kind, machine) in happened.iter().filter_map(|kind| Some((kind, kind.machine()?))) {
            match kind {
                // Off and on again, and the same programming as before.
                EventKind::MachineRestarted { .. } => {
                    self.set_power(machine, false)?;
                    self.set_power(machine, true)?;
                }
                EventKind::MachineDeployed { .. } if !self.has_node(machine) => {
                    self.join(&policy.world, machine)?;
                }
                _ => {
                    let power = policy.world.machines().get(machine).map(|found| found.state.power);
                    self.set_power(machine, power == Some(Power::Running))?;
                }
            }
        }
        Ok(())
    }

    /// Where the rules could not be brought up to the policy, something may pass that must not any
    /// more: every judged port is cut off until they can.
    fn cut_off(&self, cut: &mut bool, updated: Result<(), LabError>) -> Result<(), LabError> {
        if updated.is_ok() != *cut {
            return updated;
        }
        *cut = updated.is_err();
        let plan = self.plan();
        for point in &plan.points {
            let place = self.spaces.get(point.node)?;
            let mut ends = plan.ends(point.node);
            let end = ends.find(|end| end.interface == point.interface);
            if let Some((node, end)) = plan.nodes.get(point.node).zip(end) {
                network::set_link(self.runtime.handle(), &place, node, end, !*cut)?;
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
                network::set_rule(self.runtime.handle(), &*self.spaces.get(fabric)?, &rule, !up)?;
            }
        }
        let space = self.spaces.get(id)?;
        let Some(node) = plan.nodes.get(id) else { return Ok(()) };
        for end in plan.ends(id) {
            network::set_link(self.runtime.handle(), &space, node, end, up)?;
        }
        Ok(())
    }

    /// Refuses what a machine that does not run cannot do.
    pub(crate) fn check_runs(&self, machine: &MachineName) -> Result<(), LabError> {
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
        self.complain(
            "the program that judges was ended, as was asked for (`lab crash`); build the lab anew"
                .to_owned(),
        );
        // A program that waits for the next packet notices by it.
        let _ = self.send_probe(None);
    }

    fn start_mail_servers(&self) -> Result<(), LabError> {
        for (name, host) in &self.hosts {
            let space = self.spaces.get(self.plan().node(name)?)?;
            for port in &host.smtp {
                crate::smtp::serve(self.runtime.handle(), &space, name, *port)?;
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
