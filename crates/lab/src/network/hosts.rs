//! The stage around the virtual networks: who is on the Internet and on premises.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use egress25_policy::{NetworkName, World};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::LabError;

/// A host outside of the virtual networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The network behind whose gateway it stands; left out: it is on the Internet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises: Option<NetworkName>,
    /// The TCP ports on which the lab's own mail server answers; empty: bring your own.
    #[serde(default)]
    pub smtp: Vec<u16>,
}

/// The hosts, by name.
pub type Hosts = BTreeMap<String, Host>;

/// The hosts that a lab has where nobody names any: `mx.example.net` on port 25,
/// `relay.example.net` on 587, and one host behind each gateway (RFC 2606, RFC 5737, RFC 3849).
#[must_use]
pub fn default_hosts(world: &World) -> Hosts {
    let internet = |last: u8, port: u16| Host {
        addresses: vec![
            IpAddr::V4(Ipv4Addr::new(203, 0, 113, last)),
            IpAddr::from([0x2001, 0xdb8, 0x2525, 0, 0, 0, 0, u16::from(last)]),
        ],
        on_premises: None,
        smtp: vec![port],
    };
    let mut hosts = Hosts::from([
        ("mx.example.net".to_owned(), internet(25, 25)),
        ("relay.example.net".to_owned(), internet(87, 587)),
    ]);
    for (name, network) in world.networks() {
        let Some(gateway) = &network.gateway else { continue };
        let addresses: Vec<_> = gateway.routes.iter().filter_map(some_host).collect();
        if !addresses.is_empty() {
            let host = Host { addresses, on_premises: Some(name.clone()), smtp: vec![25] };
            hosts.insert(format!("mail.{name}.on-premises.example"), host);
        }
    }
    hosts
}

/// Splits `HOST:PORT`; an IPv6 address stands in brackets.
///
/// # Errors
/// It is something else, or the port is none.
pub fn host_and_port(text: &str) -> Result<(String, u16), LabError> {
    let split = text.rsplit_once(':').and_then(|(host, port)| {
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let is_host = !host.is_empty() && (bracketed.is_some() || !host.contains(':'));
        is_host.then(|| (host.to_owned(), port))
    });
    split.ok_or_else(|| {
        LabError::input(
            text,
            "expected HOST:PORT, such as `mx.example.net:25` or `[2001:db8::19]:25`, with a port \
             from 1 to 65535",
        )
    })
}

/// The 25th host of a prefix, or its first.
fn some_host(prefix: &IpNet) -> Option<IpAddr> {
    prefix.hosts().nth(24).or_else(|| prefix.hosts().next())
}

/// The public addresses that somebody of the world has, or will have when he is deployed.
pub(crate) fn public_addresses(world: &World) -> impl Iterator<Item = IpAddr> {
    let interfaces = world.machines().values().flat_map(|machine| &machine.interfaces);
    let later = interfaces.flat_map(|interface| &interface.public_addresses).copied();
    world.public_addresses().chain(later)
}

/// Checks that hosts have addresses, each its own, and gateways to stand behind.
///
/// # Errors
/// The first that does not fit.
pub fn check_hosts(hosts: &Hosts, world: &World) -> Result<(), LabError> {
    let mut taken: BTreeMap<(Option<&NetworkName>, IpAddr), &str> = BTreeMap::new();
    for (name, host) in hosts {
        let key = format!("host.{name}");
        if host.addresses.is_empty() {
            return Err(LabError::input(format!("{key}.addresses"), "a host needs an address"));
        }
        for address in &host.addresses {
            if let Some(other) = taken.insert((host.on_premises.as_ref(), *address), name) {
                let what = format!("{address} belongs to `{other}` already");
                return Err(LabError::input(format!("{key}.addresses"), what));
            }
            if host.on_premises.is_none() && public_addresses(world).any(|one| one == *address) {
                let what = format!("{address} is a public address of the inventory");
                return Err(LabError::input(format!("{key}.addresses"), what));
            }
        }
        if let Some(network) = &host.on_premises
            && world.networks().get(network).is_none_or(|found| found.gateway.is_none())
        {
            let what = format!("there is no network `{network}` with a gateway");
            return Err(LabError::input(format!("{key}.on_premises"), what));
        }
    }
    Ok(())
}
