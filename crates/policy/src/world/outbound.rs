//! Ways out to the Internet beside a machine's own public address: NAT gateways and load balancers
//! (N5, N7).

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::world::name::{MachineName, NetworkName};

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatGateway {
    /// Which of the two.
    #[serde(default)]
    pub sku: NatGatewaySku,
    /// Its public addresses. One of IPv6 carries IPv6 (StandardV2 alone); IPv4 is carried also where
    /// none is listed.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// What a NAT gateway can do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
pub enum NatGatewaySku {
    /// IPv4, for subnets.
    #[default]
    Standard,
    /// IPv4 and IPv6, for subnets or a whole network.
    #[serde(rename = "standard-v2")]
    StandardV2,
}

impl NatGateway {
    /// Whether it takes a family out.
    #[must_use]
    pub fn carries(&self, v4: bool) -> bool {
        v4 || self.sku == NatGatewaySku::StandardV2 && self.addresses.iter().any(IpAddr::is_ipv6)
    }
}

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// Which of the two.
    #[serde(default)]
    pub sku: LoadBalancerSku,
    /// The network of its frontends, where it is an internal one; a public one has none.
    #[serde(default)]
    pub network: Option<NetworkName>,
    /// The addresses of its frontends.
    pub addresses: Vec<IpAddr>,
    /// The machines behind it.
    pub machines: Vec<Backend>,
    /// Those of its frontends that outbound rules use.
    #[serde(default)]
    pub outbound_rules: Vec<IpAddr>,
    /// The ports that its rules cover, or `"all"` (high-availability ports); left out,
    /// `load_balancer_ports_when_unsaid` says so.
    #[serde(default)]
    pub ports: Option<Ports>,
    /// Whether its other rules give no way out (`disableOutboundSnat`).
    #[serde(default)]
    pub disable_outbound_snat: bool,
}

/// What a load balancer can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadBalancerSku {
    /// Standard.
    #[default]
    Standard,
    /// Basic, retired in 2025.
    Basic,
}

/// The ports that rules cover.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"all\", or a list of ports")]
pub enum Ports {
    /// Every port.
    All(AllPorts),
    /// Some.
    These(Vec<u16>),
}

/// The word for every port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AllPorts {
    /// High-availability ports.
    All,
}

impl Ports {
    /// Whether a port is among them.
    #[must_use]
    pub fn cover(&self, port: u16) -> bool {
        match self {
            Self::All(AllPorts::All) => true,
            Self::These(ports) => ports.contains(&port),
        }
    }
}

/// A machine behind a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a machine's name, or a table with `machine` and `interface`, a place counted from 0"
)]
pub enum Backend {
    /// By its first interface.
    First(MachineName),
    /// By one of its interfaces.
    Interface(BackendInterface),
}

/// An interface behind a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendInterface {
    /// The machine.
    machine: MachineName,
    /// The interface's place among the machine's, counted from 0.
    interface: usize,
}

impl Backend {
    /// The machine, and the place of its interface.
    #[must_use]
    pub const fn at(&self) -> (&MachineName, usize) {
        match self {
            Self::First(machine) => (machine, 0),
            Self::Interface(at) => (&at.machine, at.interface),
        }
    }
}

impl LoadBalancer {
    /// Whether its frontends are in a network.
    #[must_use]
    pub const fn is_internal(&self) -> bool {
        self.network.is_some()
    }
}
