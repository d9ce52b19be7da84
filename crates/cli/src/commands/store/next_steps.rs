//! What machines still need to have what their subscription may do, as the policy says it, with
//! the commands that do it in the same store.

use std::net::{IpAddr, Ipv4Addr};

use egress25_policy::{
    Decision, Event, EventKind, FirewallName, Hop, HopKind, MachineName, NextStep, Question,
    Source, World, decide, shell_word,
};
use jiff::Timestamp;

use crate::args::store::PlaceArgs;
use crate::say::ask::path_word;
use crate::say::output::in_brackets;

/// An address of the Internet, to ask about: one that documentation has, and no network.
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5));

/// A command that goes on in the same store, as it is typed: what is done, and to what.
pub(crate) fn command(place: &PlaceArgs, verb: &str, name: &str) -> String {
    let store = place.store.as_ref();
    let store = store.map_or(String::new(), |path| format!(" --store {}", path_word(path)));
    let name = shell_word(name);
    match name.starts_with('-') {
        true => format!("`egress25 {verb}{store} -- {name}`"),
        false => format!("`egress25 {verb} {name}{store}`"),
    }
}

/// What these machines, or the appliances that they send by, still need to pick up what their
/// subscription may do. What does not run is asked about as it will stand when it is started.
pub(crate) fn pick_up<'a>(
    world: &World,
    machines: impl IntoIterator<Item = &'a MachineName>,
    place: &PlaceArgs,
) -> Vec<String> {
    let mut world = world.clone();
    let mut lines = Vec::new();
    for machine in machines {
        let steps = when_running(&mut world, machine).next_steps;
        for line in steps.iter().filter_map(|step| to_pick_up(&world, step, place)) {
            // Several machines may wait for one appliance.
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

/// The machines whose way to the Internet leads through a firewall.
pub(crate) fn senders_through(world: &World, firewall: &FirewallName) -> Vec<MachineName> {
    let mut world = world.clone();
    let names: Vec<_> = world.machines().keys().cloned().collect();
    let meets =
        |hop: &Hop| matches!(&hop.at, HopKind::Firewall { firewall: met } if met == firewall);
    names.into_iter().filter(|name| when_running(&mut world, name).path.iter().any(meets)).collect()
}

/// What the policy decides for a machine that sends to the Internet.
fn when_running(world: &mut World, machine: &MachineName) -> Decision {
    let kind = EventKind::MachineStarted { machine: machine.clone() };
    // One that runs cannot be started, and stays as it is.
    let started =
        world.apply_undoably(&Event { at: Timestamp::UNIX_EPOCH, edition: None, kind }).ok();
    let source = Source::Machine(machine.clone());
    let decision = decide(world, &Question::smtp(source, OUTSIDE));
    if let Some((_, undo)) = started {
        world.undo(undo);
    }
    decision
}

/// A step by which a machine picks up what its subscription may do, in words.
fn to_pick_up(world: &World, step: &NextStep, place: &PlaceArgs) -> Option<String> {
    let how = match step {
        NextStep::StopAndStart { machine, .. } => {
            let command = |verb| command(place, verb, machine.as_str());
            format!(": {}, then {}", command("vm deallocate"), command("vm start"))
        }
        NextStep::RenewFirewall { firewall, .. } => {
            format!(": {}", command(place, "firewall update-rules", firewall.as_str()))
        }
        NextStep::CreateAnew { .. } | NextStep::TemporarySubnet { .. } => String::new(),
        _ => return None,
    };
    let ids = in_brackets(&world.edition, step);
    Some(format!("{step}{ids}{how}"))
}
