//! How an exemption stands, and what its subscription's owner or the reviewer can do next.

use egress25_policy::{ExemptionState, Machine, Power, SubscriptionName, World};

/// How it stands, in a sentence.
pub(super) fn headline(world: &World, name: &SubscriptionName) -> String {
    let state = world.subscriptions().get(name).map(|found| found.exemption.state);
    format!("the exemption of {name} is `{}`", state.unwrap_or_default())
}

/// What to do until there is an exemption.
pub(super) fn relay(world: &World) -> String {
    let ports: Vec<_> = world.edition.relay_ports.iter().map(u16::to_string).collect();
    format!("until then, send by an authenticated relay, on port {}", ports.join(" or "))
}

/// What the subscription's owner, or the reviewer, can do next.
pub(super) fn next_steps(world: &World, name: &SubscriptionName, missing: &[&str]) -> Vec<String> {
    let Some(subscription) = world.subscriptions().get(name) else { return Vec::new() };
    let mut steps: Vec<String> = missing.iter().map(|step| (*step).to_owned()).collect();
    match subscription.exemption.state {
        ExemptionState::Granted => steps.extend(stop_and_start(world, name)),
        ExemptionState::Requested => {
            steps.push(format!(
                "the request waits for an answer: `egress25 exemption grant {name}`, \
                 `further-steps {name}` or `refuse {name}`"
            ));
            steps.push(relay(world));
        }
        ExemptionState::FurtherSteps => {
            steps.push(format!(
                "when the steps are taken, the request is answered: `egress25 exemption grant \
                 {name}`"
            ));
            steps.push(relay(world));
        }
        ExemptionState::Refused | ExemptionState::Revoked | ExemptionState::Lapsed => {
            steps.push(relay(world).replacen("until then, send", "send", 1));
        }
        ExemptionState::None => {}
    }
    steps
}

/// The machines that a granted exemption hasn't reached.
fn stop_and_start(world: &World, name: &SubscriptionName) -> Vec<String> {
    let waits = |machine: &Machine| {
        machine.subscription == *name
            && !machine.state.programmed.exempt
            && matches!(machine.state.power, Power::Running | Power::Stopped)
    };
    world
        .machines()
        .iter()
        .filter(|(_, machine)| waits(machine))
        .map(|(machine, _)| {
            format!(
                "`{machine}` stays blocked until it is stopped (deallocated) and started: \
                 `egress25 vm deallocate {machine}`, then `egress25 vm start {machine}`"
            )
        })
        .collect()
}
