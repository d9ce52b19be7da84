//! Connections from a node, and the names that it knows.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use egress25_policy::nearest;

use crate::control::requests::{ConnectOutcome, Dial};
use crate::error::LabError;
use crate::network::names::{addresses_in, networks_of, with_peers};
use crate::network::plan::NodeId;
use crate::owner::Owner;

/// The address of a host or a machine, as a node sees it.
fn resolve(owner: &Owner, node: NodeId, name: &str) -> Result<IpAddr, LabError> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let world = owner.court.policy.world();
    let plan = owner.plan();
    let mine: Vec<IpAddr> = plan.addresses(node).collect();
    let usable = |address: &IpAddr| mine.iter().any(|own| own.is_ipv4() == address.is_ipv4());
    let pick = |addresses: Vec<IpAddr>| {
        addresses.iter().copied().find(usable).or_else(|| addresses.first().copied())
    };
    if let Some(host) = owner.hosts.get(name)
        && let Some(address) = pick(host.addresses.clone())
    {
        return Ok(address);
    }
    let kind = plan.nodes.get(node).map(|node| &node.kind);
    let mine = kind.map(|kind| networks_of(kind, &world, &owner.hosts)).unwrap_or_default();
    let near = with_peers(&mine, &world);
    let found = world.machines().get(name).and_then(|machine| {
        let known = pick(addresses_in(&near, machine));
        known.or_else(|| pick(machine.interfaces.first()?.addresses.clone()))
    });
    found.ok_or_else(|| LabError::NoSuchNode {
        name: name.to_owned(),
        known: nearest(name, plan.names.keys().map(String::as_str)),
    })
}

/// Does something with a server's address and a patience in the namespace of the node that dials.
pub(crate) fn dial<T: Send>(
    owner: &Owner,
    dial: &Dial,
    work: impl FnOnce((IpAddr, u16), Duration) -> Result<T, LabError> + Send,
) -> Result<T, LabError> {
    let node = owner.plan().node(&dial.from)?;
    let to = (resolve(owner, node, &dial.to)?, dial.port);
    owner.spaces.get(node)?.run(|| work(to, Duration::from_millis(dial.patience)))
}

/// Opens a connection from the calling thread's namespace and closes it again.
pub(crate) fn outcome(to: (IpAddr, u16), patience: Duration) -> Result<ConnectOutcome, LabError> {
    open(to, patience).map(|opened| opened.map_or_else(|no| no, |_| ConnectOutcome::Open))
}

/// A connection from the calling thread's namespace, or what became of it.
pub(crate) fn open(
    to: (IpAddr, u16),
    patience: Duration,
) -> Result<Result<TcpStream, ConnectOutcome>, LabError> {
    match TcpStream::connect_timeout(&SocketAddr::from(to), patience) {
        Ok(stream) => Ok(Ok(stream)),
        Err(error) => match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Ok(Err(ConnectOutcome::Timeout)),
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                Ok(Err(ConnectOutcome::Refused))
            }
            ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Ok(Err(ConnectOutcome::Unreachable)),
            _ => Err(LabError::System { what: format!("connecting to {}", to.0), source: error }),
        },
    }
}
