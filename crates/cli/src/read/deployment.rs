//! A small world made of a few facts: one subscription, one machine, one route.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use egress25_policy::{
    AzureFirewall, CaptureIds, Creation, Edition, Effect, Exemption, ExemptionState, FirewallName,
    FirewallState, Gateway, GatewayKind, Interface, Machine, MachineKind, MachineName,
    MachineState, NatGateway, NatGatewayName, NetworkName, Offer, Power, ProgrammedBy, Question,
    RouteTable, RouteTableName, Settings, Source, Subnet, SubnetName, Subscription,
    SubscriptionName, UserNextHop, UserRoute, VirtualNetwork, World, WorldError, YesNo,
    creation_counts, decide, reserved_on,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::args::Via;

/// The subscription of the sender.
pub const SUBSCRIPTION: &str = "subscription";
/// The subscription of the appliance or the firewall, where it has its own.
pub const HUB_SUBSCRIPTION: &str = "hub-subscription";
/// The sender.
pub const MACHINE: &str = "vm";
const APPLIANCE: &str = "appliance";
const NETWORK: &str = "network";
const MACHINES: &str = "machines";
const HUB: &str = "hub";
const ROUTES: &str = "routes";
const NAT: &str = "nat";

/// How an exemption reached the machine, if it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reached {
    /// It did not: the machine has not been stopped and started since.
    #[default]
    No,
    /// The machine was stopped (deallocated) and started since the grant.
    Started,
    /// The machine was first deployed after the grant.
    Deployed,
}

/// The facts.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The subscription's offer.
    pub offer: Offer,
    /// The day on which it was created, where that is known.
    pub created: Option<Date>,
    /// Where its exemption stands.
    pub exemption: ExemptionState,
    /// Whether the exemption has reached the machine.
    pub reached: Reached,
    /// When the machine was deployed, where that is known.
    pub deployed: Option<Timestamp>,
    /// What the machine is.
    pub kind: MachineKind,
    /// What a user-defined route sends the traffic through.
    pub via: Option<Via>,
    /// The offer and the creation day of the appliance's or firewall's own subscription.
    pub hub: Option<(Offer, Option<Date>)>,
    /// Whether its machines have a public IPv4 address: a way out that rests on no reading of ours.
    pub public_address: bool,
    /// The destination.
    pub to: IpAddr,
    /// The destination's port.
    pub port: u16,
}

impl Deployment {
    /// The question about the sender.
    #[must_use]
    pub fn question(&self) -> Question {
        Question {
            source: Source::Machine(MachineName::from(MACHINE)),
            destination: self.to,
            port: self.port,
            source_port: None,
        }
    }

    /// The address space of the network: what lies in it is inside.
    #[must_use]
    pub fn address_space() -> Vec<IpNet> {
        vec![v4([10, 0, 0, 0], 16), v6(0, 48)]
    }

    /// The world under an edition.
    ///
    /// # Errors
    /// Something in it does not fit; none of the facts can bring that about.
    pub fn world(&self, edition: &Arc<Edition>, settings: Settings) -> Result<World, WorldError> {
        let mut world = World::new(edition.clone(), settings);
        let exemption = Exemption::at_the_beginning(self.exemption, self.offer);
        let day = created(self.created);
        let sender = Subscription { id: None, offer: self.offer, created: day, exemption };
        world.add_subscription(SubscriptionName::from(SUBSCRIPTION), sender)?;
        let mut hub = SUBSCRIPTION;
        if let Some((offer, day)) = self.hub {
            hub = HUB_SUBSCRIPTION;
            let created = created(day);
            let exemption = Exemption::default();
            let subscription = Subscription { id: None, offer, created, exemption };
            world.add_subscription(SubscriptionName::from(hub), subscription)?;
        }
        if let Some(table) = self.routes() {
            world.add_route_table(RouteTableName::from(ROUTES), table)?;
        }
        if self.via == Some(Via::NatGateway) {
            world.add_nat_gateway(NatGatewayName::from(NAT), NatGateway::default())?;
        }
        world.add_network(NetworkName::from(NETWORK), self.network())?;
        let exempt = self.exempt(&world);
        let machine = self.machine(SUBSCRIPTION, self.offer, exempt);
        world.add_machine(MachineName::from(MACHINE), machine)?;
        match self.via {
            Some(Via::AzureFirewall) => {
                let firewall = AzureFirewall {
                    subscription: SubscriptionName::from(hub),
                    network: NetworkName::from(NETWORK),
                    subnet: SubnetName::from(HUB),
                    address: self.hub_address(),
                    state: FirewallState::new(self.renewed(&world)),
                };
                world.add_firewall(FirewallName::from("firewall"), firewall)?;
            }
            Some(Via::Appliance) => {
                let offer = self.hub.map_or(self.offer, |(offer, _)| offer);
                let mut appliance = self.machine(hub, offer, exempt && self.hub.is_none());
                appliance.kind = MachineKind::VirtualMachine;
                appliance.interfaces = vec![Interface {
                    network: NetworkName::from(NETWORK),
                    subnet: SubnetName::from(HUB),
                    addresses: vec![self.hub_address()],
                    public_addresses: self.public(5),
                    ip_forwarding: true,
                    default_outbound_connectivity: None,
                    security_group: None,
                    application_security_groups: vec![],
                }];
                world.add_machine(MachineName::from(APPLIANCE), appliance)?;
            }
            Some(Via::Gateway | Via::NatGateway) | None => {}
        }
        world.check()?;
        Ok(world)
    }

    /// The offer on whose day of creation, which is not known, the answer depends, if there is one:
    /// a day of each side of the restriction is answered differently.
    ///
    /// # Errors
    /// As [`Self::world`].
    pub fn undated(
        &self,
        edition: &Arc<Edition>,
        settings: &Settings,
    ) -> Result<Option<Offer>, WorldError> {
        let counts =
            |offer, day: Option<Date>| day.is_none() && creation_counts(edition, settings, offer);
        let answer = |of: &Self| -> Result<_, WorldError> {
            let decision = decide(&of.world(edition, settings.clone())?, &of.question());
            Ok((decision.verdict, decision.reason))
        };
        let late = Some(edition.cutoff.saturating_add(1.day()));
        if counts(self.offer, self.created) {
            let later = Self { created: late, ..self.clone() };
            if answer(self)? != answer(&later)? {
                return Ok(Some(self.offer));
            }
        }
        match self.hub {
            Some((offer, day)) if counts(offer, day) => {
                let later = Self { hub: Some((offer, late)), ..self.clone() };
                Ok((answer(self)? != answer(&later)?).then_some(offer))
            }
            _ => Ok(None),
        }
    }

    /// Whether the exemption is in the machine's programming.
    fn exempt(&self, world: &World) -> bool {
        match self.reached {
            Reached::No => false,
            Reached::Started => world.edition.effect == Effect::NextStart,
            Reached::Deployed => {
                world.edition.effect == Effect::MachinesCreatedAfter
                    || world.settings.new_vm_after_exemption == YesNo::Yes
            }
        }
    }

    /// Whether the firewall of the sender's own subscription has picked the exemption up: what is
    /// said of the machine is said of it, and the reading of new machines is of machines alone.
    fn renewed(&self, world: &World) -> bool {
        let reaches = match world.edition.effect {
            Effect::NextStart => self.reached != Reached::No,
            Effect::MachinesCreatedAfter => self.reached == Reached::Deployed,
        };
        reaches && self.hub.is_none()
    }

    fn machine(&self, subscription: &str, offer: Offer, exempt: bool) -> Machine {
        let by = match self.reached {
            Reached::No => ProgrammedBy::Beginning,
            Reached::Started => ProgrammedBy::Start,
            Reached::Deployed => ProgrammedBy::Deployment,
        };
        Machine {
            subscription: SubscriptionName::from(subscription),
            kind: self.kind,
            interfaces: vec![Interface {
                network: NetworkName::from(NETWORK),
                subnet: SubnetName::from(MACHINES),
                addresses: vec![
                    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 4)),
                    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x25, 0, 0, 0, 0, 0, 4)),
                ],
                public_addresses: self.public(4),
                ip_forwarding: false,
                default_outbound_connectivity: None,
                security_group: None,
                application_security_groups: vec![],
            }],
            forwards_by: None,
            route_all: true,
            behind: vec![],
            state: MachineState {
                deployed: self.deployed,
                ..MachineState::new(Power::Running, by, offer, exempt)
            },
        }
    }

    fn network(&self) -> VirtualNetwork {
        let subnet = |third: u8, routed: bool| Subnet {
            prefixes: vec![v4([10, 0, third, 0], 24), v6(u16::from(third), 64)],
            route_table: (routed && self.routes().is_some()).then(|| RouteTableName::from(ROUTES)),
            delegated_to: None,
            service_endpoints: vec![],
            default_outbound_access: None,
            nat_gateway: (routed && self.via == Some(Via::NatGateway))
                .then(|| NatGatewayName::from(NAT)),
            security_group: None,
            effective_routes: vec![],
        };
        let gateway = (self.via == Some(Via::Gateway))
            .then(|| Gateway { kind: GatewayKind::Vpn, routes: vec![] });
        VirtualNetwork {
            address_space: Self::address_space(),
            subnets: [
                (SubnetName::from(MACHINES), subnet(0, true)),
                (SubnetName::from(HUB), subnet(1, false)),
            ]
            .into(),
            peerings: vec![],
            gateway,
            nat_gateway: None,
            capture: CaptureIds::default(),
        }
    }

    /// The public addresses of a machine, which end with a number: always one of IPv6, which has no
    /// default outbound access (N7).
    fn public(&self, number: u8) -> Vec<IpAddr> {
        let v4 = self.public_address.then(|| IpAddr::V4(Ipv4Addr::new(198, 51, 100, number)));
        let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(number)));
        v4.into_iter().chain([v6]).collect()
    }

    fn hub_address(&self) -> IpAddr {
        if self.to.is_ipv4() {
            IpAddr::V4(Ipv4Addr::new(10, 0, 1, 4))
        } else {
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0x25, 0, 1, 0, 0, 0, 4))
        }
    }

    /// The table of the machine's subnet, where something is a matter of routes.
    fn routes(&self) -> Option<RouteTable> {
        let next_hop = match self.via? {
            Via::AzureFirewall | Via::Appliance => {
                UserNextHop::VirtualAppliance(self.hub_address())
            }
            Via::Gateway => UserNextHop::VirtualNetworkGateway,
            Via::NatGateway => return None,
        };
        let routes = vec![UserRoute { prefix: self.prefix(), next_hop }];
        Some(RouteTable { routes, propagate_gateway_routes: true })
    }

    /// The prefix of the user-defined route: the whole Internet, or the system's own prefix for
    /// a private destination, which a shorter one would not win over.
    fn prefix(&self) -> IpNet {
        let whole = match self.to {
            IpAddr::V4(_) => v4([0, 0, 0, 0], 0),
            IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
        };
        Self::address_space()
            .into_iter()
            .chain(reserved_on(Date::MAX))
            .find(|net| net.contains(&self.to))
            .unwrap_or(whole)
    }
}

/// The day where it is known, or one before any restriction: where none counts that changes no
/// verdict, and a reading on which old subscriptions rest is named.
const fn created(day: Option<Date>) -> Creation {
    match day {
        Some(day) => Creation::on(day),
        None => Creation::on(jiff::civil::date(2010, 2, 1)),
    }
}

fn v4(octets: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new(Ipv4Addr::from(octets), length).unwrap_or_default())
}

/// `fd00:25:0:<subnet>::`.
fn v6(subnet: u16, length: u8) -> IpNet {
    let address = Ipv6Addr::new(0xfd00, 0x25, 0, subnet, 0, 0, 0, 0);
    IpNet::V6(Ipv6Net::new(address, length).unwrap_or_default())
}
