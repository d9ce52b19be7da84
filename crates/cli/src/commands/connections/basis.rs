//! What an answer rests on.

use egress25_policy::{
    Access, Assumption, Decision, HopKind, NetworkName, StatementId, SubscriptionName, World,
};

use crate::say::output::{OfAnotherPage, assignments};

impl AnswerBasis {
    /// Of a decision in a world.
    pub(crate) fn of(world: &World, decision: Decision) -> Self {
        let denied = decision.rules.last().filter(|rule| rule.access == Access::Deny);
        Self {
            cited: world.edition.cited(&decision.statements),
            sources: OfAnotherPage::among(&world.edition, &decision.statements),
            hangs_on_a_bound: decision.assumed.iter().any(Assumption::is_of_a_bound),
            assumed: assignments(&decision.assumed),
            rule: denied.map(ToString::to_string),
            network: decision.path.first().and_then(|hop| match &hop.at {
                HopKind::Machine { network, .. } => Some(network.clone()),
                HopKind::Firewall { .. } => None,
            }),
            statements: decision.statements,
            decided_by: decision.subscription,
        }
    }
}

/// What an answer rests on.
#[derive(Debug, Default)]
pub(crate) struct AnswerBasis {
    pub(crate) statements: Vec<StatementId>,
    /// The same as a person reads them.
    pub(crate) cited: String,
    pub(crate) sources: Vec<OfAnotherPage>,
    pub(crate) assumed: Vec<String>,
    pub(crate) decided_by: Option<SubscriptionName>,
    /// The security rule that denied it.
    pub(crate) rule: Option<String>,
    /// Whether it hangs on a bound of the day of creation.
    pub(crate) hangs_on_a_bound: bool,
    /// The network of the sender's interface.
    pub(crate) network: Option<NetworkName>,
}
