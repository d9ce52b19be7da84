//! Load balancers: frontends, who stands behind them, and whether they give a way out.

use std::collections::BTreeSet;
use std::net::IpAddr;

use egress25_policy::toml_in_sight;

use crate::arm::{interface, machine, public_address};
use crate::block::Block;
use crate::export::Export;
use crate::fields::{Fields, Look as _};
use crate::gaps::{GapKind, Gaps};
use crate::id::Id;
use crate::resource::{Kind, Resource};

/// A frontend: its id, its address, and its network where it is an internal one.
struct Frontend {
    id: Id,
    address: IpAddr,
    network: Option<String>,
}

/// The tables of load balancers.
pub(crate) fn blocks(export: &Export, gaps: &mut Gaps) -> Vec<Block> {
    let balancers: Vec<_> = export.named(Kind::LoadBalancer).collect();
    if balancers.is_empty() {
        return Vec::new();
    }
    let members = members(export);
    balancers.into_iter().map(|(name, of)| one(export, name, of, &members, gaps)).collect()
}

fn one(
    export: &Export,
    name: &str,
    balancer: &Resource,
    members: &[Member],
    gaps: &mut Gaps,
) -> Block {
    let mut block = export.block(&["load-balancer", name], &balancer.id);
    let fields = &balancer.fields;
    let sku = fields.object("sku").and_then(|sku| sku.text("name")).unwrap_or("Basic");
    if sku.eq_ignore_ascii_case("basic") {
        block.text("sku", "basic");
    }
    let configured: Vec<_> = fields.objects("frontendipconfigurations").collect();
    let frontends: Vec<_> = configured.iter().filter_map(|one| frontend(export, one)).collect();
    let networks: BTreeSet<_> = frontends.iter().map(|one| one.network.as_ref()).collect();
    if networks.len() != 1 {
        block.off(gaps, GapKind::FrontendMissing);
        return block;
    }
    let network = networks.into_iter().next().flatten();
    if let Some(network) = network {
        block.text("network", network);
    }
    block.list("addresses", frontends.iter().map(|one| one.address));
    let behind = members.iter().filter(|member| {
        let is_near = network.is_none_or(|network| toml_in_sight(network) == member.network);
        let names_it = member.pools.iter().any(|pool| pool.is_below(&balancer.id));
        is_near && (names_it || listed(fields).any(|id| id.is_below(&member.interface)))
    });
    let behind: Vec<_> = behind.map(Member::written).collect();
    block.raw("machines", &format!("[{}]", behind.join(", ")));
    let named: BTreeSet<_> = fields
        .objects("outboundrules")
        .flat_map(|rule| rule.references("frontendipconfigurations"))
        .collect();
    let out = frontends.iter().filter(|one| named.contains(&one.id) && network.is_none());
    block.list("outbound_rules", out.map(|one| one.address));
    let known = |id: &Id| frontends.iter().any(|one| one.id == *id);
    if frontends.len() < configured.len() || (network.is_none() && !named.iter().all(known)) {
        block.gap(gaps, GapKind::FrontendUnread);
    }
    if network.is_some() {
        block.raw("ports", &ports(fields));
    }
    let mut rules = fields.objects("loadbalancingrules");
    if network.is_none() && rules.all(|rule| rule.flag("disableoutboundsnat") == Some(true)) {
        block.raw("disable_outbound_snat", "true");
    }
    block
}

fn frontend(export: &Export, fields: &Fields) -> Option<Frontend> {
    let id = Id::new(fields.text("id")?);
    if let Some(address) = fields.address("privateipaddress") {
        let (network, _) = export.subnet(&fields.reference("subnet")?)?;
        return Some(Frontend { id, address, network: Some(network.to_owned()) });
    }
    let address = public_address::of(&export.resources, fields, "publicipaddress")?;
    Some(Frontend { id, address, network: None })
}

/// The configurations of interfaces that a load balancer lists itself.
fn listed(balancer: &Fields) -> impl Iterator<Item = Id> {
    balancer
        .objects("backendaddresspools")
        .flat_map(|pool| pool.references("backendipconfigurations"))
}

/// The ports that the rules cover, as TOML writes them.
fn ports(balancer: &Fields) -> String {
    let mut ports = BTreeSet::new();
    for rule in balancer.objects("loadbalancingrules") {
        let protocol = rule.text("protocol").unwrap_or("Tcp").to_ascii_lowercase();
        match rule.number("frontendport") {
            Some(0) if protocol == "all" => return toml_in_sight("all"),
            Some(port) if protocol != "udp" => {
                ports.insert(port);
            }
            _ => {}
        }
    }
    format!("[{}]", ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// An interface that may stand behind a load balancer.
struct Member {
    machine: String,
    place: usize,
    interface: Id,
    network: String,
    pools: Vec<Id>,
}

impl Member {
    fn written(&self) -> String {
        match self.place {
            0 => toml_in_sight(&self.machine),
            place => {
                format!("{{ machine = {}, interface = {place} }}", toml_in_sight(&self.machine))
            }
        }
    }
}

/// The interfaces of machines as they stand in the inventory, with the pools that they name.
fn members(export: &Export) -> Vec<Member> {
    let mut members = Vec::new();
    for (name, id) in export.machine_names.sorted() {
        let placed = machine::placed(export, id).into_iter().filter_map(Result::ok);
        for (place, one) in placed.enumerate() {
            let Some(found) = export.resources.get(&one.id, Kind::Interface) else { continue };
            let configurations = interface::configurations(&found.fields);
            let pools = configurations
                .iter()
                .flat_map(|one| one.references("loadbalancerbackendaddresspools"))
                .collect();
            let network = one.keys.iter().find(|(key, _)| *key == "network");
            let network = network.map_or(String::new(), |(_, value)| value.clone());
            members.push(Member {
                machine: name.to_owned(),
                place,
                interface: one.id,
                network,
                pools,
            });
        }
    }
    members
}
