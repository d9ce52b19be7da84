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
use std::fmt::Write as _;
use std::net::IpAddr;

use egress25_policy::{
    Interface, MachineName, NetworkName, SenderClass, SourceClass, World, in_a_line,
};

use crate::error::LabError;
use crate::network::plan::{Stands, routes};

pub use iptables::{Family, export_iptables};
pub(crate) use nft::TABLE;
pub(crate) use nft::{InPlace, RulesetChange, SenderVerdict};
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

impl RulePort {
    /// A port outside of a lab, with the machine that is said to stand there. One that forwards
    /// sends with the addresses of others, which are believed.
    ///
    /// # Errors
    /// There is no such machine, or it has no interface in the network.
    pub fn outside(
        world: &World,
        network: &NetworkName,
        interface: &str,
        machine: Option<&MachineName>,
    ) -> Result<Self, LabError> {
        let interface = interface.to_owned();
        let Some(name) = machine else { return Ok(Self { interface, at: None }) };
        let not_there = || {
            let what = format!("no machine of this name has an interface in network `{network}`");
            LabError::input(name.as_str(), what)
        };
        let machine = world.machines().get(name).ok_or_else(not_there)?;
        let here: Vec<_> = machine.interfaces.iter().filter(|i| i.network == *network).collect();
        let first = here.first().ok_or_else(not_there)?;
        let forwards = here.iter().any(|interface| interface.ip_forwarding);
        let addresses = here.iter().flat_map(|interface| interface.addresses.clone()).collect();
        let as_one = Interface { addresses, ..(*first).clone() };
        let at = (!forwards).then(|| Stands::machine(world, name, machine, &as_one));
        Ok(Self { interface, at })
    }

    /// The addresses that what comes from the port has to bear, where that is known.
    pub(crate) fn own_addresses(&self) -> Option<&[IpAddr]> {
        match &self.at {
            Some(Stands::Machine { addresses, forwards: false, .. }) => Some(addresses),
            _ => None,
        }
    }
}

/// How rules are rendered.
#[derive(Debug, Clone, Default)]
pub struct RuleOptions {
    /// What tells the rules from others on the same host; `None` where there are no others.
    pub mark: Option<String>,
    /// The group of the kernel's packet log that judged packets are told to.
    pub log_group: Option<u16>,
    /// How many events had been applied to the world; told packets bear it. The packets' marks are
    /// lost by that, so that it is for namespaces of our own.
    pub generation: Option<u64>,
}

/// What tells the exported rules of a network and its interfaces from others on the same host, so
/// that one script never takes the rules of another away (FNV-1a, for a short name).
pub(crate) fn mark(network: &NetworkName, ports: &[RulePort]) -> String {
    let interfaces = ports.iter().map(|port| port.interface.as_str());
    let names = [network.as_str()].into_iter().chain(interfaces);
    let bytes = names.flat_map(|name| name.bytes().chain([0]));
    let hash = bytes
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

/// What an export says of itself that its reader has to know.
pub(crate) fn preface(network: &NetworkName, ports: &[RulePort]) -> String {
    let mut text = format!(
        "# egress25: outbound SMTP of network `{}`; SYNs to port 25 are judged, nothing else.\n",
        in_a_line(network.as_str())
    );
    let mut believed = ports.is_empty();
    for port in ports {
        match &port.at {
            Some(at) => {
                let (interface, name) = (in_a_line(&port.interface), in_a_line(at.name()));
                let _ = writeln!(text, "# `{interface}` sends by the addresses of `{name}` alone.");
            }
            None => believed = true,
        }
    }
    if believed {
        text.push_str(
            "# A source address is believed, whichever interface or port of a bridge it comes\n\
             # from, unless that interface is said to be a machine's: who can send by another\n\
             # machine's address sends as that machine. Who forwards sends by those of others.\n",
        );
    }
    text
}

/// Who may send from a network's ports: the addresses of its machines and those of its peers.
pub(crate) type SenderClasses = BTreeMap<IpAddr, SenderClass>;

/// With `from_afar` those of all networks from which a packet can come by forwarders, too.
pub(crate) fn senders(world: &World, network: &NetworkName, from_afar: bool) -> SenderClasses {
    let mut senders = SenderClasses::new();
    let places = match from_afar {
        true => routes::nearest_first(world, network),
        false => world.in_reach(network).collect(),
    };
    for place in places {
        for (name, machine) in world.machines() {
            for interface in machine.interfaces.iter().filter(|i| i.network == *place) {
                for address in &interface.addresses {
                    let owner = world.owner(place, *address);
                    if owner.is_some_and(|(owner, ..)| owner == name) {
                        let source = || SourceClass::of(world, interface, *address);
                        let class = || {
                            let class = SenderClass::of(world, name, machine, interface);
                            class.screened(interface, source())
                        };
                        senders.entry(*address).or_insert_with(class);
                    }
                }
            }
        }
    }
    senders
}
