//! The files that a node sees in the place of the system's: its hosts and its resolver.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use egress25_policy::World;

use crate::control::place::NODES;
use crate::error::LabError;
use crate::network::NodeFiles;
use crate::network::hosts::Hosts;
use crate::network::names::{addresses_in, networks_of, with_peers};
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

/// Whoever a node can reach by name: the hosts, the machines of its networks and their peers, and
/// those that have public addresses. Overlapping networks have different names for one address.
fn hosts_file(node: &Node, world: &World, hosts: &Hosts) -> String {
    let mut text = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    let mine = networks_of(&node.kind, world, hosts);
    for (name, host) in hosts {
        if host.on_premises.as_ref().is_none_or(|network| mine.contains(&network)) {
            for address in &host.addresses {
                let _ = writeln!(text, "{address} {name}");
            }
        }
    }
    let near = with_peers(&mine, world);
    for (name, machine) in world.machines() {
        for address in addresses_in(&near, machine) {
            let _ = writeln!(text, "{address} {name}");
        }
    }
    text
}
