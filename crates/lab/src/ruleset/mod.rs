//! The policy as packet filter rules: nftables with sets and maps, or iptables.
//!
//! The rules are rendered from the same functions of the policy that the compiled table is
//! made from. For a network they say, in this order: what is no SYN to port 25 passes; what
//! hides or breaks its headers is dropped; a sender that does not run, or that nobody owns, is
//! dropped; then the sender's class decides by destination, and where the route leads straight to
//! the Internet, or out by a forwarder, the sender's own standing.

mod iptables;
mod nft;
mod verdicts;

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_policy::{NetworkName, SenderClass, World};

use crate::plan::Stands;

pub use iptables::{Family, export_iptables};
pub use nft::{Ruleset, export_nft};

/// A port of a network, by the interface that its packets come from.
#[derive(Debug, Clone)]
pub struct RulePort {
    /// The interface.
    pub interface: String,
    /// Who stands there. Where that is not known, a source address is believed whatever port it
    /// comes from, and nothing is left to be judged behind a forwarder.
    pub at: Option<Stands>,
}

/// How rules are rendered.
#[derive(Debug, Clone, Default)]
pub struct RuleOptions {
    /// The group of the kernel's packet log that judged packets are told to.
    pub log_group: Option<u16>,
}

/// A name for a comment: one that ends the line would begin a rule.
pub(crate) fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Who may send from a network's ports: the addresses of its machines and those of its peers.
pub(crate) type Senders = BTreeMap<IpAddr, SenderClass>;

pub(crate) fn senders(world: &World, network: &NetworkName) -> Senders {
    let mut senders = Senders::new();
    for place in crate::plan::routes::reachable(world, network) {
        for (name, machine) in world.machines() {
            for interface in machine.interfaces.iter().filter(|i| i.network == *place) {
                for address in &interface.addresses {
                    let owner = world.owner(place, *address);
                    if owner.is_some_and(|(owner, ..)| owner == name) {
                        let class = || SenderClass::of(name, machine, interface);
                        senders.entry(*address).or_insert_with(class);
                    }
                }
            }
        }
    }
    senders
}
