//! Security rules as a user writes them: network security groups and Virtual Network Manager's
//! security admin rules (N15).

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::OnceLock;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decide::destination::PLATFORM;
use crate::shape::{OneTarget, PortsText};
use crate::world::name::{ApplicationSecurityGroupName, NetworkName};

/// A network security group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityGroup {
    /// Its rules, in any order, beside the default ones that every group has.
    #[serde(default)]
    pub rules: Vec<SecurityRule>,
}

/// A collection of security admin rules, which are asked before any group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminRules {
    /// The networks that it is deployed to.
    pub networks: Vec<NetworkName>,
    /// Its rules, in any order.
    pub rules: Vec<SecurityRule>,
}

/// A rule: what it is for, and what becomes of that. Whatever is left out is any.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityRule {
    /// Its name.
    pub name: String,
    /// Its priority: the lowest number is asked first.
    pub priority: u16,
    /// Whether it is for what leaves or for what enters.
    pub direction: Direction,
    /// What becomes of a packet that it is for.
    pub access: Access,
    /// The protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// Where the packet is from: `"*"`, an address, a prefix, a service tag, or a list of those.
    #[serde(default)]
    pub source: Targets,
    /// The groups, instead of addresses, that the sending interface is a member of.
    #[serde(default)]
    pub source_application_security_groups: Vec<ApplicationSecurityGroupName>,
    /// The ports that it is from.
    #[serde(default)]
    pub source_ports: PortRanges,
    /// Where the packet is for, as `source`.
    #[serde(default)]
    pub destination: Targets,
    /// The groups, instead of addresses, that the receiving interface is a member of.
    #[serde(default)]
    pub destination_application_security_groups: Vec<ApplicationSecurityGroupName>,
    /// The ports that it is for.
    #[serde(default)]
    pub destination_ports: PortRanges,
}

/// Which way a packet crosses an interface.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Direction {
    /// It leaves.
    Outbound,
    /// It enters.
    Inbound,
}

/// What becomes of a packet.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Access {
    /// It goes on; behind an admin rule the groups are asked.
    Allow,
    /// It goes on, and no group is asked: of admin rules alone.
    AlwaysAllow,
    /// It is dropped.
    Deny,
}

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Any.
    #[default]
    #[serde(rename = "*", alias = "any")]
    Any,
    /// TCP.
    #[serde(alias = "Tcp", alias = "TCP")]
    Tcp,
    /// UDP.
    #[serde(alias = "Udp", alias = "UDP")]
    Udp,
    /// ICMP.
    #[serde(alias = "Icmp", alias = "ICMP")]
    Icmp,
    /// IPsec's payload.
    #[serde(alias = "Esp", alias = "ESP")]
    Esp,
    /// IPsec's authentication header.
    #[serde(alias = "Ah", alias = "AH")]
    Ah,
}

impl Protocol {
    /// Whether it is TCP's, too.
    #[must_use]
    pub const fn covers_tcp(self) -> bool {
        matches!(self, Self::Any | Self::Tcp)
    }
}

/// One or several, as written.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "one, or a list")]
enum OneOrMany<T> {
    One(T),
    Many(#[schemars(length(min = 1))] Vec<T>),
}

impl<T> OneOrMany<T> {
    fn all(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(all) => all,
        }
    }
}

/// Addresses that a rule names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "OneOrMany<String>")]
#[schemars(with = "OneOrMany<OneTarget>")]
pub struct Targets(pub Vec<Target>);

impl Default for Targets {
    fn default() -> Self {
        Self(vec![Target::Any])
    }
}

/// What one of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Any address.
    Any,
    /// Those of a prefix.
    Prefix(IpNet),
    /// Those of a service tag.
    Tag(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        match text {
            "*" | "Any" | "any" => Ok(Self::Any),
            _ => text
                .parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map(Self::Prefix)
                .or_else(|_| match text.chars().next() {
                    Some(first) if first.is_ascii_alphabetic() && text.chars().all(is_tag) => {
                        Ok(Self::Tag(text.to_owned()))
                    }
                    _ => {
                        Err(format!("`{text}` is none of `*`, an address, a prefix, a service tag"))
                    }
                }),
        }
    }
}

impl TryFrom<OneOrMany<String>> for Targets {
    type Error = String;

    fn try_from(written: OneOrMany<String>) -> Result<Self, Self::Error> {
        let all: Vec<_> =
            written.all().iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        if all.is_empty() {
            return Err("names no address; leave it out for any".to_owned());
        }
        Ok(Self(all))
    }
}

/// A port, or a text with several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a port, or a text such as \"1024-65535\" or \"*\"")]
enum WrittenPorts {
    Port(#[schemars(range(min = 0, max = 65535))] i64),
    Text(#[schemars(with = "PortsText")] String),
}

/// Ports that a rule names: ranges, both ends of each among them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "OneOrMany<WrittenPorts>")]
#[schemars(with = "OneOrMany<WrittenPorts>")]
pub struct PortRanges(pub Vec<(u16, u16)>);

impl Default for PortRanges {
    fn default() -> Self {
        Self(vec![(0, u16::MAX)])
    }
}

impl PortRanges {
    /// Whether every port is among them.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.contains(&(0, u16::MAX))
    }

    /// Whether a port is among them.
    #[must_use]
    pub fn contain(&self, port: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&port))
    }
}

impl WrittenPorts {
    fn range(&self) -> Result<(u16, u16), String> {
        let text = match self {
            Self::Port(port) => {
                let found = u16::try_from(*port).map(|port| (port, port));
                return found.map_err(|_| format!("{port} is no port: they go from 0 to 65535"));
            }
            Self::Text(text) => text.trim(),
        };
        let port = |part: &str| part.trim().parse::<u16>().ok();
        let range = match text.split_once('-') {
            _ if text == "*" => Some((0, u16::MAX)),
            Some((first, last)) => port(first).zip(port(last)),
            None => port(text).map(|port| (port, port)),
        };
        match range {
            Some((first, last)) if first > last => {
                Err(format!("`{text}` is backwards: write \"{last}-{first}\""))
            }
            Some(range) => Ok(range),
            None if text.contains(',') => Err(format!("`{text}`: write several as a list")),
            None => Err(format!("`{text}` is none of `*`, a port, a range such as \"1024-65535\"")),
        }
    }
}

impl TryFrom<OneOrMany<WrittenPorts>> for PortRanges {
    type Error = String;

    fn try_from(written: OneOrMany<WrittenPorts>) -> Result<Self, Self::Error> {
        let all = written.all();
        if all.is_empty() {
            return Err("names no port; leave it out for any".to_owned());
        }
        all.iter().map(WrittenPorts::range).collect::<Result<_, _>>().map(Self)
    }
}

/// The service tags that are worked out, and not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkedOut {
    VirtualNetwork,
    Internet,
    /// The platform's own, which groups do not see unless a rule names it: at an address.
    Platform(Option<IpAddr>),
    LoadBalancer,
}

impl WorkedOut {
    /// The one of a name, in any casing.
    pub(crate) fn named(tag: &str) -> Option<Self> {
        let [metadata, wire] = PLATFORM.map(IpAddr::V4);
        Some(match tag.to_ascii_lowercase().as_str() {
            "virtualnetwork" => Self::VirtualNetwork,
            "internet" => Self::Internet,
            "azureloadbalancer" => Self::LoadBalancer,
            "azureplatformdns" => Self::Platform(Some(wire)),
            "azureplatformimds" => Self::Platform(Some(metadata)),
            "azureplatformlkm" => Self::Platform(None),
            _ => return None,
        })
    }
}

impl SecurityRule {
    /// The rules that every group has (N15).
    pub(crate) fn defaults() -> &'static [Self] {
        static RULES: OnceLock<Vec<SecurityRule>> = OnceLock::new();
        RULES.get_or_init(|| {
            let tag = |tag: &str| match tag {
                "" => Targets::default(),
                _ => Targets(vec![Target::Tag(tag.to_owned())]),
            };
            let rule = |name: &str, priority, direction, access, source: &str, to: &str| Self {
                name: name.to_owned(),
                priority,
                direction,
                access,
                protocol: Protocol::Any,
                source: tag(source),
                source_application_security_groups: vec![],
                source_ports: PortRanges::default(),
                destination: tag(to),
                destination_application_security_groups: vec![],
                destination_ports: PortRanges::default(),
            };
            let (inward, outward) = (Direction::Inbound, Direction::Outbound);
            let (allow, deny) = (Access::Allow, Access::Deny);
            let (vnet, balancer) = ("VirtualNetwork", "AzureLoadBalancer");
            vec![
                rule("AllowVnetOutBound", 65000, outward, allow, vnet, vnet),
                rule("AllowInternetOutBound", 65001, outward, allow, "", "Internet"),
                rule("DenyAllOutBound", 65500, outward, deny, "", ""),
                rule("AllowVnetInBound", 65000, inward, allow, vnet, vnet),
                rule("AllowAzureLoadBalancerInBound", 65001, inward, allow, balancer, ""),
                rule("DenyAllInBound", 65500, inward, deny, "", ""),
            ]
        })
    }
}
