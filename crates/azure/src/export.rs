//! An export put together: everything by its id, with the names that it gets in the inventory.

use std::collections::{BTreeMap, BTreeSet};

use crate::activity::Done;
use crate::block::Block;
use crate::fields::{Fields, Look as _, NoId};
use crate::gaps::{GapKind, Gaps};
use crate::id::Id;
use crate::names::Names;
use crate::resource::{Kind, Resource, Resources};

/// An export, joined.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) resources: Resources,
    /// What was done to machines, in order.
    pub(crate) done: BTreeMap<Id, Vec<Done>>,
    /// Effective routes, by the subnet that they are of.
    pub(crate) effective: BTreeMap<Id, Vec<Fields>>,
    /// What Terraform joins and does not know yet.
    pub(crate) unplaced: Vec<String>,
    /// The security groups that say themselves where they stand, by these interfaces and subnets.
    stands_on: BTreeMap<Id, BTreeSet<Id>>,
    /// How many effective routes were read, those of nobody among them.
    pub(crate) routes_read: usize,
    /// The machines, with their interfaces in order.
    pub(crate) machines: BTreeMap<Id, Vec<Id>>,
    /// The names of machines.
    pub(crate) machine_names: Names,
    names: BTreeMap<Kind, Names>,
    groups: Names,
    /// The names of subnets and security rules, each among those of its network or group.
    parts: Names,
}

/// The application security groups that something refers to.
fn groups(resources: &Resources) -> BTreeSet<Id> {
    let mut found = BTreeSet::new();
    for one in resources.iter() {
        for key in ASGS {
            found.extend(one.fields.references(key));
        }
        for configuration in one.fields.objects("ipconfigurations") {
            found.extend(configuration.references(MEMBER_OF));
        }
    }
    found
}

/// Where an interface, or a configuration of it, names the application security groups it is in.
pub(crate) const MEMBER_OF: &str = "applicationsecuritygroups";

/// Where application security groups are referred to.
const ASGS: [&str; 3] =
    [MEMBER_OF, "sourceapplicationsecuritygroups", "destinationapplicationsecuritygroups"];

/// Where an interface or a subnet names its security group.
const SECURITY_GROUP: &str = "networksecuritygroup";

/// Where a peering names the other side.
pub(crate) const REMOTE: &str = "remotevirtualnetwork";

/// The kinds that have names of their own in an inventory.
const NAMED: [Kind; 7] = [
    Kind::Subscription,
    Kind::Network,
    Kind::RouteTable,
    Kind::SecurityGroup,
    Kind::Firewall,
    Kind::NatGateway,
    Kind::LoadBalancer,
];

impl Export {
    /// Joins resources and what was done.
    pub(crate) fn new(
        mut resources: Resources,
        mut done: Vec<Done>,
        effective: BTreeMap<Id, Vec<Fields>>,
        gaps: &mut Gaps,
    ) -> Self {
        add_subscriptions(&mut resources);
        let mut names = BTreeMap::new();
        for kind in NAMED {
            let of_kind = resources.of(kind).map(|one| (one.id.clone(), name_of(one).to_owned()));
            let mut all: BTreeMap<_, _> = of_kind.collect();
            if kind == Kind::Network {
                for remote in
                    resources.of(Kind::Peering).filter_map(|of| of.fields.reference(REMOTE))
                {
                    let name = remote.name().to_owned();
                    all.entry(remote).or_insert(name);
                }
            }
            names.insert(kind, Names::of(all.into_iter()));
        }
        let machines = machines(&resources, gaps);
        let machine_names = Names::of(machines.keys().map(|id| {
            let found = resources.get(id, Kind::Machine);
            (id.clone(), machine_name(id, found))
        }));
        let groups = groups(&resources).into_iter().map(|id| (id.clone(), id.name().to_owned()));
        let groups = Names::of(groups);
        let parts = resources.of(Kind::Subnet).chain(resources.of(Kind::SecurityRule));
        let parts = Names::of_parts(parts.map(|part| (part.id.clone(), part.name().to_owned())));
        done.sort();
        done.dedup();
        let mut stands_on: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
        for group in resources.of(Kind::SecurityGroup) {
            for place in ["subnets", "networkinterfaces"] {
                for id in group.fields.references(place) {
                    stands_on.entry(id).or_default().insert(group.id.clone());
                }
            }
        }
        let mut by_machine: BTreeMap<Id, Vec<Done>> = BTreeMap::new();
        for one in done {
            by_machine.entry(one.machine.clone()).or_default().push(one);
        }
        Self {
            resources,
            done: by_machine,
            effective,
            routes_read: 0,
            unplaced: Vec::new(),
            stands_on,
            machines,
            machine_names,
            names,
            groups,
            parts,
        }
    }

    /// The table of something, where it says how the export spells a name by which nothing in an
    /// inventory is called.
    pub(crate) fn block(&self, path: &[&str], id: &Id) -> Block {
        let mut block = Block::new(path);
        if let Some(spelt) = self.spelt(id) {
            block.remark(&format!("Azure calls it `{spelt}`."));
        }
        block
    }

    /// How the export spells the name of something, where no inventory has such a name.
    pub(crate) fn spelt(&self, id: &Id) -> Option<&str> {
        let all = self.names.values().chain([&self.machine_names, &self.parts]);
        all.into_iter().find_map(|names| names.spelt(id))
    }

    /// The name of a subnet or a security rule.
    pub(crate) fn part_name<'a>(&'a self, part: &'a Resource) -> &'a str {
        self.parts.get(&part.id).unwrap_or_else(|| part.name())
    }

    /// The name of something in the inventory, where it is in the export.
    pub(crate) fn name(&self, kind: Kind, id: &Id) -> Option<&str> {
        self.names.get(&kind)?.get(id)
    }

    /// All that have names, of a kind, by their names.
    pub(crate) fn named(&self, kind: Kind) -> impl Iterator<Item = (&str, &Resource)> {
        let sorted = self.names.get(&kind).map(Names::sorted).unwrap_or_default();
        sorted.into_iter().filter_map(move |(name, id)| Some((name, self.resources.get(id, kind)?)))
    }

    /// The names of the application security groups that are referred to below a key.
    pub(crate) fn groups(&self, of: &Fields, key: &str) -> Vec<&str> {
        let ids: Vec<_> = of.references(key).collect();
        ids.iter().filter_map(|id| self.groups.get(id)).collect()
    }

    /// The security group of an interface or a subnet, by its name; or that it is not there, or cannot
    /// be read. It says which, or the group says where; and whether the two say the same.
    pub(crate) fn security_group(
        &self,
        of: &Resource,
    ) -> (Option<Result<&str, NoId>>, Vec<GapKind>) {
        let groups = self.stands_on.get(&of.id);
        let mut groups = groups.into_iter().flatten();
        let own = of.fields.refers(SECURITY_GROUP);
        let (found, differs) = match own {
            Some(Err(NoId)) => return (Some(Err(NoId)), vec![GapKind::SecurityGroupMissing]),
            Some(Ok(own)) => {
                let differs = groups.any(|group| *group != own);
                (own, differs)
            }
            None => match groups.next() {
                Some(group) => (group.clone(), groups.next().is_some()),
                None => return (None, Vec::new()),
            },
        };
        let name = self.name(Kind::SecurityGroup, &found);
        let mut gaps = Vec::new();
        if differs {
            gaps.push(GapKind::SecurityGroupDiffers);
        }
        if name.is_none() {
            gaps.push(GapKind::SecurityGroupMissing);
        }
        (name.map(Ok), gaps)
    }

    /// Whether a network is in the export itself, and not on the other side of a peering alone.
    pub(crate) fn has_network(&self, id: &Id) -> bool {
        let found = self.resources.get(id, Kind::Network);
        found.is_some_and(|network| space(&network.fields).next().is_some())
    }

    /// The parts whose whole is not in the export.
    pub(crate) fn orphans(&self, part: Kind, whole: Kind) -> impl Iterator<Item = &Resource> {
        self.resources.of(part).filter(move |part| {
            part.id.parent().is_none_or(|id| self.resources.get(&id, whole).is_none())
        })
    }

    /// The name of the subscription that something is in.
    pub(crate) fn subscription(&self, id: &Id) -> &str {
        let id = Id::of_subscription(&guid(id));
        self.name(Kind::Subscription, &id).unwrap_or(UNKNOWN)
    }

    /// The names of the network and the subnet with an id, where both are in the export and have
    /// prefixes.
    pub(crate) fn subnet(&self, id: &Id) -> Option<(&str, &str)> {
        let subnet = self.resources.get(id, Kind::Subnet)?;
        prefixes(&subnet.fields).next()?;
        let network = id.parent()?;
        space(&self.resources.get(&network, Kind::Network)?.fields).next()?;
        Some((self.name(Kind::Network, &network)?, self.part_name(subnet)))
    }
}

/// The name where nothing has one.
pub(crate) const UNKNOWN: &str = "subscription";

fn guid(id: &Id) -> String {
    id.subscription().unwrap_or_else(|| UNKNOWN.to_owned())
}

/// What stands in the ids of scale sets and of what is below them.
pub(crate) const SCALE_SETS: &str = "/virtualmachinescalesets/";

/// A subscription's display name counts; `az account` calls it `name`.
fn name_of(resource: &Resource) -> &str {
    let shown = resource.fields.text("displayname").filter(|_| resource.kind == Kind::Subscription);
    shown.unwrap_or_else(|| resource.name())
}

/// An instance of a scale set is called as Azure calls it: by set and number.
fn machine_name(id: &Id, found: Option<&Resource>) -> String {
    let set = id.parent().filter(|set| id.text().contains(SCALE_SETS) && *set != *id);
    match (found.and_then(|found| found.fields.text("name")), set) {
        (Some(name), _) => name.to_owned(),
        (None, Some(set)) => format!("{}_{}", set.name(), id.name()),
        (None, None) => id.name().to_owned(),
    }
}

/// Subscriptions that only their resources show.
fn add_subscriptions(resources: &mut Resources) {
    // Only what is planned says no subscription; of it, machines and firewalls are in one.
    let is_in_one = |one: &Resource| {
        let kinds = [Kind::Machine, Kind::Interface, Kind::Firewall];
        kinds.contains(&one.kind) || one.id.subscription().is_some()
    };
    let has_place =
        |one: &&Resource| !matches!(one.kind, Kind::Other | Kind::Subscription) && is_in_one(one);
    let shown: BTreeSet<_> = resources.iter().filter(has_place).map(|one| guid(&one.id)).collect();
    for guid in shown {
        let id = Id::of_subscription(&guid);
        if resources.get(&id, Kind::Subscription).is_none() {
            resources.add_unknown(Resource { id, kind: Kind::Subscription, fields: Fields::new() });
        }
    }
}

/// The machines with their interfaces: as the machine lists them, the primary one first, or as the
/// interfaces say whose they are.
fn machines(resources: &Resources, gaps: &mut Gaps) -> BTreeMap<Id, Vec<Id>> {
    let mut machines: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for machine in resources.of(Kind::Machine) {
        let listed = machine.fields.object("networkprofile");
        let mut listed: Vec<_> = listed
            .into_iter()
            .flat_map(|profile| profile.objects("networkinterfaces"))
            .filter_map(|one| Some((one.flag("primary") != Some(true), Id::new(one.text("id")?))))
            .collect();
        listed.sort_by_key(|(later, _)| *later);
        let ids = listed.into_iter().map(|(_, id)| id).collect();
        machines.insert(machine.id.clone(), ids);
    }
    let listed: BTreeSet<Id> = machines.values().flatten().cloned().collect();
    for interface in resources.of(Kind::Interface) {
        let fields = &interface.fields;
        let of_set = || interface.id.parent().filter(|id| id.text().contains(SCALE_SETS));
        let Some(owner) = fields.reference("virtualmachine").or_else(of_set) else {
            // One of a private endpoint is the service's.
            let is_endpoint =
                fields.contains_key("privateendpoint") || fields.contains_key("privatelinkservice");
            if !is_endpoint && !listed.contains(&interface.id) {
                gaps.note(format!("interface {}", interface.name()), GapKind::NoMachine);
            }
            continue;
        };
        let ids = machines.entry(owner).or_default();
        if !ids.contains(&interface.id) {
            ids.push(interface.id.clone());
        }
    }
    machines
}

/// A network's address space.
pub(crate) fn space(network: &Fields) -> impl Iterator<Item = &str> {
    network.object("addressspace").into_iter().flat_map(|space| space.texts("addressprefixes"))
}

/// A subnet's prefixes: several, or one.
pub(crate) fn prefixes(subnet: &Fields) -> impl Iterator<Item = &str> {
    let mut several = subnet.texts("addressprefixes").peekable();
    let one = if several.peek().is_none() { subnet.text("addressprefix") } else { None };
    several.chain(one)
}
