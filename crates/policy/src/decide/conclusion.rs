//! What was found of a packet: the reason, from which the verdict follows.

use crate::article::reason::Reason;
use crate::world::name::SubscriptionName;

/// What was found of a packet.
pub(crate) struct Conclusion {
    pub(crate) reason: Reason,
    /// The subscription whose rule decided, where one did.
    pub(crate) subscription: Option<SubscriptionName>,
}

impl Conclusion {
    /// Nobody's rule decided.
    pub(crate) const fn of(reason: Reason) -> Self {
        Self { reason, subscription: None }
    }

    /// A subscription's rule decided.
    pub(crate) const fn by(subscription: SubscriptionName, reason: Reason) -> Self {
        Self { reason, subscription: Some(subscription) }
    }
}
