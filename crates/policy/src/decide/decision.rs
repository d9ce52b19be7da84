//! A decision: verdict, reason, what it rests on, the path, and what to do next.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::article::edition::{Channel, Requirement};
use crate::article::offer::Offer;
use crate::article::reason::Reason;
use crate::article::statement::StatementId;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubscriptionName};
use crate::world::route::RouteOrigin;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Verdict {
    /// It goes on its way.
    Pass,
    /// It vanishes: the sender sees a time-out.
    Drop,
    /// The sender is told: the connection is refused.
    Reject,
}

impl Verdict {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A setting that a decision rests on, with the value it had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Assumption {
    /// The setting's name.
    pub setting: String,
    /// Its value.
    pub value: String,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.setting, self.value)
    }
}

/// What a packet met on its way, with the route that took it on from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// What it is.
    #[serde(flatten)]
    pub at: HopKind,
    /// The prefix of the route that was chosen there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<IpNet>,
    /// Where that route comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<RouteOrigin>,
    /// Where that route leads, as a person would print it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<String>,
}

/// What a hop is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hop", rename_all = "kebab-case")]
pub enum HopKind {
    /// A machine: the sender, or an appliance.
    Machine {
        /// Its name.
        machine: MachineName,
        /// The network of the interface in question.
        network: NetworkName,
        /// The interface's address.
        address: IpAddr,
    },
    /// An Azure Firewall.
    Firewall {
        /// Its name.
        firewall: FirewallName,
    },
}

/// What the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum NextStep {
    /// Send through an authenticated relay.
    UseRelay {
        /// The ports that relays take, most usual first.
        ports: Vec<u16>,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Ask for an exemption.
    AskForExemption {
        /// The subscription to ask for.
        subscription: SubscriptionName,
        /// Where.
        channel: Channel,
        /// What is asked of the asker.
        asks: Vec<Requirement>,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Wait for the answer to the request.
    AwaitAnswer {
        /// The subscription.
        subscription: SubscriptionName,
    },
    /// Take the further steps that the answer named.
    TakeFurtherSteps {
        /// The subscription.
        subscription: SubscriptionName,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Stop (deallocate) and start the machine.
    StopAndStart {
        /// The machine.
        machine: MachineName,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Create the machine anew.
    CreateAnew {
        /// The machine.
        machine: MachineName,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Add a temporary subnet to the network and remove it again.
    TemporarySubnet {
        /// The network.
        network: NetworkName,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Change the subscription to a type that may send.
    ChangeOffer {
        /// The subscription.
        subscription: SubscriptionName,
        /// Its present offer.
        from: Offer,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Route the traffic directly to the Internet.
    RouteDirectly {
        /// The address that the route leads to now.
        instead_of: IpAddr,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// Mend the routes.
    MendRoute {
        /// What is wrong with them.
        what: String,
    },
    /// Mend the inventory, the events or the capture: they do not fit each other.
    MendInput {
        /// What does not fit.
        what: String,
    },
    /// Contact support.
    ContactSupport {
        /// What it rests on.
        statements: Vec<StatementId>,
    },
}

impl NextStep {
    /// The stable name of the step, as in the JSON's `step`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UseRelay { .. } => "use-relay",
            Self::AskForExemption { .. } => "ask-for-exemption",
            Self::AwaitAnswer { .. } => "await-answer",
            Self::TakeFurtherSteps { .. } => "take-further-steps",
            Self::StopAndStart { .. } => "stop-and-start",
            Self::CreateAnew { .. } => "create-anew",
            Self::TemporarySubnet { .. } => "temporary-subnet",
            Self::ChangeOffer { .. } => "change-offer",
            Self::RouteDirectly { .. } => "route-directly",
            Self::MendRoute { .. } => "mend-route",
            Self::MendInput { .. } => "mend-input",
            Self::ContactSupport { .. } => "contact-support",
        }
    }

    /// The statements that it rests on.
    #[must_use]
    pub fn statements(&self) -> &[StatementId] {
        match self {
            Self::UseRelay { statements, .. }
            | Self::AskForExemption { statements, .. }
            | Self::TakeFurtherSteps { statements, .. }
            | Self::StopAndStart { statements, .. }
            | Self::CreateAnew { statements, .. }
            | Self::TemporarySubnet { statements, .. }
            | Self::ChangeOffer { statements, .. }
            | Self::RouteDirectly { statements, .. }
            | Self::ContactSupport { statements } => statements,
            Self::AwaitAnswer { .. } | Self::MendRoute { .. } | Self::MendInput { .. } => &[],
        }
    }
}

impl fmt::Display for NextStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UseRelay { ports, .. } => {
                let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
                write!(f, "send through an authenticated relay on TCP {}", ports.join(" or "))
            }
            Self::AskForExemption { subscription, channel, asks, .. } => {
                write!(f, "ask for an exemption of `{subscription}`: {}", channel.how())?;
                if !asks.is_empty() {
                    let asks: Vec<_> = asks.iter().map(|ask| ask.text()).collect();
                    write!(f, " (needs: {})", asks.join("; "))?;
                }
                Ok(())
            }
            Self::AwaitAnswer { subscription } => {
                write!(f, "wait for the answer to the request of `{subscription}`")
            }
            Self::TakeFurtherSteps { subscription, .. } => {
                write!(f, "take the further steps that the answer to `{subscription}` named")
            }
            Self::StopAndStart { machine, .. } => write!(
                f,
                "stop `{machine}` so that it is deallocated, then start it; a restart or a shutdown \
                 from inside does not count"
            ),
            Self::CreateAnew { machine, .. } => {
                write!(f, "create `{machine}` anew: the exemption holds for later machines only")
            }
            Self::TemporarySubnet { network, .. } => {
                write!(f, "add a temporary subnet to `{network}` and remove it again")
            }
            Self::ChangeOffer { subscription, from, .. } => write!(
                f,
                "change `{subscription}` from {} to an offer that may send, or use a relay",
                from.title()
            ),
            Self::RouteDirectly { instead_of, .. } => {
                write!(f, "route the traffic directly to the Internet instead of to {instead_of}")
            }
            Self::MendRoute { what } => write!(f, "mend the route: {what}"),
            Self::MendInput { what } => write!(f, "mend the input: {what}"),
            Self::ContactSupport { .. } => f.write_str(
                "still stuck: support case Technical > Virtual Network > Connectivity > Cannot send \
                 e-mail (SMTP/Port 25)",
            ),
        }
    }
}

/// The answer of [`decide`](crate::decide) to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What becomes of the packet.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The statements that it rests on, in the order in which they were met.
    pub statements: Vec<StatementId>,
    /// The settings that it rests on: these are assumed, not the platform's word.
    pub assumed: Vec<Assumption>,
    /// The hops that the packet met, the sender first.
    pub path: Vec<Hop>,
    /// What to do about it, most useful first. Empty where the packet passes.
    pub next_steps: Vec<NextStep>,
    /// The machine that sends.
    pub machine: Option<MachineName>,
    /// The subscription whose rule decided: the sender's, or that of the last hop.
    pub subscription: Option<SubscriptionName>,
    /// The edition's id.
    pub edition: String,
}
