//! The policy as nftables rules, enforced by the kernel; its verdicts come back as log messages.

use std::sync::{Mutex, PoisonError};
use std::thread;

use egress25_policy::World;

use crate::enforce::judge::Court;
use crate::enforce::{Bench, Enforce, NodeSpaces, Ports, benches, nflog, note_ports, space};
use crate::error::LabError;
use crate::network::plan::{Plan, Point};
use crate::rules::{RuleOptions, RulePort, Ruleset};

/// The group of the kernel's packet log.
pub(crate) const GROUP: u16 = 25;

/// The `nft` data path.
pub(super) struct Nft {
    spaces: NodeSpaces,
    /// The rules that are in force, by bench; `None` where a change has failed. Whoever changes
    /// them holds the lock.
    loaded: Mutex<Vec<NodeRules>>,
}

/// The rules of one node.
struct NodeRules {
    bench: Bench,
    ports: Ports,
    rules: Option<Ruleset>,
}

fn rules(world: &World, generation: u64, bench: &Bench) -> Option<Ruleset> {
    // All ports of a node belong to one network.
    let network = &bench.points.first()?.network;
    let port =
        |point: &Point| RulePort { interface: point.interface.clone(), at: Some(point.at.clone()) };
    let ports: Vec<_> = bench.points.iter().map(port).collect();
    let options = RuleOptions { log_group: Some(GROUP), mark: None, generation: Some(generation) };
    Some(Ruleset::of(world, network, &ports, &options))
}

impl NodeRules {
    /// Brings the rules of one node up to a changed world.
    fn change(
        &mut self,
        (world, generation): (&World, u64),
        spaces: &NodeSpaces,
    ) -> Result<(), LabError> {
        let Some(new) = rules(world, generation, &self.bench) else { return Ok(()) };
        let script = match &self.rules {
            Some(old) => new.change_from(old),
            None => Some(new.script()),
        };
        let Some(script) = script else { return Ok(()) };
        // What becomes of a change that fails is not known.
        self.rules = None;
        let place = space(spaces, self.bench.node)?;
        // Whoever took the rules away, or changed them, made a change in place impossible.
        place
            .demand(&["nft", "-f", "-"], &script)
            .or_else(|_| place.demand(&["nft", "-f", "-"], &new.script()))?;
        self.rules = Some(new);
        Ok(())
    }
}

fn gone() -> LabError {
    LabError::Answer("a thread of the lab has ended unexpectedly".to_owned())
}

impl Nft {
    pub(super) fn load(plan: &Plan, spaces: &NodeSpaces, court: &Court) -> Result<Self, LabError> {
        let this = Self { spaces: spaces.clone(), loaded: Mutex::default() };
        this.join(plan, &plan.points, court)?;
        Ok(this)
    }

    /// Begins to judge in one more node.
    fn begin(&self, bench: Bench, court: &Court) -> Result<Option<NodeRules>, LabError> {
        let policy = &court.policy;
        let Some(rules) = rules(&policy.world(), policy.generation(), &bench) else {
            return Ok(None);
        };
        let place = space(&self.spaces, bench.node)?;
        let ports = Ports::default();
        note_ports(&ports, &place, &bench.points)?;
        nflog::start(Some(&place), GROUP, court.clone(), ports.clone())?;
        place.demand(&["nft", "-f", "-"], &rules.script()).map_err(|error| refused(&error))?;
        // A rule that fails to load would leave everything looking well.
        let listed = place.demand(&["nft", "list", "chain", "inet", "egress25", "port25"], "")?;
        if !listed.contains("goto judge") {
            let what = "the kernel does not list the rules that were loaded".to_owned();
            return Err(LabError::DataPath { path: "nft", what });
        }
        Ok(Some(NodeRules { bench, ports, rules: Some(rules) }))
    }
}

fn refused(error: &LabError) -> LabError {
    let what = format!("{error}; try `--datapath nfqueue` or `--datapath afpacket`");
    LabError::DataPath { path: "nft", what }
}

impl Enforce for Nft {
    fn update(&self, world: &World, generation: u64) -> Result<(), LabError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        // The kernel waits for its readers in each namespace: better in all at once.
        thread::scope(|scope| {
            let changes: Vec<_> = loaded
                .iter_mut()
                .map(|loaded| {
                    let change = || loaded.change((world, generation), &self.spaces);
                    thread::Builder::new().spawn_scoped(scope, change)
                })
                .collect();
            changes.into_iter().try_for_each(|change| {
                let change = change.map_err(LabError::system("starting a thread"))?;
                change.join().unwrap_or_else(|_| Err(gone()))
            })
        })
    }

    fn join(&self, _: &Plan, points: &[Point], court: &Court) -> Result<(), LabError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        for more in benches(points) {
            let Some(known) = loaded.iter_mut().find(|known| known.bench.node == more.node) else {
                loaded.extend(self.begin(more, court)?);
                continue;
            };
            let place = space(&self.spaces, more.node)?;
            note_ports(&known.ports, &place, &more.points)?;
            known.bench.points.extend(more.points);
            let policy = &court.policy;
            let rules = rules(&policy.world(), policy.generation(), &known.bench);
            let script = rules.as_ref().map(Ruleset::script).unwrap_or_default();
            known.rules = None;
            place.demand(&["nft", "-f", "-"], &script).map_err(|error| refused(&error))?;
            known.rules = rules;
        }
        Ok(())
    }

    fn stop_filter(&self) {
        // The kernel judges; there is no program that could end.
    }
}
