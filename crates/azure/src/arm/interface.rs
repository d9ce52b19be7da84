//! Network interfaces, of machines and of scale sets' instances.

use std::net::IpAddr;

use egress25_policy::toml_in_sight;

use crate::arm::public_address;
use crate::block::{list, unread_value};
use crate::export::{Export, MEMBER_OF};
use crate::fields::{Fields, Look as _, NoId};
use crate::gaps::GapKind;
use crate::id::Id;
use crate::resource::Kind;

/// An interface, as an inventory has it.
#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) id: Id,
    /// The keys with their values, as TOML writes them.
    pub(crate) keys: Vec<(&'static str, String)>,
    /// What is not in the export.
    pub(crate) gaps: Vec<GapKind>,
}

/// The configurations of an interface, the primary one first.
pub(crate) fn configurations(interface: &Fields) -> Vec<&Fields> {
    let mut all: Vec<_> = interface.objects("ipconfigurations").collect();
    all.sort_by_key(|one| one.flag("primary") != Some(true));
    all
}

/// The interface with an id; or why it cannot be placed.
pub(crate) fn read(export: &Export, id: &Id) -> Result<Interface, GapKind> {
    let found = export.resources.get(id, Kind::Interface).ok_or(GapKind::InterfaceMissing)?;
    let fields = &found.fields;
    let configurations = configurations(fields);
    let addresses: Vec<IpAddr> =
        configurations.iter().filter_map(|one| one.address("privateipaddress")).collect();
    if addresses.is_empty() {
        return Err(GapKind::NoAddress);
    }
    let subnet = configurations.iter().find_map(|one| one.reference("subnet"));
    let (network, subnet) =
        subnet.as_ref().and_then(|id| export.subnet(id)).ok_or(GapKind::NetworkMissing)?;
    let mut gaps = Vec::new();
    let mut keys = vec![
        ("network", toml_in_sight(network)),
        ("subnet", toml_in_sight(subnet)),
        ("addresses", list(&addresses)),
    ];
    let mut public = Vec::new();
    for one in configurations.iter().filter(|one| one.contains_key("publicipaddress")) {
        match public_address::of(&export.resources, one, "publicipaddress") {
            Some(address) => public.push(address),
            None if one.object("publicipaddress").is_some() => {
                gaps.push(GapKind::PublicAddressMissing);
            }
            None => {}
        }
    }
    match public.as_slice() {
        [] => {}
        [one] => keys.push(("public_address", toml_in_sight(&one.to_string()))),
        several => keys.push(("public_address", list(several))),
    }
    if fields.flag("enableipforwarding") == Some(true) {
        keys.push(("ip_forwarding", "true".to_owned()));
    }
    if let Some(connectivity) = fields.flag("defaultoutboundconnectivityenabled") {
        keys.push(("default_outbound_connectivity", connectivity.to_string()));
    }
    let (group, missing) = export.security_group(found);
    gaps.extend(missing);
    match group {
        Some(Ok(name)) => keys.push(("security_group", toml_in_sight(name))),
        Some(Err(NoId)) => keys.push(("unread_security_group", unread_value("security_group"))),
        None => {}
    }
    let all = configurations.iter().copied().chain([fields]);
    let mut members: Vec<_> = all.flat_map(|one| export.groups(one, MEMBER_OF)).collect();
    members.sort();
    members.dedup();
    if !members.is_empty() {
        keys.push(("application_security_groups", list(members)));
    }
    Ok(Interface { id: id.clone(), keys, gaps })
}
