//! Events: what happened to subscriptions and machines, and when it took effect.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::article::edition::Channel;
use crate::article::offer::Offer;
use crate::file::near::closest;
use crate::shape::{Day, Moment, Prefix};
use crate::world::name::{FirewallName, MachineName, NetworkName, SubnetName, SubscriptionName};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FlatEvent")]
pub struct Event {
    /// When it took effect.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// The edition under which it happened, where that was another than the history's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
}

/// What happened.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[strum(serialize_all = "kebab-case")]
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
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        /// Why the deployment has to send directly (PN3).
        #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(with = "deployment")]
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
    /// The rules of an Azure Firewall were updated.
    FirewallRulesUpdated {
        /// The firewall.
        firewall: FirewallName,
    },
    /// An Azure Firewall was stopped.
    FirewallStopped {
        /// The firewall.
        firewall: FirewallName,
    },
    /// An Azure Firewall was started.
    FirewallStarted {
        /// The firewall.
        firewall: FirewallName,
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
//
// Read first, so that a fault of a value is said at its key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Event")]
pub(crate) struct FlatEvent {
    /// When it took effect: RFC 3339, such as `2020-12-08T09:00:00Z`.
    #[serde(deserialize_with = "crate::file::moment::moment")]
    #[schemars(with = "Moment")]
    at: Timestamp,
    /// What happened, such as `exemption-granted` or `machine-started`.
    kind: String,
    /// The subscription, for what happens to one.
    subscription: Option<SubscriptionName>,
    /// The machine, for what happens to one.
    machine: Option<MachineName>,
    /// The Azure Firewall, for what happens to one.
    firewall: Option<FirewallName>,
    /// The network, for `temporary-subnet`, `network-added` and `machine-deployed`.
    network: Option<NetworkName>,
    /// The subnet, for `machine-deployed`.
    subnet: Option<SubnetName>,
    /// The addresses, for `machine-deployed`.
    addresses: Option<Vec<IpAddr>>,
    /// The prefixes, for `network-added`.
    #[schemars(with = "Option<Vec<Prefix>>")]
    address_space: Option<Vec<IpNet>>,
    /// The offer, for `subscription-added` and `offer-changed`.
    offer: Option<Offer>,
    /// The day of creation, for `subscription-added`.
    // Never written; without it the schema had null as the default.
    #[serde(
        default,
        deserialize_with = "crate::file::moment::optional_day",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Day>")]
    created: Option<Date>,
    /// The channel, for `exemption-asked`.
    channel: Option<Channel>,
    /// The justification, for `exemption-asked`.
    why: Option<String>,
    /// The edition under which it happened, where that was another than the inventory's.
    edition: Option<String>,
}

/// The kind that a text may have meant, or all of them.
fn meant(kind: &str) -> String {
    // The verb for it is `request`, and `requested` is nearer to `refused` than to what it means.
    let kind = kind.replace("requested", "asked");
    match closest(&kind, EventKind::NAMES.iter().map(|name| (*name, *name))) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the kinds are: {}", EventKind::NAMES.join(", ")),
    }
}

/// An event whose parts do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No such kind.
    #[error("`{kind}` is no kind of event; {}", meant(kind))]
    Kind {
        /// What was read.
        kind: String,
    },
    /// A key is missing.
    #[error("an event of kind `{kind}` needs the key `{key}`")]
    Missing {
        /// The kind.
        kind: String,
        /// The key.
        key: String,
    },
    /// A value does not fit its key.
    #[error("{what}")]
    Value {
        /// What does not fit.
        what: String,
    },
    /// A key does not belong there.
    #[error("an event of kind `{kind}` has no key `{key}`; take it away")]
    Surplus {
        /// The kind.
        kind: String,
        /// The key.
        key: String,
    },
}

impl EventKind {
    /// The name of what comes to be by it, where something may, behind its key in files.
    #[must_use]
    pub fn begun(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::SubscriptionAdded { subscription, .. } => {
                Some(("subscription", subscription.as_str()))
            }
            Self::NetworkAdded { network, .. } => Some(("network", network.as_str())),
            Self::MachineDeployed { machine, placement: Some(_) } => {
                Some(("machine", machine.as_str()))
            }
            _ => None,
        }
    }

    /// The address space of what comes to be by it.
    #[must_use]
    pub fn address_space(&self) -> &[IpNet] {
        match self {
            Self::NetworkAdded { address_space, .. } => address_space,
            _ => &[],
        }
    }

    /// The names of the kinds, as files have them.
    pub const NAMES: &'static [&'static str] = <Self as strum::VariantNames>::VARIANTS;

    /// The name of this kind, as files have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The keys of a file that say what happened, beside the kind.
    pub(crate) const KEYS: &'static [&'static str] = &[
        "subscription",
        "machine",
        "firewall",
        "network",
        "subnet",
        "addresses",
        "address_space",
        "offer",
        "created",
        "channel",
        "why",
    ];

    /// What is wrong with an event of a kind that has some keys, whatever their values are.
    pub(crate) fn unfit<'a>(kind: &str, keys: impl Iterator<Item = &'a str>) -> Option<EventError> {
        let value = |key: &str| match key {
            "addresses" => FlatValue::List(vec!["10.0.0.4".to_owned()]),
            "address_space" => FlatValue::List(vec!["10.0.0.0/16".to_owned()]),
            "offer" => FlatValue::One(Offer::PayAsYouGo.name().to_owned()),
            "created" => FlatValue::One("2019-03-01".to_owned()),
            "channel" => FlatValue::One(Channel::Portal.name().to_owned()),
            _ => FlatValue::One("name".to_owned()),
        };
        let all = keys.map(|key| (key, value(key)));
        let all = [("kind", FlatValue::One(kind.to_owned()))].into_iter().chain(all);
        Self::deserialize(MapDeserializer::new(all)).err()
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

    /// The Azure Firewall that it happened to, if it happened to one.
    #[must_use]
    pub const fn firewall(&self) -> Option<&FirewallName> {
        match self {
            Self::FirewallRulesUpdated { firewall }
            | Self::FirewallStopped { firewall }
            | Self::FirewallStarted { firewall } => Some(firewall),
            _ => None,
        }
    }
}

impl TryFrom<FlatEvent> for Event {
    type Error = EventError;

    fn try_from(flat: FlatEvent) -> Result<Self, EventError> {
        let FlatEvent { at, kind, edition, .. } = &flat;
        let (at, edition) = (*at, edition.clone());
        let keys = MapDeserializer::new(flat.keys());
        let kind = EventKind::deserialize(keys).map_err(|error| error.of(kind))?;
        Ok(Self { at, kind, edition })
    }
}

impl FlatEvent {
    /// The keys that say what happened, with their values as a file has them.
    fn keys(&self) -> impl Iterator<Item = (&'static str, FlatValue)> {
        fn text(value: Option<&impl ToString>) -> Option<FlatValue> {
            value.map(|value| FlatValue::One(value.to_string()))
        }
        fn list(values: Option<&Vec<impl ToString>>) -> Option<FlatValue> {
            values.map(|values| FlatValue::List(values.iter().map(ToString::to_string).collect()))
        }
        [
            ("kind", text(Some(&self.kind))),
            ("subscription", text(self.subscription.as_ref())),
            ("machine", text(self.machine.as_ref())),
            ("firewall", text(self.firewall.as_ref())),
            ("network", text(self.network.as_ref())),
            ("subnet", text(self.subnet.as_ref())),
            ("addresses", list(self.addresses.as_ref())),
            ("address_space", list(self.address_space.as_ref())),
            ("offer", text(self.offer.as_ref())),
            ("created", text(self.created.as_ref())),
            ("channel", text(self.channel.as_ref())),
            ("why", text(self.why.as_ref())),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }
}

/// The value of a key of an event.
enum FlatValue {
    One(String),
    List(Vec<String>),
}

impl<'de> IntoDeserializer<'de, EventError> for FlatValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for FlatValue {
    type Error = EventError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, EventError> {
        match self {
            Self::One(text) => visitor.visit_string(text),
            Self::List(texts) => visitor.visit_seq(SeqDeserializer::new(texts.into_iter())),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl EventError {
    fn of(mut self, event: &str) -> Self {
        if let Self::Missing { kind, .. } | Self::Surplus { kind, .. } = &mut self {
            event.clone_into(kind);
        }
        self
    }
}

impl serde::de::Error for EventError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::Value { what: what.to_string() }
    }

    fn unknown_variant(kind: &str, _: &'static [&'static str]) -> Self {
        Self::Kind { kind: kind.to_owned() }
    }

    fn missing_field(key: &'static str) -> Self {
        Self::Missing { kind: String::new(), key: key.to_owned() }
    }

    fn unknown_field(key: &str, _: &'static [&'static str]) -> Self {
        Self::Surplus { kind: String::new(), key: key.to_owned() }
    }
}

/// How a deployment stands in a file: the placement's keys beside the machine's.
mod deployment {
    use super::{IpAddr, MachineName, NetworkName, Placement, SubnetName, SubscriptionName};
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct FlatDeployment {
        #[serde(skip_serializing_if = "Option::is_none")]
        subscription: Option<SubscriptionName>,
        machine: MachineName,
        #[serde(skip_serializing_if = "Option::is_none")]
        network: Option<NetworkName>,
        #[serde(skip_serializing_if = "Option::is_none")]
        subnet: Option<SubnetName>,
        #[serde(skip_serializing_if = "Option::is_none")]
        addresses: Option<Vec<IpAddr>>,
    }

    pub(super) fn serialize<S: Serializer>(
        machine: &MachineName,
        placement: &Option<Placement>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let placement = placement.as_ref();
        FlatDeployment {
            subscription: placement.map(|at| at.subscription.clone()),
            machine: machine.clone(),
            network: placement.map(|at| at.network.clone()),
            subnet: placement.and_then(|at| at.subnet.clone()),
            addresses: placement.map(|at| at.addresses.clone()),
        }
        .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<(MachineName, Option<Placement>), D::Error> {
        let read = FlatDeployment::deserialize(from)?;
        if let (None, None, None, None) =
            (&read.subscription, &read.network, &read.subnet, &read.addresses)
        {
            return Ok((read.machine, None));
        }
        let missing = D::Error::missing_field;
        let placement = Placement {
            subscription: read.subscription.ok_or_else(|| missing("subscription"))?,
            network: read.network.ok_or_else(|| missing("network"))?,
            subnet: read.subnet,
            addresses: read.addresses.ok_or_else(|| missing("addresses"))?,
        };
        Ok((read.machine, Some(placement)))
    }
}
