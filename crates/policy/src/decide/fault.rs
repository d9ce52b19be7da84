//! What keeps a packet from being judged at the Internet's edge: faults of the routes and of the
//! input.

use std::net::IpAddr;

use crate::article::reason::Reason;
use crate::decide::applied_rule::AppliedRule;
use crate::decide::destination::UnfitDestination;
use crate::life::power::Power;
use crate::world::name::{FirewallName, LoadBalancerName, MachineName, NetworkName};

/// What is wrong with the routes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteFault {
    /// None is for the destination.
    #[error("no route is for this destination")]
    NoRoute,
    /// The one that wins leads nowhere.
    #[error("the route's next hop is none")]
    NextHopNone,
    /// The one that wins leads to a gateway that is not there.
    #[error("the route leads to a gateway that the network does not have")]
    NoGateway,
    /// A user-defined route keeps a destination inside that is not there.
    #[error(
        "the route keeps the packet in the virtual network, which does not hold the destination"
    )]
    NotInside,
    /// Nobody is at the address that the route leads to.
    #[error("{address} belongs to no machine or firewall that can be reached")]
    Nobody {
        /// The address.
        address: IpAddr,
    },
    /// The firewall is none of the world's.
    #[error("the firewall does not exist")]
    NoFirewall,
    /// An Azure Firewall's own route leads to an appliance.
    #[error("the firewall `{firewall}` sends on to {next}; that is not followed")]
    BehindFirewall {
        /// The firewall.
        firewall: FirewallName,
        /// The address that its route leads to.
        next: IpAddr,
    },
    /// No rule of the load balancer at the address is for the port.
    #[error("no rule of the load balancer `{balancer}` covers port {port}")]
    NotBalanced {
        /// The load balancer.
        balancer: LoadBalancerName,
        /// The port.
        port: u16,
    },
    /// A peering does not let in what was forwarded.
    #[error(
        "the peering of `{network}` with `{with}` does not let forwarded traffic in; \
         `allow_forwarded_traffic` does"
    )]
    NotForwarded {
        /// The network that it would enter.
        network: NetworkName,
        /// The network where it was forwarded.
        with: NetworkName,
    },
    /// The firewall at the address does not run.
    #[error("the firewall `{firewall}` is stopped; start it")]
    FirewallStopped {
        /// The firewall.
        firewall: FirewallName,
    },
    /// The firewall at the address carries no IPv6.
    #[error("the firewall `{firewall}` carries no IPv6; route it another way")]
    FirewallWithoutV6 {
        /// The firewall.
        firewall: FirewallName,
    },
    /// The appliance at the address does not run.
    #[error("the appliance `{machine}` is `{power}`; start it")]
    NotRunning {
        /// The appliance.
        machine: MachineName,
        /// Its power state.
        power: Power,
    },
    /// The appliance at the address does not forward.
    #[error("enable IP forwarding on the interface of `{machine}` at {address}")]
    NotForwarding {
        /// The appliance.
        machine: MachineName,
        /// The interface's address.
        address: IpAddr,
    },
    /// The port that the packet leaves by is none of the world's.
    #[error("there is no such port")]
    NoPort,
    /// The machine whose port the packet leaves by does not run.
    #[error("the appliance `{machine}` does not run; start it")]
    PortNotRunning {
        /// The machine.
        machine: MachineName,
    },
    /// Nothing takes it out to the Internet, where its route leads.
    #[error(
        "`{machine}` has no way out to the {family} Internet; give it a NAT gateway, a public address \
         or a load balancer's outbound rule of that family"
    )]
    NoWayOut {
        /// The machine that it leaves from: the sender, or an appliance.
        machine: MachineName,
        /// The family.
        family: &'static str,
    },
    /// A security rule denies it.
    #[error("{by}")]
    Denied {
        /// The rule.
        by: Box<AppliedRule>,
    },
    /// The packet goes round in a circle.
    #[error("the packet comes back to `{machine}`")]
    Loop {
        /// The machine that it comes to twice.
        machine: MachineName,
    },
}

impl RouteFault {
    /// Why the packet does not pass.
    pub(crate) const fn reason(&self) -> Reason {
        match self {
            Self::NoRoute
            | Self::NextHopNone
            | Self::NoGateway
            | Self::NotInside
            | Self::NotForwarded { .. }
            | Self::NotBalanced { .. } => Reason::NoRoute,
            Self::Nobody { .. } | Self::NoFirewall | Self::BehindFirewall { .. } | Self::NoPort => {
                Reason::NextHopUnknown
            }
            Self::FirewallStopped { .. }
            | Self::FirewallWithoutV6 { .. }
            | Self::NotRunning { .. }
            | Self::NotForwarding { .. }
            | Self::PortNotRunning { .. } => Reason::ApplianceNotForwarding,
            Self::NoWayOut { .. } => Reason::NoOutboundAccess,
            Self::Denied { by } => by.reason(),
            Self::Loop { .. } => Reason::RoutingLoop,
        }
    }
}

/// What does not fit in the inventory, the events or the capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputFault {
    /// Nobody has the source address.
    #[error("the inventory knows no address {address}; add it, or say which network it is in")]
    UnknownAddress {
        /// The address.
        address: IpAddr,
    },
    /// There is no such machine.
    #[error("the inventory knows no machine `{machine}`; add it, or say which network it is in")]
    UnknownMachine {
        /// The machine.
        machine: MachineName,
    },
    /// Several networks have the source address.
    #[error(
        "address {address} is in several networks, or behind several machines; say which network the \
         traffic belongs to, or ask for the machine"
    )]
    AmbiguousAddress {
        /// The address.
        address: IpAddr,
    },
    /// The sender does not run.
    #[error(
        "`{machine}` is `{power}` at that time; check its `power` in the inventory (an export tells that of its own day), the events and the clock"
    )]
    NotRunning {
        /// The sender.
        machine: MachineName,
        /// Its power state.
        power: Power,
    },
    /// The sender has no IPv6 address for an IPv6 destination.
    #[error("`{machine}` has no IPv6 address; send to an IPv4 address, or give it one")]
    NoAddressOfFamily {
        /// The sender.
        machine: MachineName,
    },
    /// Nothing is delivered to the destination, whoever sends.
    #[error(
        "{address} is a {unfit} address, to which no network delivers TCP; check the destination"
    )]
    Destination {
        /// The destination.
        address: IpAddr,
        /// What is wrong with it.
        unfit: UnfitDestination,
    },
}

impl InputFault {
    /// Why the packet does not pass, or is let pass unjudged.
    pub(crate) const fn reason(&self) -> Reason {
        match self {
            Self::UnknownAddress { .. } | Self::UnknownMachine { .. } => Reason::UnknownSource,
            Self::AmbiguousAddress { .. } => Reason::AmbiguousNetwork,
            Self::NotRunning { .. } => Reason::SenderNotRunning,
            Self::NoAddressOfFamily { .. } => Reason::NoAddressOfFamily,
            Self::Destination { unfit, .. } => unfit.reason(),
        }
    }
}

/// Either of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Obstacle {
    #[error(transparent)]
    Route(#[from] RouteFault),
    #[error(transparent)]
    Input(#[from] InputFault),
}
