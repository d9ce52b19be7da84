//! What the user can do about a block.

use crate::article::edition::{Channel, OfferRule, Topic};
use crate::article::reason::Reason;
use crate::decide::grounds::ReasonAlone;
use crate::decide::next_step::NextStep;
use crate::decide::sender::SendingPort;
use crate::decide::terms::{Term, may_ask_by, term};
use crate::world::name::SubscriptionName;
use crate::world::{MachineKind, Subscription, World};

//= G3
/// The step that always helps: an authenticated relay.
pub(crate) fn relay(world: &World) -> NextStep {
    let edition = &world.edition;
    NextStep::UseRelay {
        ports: edition.relay_ports.clone(),
        statements: [edition.topic(Topic::Relay), edition.topic(Topic::RelayAdvice)].concat(),
    }
}

/// What the user can do about it; `rule` is the present offer's row, and `pick_up` how what sends
/// picks up what its subscription may do.
pub(crate) fn advice(
    world: &World,
    name: &SubscriptionName,
    subscription: &Subscription,
    rule: &OfferRule,
    reason: Reason,
    pick_up: impl FnOnce() -> Vec<NextStep>,
) -> Vec<NextStep> {
    let mut steps = match reason {
        Reason::WaitingForStopStart | Reason::CreatedBeforeExemption => pick_up(),
        Reason::RequestPending => vec![NextStep::AwaitAnswer { subscription: name.clone() }],
        Reason::FurtherSteps => vec![NextStep::TakeFurtherSteps {
            subscription: name.clone(),
            statements: rule.cites.answer.clone(),
        }],
        _ if may_ask_by(&world.settings, rule).is_empty() => {
            return relay_or_change(world, name, subscription, rule);
        }
        //= PN2
        //= PN3
        //= PN4
        _ => ask(world, name, rule),
    };
    steps.push(relay(world));
    //= HP1
    let statements = world.edition.topic(Topic::Support).to_vec();
    if !statements.is_empty() {
        let way = world.edition.support.clone();
        steps.push(NextStep::ContactSupport { steps: way, statements });
    }
    steps
}

/// The way to ask: a step for each channel, in the edition's order.
fn ask(world: &World, name: &SubscriptionName, rule: &OfferRule) -> Vec<NextStep> {
    let channels = may_ask_by(&world.settings, rule);
    let before = [None].into_iter().chain(channels.iter().copied().map(Some));
    let step = |(channel, after): (&Channel, Option<Channel>)| NextStep::AskForExemption {
        subscription: name.clone(),
        channel: *channel,
        steps: world.edition.steps(*channel).to_vec(),
        after,
        asks: rule.asks.clone(),
        statements: rule.cites.request.clone(),
    };
    channels.iter().zip(before).map(step).collect()
}

/// How a machine picks up what its subscription may do.
pub(crate) fn pick_up(
    world: &World,
    at: SendingPort<'_>,
    rule: &OfferRule,
    reason: Reason,
) -> Vec<NextStep> {
    let statements = term(world, rule, Term::Effect, &mut ReasonAlone).to_vec();
    let machine = at.name.clone();
    if reason == Reason::CreatedBeforeExemption {
        vec![NextStep::CreateAnew { machine, statements }]
    } else if at.machine.kind == MachineKind::AppService {
        // Nobody stops one: a change of its network renews it.
        let topics = [Topic::AppServiceEffect, Topic::DelegatedSubnet];
        let statements = topics.map(|topic| world.edition.topic(topic)).concat();
        vec![NextStep::TemporarySubnet { network: at.interface.network.clone(), statements }]
    } else if let Some(network) = world.delegated_network(at.machine) {
        // Besides the stop and start, not instead of it; what was done is not asked for again.
        let missed = at.machine.state.missed;
        let cycle = NextStep::StopAndStart { machine, statements };
        let statements = world.edition.topic(Topic::DelegatedSubnet).to_vec();
        let subnet = NextStep::TemporarySubnet { network: network.clone(), statements };
        let cycle = missed.allocation.is_none().then_some(cycle);
        cycle.into_iter().chain((!missed.temporary_subnet).then_some(subnet)).collect()
    } else {
        vec![NextStep::StopAndStart { machine, statements }]
    }
}

/// What is left where no way to an exemption is named: a relay, and a change of type where the text names it.
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
    let is_named = !rule.cites.advice.is_empty();
    [relay(world)].into_iter().chain(is_named.then_some(change)).collect()
}
