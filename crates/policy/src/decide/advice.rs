//! What the user can do about a block.

use crate::article::edition::{OfferRule, Topic};
use crate::article::reason::Reason;
use crate::decide::grounds::ReasonAlone;
use crate::decide::next_step::NextStep;
use crate::decide::sender::SendingPort;
use crate::decide::terms::terms;
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
pub(crate) fn advice(
    world: &World,
    at: SendingPort<'_>,
    subscription: &Subscription,
    rule: &OfferRule,
    reason: Reason,
) -> Vec<NextStep> {
    let name = &at.machine.subscription;
    let mut steps = match reason {
        Reason::WaitingForStopStart | Reason::CreatedBeforeExemption => {
            vec![pick_up(world, at, rule, reason)]
        }
        Reason::RequestPending => vec![NextStep::AwaitAnswer { subscription: name.clone() }],
        Reason::FurtherSteps => vec![NextStep::TakeFurtherSteps {
            subscription: name.clone(),
            statements: rule.cites.answer.clone(),
        }],
        _ if rule.request.is_empty() => return relay_or_change(world, name, subscription, rule),
        //= PN2
        //= PN3
        //= PN4
        _ => {
            let ask = |channel| NextStep::AskForExemption {
                subscription: name.clone(),
                channel,
                asks: rule.asks.clone(),
                statements: rule.cites.request.clone(),
            };
            rule.request.iter().copied().map(ask).collect()
        }
    };
    steps.push(relay(world));
    //= HP1
    let statements = world.edition.topic(Topic::Support).to_vec();
    if !statements.is_empty() {
        steps.push(NextStep::ContactSupport { statements });
    }
    steps
}

/// How a machine picks up what its subscription may do.
fn pick_up(world: &World, at: SendingPort<'_>, rule: &OfferRule, reason: Reason) -> NextStep {
    let statements = terms(world, rule, &mut ReasonAlone).cites.exempt.clone();
    let machine = at.name.clone();
    if reason == Reason::CreatedBeforeExemption {
        NextStep::CreateAnew { machine, statements }
    } else if let Some(network) = world.delegated_network(at.machine) {
        let statements = world.edition.topic(Topic::DelegatedSubnet).to_vec();
        NextStep::TemporarySubnet { network: network.clone(), statements }
    } else {
        NextStep::StopAndStart { machine, statements }
    }
}

/// What is left where no exemption is granted.
pub(crate) fn relay_or_change(
    world: &World,
    name: &SubscriptionName,
    subscription: &Subscription,
    rule: &OfferRule,
) -> Vec<NextStep> {
    //= DV3
    let change = NextStep::ChangeOffer {
        subscription: name.clone(),
        from: subscription.offer,
        statements: rule.cites.advice.clone(),
    };
    vec![relay(world), change]
}
