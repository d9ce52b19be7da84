//! Effective routes as an export of Azure lists them (N14).

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shape::Prefix;

/// An effective route of a subnet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedRoute {
    /// The destinations that it is for.
    #[schemars(with = "Prefix")]
    pub prefix: IpNet,
    /// Where it leads.
    pub next_hop: ListedNextHop,
    /// The appliance's address, for `virtual-appliance` alone.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// Where it comes from.
    #[serde(default)]
    pub source: ListedSource,
}

/// Where an effective route leads, by Azure's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListedNextHop {
    /// Inside the virtual network.
    VnetLocal,
    /// To a peered network, over a local or a global peering.
    #[serde(alias = "vnet-global-peering")]
    VnetPeering,
    /// To a service, through a service endpoint.
    VirtualNetworkServiceEndpoint,
    /// To the Internet.
    Internet,
    /// Through a VPN or ExpressRoute gateway.
    VirtualNetworkGateway,
    /// To an appliance.
    VirtualAppliance,
    /// Nowhere.
    None,
}

/// Where an effective route comes from, by Azure's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListedSource {
    /// The platform's own.
    #[default]
    Default,
    /// Defined by the user.
    User,
    /// Learned by the gateway.
    VirtualNetworkGateway,
}
