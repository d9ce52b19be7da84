//! What a user can do about a decision.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::article::edition::{Channel, Requirement, path_text};
use crate::article::offer::Offer;
use crate::article::quota::how_to_recognise;
use crate::article::statement::StatementId;
use crate::decide::applied_rule::AppliedRule;
use crate::decide::fault::{InputFault, RouteFault};
use crate::world::name::{FirewallName, MachineName, NetworkName, SubscriptionName};

/// What the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
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
        /// The way there, step by step.
        steps: Vec<String>,
        /// The channel that the request went by before, where one asks by several.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<Channel>,
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
    /// Update the rules of the Azure Firewall, or stop and start it.
    RenewFirewall {
        /// The firewall.
        firewall: FirewallName,
        /// Its subscription, whose exemption it picks up by that.
        subscription: SubscriptionName,
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
        #[serde(serialize_with = "sentence")]
        what: RouteFault,
    },
    /// Change a security rule.
    ChangeRule {
        /// The rule that denies.
        by: Box<AppliedRule>,
    },
    /// Mend the inventory, the events or the capture: they do not fit each other.
    MendInput {
        /// What does not fit.
        #[serde(serialize_with = "sentence")]
        what: InputFault,
    },
    /// Contact support.
    ContactSupport {
        /// The way there, step by step.
        steps: Vec<String>,
        /// What it rests on.
        statements: Vec<StatementId>,
    },
    /// See whether the subscription is of the offer that a pass rests on. Like the steps below it
    /// is for what passes and yet does not arrive, and rests on nothing of the article.
    CheckOffer {
        /// The subscription.
        subscription: SubscriptionName,
        /// The offer that it is said to be of.
        offer: Offer,
    },
    /// See whether there is a way out to the Internet.
    CheckWayOut {
        /// The machine or the firewall that sends there.
        of: String,
    },
    /// Look at security groups and admin rules.
    CheckSecurityGroups {
        /// The sender.
        machine: MachineName,
    },
    /// Look at the other side.
    CheckOtherSide {
        /// Its address.
        to: IpAddr,
        /// Its port.
        port: u16,
    },
}

fn sentence<S: Serializer>(what: &impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(what)
}

impl NextStep {
    /// The stable name of the step, as in the JSON's `step`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
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
            | Self::ContactSupport { statements, .. } => statements,
            Self::AwaitAnswer { .. }
            | Self::RenewFirewall { .. }
            | Self::MendRoute { .. }
            | Self::ChangeRule { .. }
            | Self::MendInput { .. }
            | Self::CheckOffer { .. }
            | Self::CheckWayOut { .. }
            | Self::CheckSecurityGroups { .. }
            | Self::CheckOtherSide { .. } => &[],
        }
    }
}

impl NextStep {
    /// What is to be asked where the platform lets the packet pass.
    fn ask(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckOffer { subscription, offer } => {
                let (title, how) = (offer.title(), how_to_recognise(*offer));
                write!(f, "is `{subscription}` of the offer {title}? {how}")?;
                if *offer == Offer::EnterpriseAgreement {
                    f.write_str("; Enterprise Dev/Test has MSDNDevTest_2014-09-01")?;
                }
                Ok(())
            }
            Self::CheckWayOut { of } => write!(
                f,
                "has `{of}` a way out: a NAT gateway, a public address, a load balancer's outbound \
                 rules, or default outbound access?"
            ),
            Self::CheckSecurityGroups { machine } => {
                write!(f, "do the security groups and admin rules of `{machine}` let it out?")
            }
            Self::CheckOtherSide { to, port } => {
                write!(f, "does {to} answer on port {port}, and what does it say of your address?")
            }
            _ => Ok(()),
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
            Self::AskForExemption { subscription, steps, after, asks, .. } => {
                write!(f, "request an exemption of `{subscription}`")?;
                if let Some(channel) = after {
                    write!(f, ", after the {channel} also by")?;
                }
                write!(f, ": {}", path_text(steps))?;
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
            Self::RenewFirewall { firewall, subscription } => write!(
                f,
                "update the rules of the firewall `{firewall}` of `{subscription}`, or stop and \
                 start it; it may get another private address by that, and routes to the old one \
                 then lead to nobody"
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
            Self::ChangeRule { by } if by.is_default() => write!(
                f,
                "add a rule that allows it, with a priority below 4097: {by}, which every group has"
            ),
            Self::ChangeRule { by } => write!(
                f,
                "change the rule: {by}; Network Watcher's IP flow verify names it for a machine, NSG \
                 diagnostics for a scale set's"
            ),
            Self::MendInput { what } => write!(f, "mend the input: {what}"),
            Self::ContactSupport { steps, .. } => write!(f, "still stuck: {}", path_text(steps)),
            Self::CheckOffer { .. }
            | Self::CheckWayOut { .. }
            | Self::CheckSecurityGroups { .. }
            | Self::CheckOtherSide { .. } => self.ask(f),
        }
    }
}
