//! The policy as nftables rules, enforced by the kernel; its verdicts come back as log messages.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::enforce::datapath::Enforce;
use crate::enforce::judge::Court;
use crate::enforce::loaded::LoadedRules;
use crate::enforce::nflog::{self, GROUP};
use crate::enforce::policy_state::Snapshot;
use crate::enforce::ports::{Bench, Ports, benches};
use crate::error::LabError;
use crate::network::NodeSpaces;
use crate::network::plan::{Plan, Point};
use crate::rules::{RuleOptions, RulePort, Ruleset};

/// The `nft` data path.
pub(super) struct Nft {
    spaces: Arc<NodeSpaces>,
    /// The rules that are in force, by bench. Whoever changes them holds the lock.
    loaded: Mutex<Vec<NodeRules>>,
}

/// The rules of one node.
struct NodeRules {
    bench: Bench,
    ports: Ports,
    loaded: LoadedRules,
}

fn rules(policy: &Snapshot, bench: &Bench) -> Option<Ruleset> {
    // All ports of a node belong to one network.
    let network = &bench.points.first()?.network;
    let port =
        |point: &Point| RulePort { interface: point.interface.clone(), at: Some(point.at.clone()) };
    let ports: Vec<_> = bench.points.iter().map(port).collect();
    let options =
        RuleOptions { log_group: Some(GROUP), mark: None, generation: Some(policy.generation) };
    Some(Ruleset::of(&policy.world, network, &ports, &options))
}

impl NodeRules {
    /// Brings the rules of one node up to a changed policy.
    fn change(&mut self, policy: &Snapshot, spaces: &NodeSpaces) -> Result<(), LabError> {
        let Some(new) = rules(policy, &self.bench) else { return Ok(()) };
        self.loaded.change(Some(&*spaces.get(self.bench.node)?), new)
    }
}

impl Nft {
    pub(super) fn new(spaces: &Arc<NodeSpaces>) -> Self {
        Self { spaces: spaces.clone(), loaded: Mutex::default() }
    }

    /// Begins to judge in one more node.
    fn begin(&self, bench: Bench, court: &Court) -> Result<Option<NodeRules>, LabError> {
        let Some(rules) = rules(&court.policy.snapshot(), &bench) else { return Ok(None) };
        let place = self.spaces.get(bench.node)?;
        let ports = Ports::default();
        ports.note_points(&place, &bench.points)?;
        nflog::start(Some(&place), GROUP, court.clone(), ports.clone())?;
        let loaded = LoadedRules::load(Some(&*place), rules).map_err(|error| refused(&error))?;
        // A rule that fails to load would leave everything looking well.
        let listed = place.demand(&["nft", "list", "chain", "inet", "egress25", "port25"], "")?;
        if !listed.contains("goto judge") {
            let what = "the kernel does not list the rules that were loaded".to_owned();
            return Err(LabError::DataPath { path: "nft", what });
        }
        Ok(Some(NodeRules { bench, ports, loaded }))
    }
}

fn refused(error: &LabError) -> LabError {
    let what = format!("{error}; try `--datapath nfqueue` or `--datapath afpacket`");
    LabError::DataPath { path: "nft", what }
}

impl Enforce for Nft {
    fn update(&self, policy: &Snapshot) -> Result<(), LabError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        // The kernel waits for its readers in each namespace: better in all at once.
        thread::scope(|scope| {
            let changes: Vec<_> = loaded
                .iter_mut()
                .map(|loaded| {
                    let change = || loaded.change(policy, &self.spaces);
                    thread::Builder::new().spawn_scoped(scope, change)
                })
                .collect();
            changes.into_iter().try_for_each(|change| {
                let change = change.map_err(LabError::system("starting a thread"))?;
                change.join().unwrap_or_else(|_| Err(LabError::thread_gone()))
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
            let place = self.spaces.get(more.node)?;
            known.ports.note_points(&place, &more.points)?;
            known.bench.extend(more.points);
            // All of them are loaded anew, with the ports that are new.
            known.loaded.forget();
            let change = known.change(&court.policy.snapshot(), &self.spaces);
            change.map_err(|error| refused(&error))?;
        }
        Ok(())
    }
}
