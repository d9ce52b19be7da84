//! From texts to an inventory.

use std::collections::BTreeMap;

use crate::activity::Done;
use crate::arm::{
    effective, firewall, load_balancer, machine, nat_gateway, network, route_table, scale_set,
    security_group, subscription,
};
use crate::block;
use crate::counts::Counts;
use crate::envelope::{self, Item};
use crate::error::ImportError;
use crate::export::Export;
use crate::fields::{Fields, Look as _};
use crate::gaps::{Gap, GapKind, Gaps};
use crate::id::Id;
use crate::resource::{Differs, Kind, Resource, Resources};
use crate::told::Told;

/// A file of an export.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name, for messages.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The interface, by its name or id, that the effective routes in it are of: they do not say.
    pub routes_of: Option<&'a str>,
}

/// What was made of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The inventory, TOML. It does not load while an offer or a day of creation is missing.
    pub inventory: String,
    /// How much was read.
    pub counts: Counts,
    /// What the export does not say.
    pub gaps: Vec<Gap>,
}

/// The first line of every inventory that is imported.
const MARK: &str =
    "# Imported by egress25 from an export of Azure. What that does not say is marked `GAP`.";

/// Makes an inventory of an export, whose files belong together.
///
/// # Errors
/// A file is no export, or a part of one; what is told does not fit it.
pub fn import(inputs: &[Input<'_>], told: &Told) -> Result<Imported, ImportError> {
    let mut gaps = Gaps::default();
    let export = read(inputs, &mut gaps)?;
    let mut blocks = subscription::blocks(&export, told, &mut gaps)?;
    blocks.extend(network::blocks(&export, &mut gaps));
    blocks.extend(route_table::blocks(&export, &mut gaps));
    blocks.extend(nat_gateway::blocks(&export, &mut gaps));
    blocks.extend(firewall::blocks(&export, &mut gaps));
    blocks.extend(load_balancer::blocks(&export, &mut gaps));
    blocks.extend(security_group::blocks(&export, &mut gaps));
    scale_set::note(&export, &mut gaps);
    blocks.extend(machine::blocks(&export, &mut gaps));
    let mut inventory = format!("{MARK}\n");
    block::head(&gaps, &export.unplaced, &mut inventory);
    for block in &blocks {
        block.write(&mut inventory);
    }
    Ok(Imported { inventory, counts: Counts::of(&export, &blocks), gaps: gaps.all() })
}

fn read(inputs: &[Input<'_>], gaps: &mut Gaps) -> Result<Export, ImportError> {
    let mut documents = Vec::new();
    let mut bad = Vec::new();
    for input in inputs {
        match envelope::read(input.name, input.text) {
            Ok(document) => documents.push((input, document)),
            Err(error) => bad.push(error),
        }
    }
    if let Some(error) = bad.pop() {
        bad.push(error.clone());
        return Err(if bad.len() > 1 { ImportError::Several(bad) } else { error });
    }
    envelope::check_pages(documents.iter().map(|(input, document)| (input.name, document)))?;
    let mut resources = Resources::default();
    let mut done = Vec::new();
    let mut routes: Vec<(&Input<'_>, Vec<Fields>)> = Vec::new();
    let (mut seen, mut other) = (0_usize, 0_usize);
    let mut unplaced = Vec::new();
    let mut effective = Vec::new();
    for (file, (input, document)) in documents.into_iter().enumerate() {
        let mut of_file = Vec::new();
        for item in document.items {
            seen = seen.saturating_add(1);
            match item {
                Item::Route(route) => of_file.push(route),
                Item::Unplaced(what) => {
                    gaps.note(&what, GapKind::JoinUnread);
                    unplaced.push(what);
                }
                Item::Activity(entry) => done.extend(Done::of(&entry)),
                Item::Rules(entry) => effective.extend(effective::group(&entry)),
                Item::Resource(fields) => match Resource::of(fields) {
                    Some(resource) if resource.kind != Kind::Other => {
                        resources
                            .add(resource, file)
                            .map_err(|differs| of_two(inputs, &differs))?;
                    }
                    found => {
                        other = other.saturating_add(1);
                        if let Some(app) = found.filter(is_integrated_app) {
                            gaps.note(format!("app {}", app.name()), GapKind::AppLeftOut);
                        }
                    }
                },
            }
        }
        if !of_file.is_empty() {
            routes.push((input, of_file));
        }
    }
    if seen == other {
        let files: Vec<_> = inputs.iter().map(|input| format!("`{}`", input.name)).collect();
        return Err(ImportError::Nothing { files: files.join(", "), resources: other });
    }
    // The group itself is the better source: effective rules are worked out from it.
    for group in effective {
        resources.add_unknown(group);
    }
    let routes_read = routes.iter().map(|(_, routes)| routes.len()).sum();
    let effective = whose(&resources, routes, gaps)?;
    let mut export = Export::new(resources, done, effective, gaps);
    export.routes_read = routes_read;
    export.unplaced = unplaced;
    Ok(export)
}

/// Why two files do not belong together.
fn of_two(inputs: &[Input<'_>], differs: &Differs) -> ImportError {
    let [one, other] = differs
        .files
        .map(|file| inputs.get(file).map_or(String::new(), |input| input.name.to_owned()));
    ImportError::Differs { one, other, id: differs.id.text().to_owned() }
}

/// Whether something is an App Service or Functions app that sends through a virtual network (N18).
fn is_integrated_app(found: &Resource) -> bool {
    found.id.kind().as_deref() == Some("microsoft.web/sites")
        && found.fields.text("virtualnetworksubnetid").is_some()
}

/// The effective routes by the subnet that they are of.
fn whose(
    resources: &Resources,
    routes: Vec<(&Input<'_>, Vec<Fields>)>,
    gaps: &mut Gaps,
) -> Result<BTreeMap<Id, Vec<Fields>>, ImportError> {
    let mut effective = BTreeMap::new();
    for (input, routes) in routes {
        let Some(interface) = input.routes_of else {
            gaps.note(format!("file {}", input.name), GapKind::RoutesOfNobody);
            continue;
        };
        let subnet = effective::subnet_of(resources.of(Kind::Interface), interface);
        let subnet =
            subnet.ok_or_else(|| ImportError::NoSuchInterface { name: interface.to_owned() })?;
        effective.insert(subnet, routes);
    }
    Ok(effective)
}
