//! The networks of a table, and how a packet shows which one it belongs to.

use std::collections::HashMap;

use egress25_policy::{CaptureIds, NetworkName, World};

use crate::frame::VlanTags;

/// A network's number in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkId(u32);

impl NetworkId {
    /// The number, from 0.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The networks of a world.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    names: Vec<NetworkName>,
    by_name: HashMap<NetworkName, NetworkId>,
    by_interface: HashMap<String, NetworkId>,
    by_vlan: HashMap<u16, NetworkId>,
    by_vxlan: HashMap<u32, NetworkId>,
}

/// What a packet shows of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetworkHint<'a> {
    /// The name of the capture interface, as in a pcapng file.
    pub interface: Option<&'a str>,
    /// The VLAN tags.
    pub vlan: VlanTags,
    /// The virtual network id of the tunnel that the packet was found in.
    pub vni: Option<u32>,
}

impl Networks {
    /// Numbers the networks of a world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let mut networks = Self::default();
        for (id, (name, network)) in (0_u32..).zip(world.networks()) {
            let id = NetworkId(id);
            networks.names.push(name.clone());
            networks.by_name.insert(name.clone(), id);
            networks.show(id, &network.capture);
        }
        networks
    }

    /// Adds a network that no packet shows, or finds the one of that name.
    pub(super) fn add(&mut self, name: &NetworkName) -> NetworkId {
        if let Some(id) = self.id(name) {
            return id;
        }
        let id = NetworkId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.clone());
        self.by_name.insert(name.clone(), id);
        id
    }

    /// Says how packets show that they belong to a network.
    pub(super) fn show(&mut self, id: NetworkId, capture: &CaptureIds) {
        for interface in &capture.interfaces {
            self.by_interface.insert(interface.clone(), id);
        }
        self.by_vlan.extend(capture.vlans.iter().map(|vlan| (*vlan, id)));
        self.by_vxlan.extend(capture.vxlans.iter().map(|vni| (*vni, id)));
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The network of a name.
    #[must_use]
    pub fn id(&self, name: &NetworkName) -> Option<NetworkId> {
        self.by_name.get(name).copied()
    }

    /// The name of a network.
    #[must_use]
    pub fn name(&self, id: NetworkId) -> Option<&NetworkName> {
        self.names.get(usize::try_from(id.0).ok()?)
    }

    /// Whether the interface that a packet came from may show its network.
    #[must_use]
    pub fn are_shown_by_interfaces(&self) -> bool {
        !self.by_interface.is_empty()
    }

    /// The network that a packet shows: by its tunnel, else by its innermost known VLAN tag,
    /// else by its interface. `None` where nothing that it shows is listed.
    #[must_use]
    pub fn find(&self, hint: &NetworkHint<'_>) -> Option<NetworkId> {
        let by_vni = hint.vni.and_then(|vni| self.by_vxlan.get(&vni));
        let by_vlan = || hint.vlan.ids().iter().rev().find_map(|vlan| self.by_vlan.get(vlan));
        let by_interface = || hint.interface.and_then(|name| self.by_interface.get(name));
        by_vni.or_else(by_vlan).or_else(by_interface).copied()
    }
}
