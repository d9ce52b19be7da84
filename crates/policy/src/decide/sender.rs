//! Who sends: the machine and the interface behind a question's source.

use std::net::{IpAddr, Ipv4Addr};

use crate::decide::decision::HopKind;
use crate::decide::fault::InputFault;
use crate::decide::question::{Question, Source};
use crate::life::power::Power;
use crate::world::name::{MachineName, NetworkName};
use crate::world::{Interface, Machine, World};

/// An interface of a machine that a packet leaves by: the sender's own, or an appliance's.
#[derive(Clone, Copy)]
pub(crate) struct SendingPort<'a> {
    pub(crate) name: &'a MachineName,
    pub(crate) machine: &'a Machine,
    pub(crate) interface: &'a Interface,
}

impl<'a> SendingPort<'a> {
    /// The port that owns an address in a network.
    pub(crate) fn at(world: &'a World, network: &NetworkName, address: IpAddr) -> Option<Self> {
        let (name, machine, interface) = world.owner(network, address)?;
        Some(Self { name, machine, interface })
    }

    /// The port that takes on what comes to an address in a network: its owner's, or one behind a load
    /// balancer.
    pub(crate) fn taking_on(
        world: &'a World,
        network: &NetworkName,
        address: IpAddr,
    ) -> Option<Self> {
        let (name, machine, interface) =
            world.behind_frontend(network, address).or_else(|| world.owner(network, address))?;
        Some(Self { name, machine, interface })
    }

    /// The port of a machine that an interface stands for, chosen among its own.
    pub(crate) fn of(
        world: &'a World,
        name: &MachineName,
        choose: impl FnOnce(&'a [Interface]) -> Option<&'a Interface>,
    ) -> Option<Self> {
        let (name, machine) = world.machines.get_key_value(name)?;
        Some(Self { name, machine, interface: choose(&machine.interfaces)? })
    }

    pub(crate) fn runs(&self) -> bool {
        self.machine.state.power == Power::Running
    }

    /// An address of it, of the destination's family where it has one.
    pub(crate) fn address_toward(self, destination: IpAddr) -> IpAddr {
        let addresses = &self.interface.addresses;
        addresses
            .iter()
            .find(|address| address.is_ipv4() == destination.is_ipv4())
            .or_else(|| addresses.first())
            .copied()
            .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// It as a hop of a packet's path.
    pub(crate) fn hop(self, destination: IpAddr) -> HopKind {
        HopKind::Machine {
            machine: self.name.clone(),
            network: self.interface.network.clone(),
            address: self.address_toward(destination),
        }
    }
}

/// The machine behind which an address is, or why there is none. A public address of a machine's own
/// is seen outside of its translation: it sends, unless to a private address of the world, where it
/// comes in (N0).
fn host<'a>(
    world: &'a World,
    question: &Question,
    network: Option<&'a NetworkName>,
    address: IpAddr,
) -> Result<SendingPort<'a>, InputFault> {
    // What is behind a machine is its own traffic (N3).
    let to_private = || match network {
        Some(network) => world.owner(network, question.destination).is_some(),
        None => world.owners.networks(question.destination).next().is_some(),
    };
    if let Some((name, machine, interface)) = world.public_owner(address)
        && network.is_none_or(|network| interface.network == *network)
        && !to_private()
    {
        return Ok(SendingPort { name, machine, interface });
    }
    let mut found = world.hosts(network, address);
    let (name, machine, interface) = found.next().ok_or(InputFault::UnknownAddress { address })?;
    match found.next() {
        None => Ok(SendingPort { name, machine, interface }),
        Some(_) => Err(InputFault::AmbiguousAddress { address }),
    }
}

/// Finds the sender, or why there is none.
pub(crate) fn find_sender<'a>(
    world: &'a World,
    question: &'a Question,
) -> Result<SendingPort<'a>, InputFault> {
    let is_v4 = question.destination.is_ipv4();
    let of_family = |one: &&Interface| one.addresses.iter().any(|at| at.is_ipv4() == is_v4);
    match &question.source {
        Source::Machine(name) => {
            let choose = |all: &'a [Interface]| all.iter().find(of_family).or_else(|| all.first());
            SendingPort::of(world, name, choose)
                .ok_or_else(|| InputFault::UnknownMachine { machine: name.clone() })
        }
        Source::Address { network: Some(network), address } => {
            SendingPort::at(world, network, *address)
                .map_or_else(|| host(world, question, Some(network), *address), Ok)
        }
        Source::Address { network: None, address } => {
            let at = |network| SendingPort::at(world, network, *address);
            let mut found = world.owners.networks(*address).filter_map(at);
            let Some(first) = found.next() else {
                return host(world, question, None, *address);
            };
            match found.next() {
                None => Ok(first),
                Some(_) => Err(InputFault::AmbiguousAddress { address: *address }),
            }
        }
    }
}
