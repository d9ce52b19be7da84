//! How an exemption stands, and what its subscription's owner or the reviewer can do next.

use egress25_policy::{
    Edition, ExemptionState, OfferRule, Settings, SubscriptionName, World, may_ask_by, path_text,
};

use crate::args::store::PlaceArgs;
use crate::commands::store::next_steps::{command, pick_up};

/// How it stands, in a sentence.
pub(super) fn headline(world: &World, name: &SubscriptionName) -> String {
    let state = world.subscriptions().get(name).map(|found| found.exemption.state);
    format!("the exemption of {name} is `{}`", state.unwrap_or_default())
}

/// Where an exemption is requested, step by step; by several channels it is one way.
pub(super) fn way(edition: &Edition, settings: &Settings, rule: &OfferRule) -> String {
    let channels = may_ask_by(settings, rule).iter();
    let paths: Vec<_> = channels.map(|channel| path_text(edition.steps(*channel))).collect();
    paths.join(", and then at: ")
}

/// What to do until there is an exemption.
fn relay(world: &World) -> String {
    let ports: Vec<_> = world.edition.relay_ports.iter().map(u16::to_string).collect();
    format!("until then, send by an authenticated relay, on port {}", ports.join(" or "))
}

/// What the subscription's owner, or the reviewer, can do next.
pub(super) fn next_steps(
    world: &World,
    name: &SubscriptionName,
    missing: &[&str],
    place: &PlaceArgs,
) -> Vec<String> {
    let Some(subscription) = world.subscriptions().get(name) else { return Vec::new() };
    let mut steps: Vec<String> = missing.iter().map(|step| (*step).to_owned()).collect();
    match subscription.exemption.state {
        ExemptionState::Granted => {
            let all = world.machines().iter();
            let its_own = all.filter(|(_, machine)| machine.subscription == *name);
            steps.extend(pick_up(world, its_own.map(|(machine, _)| machine), place));
        }
        ExemptionState::Requested => {
            steps.push(format!(
                "the request waits for an answer: {}, or the same with `further-steps` or `refuse`",
                command(place, "exemption grant", name.as_str())
            ));
            steps.push(relay(world));
        }
        ExemptionState::FurtherSteps => {
            steps.push(format!(
                "when the steps are taken, the request is answered: {}",
                command(place, "exemption grant", name.as_str())
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
