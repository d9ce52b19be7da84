//! What an answer rests on.

use egress25_policy::{NetworkName, StatementId, SubscriptionName};

use crate::say::output::OfAnotherPage;

/// What an answer rests on.
#[derive(Debug, Default)]
pub(super) struct AnswerBasis {
    pub(super) statements: Vec<StatementId>,
    /// The same as a person reads them.
    pub(super) cited: String,
    pub(super) sources: Vec<OfAnotherPage>,
    pub(super) assumed: Vec<String>,
    pub(super) decided_by: Option<SubscriptionName>,
    /// The security rule that denied it.
    pub(super) rule: Option<String>,
    /// Whether it hangs on a bound of the day of creation.
    pub(super) hangs_on_a_bound: bool,
    /// The network of the sender's interface.
    pub(super) network: Option<NetworkName>,
}
