//! The files that a node sees in the place of the system's: its hosts and its resolver.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use egress25_policy::{NetworkName, World};

use crate::control::place::NODES;
use crate::error::LabError;
use crate::network::NodeFiles;
use crate::network::hosts::Hosts;
use crate::network::plan::{Node, NodeKind};

/// A resolver that answers at once, with a refusal: names come from the hosts file.
const RESOLVER: &str = "# names are in /etc/hosts; nothing is asked for outside of the lab\n\
                        nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

pub(super) fn node_files(
    node: &Node,
    world: &World,
    hosts: &Hosts,
    folder: &Path,
) -> Result<NodeFiles, LabError> {
    if !matches!(node.kind, NodeKind::Machine(_) | NodeKind::Host(_) | NodeKind::Firewall(_)) {
        return Ok(NodeFiles::new());
    }
    let place = folder.join(NODES).join(&node.name);
    let failed = || LabError::system(format!("writing `{}`", place.display()));
    fs::create_dir_all(&place).map_err(failed())?;
    let (names, resolver) = (place.join("hosts"), place.join("resolv.conf"));
    fs::write(&names, hosts_file(node, world, hosts)).map_err(failed())?;
    fs::write(&resolver, RESOLVER).map_err(failed())?;
    Ok(vec![(names, "/etc/hosts"), (resolver, "/etc/resolv.conf")])
}

/// Whoever a node can reach by name: the hosts, and the machines of its networks and their
/// peers. Overlapping networks have different names for one address.
fn hosts_file(node: &Node, world: &World, hosts: &Hosts) -> String {
    let mut text = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    let mine: Vec<NetworkName> = match &node.kind {
        NodeKind::Machine(name) => world
            .machines()
            .get(name)
            .map(|machine| machine.interfaces.iter().map(|i| i.network.clone()).collect())
            .unwrap_or_default(),
        NodeKind::Firewall(name) => {
            world.firewalls().get(name).map(|f| vec![f.network.clone()]).unwrap_or_default()
        }
        NodeKind::Host(name) => {
            hosts.get(name).and_then(|host| host.on_premises.clone()).into_iter().collect()
        }
        _ => vec![],
    };
    for (name, host) in hosts {
        if host.on_premises.as_ref().is_none_or(|network| mine.contains(network)) {
            for address in &host.addresses {
                let _ = writeln!(text, "{address} {name}");
            }
        }
    }
    let networks: Vec<&NetworkName> =
        mine.iter().flat_map(|network| world.in_reach(network)).collect();
    for (name, machine) in world.machines() {
        for interface in machine.interfaces.iter().filter(|i| networks.contains(&&i.network)) {
            for address in &interface.addresses {
                let _ = writeln!(text, "{address} {name}");
            }
        }
    }
    text
}
