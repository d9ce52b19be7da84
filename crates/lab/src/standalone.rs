//! The filter on a network that is there already: a bridge, a container network, a queue.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use egress25_policy::{NetworkName, World};

use crate::datapath::{GROUP, judge_queue, nflog};
use crate::error::LabError;
use crate::judge::{Court, Judge, Port};
use crate::net::run_program;
use crate::ruleset::{RuleOptions, RulePort, Ruleset};

/// Rules that are in force on an interface. They stay when the program ends, so that nothing
/// passes unfiltered then; [`remove`] takes them away.
#[derive(Debug)]
pub struct InterfaceFilter {
    network: NetworkName,
    port: RulePort,
    loaded: Mutex<Ruleset>,
}

fn nft(script: &str) -> Result<String, LabError> {
    let output = run_program(&["nft", "-f", "-"], script)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let what = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(LabError::Program { program: "nft -f -".to_owned(), what })
}

impl InterfaceFilter {
    /// Puts the policy of a network in force for what comes from an interface of the caller's
    /// network namespace; the verdicts come to the court's hub.
    ///
    /// # Errors
    /// The interface does not exist, or the rules cannot be loaded.
    pub fn load(court: &Court, network: &NetworkName, interface: &str) -> Result<Self, LabError> {
        let index = nix::net::if_::if_nametoindex(interface)
            .map_err(LabError::errno(format!("the interface `{interface}`")))?;
        let port = RulePort { interface: interface.to_owned(), at: None };
        let told = Port { network: network.clone(), at: None, owner: interface.to_owned() };
        let ports = [(index, (interface.to_owned(), told))];
        nflog::start(None, GROUP, court.clone(), Arc::new(RwLock::new(ports.into())))?;
        let rules = render(&court.policy.world(), network, &port);
        nft(&rules.script())?;
        Ok(Self { network: network.clone(), port, loaded: Mutex::new(rules) })
    }

    /// Brings the rules up to a changed world.
    ///
    /// # Errors
    /// They cannot be loaded; the old ones stay in force.
    pub fn update(&self, world: &World) -> Result<(), LabError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = render(world, &self.network, &self.port);
        if let Some(script) = rules.change_from(&loaded) {
            // Whoever took the rules away made a change in place impossible.
            nft(&script).or_else(|_| nft(&rules.script()))?;
            *loaded = rules;
        }
        Ok(())
    }
}

fn render(world: &World, network: &NetworkName, port: &RulePort) -> Ruleset {
    let options = RuleOptions { log_group: Some(GROUP) };
    Ruleset::of(world, network, std::slice::from_ref(port), &options)
}

/// Takes the rules away that [`InterfaceFilter::load`] has loaded.
///
/// # Errors
/// There are none, or nftables cannot be used.
pub fn remove() -> Result<(), LabError> {
    nft("delete table inet egress25\n").map(drop)
}

/// Judges the packets of a netfilter queue of the caller's network namespace until the kernel
/// ends it. Every packet is taken to belong to one network. `ready` is called when the queue is
/// open.
///
/// # Errors
/// The queue cannot be opened.
pub fn queue(
    court: &Court,
    network: &NetworkName,
    number: u16,
    ready: impl FnOnce(),
) -> Result<(), LabError> {
    let port = Port { network: network.clone(), at: None, owner: format!("queue {number}") };
    let stop = AtomicBool::new(false);
    let mut opened = Ok(());
    judge_queue(
        number,
        Judge::new(court.clone()),
        &|index| {
            let name = nix::net::if_::if_indextoname(index).ok()?;
            Some((name.into_string().ok()?, port.clone()))
        },
        &stop,
        |result| match result {
            Ok(()) => ready(),
            Err(error) => opened = Err(error),
        },
    );
    let closed = io::Error::other("the kernel has closed the packet queue");
    opened
        .and(Err(closed))
        .map_err(LabError::system(format!("judging the packets of queue {number}")))
}
