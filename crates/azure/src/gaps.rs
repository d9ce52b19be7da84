//! What an export does not say, and an inventory of it therefore neither.

use std::collections::{BTreeMap, BTreeSet};

use egress25_policy::{Offer, how_to_tell_apart, in_a_line};

/// Something that is not in an export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum GapKind {
    /// The quotaId serves several offers.
    OfferAmbiguous(Vec<Offer>),
    /// No quotaId, or one that tells nothing.
    OfferUnknown,
    /// No edition names the offer, or it has no machines.
    OfferUnnamed,
    /// The day of creation is not known; the oldest resource gives a bound or does not.
    CreatedUnknown {
        /// Whether there is a bound.
        bounded: bool,
    },
    /// Nobody has said where the exemption stands.
    ExemptionUntold,
    /// The subscription itself is not in the export.
    SubscriptionMissing,
    /// The machine's power state.
    PowerUnknown,
    /// A machine's power state was changing.
    PowerChanging,
    /// The power state when the log begins.
    PowerBefore,
    /// What the activity log leads to is not the power state of the export.
    PowerDiffers,
    /// An event that does not fit the ones before it.
    EventLeftOut,
    /// The machine that power events are of.
    EventOfNobody,
    /// Which instances of a scale set power events are of.
    EventOfSet,
    /// What the power state was before the export.
    PowerAtExport,
    /// A machine's interface.
    InterfaceMissing,
    /// An interface without an address.
    NoAddress,
    /// An interface that belongs to no machine.
    NoMachine,
    /// The machine of an interface.
    MachineMissing,
    /// The network or the subnet that something stands in.
    NetworkMissing,
    /// A network's address space, or a subnet's prefixes.
    NoPrefix,
    /// The instances of a scale set.
    InstancesMissing,
    /// The other side of a peering.
    PeerMissing,
    /// The other side of a peering, and what it is in the place of.
    PeerLeftOut,
    /// A resource that is older than the subscription is told to be.
    OlderThanTold,
    /// What the service endpoints of a subnet reach.
    ServiceEndpoints,
    /// A route table.
    RouteTableMissing,
    /// A route that cannot be read.
    RouteUnread,
    /// A security group.
    SecurityGroupMissing,
    /// A group that says it stands where another is named.
    SecurityGroupDiffers,
    /// A rule that cannot be read.
    RuleUnread,
    /// What a service tag stands for.
    ServiceTag,
    /// Virtual Network Manager's rules.
    AdminRules,
    /// What an Azure Firewall lets through.
    FirewallPolicy,
    /// An Azure Firewall in a virtual hub.
    FirewallInHub,
    /// What a gateway learns by BGP.
    LearnedRoutes,
    /// A second gateway in a network.
    SecondGateway,
    /// A NAT gateway.
    NatGatewayMissing,
    /// A public address.
    PublicAddressMissing,
    /// A load balancer's frontends.
    FrontendMissing,
    /// The address of a frontend, of an outbound rule or of another.
    FrontendUnread,
    /// What Terraform joins.
    JoinUnread,
    /// Whose effective routes they are.
    RoutesOfNobody,
    /// An App Service with virtual network integration.
    AppLeftOut,
}

impl GapKind {
    /// The stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// What is missing, what stands in its place, and how it is told.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::OfferAmbiguous(offers) => {
                let names: Vec<_> = offers.iter().map(|offer| offer.name()).collect();
                let how = how_to_tell_apart(offers).map_or(String::new(), |how| format!("; {how}"));
                format!(
                    "the quotaId serves several offers: {}{how}; say which with `--offer`",
                    names.join(", ")
                )
            }
            other => other.plain_sentence().to_owned(),
        }
    }

    const fn plain_sentence(&self) -> &'static str {
        match self {
            Self::OfferAmbiguous(_) => {
                "the quotaId serves several offers; say which with `--offer`"
            }
            Self::OfferUnknown => {
                "the offer is not in the export; say it with `--offer`, or export the subscription \
                 with its quotaId (`az rest --url /subscriptions/ID?api-version=2022-12-01`)"
            }
            Self::OfferUnnamed => {
                "the quotaId is of an offer that no edition names; say the one whose rule is to \
                 count with `--offer`"
            }
            Self::CreatedUnknown { bounded: true } => {
                "the day of creation is not in Azure's answers; it is bounded by the oldest \
                 resource; say it with `--created` where you know it"
            }
            Self::CreatedUnknown { bounded: false } => {
                "the day of creation is not in Azure's answers, and no resource has a time that \
                 bounds it: it is past, and no more is known; say it with `--created`"
            }
            Self::ExemptionUntold => {
                "Azure's answers do not say where an exemption stands; none is taken; say it with \
                 `--exempt`"
            }
            Self::SubscriptionMissing => {
                "the subscription itself is not in the export, only what is in it"
            }
            Self::PowerUnknown => {
                "the power state is not in the export; running is taken; write `power`, or export it \
                 with `az vm list -d`"
            }
            Self::PowerChanging => "the power state was changing; running is taken; write `power`",
            Self::PowerBefore => {
                "the activity log begins with a start: whether the machine was deallocated before \
                 is not known, and `stopped` is taken, from which a start brings no exemption"
            }
            Self::PowerDiffers => {
                "the power state of the export is not the one that the activity log leads to: the \
                 log ends early, or the machine was shut down from inside"
            }
            Self::EventLeftOut => {
                "the activity log has an event that does not fit those before it; it is left out"
            }
            Self::PeerMissing => {
                "the network on the other side of the peering is not in the export; it is taken as \
                 this side shows it, with no subnets, routes and gateways of its own"
            }
            Self::PeerLeftOut => {
                "the network on the other side of a peering is not in the export, nor its address \
                 space: the peering is left out"
            }
            Self::OlderThanTold => {
                "a resource in it is older than the day of creation that was told: was it moved here, \
                 or is the day wrong?"
            }
            Self::ServiceEndpoints => {
                "what the service endpoints reach is not in the export: write their prefixes in \
                 `service_endpoints`"
            }
            Self::ServiceTag => {
                "a security rule names a service tag: name Microsoft's file in `service_tag_file`"
            }
            Self::AdminRules => {
                "whether Virtual Network Manager's security admin rules stand on the networks is \
                 not in the export: write them as `[admin-rules.NAME]`"
            }
            other => other.missing_sentence(),
        }
    }

    /// Of what has no counterpart in an inventory, and of what is referred to and not there.
    const fn missing_sentence(&self) -> &'static str {
        match self {
            Self::FirewallPolicy => {
                "what the rules of the Azure Firewall let through is not in an inventory"
            }
            Self::FirewallInHub => {
                "the Azure Firewall stands in a virtual hub, which an inventory has nothing of"
            }
            Self::LearnedRoutes => {
                "what the gateway learns by BGP is not in the export; effective routes have it: write \
                 it in its `routes`"
            }
            Self::SecondGateway => {
                "the network has several gateways, and an inventory one; the routes are of all"
            }
            Self::AppLeftOut => {
                "the app sends through the virtual network, from an address that the export does not \
                 have; write it as a machine with `kind = \"app-service\"`"
            }
            Self::RoutesOfNobody => {
                "effective routes do not say whose they are; give the file as `--routes \
                 INTERFACE=FILE`"
            }
            Self::EventOfNobody => {
                "the activity log has power events of it, and it is not in the export; they are \
                 left out"
            }
            Self::EventOfSet => {
                "the activity log has power events of the scale set and does not say of which \
                 instances; they are left out: write them as `[[event]]`"
            }
            Self::PowerAtExport => {
                "`power` is the state as of the export, taken for the time before it, too: the \
                 activity log tells nothing of it; write what it was, and an `[[event]]` for each \
                 change"
            }
            Self::InterfaceMissing => {
                "an interface of it is not in the export (`az network nic list`): write `network`, \
                 `subnet` and `addresses`"
            }
            Self::NoAddress => "an interface of it has no private address: write `addresses`",
            Self::NoMachine => "the interface belongs to no machine and is left out",
            Self::MachineMissing => {
                "the machine itself is not in the export; it is taken from its interface"
            }
            Self::NetworkMissing => {
                "its network or subnet is not in the export (`az network vnet list`): write `network` \
                 and `subnet`"
            }
            Self::NoPrefix => {
                "some of its address prefixes, or all, are not in the export: write `address_space` or \
                 `prefixes`"
            }
            Self::InstancesMissing => {
                "the scale set's instances are not in the export (`az vmss nic list`)"
            }
            other => other.reference_sentence(),
        }
    }

    /// Of what something in the inventory names, and what stands there and cannot be read.
    const fn reference_sentence(&self) -> &'static str {
        match self {
            Self::SecurityGroupDiffers => {
                "another security group says that it stands here, too; the one in \
                 `security_group` is named here: export anew, or write the right one"
            }
            Self::FrontendUnread => {
                "the address of a frontend is not in the export, or is a prefix: write it in \
                 `addresses`, and in `outbound_rules` where an outbound rule has it"
            }
            Self::JoinUnread => {
                "Terraform joins two resources and does not know yet which: the inventory does not \
                 load until `unread` is taken out; write what is joined (`security_group`, \
                 `route_table`, `nat_gateway`), or apply the plan and export the state"
            }
            Self::RouteTableMissing => {
                "its route table is not in the export (`az network route-table list`): write \
                 `route_table`"
            }
            Self::RouteUnread => {
                "a route cannot be read: the inventory does not load until it is written"
            }
            Self::SecurityGroupMissing => {
                "its security group is not in the export (`az network nsg list`): write \
                 `security_group`"
            }
            Self::RuleUnread => {
                "a security rule cannot be read: the inventory does not load until it is written"
            }
            Self::NatGatewayMissing => {
                "its NAT gateway is not in the export (`az network nat gateway list`): write \
                 `nat_gateway`"
            }
            Self::PublicAddressMissing => {
                "a public address of it is not in the export (`az network public-ip list`): write it in \
                 `public_address`, or in `addresses` of a NAT gateway"
            }
            _ => {
                "the load balancer's frontends are not in the export, or not in one network: write \
                 `addresses`"
            }
        }
    }
}

/// Something that an export does not say, of something in the inventory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What.
    pub kind: GapKind,
    /// Of what: a place in the inventory, such as `machine.web`.
    pub place: String,
}

impl Gap {
    fn new(place: &str, kind: GapKind) -> Self {
        Self { kind, place: in_a_line(place).into_owned() }
    }
}

/// The gaps of an import, each once.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    in_tables: Vec<Gap>,
    /// Those of what has no table in the inventory: they stand at its head.
    of_the_whole: BTreeSet<Gap>,
}

impl Gaps {
    /// Notes one of something that has no table.
    pub(crate) fn note(&mut self, place: impl AsRef<str>, kind: GapKind) {
        self.of_the_whole.insert(Gap::new(place.as_ref(), kind));
    }

    /// Notes one that its table says.
    pub(crate) fn in_table(&mut self, place: &str, kind: GapKind) {
        self.in_tables.push(Gap::new(place, kind));
    }

    /// Those of what has no table.
    pub(crate) fn of_the_whole(&self) -> Vec<Gap> {
        self.of_the_whole.iter().cloned().collect()
    }

    /// All of them, in order and each once.
    pub(crate) fn all(self) -> Vec<Gap> {
        let mut all = self.in_tables;
        all.extend(self.of_the_whole);
        all.sort();
        all.dedup();
        all
    }
}

/// Gaps of one kind together, with the places that they are at.
#[must_use]
pub fn grouped(gaps: &[Gap]) -> BTreeMap<&GapKind, Vec<&str>> {
    let mut grouped: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for gap in gaps {
        grouped.entry(&gap.kind).or_default().push(gap.place.as_str());
    }
    grouped
}
