//! The policy as nftables rules, enforced by the kernel; its verdicts come back as log messages.

use std::sync::{Mutex, PoisonError};

use egress25_policy::World;

use super::{Bench, Enforce, Spaces, benches, nflog, space};
use crate::error::LabError;
use crate::judge::{Court, Port};
use crate::plan::Plan;
use crate::ruleset::{RuleOptions, RulePort, Ruleset};

/// The group of the kernel's packet log.
pub(crate) const GROUP: u16 = 25;

/// The `nft` data path.
pub(super) struct Nft {
    spaces: Spaces,
    /// The rules that are in force, by bench; `None` where a change has failed. Whoever changes
    /// them holds the lock.
    loaded: Mutex<Vec<(Bench, Option<Ruleset>)>>,
}

fn rules(world: &World, bench: &Bench) -> Option<Ruleset> {
    // All ports of a node belong to one network.
    let network = &bench.points.first()?.network;
    let port = |point: &crate::plan::Point| RulePort {
        interface: point.interface.clone(),
        subnet: point.subnet.clone(),
    };
    let ports: Vec<_> = bench.points.iter().map(port).collect();
    Some(Ruleset::of(world, network, &ports, &RuleOptions { log_group: Some(GROUP) }))
}

impl Nft {
    pub(super) fn load(plan: &Plan, spaces: &Spaces, court: &Court) -> Result<Self, LabError> {
        let world = court.policy.world();
        let mut loaded = Vec::new();
        for bench in benches(plan) {
            let Some(rules) = rules(&world, &bench) else { continue };
            let place = space(spaces, bench.node)?;
            let ports: Vec<_> =
                bench.points.iter().map(|p| (p.interface.clone(), Port::from(p))).collect();
            nflog::start(Some(place), GROUP, court.clone(), ports)?;
            place.demand(&["nft", "-f", "-"], &rules.script()).map_err(|error| refused(&error))?;
            // A rule that fails to load would leave everything looking well.
            let listed =
                place.demand(&["nft", "list", "chain", "inet", "egress25", "port25"], "")?;
            if !listed.contains("goto judge") {
                let what = "the kernel does not list the rules that were loaded".to_owned();
                return Err(LabError::DataPath { path: "nft", what });
            }
            loaded.push((bench, Some(rules)));
        }
        Ok(Self { spaces: spaces.clone(), loaded: Mutex::new(loaded) })
    }
}

fn refused(error: &LabError) -> LabError {
    let what = format!("{error}; try `--datapath nfqueue` or `--datapath afpacket`");
    LabError::DataPath { path: "nft", what }
}

impl Enforce for Nft {
    fn update(&self, world: &World) -> Result<(), LabError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failed = Ok(());
        for (bench, old) in loaded.iter_mut() {
            let Some(new) = rules(world, bench) else { continue };
            let script = match old {
                Some(old) => new.change_from(old),
                None => Some(new.script()),
            };
            let Some(script) = script else { continue };
            let place = space(&self.spaces, bench.node)?;
            // Whoever took the rules away, or changed them, made a change in place impossible.
            let done = place
                .demand(&["nft", "-f", "-"], &script)
                .or_else(|_| place.demand(&["nft", "-f", "-"], &new.script()));
            match done {
                Ok(_) => *old = Some(new),
                Err(error) => {
                    *old = None;
                    failed = Err(error);
                }
            }
        }
        failed
    }

    fn stop_filter(&self) {
        // The kernel judges; there is no program that could end.
    }
}
