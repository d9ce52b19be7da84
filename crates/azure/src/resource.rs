//! What an export holds: resources, each once, whichever file and whichever spelling it came in.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::{Fields, Look as _};
use crate::id::Id;

/// The types of resources that an inventory has something of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Kind {
    Subscription,
    Network,
    Subnet,
    Peering,
    Machine,
    ScaleSet,
    Interface,
    RouteTable,
    Route,
    SecurityGroup,
    SecurityRule,
    Firewall,
    Gateway,
    LocalGateway,
    Connection,
    NatGateway,
    LoadBalancer,
    PublicAddress,
    PublicPrefix,
    Disk,
    /// Something without a counterpart in an inventory.
    Other,
}

impl Kind {
    /// The kind of a type in small letters.
    fn of(kind: &str) -> Self {
        match kind {
            "microsoft.resources/subscriptions" => Self::Subscription,
            "microsoft.network/virtualnetworks" => Self::Network,
            "microsoft.network/virtualnetworks/subnets" => Self::Subnet,
            "microsoft.network/virtualnetworks/virtualnetworkpeerings" => Self::Peering,
            "microsoft.compute/virtualmachines"
            | "microsoft.compute/virtualmachinescalesets/virtualmachines" => Self::Machine,
            "microsoft.compute/virtualmachinescalesets" => Self::ScaleSet,
            "microsoft.network/networkinterfaces"
            | "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces" => {
                Self::Interface
            }
            "microsoft.network/routetables" => Self::RouteTable,
            "microsoft.network/routetables/routes" => Self::Route,
            "microsoft.network/networksecuritygroups" => Self::SecurityGroup,
            "microsoft.network/networksecuritygroups/securityrules" => Self::SecurityRule,
            "microsoft.network/azurefirewalls" => Self::Firewall,
            "microsoft.network/virtualnetworkgateways" => Self::Gateway,
            "microsoft.network/localnetworkgateways" => Self::LocalGateway,
            "microsoft.network/connections" => Self::Connection,
            "microsoft.network/natgateways" => Self::NatGateway,
            "microsoft.network/loadbalancers" => Self::LoadBalancer,
            "microsoft.network/publicipaddresses" => Self::PublicAddress,
            "microsoft.network/publicipprefixes" => Self::PublicPrefix,
            "microsoft.compute/disks" => Self::Disk,
            _ => Self::Other,
        }
    }

    /// The parts that a resource of this kind holds: below which key, in which collection of ids.
    const fn parts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Network => {
                &[("subnets", "subnets"), ("virtualnetworkpeerings", "virtualNetworkPeerings")]
            }
            Self::SecurityGroup => &[("securityrules", "securityRules")],
            Self::RouteTable => &[("routes", "routes")],
            _ => &[],
        }
    }
}

/// A resource in the normal form.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) fields: Fields,
}

impl Resource {
    /// The resource that an object with an id is.
    pub(crate) fn of(fields: Fields) -> Option<Self> {
        let id = Id::new(fields.text("id")?);
        let told = fields.text("type").map(str::to_ascii_lowercase);
        let known = |kind: &String| Kind::of(kind) != Kind::Other;
        let kind = id.kind().filter(known).or(told).map_or(Kind::Other, |kind| Kind::of(&kind));
        if kind == Kind::Other
            && let Some(guid) = subscription_of(&id, &fields)
        {
            let id = Id::of_subscription(&guid);
            return Some(Self { id, kind: Kind::Subscription, fields });
        }
        Some(Self { id, kind, fields })
    }

    /// Its name: the last part of its id, unless it says another. A part is always called by its id,
    /// by which others refer to it; the name tells the casing alone.
    pub(crate) fn name(&self) -> &str {
        let own = self.id.name();
        let is_part =
            matches!(self.kind, Kind::Subnet | Kind::Peering | Kind::Route | Kind::SecurityRule);
        let told = self.fields.text("name");
        told.filter(|told| !is_part || told.eq_ignore_ascii_case(own)).unwrap_or(own)
    }
}

/// The GUID, where an object is a subscription: az has the GUID alone for an id.
fn subscription_of(id: &Id, fields: &Fields) -> Option<String> {
    if let Some(guid) = id.subscription() {
        let alone = id.parent().is_none_or(|parent| parent.name().is_empty());
        return (alone && id.kind().is_none()).then_some(guid);
    }
    let is_account = ["environmentname", "cloudname", "isdefault", "hometenantid"];
    let is_account =
        fields.contains_key("tenantid") && is_account.iter().any(|key| fields.contains_key(*key));
    is_account.then(|| id.name().to_ascii_lowercase())
}

/// All resources of an export.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    all: BTreeMap<Id, Resource>,
}

impl Resources {
    /// Adds a resource and its parts. What two files say of one is put together: the first word
    /// stands, and what it leaves out comes from the others.
    pub(crate) fn add(&mut self, resource: Resource) {
        for (key, collection) in resource.kind.parts() {
            let mut seen: BTreeMap<Id, &Value> = BTreeMap::new();
            let parts = resource.fields.get(*key).and_then(Value::as_array);
            for (number, part) in parts.into_iter().flatten().enumerate() {
                // What is no object has nothing that can be read, and is named all the same.
                let fields = part.as_object().cloned().unwrap_or_default();
                let own = fields.text("id").map(|id| Id::new(id).name().to_owned());
                let name = own.or_else(|| fields.text("name").map(str::to_owned));
                let name = name.unwrap_or_else(|| format!("unnamed-{}", number.saturating_add(1)));
                let mut id = resource.id.below(collection, &name);
                // Azure's names differ in more than casing; of two in one list, both are kept.
                if seen.get(&id).is_some_and(|other| *other != part) {
                    let number = number.saturating_add(1);
                    id = resource.id.below(collection, &format!("{name}-{number}"));
                }
                seen.insert(id.clone(), part);
                let kind = id.kind().map_or(Kind::Other, |kind| Kind::of(&kind));
                self.put(Resource { id, kind, fields });
            }
        }
        self.put(resource);
    }

    fn put(&mut self, resource: Resource) {
        let Some(known) = self.all.get_mut(&resource.id) else {
            self.all.insert(resource.id.clone(), resource);
            return;
        };
        for (key, value) in resource.fields {
            let place = known.fields.entry(key).or_insert(Value::Null);
            let empty = match place {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(fields) => fields.is_empty(),
                _ => false,
            };
            if empty {
                *place = value;
            }
        }
    }

    /// The resource of an id, of a kind.
    pub(crate) fn get(&self, id: &Id, kind: Kind) -> Option<&Resource> {
        self.all.get(id).filter(|found| found.kind == kind)
    }

    /// All of a kind, by their ids.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.all.values().filter(move |resource| resource.kind == kind)
    }

    /// The parts of a resource that are of a kind.
    pub(crate) fn parts(&self, id: &Id, kind: Kind) -> impl Iterator<Item = &Resource> {
        let behind = self.all.range(id.first_below()..);
        let below = behind.map(|(_, part)| part).take_while(|part| part.id.is_below(id));
        below.filter(move |part| part.kind == kind)
    }

    /// Everything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.all.values()
    }
}
