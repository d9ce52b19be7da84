//! A decision: verdict, reason, what it rests on, the path, and what to do next.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use crate::article::reason::Reason;
use crate::article::settings::Assumption;
use crate::article::statement::StatementId;
use crate::article::verdict::Verdict;
use crate::decide::applied_rule::AppliedRule;
use crate::decide::next_step::NextStep;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubscriptionName};
use crate::world::route::RouteOrigin;

/// What a packet met on its way, with the route that took it on from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// The answer of [`decide`](crate::decide) to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What becomes of the packet.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The statements that it rests on, in the order in which they were met.
    pub statements: Vec<StatementId>,
    /// The settings that it rests on: these are assumed, not the platform's word.
    pub assumed: Vec<Assumption>,
    /// What in the description does not fit the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The hops that the packet met, the sender first.
    pub path: Vec<Hop>,
    /// The security rules that were asked and fitted, in the order in which it met them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AppliedRule>,
    /// What to do about it, most useful first. Empty where the packet passes.
    pub next_steps: Vec<NextStep>,
    /// The machine that sends.
    pub machine: Option<MachineName>,
    /// The subscription whose rule decided: the sender's, or that of the last hop.
    pub subscription: Option<SubscriptionName>,
    /// The edition's id.
    pub edition: String,
}
