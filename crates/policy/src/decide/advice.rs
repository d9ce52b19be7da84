//! What the user can do about a block.

use crate::article::edition::{Channel, OfferRule, Topic};
use crate::article::reason::Reason;
use crate::decide::decision::NextStep;
use crate::decide::edge::terms;
use crate::decide::{Grounds, Place};
use crate::world::name::SubscriptionName;
use crate::world::{Subscription, World};

//= G3
/// The step that always helps: an authenticated relay.
pub(crate) fn relay(world: &World) -> NextStep {
    NextStep::UseRelay {
        ports: world.edition.relay_ports.clone(),
        statements: world.edition.topic(Topic::Relay).to_vec(),
    }
}

/// What the user can do about it; `rule` is the present offer's row.
pub(crate) fn advise(
    world: &World,
    at: Place<'_>,
    subscription: &Subscription,
    rule: &OfferRule,
    reason: Reason,
    grounds: &mut Grounds,
) {
    let name = at.machine.subscription.clone();
    match reason {
        Reason::WaitingForStopStart | Reason::CreatedBeforeExemption => {
            let mut unnamed = Grounds { mute: true, ..Grounds::default() };
            let statements = terms(world, rule, &mut unnamed).cites.exempt.clone();
            let machine = at.name.clone();
            grounds.next_steps.push(if reason == Reason::CreatedBeforeExemption {
                NextStep::CreateAnew { machine, statements }
            } else if let Some(network) = world.delegated_network(at.machine) {
                let statements = world.edition.topic(Topic::DelegatedSubnet).to_vec();
                NextStep::TemporarySubnet { network: network.clone(), statements }
            } else {
                NextStep::StopAndStart { machine, statements }
            });
        }
        Reason::RequestPending => {
            grounds.next_steps.push(NextStep::AwaitAnswer { subscription: name });
        }
        Reason::FurtherSteps => {
            let statements = rule.cites.answer.clone();
            let step = NextStep::TakeFurtherSteps { subscription: name, statements };
            grounds.next_steps.push(step);
        }
        Reason::OfferNeverExempt => {
            return relay_or_change(world, name, subscription, rule, grounds);
        }
        _ if rule.request.is_empty() => {
            return relay_or_change(world, name, subscription, rule, grounds);
        }
        _ => {
            //= PN2
            //= PN3
            //= PN4
            let ask = |channel: &Channel| NextStep::AskForExemption {
                subscription: name.clone(),
                channel: *channel,
                asks: rule.asks.clone(),
                statements: rule.cites.request.clone(),
            };
            grounds.next_steps.extend(rule.request.iter().map(ask));
        }
    }
    grounds.next_steps.push(relay(world));
    //= HP1
    let statements = world.edition.topic(Topic::Support).to_vec();
    if !statements.is_empty() {
        grounds.next_steps.push(NextStep::ContactSupport { statements });
    }
}

/// What is left where no exemption is granted.
pub(crate) fn relay_or_change(
    world: &World,
    name: SubscriptionName,
    subscription: &Subscription,
    rule: &OfferRule,
    grounds: &mut Grounds,
) {
    //= DV3
    grounds.next_steps.push(relay(world));
    let (from, statements) = (subscription.offer, rule.cites.advice.clone());
    let step = NextStep::ChangeOffer { subscription: name, from, statements };
    grounds.next_steps.push(step);
}
