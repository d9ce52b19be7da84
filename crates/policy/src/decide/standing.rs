//! What a compiler of the policy needs to know of senders and reasons.

use crate::article::reason::Reason;
use crate::article::settings::BlockForm;
use crate::decide::decision::Verdict;
use crate::decide::edge::{at_a_firewall, at_the_edge};
use crate::decide::{Grounds, Place, pass_or_drop};
use crate::life::power::Power;
use crate::world::World;
use crate::world::name::{FirewallName, MachineName};

/// What a machine meets at the Internet's edge when it sends there directly: the reason alone.
///
/// `sender-not-running` where it does not run; `None` where there is no such machine.
#[must_use]
pub fn edge_reason(world: &World, name: &MachineName) -> Option<Reason> {
    let (name, machine) = world.machines.get_key_value(name)?;
    let interface = machine.interfaces.first()?;
    if machine.state.power != Power::Running {
        return Some(Reason::SenderNotRunning);
    }
    let mut grounds = Grounds { mute: true, ..Grounds::default() };
    Some(at_the_edge(world, Place { name, machine, interface }, &mut grounds).reason)
}

/// What an Azure Firewall meets there where its own subscription's rule decides.
pub(crate) fn firewall_edge_reason(world: &World, name: &FirewallName) -> Reason {
    let mut grounds = Grounds { mute: true, ..Grounds::default() };
    let firewall = world.firewalls.get(name);
    firewall.map_or(Reason::UnknownSource, |firewall| {
        at_a_firewall(world, firewall, &mut grounds).reason
    })
}

/// The verdict that goes with a reason under a world's settings.
#[must_use]
pub fn verdict_of(world: &World, reason: Reason) -> Verdict {
    let settings = &world.settings;
    match reason {
        Reason::UnknownSource | Reason::AmbiguousNetwork => pass_or_drop(settings.unknown_source),
        Reason::SenderNotRunning => pass_or_drop(settings.sender_not_running),
        _ if reason.is_platform_block() && settings.block_form == BlockForm::Reject => {
            Verdict::Reject
        }
        _ => reason.usual_verdict(),
    }
}
