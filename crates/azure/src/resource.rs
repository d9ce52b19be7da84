//! What an export holds: resources, each once, whichever file and whichever spelling it came in.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::{Fields, Look as _};
use crate::id::Id;
use crate::moments;

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

    /// The parts that it holds, each with an id of its own.
    fn parts(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for (key, collection) in self.kind.parts() {
            let mut seen: BTreeMap<Id, &Value> = BTreeMap::new();
            let parts = self.fields.get(*key).and_then(Value::as_array);
            for (number, part) in parts.into_iter().flatten().enumerate() {
                let number = number.saturating_add(1);
                // What is no object has nothing that can be read, and is named all the same.
                let fields = part.as_object().cloned().unwrap_or_default();
                let own = fields.text("id").map(|id| Id::new(id).name().to_owned());
                let name = own.or_else(|| fields.text("name").map(str::to_owned));
                let name = name.unwrap_or_else(|| format!("unnamed-{number}"));
                let mut id = self.id.below(collection, &name);
                // Azure's names differ in more than casing; of two in one list, both are kept.
                if seen.get(&id).is_some_and(|other| *other != part) {
                    id = self.id.below(collection, &format!("{name}-{number}"));
                }
                seen.insert(id.clone(), part);
                let kind = id.kind().map_or(Kind::Other, |kind| Kind::of(&kind));
                found.push(Self { id, kind, fields });
            }
        }
        found
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
    /// The first file that each is in, by its number.
    files: BTreeMap<Id, usize>,
}

/// A resource of which two files say different things, or one file at two places.
#[derive(Debug)]
pub(crate) struct Differs {
    pub(crate) id: Id,
    /// The numbers of the files.
    pub(crate) files: [usize; 2],
}

impl Resources {
    /// Adds a resource and its parts. What two files say of one is put together: the first word
    /// stands, and what it leaves out comes from the others.
    ///
    /// # Errors
    /// Something else was said of it before.
    pub(crate) fn add(&mut self, resource: Resource, file: usize) -> Result<(), Differs> {
        for part in resource.parts() {
            self.put(part, file)?;
        }
        self.put(resource, file)
    }

    /// Adds a resource and its parts, as far as nothing is known of them.
    pub(crate) fn add_unknown(&mut self, resource: Resource) {
        for one in resource.parts().into_iter().chain([resource]) {
            self.all.entry(one.id.clone()).or_insert(one);
        }
    }

    fn put(&mut self, resource: Resource, file: usize) -> Result<(), Differs> {
        let Some(known) = self.all.get_mut(&resource.id) else {
            self.files.insert(resource.id.clone(), file);
            self.all.insert(resource.id.clone(), resource);
            return Ok(());
        };
        let first = self.files.get(&resource.id).copied().unwrap_or(file);
        if !moments::agree(&known.fields, &resource.fields) {
            return Err(Differs { id: resource.id, files: [first, file] });
        }
        for (key, value) in resource.fields {
            let place = known.fields.entry(key).or_insert(Value::Null);
            if moments::is_empty(place) {
                *place = value;
            }
        }
        Ok(())
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
