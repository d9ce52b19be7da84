//! Direction: what comes in from outside, to somebody of the world, is none of the filter's business.

use crate::article::network::NetworkFact;
use crate::article::reason::Reason;
use crate::decide::conclusion::Conclusion;
use crate::decide::fault::{InputFault, Obstacle};
use crate::decide::grounds::Grounds;
use crate::decide::question::{Question, Source};
use crate::world::World;
use crate::world::security::Direction;

/// What becomes of a packet whose sender was not found: one from outside is inbound (N1). That it is,
/// the interface tells; where that tells nothing, the address of the world that it comes to.
pub(crate) fn from_nobody(
    world: &World,
    (question, seen): (&Question, Option<Direction>),
    fault: InputFault,
    grounds: &mut impl Grounds,
) -> Result<Conclusion, Obstacle> {
    let Source::Address { network, .. } = &question.source else { return Err(fault.into()) };
    let to = question.destination;
    let is_owned = || match network {
        Some(network) => world.owner(network, to).is_some(),
        None => world.owners.networks(to).next().is_some(),
    };
    let comes_in = match seen {
        Some(seen) => seen == Direction::Inbound,
        None => {
            is_owned()
                || world.hosts(network.as_ref(), to).next().is_some()
                || world.service_addresses(network.as_ref()).any(|own| own == to)
                || world.is_public_address(to)
        }
    };
    if !comes_in || !matches!(fault, InputFault::UnknownAddress { .. }) {
        return Err(fault.into());
    }
    //= N1
    grounds.cite(&[NetworkFact::N1.id()]);
    Ok(Conclusion::of(Reason::Inbound))
}
