//! Events: what happened to subscriptions and machines, and when it took effect.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::article::edition::Channel;
use crate::article::offer::Offer;
use crate::world::name::{MachineName, NetworkName, SubnetName, SubscriptionName};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FlatEvent", into = "FlatEvent")]
pub struct Event {
    /// When it took effect.
    pub at: Timestamp,
    /// The edition under which it happened, where that was another than the world's.
    pub edition: Option<String>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A subscription came to be.
    SubscriptionAdded {
        /// Its name.
        subscription: SubscriptionName,
        /// Its offer.
        offer: Offer,
        /// The day on which it was created, UTC.
        created: Date,
    },
    /// A subscription's offer changed.
    OfferChanged {
        /// The subscription.
        subscription: SubscriptionName,
        /// The new offer.
        offer: Offer,
    },
    /// An exemption was asked for (PG4, CS2, PN2).
    ExemptionAsked {
        /// The subscription.
        subscription: SubscriptionName,
        /// Where; `None`: the channel of the offer.
        channel: Option<Channel>,
        /// Why the deployment has to send directly (PN3).
        why: Option<String>,
    },
    /// The request was answered with further steps (PG5).
    ExemptionFurtherSteps {
        /// The subscription.
        subscription: SubscriptionName,
    },
    /// The request was granted (PG5).
    ExemptionGranted {
        /// The subscription.
        subscription: SubscriptionName,
    },
    /// The request was refused (PG5).
    ExemptionRefused {
        /// The subscription.
        subscription: SubscriptionName,
    },
    /// The exemption was revoked (PG9).
    ExemptionRevoked {
        /// The subscription.
        subscription: SubscriptionName,
    },
    /// A network came to be, with one subnet, `default`, over its whole address space.
    NetworkAdded {
        /// The network.
        network: NetworkName,
        /// Its address space.
        address_space: Vec<IpNet>,
    },
    /// A machine was deployed.
    MachineDeployed {
        /// The machine. Without a placement, the world lists it as not deployed or deleted.
        machine: MachineName,
        /// Where it was deployed, if the world does not list it.
        placement: Option<Placement>,
    },
    /// A machine was powered off and kept its place (`az vm stop`).
    MachineStopped {
        /// The machine.
        machine: MachineName,
    },
    /// A machine was stopped and gave up its place (the portal's Stop).
    MachineDeallocated {
        /// The machine.
        machine: MachineName,
    },
    /// A machine was started.
    MachineStarted {
        /// The machine.
        machine: MachineName,
    },
    /// A machine was restarted.
    MachineRestarted {
        /// The machine.
        machine: MachineName,
    },
    /// A machine was redeployed to another host.
    MachineRedeployed {
        /// The machine.
        machine: MachineName,
    },
    /// A machine was deleted.
    MachineDeleted {
        /// The machine.
        machine: MachineName,
    },
    /// A machine was shut down from inside.
    GuestShutdown {
        /// The machine.
        machine: MachineName,
    },
    /// A temporary subnet was added to a network and removed (edition 2023-12).
    TemporarySubnet {
        /// The network.
        network: NetworkName,
    },
}

/// Where a machine is deployed: the subscription and one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The subscription.
    pub subscription: SubscriptionName,
    /// The network.
    pub network: NetworkName,
    /// The subnet; `None`: `default`.
    pub subnet: Option<SubnetName>,
    /// The addresses; at least one.
    pub addresses: Vec<IpAddr>,
}

/// An event as files have it: one flat table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Event")]
pub(crate) struct FlatEvent {
    /// When it took effect: RFC 3339, such as `2020-12-08T09:00:00Z`.
    #[serde(deserialize_with = "crate::file::moment::moment")]
    #[schemars(with = "String")]
    at: Timestamp,
    /// What happened, such as `exemption-granted` or `machine-started`.
    kind: String,
    /// The subscription, for what happens to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<SubscriptionName>,
    /// The machine, for what happens to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<MachineName>,
    /// The network, for `temporary-subnet`, `network-added` and `machine-deployed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<NetworkName>,
    /// The subnet, for `machine-deployed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet: Option<SubnetName>,
    /// The addresses, for `machine-deployed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<IpAddr>>,
    /// The prefixes, for `network-added`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    address_space: Option<Vec<IpNet>>,
    /// The offer, for `subscription-added` and `offer-changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<Offer>,
    /// The day of creation, for `subscription-added`.
    #[serde(
        default,
        deserialize_with = "crate::file::moment::optional_day",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    created: Option<Date>,
    /// The channel, for `exemption-asked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    /// The justification, for `exemption-asked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The edition under which it happened, where that was another than the inventory's.
    #[serde(skip_serializing_if = "Option::is_none")]
    edition: Option<String>,
}

/// An event whose parts do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No such kind.
    #[error("`{kind}` is no kind of event; the kinds are: {}", EventKind::NAMES.join(", "))]
    Kind {
        /// What was read.
        kind: String,
    },
    /// A key is missing.
    #[error("an event of kind `{kind}` needs the key `{key}`")]
    Missing {
        /// The kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A key does not belong there.
    #[error("an event of kind `{kind}` has no key `{key}`; take it away")]
    Surplus {
        /// The kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
}

/// What an event of some kind is about, as far as reading its table goes.
struct Shape {
    name: &'static str,
    needs: &'static [&'static str],
    takes: &'static [&'static str],
}

const SHAPES: &[Shape] = &[
    shape("subscription-added", &["subscription", "offer", "created"], &[]),
    shape("offer-changed", &["subscription", "offer"], &[]),
    shape("exemption-asked", &["subscription"], &["channel", "why"]),
    shape("exemption-further-steps", &["subscription"], &[]),
    shape("exemption-granted", &["subscription"], &[]),
    shape("exemption-refused", &["subscription"], &[]),
    shape("exemption-revoked", &["subscription"], &[]),
    shape("network-added", &["network", "address_space"], &[]),
    shape("machine-deployed", &["machine"], &["subscription", "network", "subnet", "addresses"]),
    shape("machine-stopped", &["machine"], &[]),
    shape("machine-deallocated", &["machine"], &[]),
    shape("machine-started", &["machine"], &[]),
    shape("machine-restarted", &["machine"], &[]),
    shape("machine-redeployed", &["machine"], &[]),
    shape("machine-deleted", &["machine"], &[]),
    shape("guest-shutdown", &["machine"], &[]),
    shape("temporary-subnet", &["network"], &[]),
];

const fn shape(
    name: &'static str,
    needs: &'static [&'static str],
    takes: &'static [&'static str],
) -> Shape {
    Shape { name, needs, takes }
}

impl EventKind {
    /// The names of the kinds, as files have them.
    pub const NAMES: &'static [&'static str] = &[
        "subscription-added",
        "offer-changed",
        "exemption-asked",
        "exemption-further-steps",
        "exemption-granted",
        "exemption-refused",
        "exemption-revoked",
        "network-added",
        "machine-deployed",
        "machine-stopped",
        "machine-deallocated",
        "machine-started",
        "machine-restarted",
        "machine-redeployed",
        "machine-deleted",
        "guest-shutdown",
        "temporary-subnet",
    ];

    /// The name of this kind, as files have it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SubscriptionAdded { .. } => "subscription-added",
            Self::OfferChanged { .. } => "offer-changed",
            Self::ExemptionAsked { .. } => "exemption-asked",
            Self::ExemptionFurtherSteps { .. } => "exemption-further-steps",
            Self::ExemptionGranted { .. } => "exemption-granted",
            Self::ExemptionRefused { .. } => "exemption-refused",
            Self::ExemptionRevoked { .. } => "exemption-revoked",
            Self::NetworkAdded { .. } => "network-added",
            Self::MachineDeployed { .. } => "machine-deployed",
            Self::MachineStopped { .. } => "machine-stopped",
            Self::MachineDeallocated { .. } => "machine-deallocated",
            Self::MachineStarted { .. } => "machine-started",
            Self::MachineRestarted { .. } => "machine-restarted",
            Self::MachineRedeployed { .. } => "machine-redeployed",
            Self::MachineDeleted { .. } => "machine-deleted",
            Self::GuestShutdown { .. } => "guest-shutdown",
            Self::TemporarySubnet { .. } => "temporary-subnet",
        }
    }

    /// The subscription that it happened to, if it happened to one.
    #[must_use]
    pub const fn subscription(&self) -> Option<&SubscriptionName> {
        match self {
            Self::SubscriptionAdded { subscription, .. }
            | Self::OfferChanged { subscription, .. }
            | Self::ExemptionAsked { subscription, .. }
            | Self::ExemptionFurtherSteps { subscription }
            | Self::ExemptionGranted { subscription }
            | Self::ExemptionRefused { subscription }
            | Self::ExemptionRevoked { subscription } => Some(subscription),
            _ => None,
        }
    }

    /// The machine that it happened to, if it happened to one.
    #[must_use]
    pub const fn machine(&self) -> Option<&MachineName> {
        match self {
            Self::MachineDeployed { machine, .. }
            | Self::MachineStopped { machine }
            | Self::MachineDeallocated { machine }
            | Self::MachineStarted { machine }
            | Self::MachineRestarted { machine }
            | Self::MachineRedeployed { machine }
            | Self::MachineDeleted { machine }
            | Self::GuestShutdown { machine } => Some(machine),
            _ => None,
        }
    }
}

impl FlatEvent {
    /// The keys that are there, apart from `at`, `kind` and `edition`.
    fn keys(&self) -> impl Iterator<Item = &'static str> {
        [
            ("subscription", self.subscription.is_some()),
            ("machine", self.machine.is_some()),
            ("network", self.network.is_some()),
            ("subnet", self.subnet.is_some()),
            ("addresses", self.addresses.is_some()),
            ("address_space", self.address_space.is_some()),
            ("offer", self.offer.is_some()),
            ("created", self.created.is_some()),
            ("channel", self.channel.is_some()),
            ("why", self.why.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, there)| there.then_some(key))
    }

    /// The placement, if any of its keys is there.
    fn placement(&self, kind: &'static str) -> Result<Option<Placement>, EventError> {
        if self.subscription.is_none()
            && self.network.is_none()
            && self.subnet.is_none()
            && self.addresses.is_none()
        {
            return Ok(None);
        }
        let missing = |key| EventError::Missing { kind, key };
        Ok(Some(Placement {
            subscription: self.subscription.clone().ok_or_else(|| missing("subscription"))?,
            network: self.network.clone().ok_or_else(|| missing("network"))?,
            subnet: self.subnet.clone(),
            addresses: self.addresses.clone().ok_or_else(|| missing("addresses"))?,
        }))
    }

    fn check(&self) -> Result<&'static Shape, EventError> {
        let shape = SHAPES
            .iter()
            .find(|shape| shape.name == self.kind)
            .ok_or_else(|| EventError::Kind { kind: self.kind.clone() })?;
        let surplus =
            self.keys().find(|key| !shape.needs.contains(key) && !shape.takes.contains(key));
        if let Some(key) = surplus {
            return Err(EventError::Surplus { kind: shape.name, key });
        }
        Ok(shape)
    }
}

impl TryFrom<FlatEvent> for Event {
    type Error = EventError;

    fn try_from(flat: FlatEvent) -> Result<Self, EventError> {
        let shape = flat.check()?;
        let kind = shape.name;
        let missing = |key| EventError::Missing { kind, key };
        let subscription = || flat.subscription.clone().ok_or_else(|| missing("subscription"));
        let machine = || flat.machine.clone().ok_or_else(|| missing("machine"));
        let offer = || flat.offer.ok_or_else(|| missing("offer"));
        let parsed = match kind {
            "subscription-added" => EventKind::SubscriptionAdded {
                subscription: subscription()?,
                offer: offer()?,
                created: flat.created.ok_or_else(|| missing("created"))?,
            },
            "offer-changed" => {
                EventKind::OfferChanged { subscription: subscription()?, offer: offer()? }
            }
            "exemption-asked" => EventKind::ExemptionAsked {
                subscription: subscription()?,
                channel: flat.channel,
                why: flat.why.clone(),
            },
            "exemption-further-steps" => {
                EventKind::ExemptionFurtherSteps { subscription: subscription()? }
            }
            "exemption-granted" => EventKind::ExemptionGranted { subscription: subscription()? },
            "exemption-refused" => EventKind::ExemptionRefused { subscription: subscription()? },
            "exemption-revoked" => EventKind::ExemptionRevoked { subscription: subscription()? },
            "network-added" => EventKind::NetworkAdded {
                network: flat.network.clone().ok_or_else(|| missing("network"))?,
                address_space: flat
                    .address_space
                    .clone()
                    .ok_or_else(|| missing("address_space"))?,
            },
            "machine-deployed" => {
                EventKind::MachineDeployed { machine: machine()?, placement: flat.placement(kind)? }
            }
            "machine-stopped" => EventKind::MachineStopped { machine: machine()? },
            "machine-deallocated" => EventKind::MachineDeallocated { machine: machine()? },
            "machine-started" => EventKind::MachineStarted { machine: machine()? },
            "machine-restarted" => EventKind::MachineRestarted { machine: machine()? },
            "machine-redeployed" => EventKind::MachineRedeployed { machine: machine()? },
            "machine-deleted" => EventKind::MachineDeleted { machine: machine()? },
            "guest-shutdown" => EventKind::GuestShutdown { machine: machine()? },
            _ => EventKind::TemporarySubnet {
                network: flat.network.clone().ok_or_else(|| missing("network"))?,
            },
        };
        Ok(Self { at: flat.at, edition: flat.edition, kind: parsed })
    }
}

impl From<Event> for FlatEvent {
    fn from(event: Event) -> Self {
        let mut flat = Self {
            at: event.at,
            kind: event.kind.name().to_owned(),
            subscription: event.kind.subscription().cloned(),
            machine: event.kind.machine().cloned(),
            edition: event.edition,
            ..Self::default()
        };
        match event.kind {
            EventKind::SubscriptionAdded { offer, created, .. } => {
                flat.offer = Some(offer);
                flat.created = Some(created);
            }
            EventKind::OfferChanged { offer, .. } => flat.offer = Some(offer),
            EventKind::ExemptionAsked { channel, why, .. } => {
                flat.channel = channel;
                flat.why = why;
            }
            EventKind::TemporarySubnet { network } => flat.network = Some(network),
            EventKind::NetworkAdded { network, address_space } => {
                flat.network = Some(network);
                flat.address_space = Some(address_space);
            }
            EventKind::MachineDeployed { placement: Some(placement), .. } => {
                flat.subscription = Some(placement.subscription);
                flat.network = Some(placement.network);
                flat.subnet = placement.subnet;
                flat.addresses = Some(placement.addresses);
            }
            _ => {}
        }
        flat
    }
}
