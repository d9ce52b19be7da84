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
pub(crate) use nft::TABLE;
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
    /// What tells the rules from others on the same host; `None` where there are no others.
    pub mark: Option<String>,
    /// The group of the kernel's packet log that judged packets are told to.
    pub log_group: Option<u16>,
}

/// What tells the exported rules of a network and its interfaces from others on the same host, so
/// that one script never takes the rules of another away (FNV-1a, for a short name).
pub(crate) fn mark(network: &NetworkName, interfaces: &[String]) -> String {
    let names = [network.as_str()].into_iter().chain(interfaces.iter().map(String::as_str));
    let bytes = names.flat_map(|name| name.bytes().chain([0]));
    let hash = bytes
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

/// What an export says of itself that its reader has to know.
pub(crate) fn preface(network: &NetworkName) -> String {
    format!(
        "# egress25: outbound SMTP of network `{}`\n\
         # A source address is believed, whichever interface or port of a bridge it comes from:\n\
         # who can send by another machine's address sends as that machine.\n",
        plain(network.as_str())
    )
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
