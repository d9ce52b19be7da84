//! How a captured packet shows its network.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::world::name::NetworkName;
use crate::world::{World, WorldError, err};

/// The largest VXLAN network id: 24 bits (RFC 7348).
const VNI_MAX: u32 = 0x00ff_ffff;

/// How a captured packet shows its network, for networks whose addresses overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptureIds {
    /// Names of capture interfaces, as in a pcapng file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<String>,
    /// VLAN ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vlans: Vec<u16>,
    /// VXLAN network ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vxlans: Vec<u32>,
}

impl World {
    /// What shows a network in a capture can exist (IEEE 802.1Q, RFC 7348), and shows no other.
    pub(crate) fn check_capture_ids(&self) -> Result<(), WorldError> {
        let mut taken: BTreeMap<String, &NetworkName> = BTreeMap::new();
        for (name, network) in &self.networks {
            let CaptureIds { interfaces, vlans, vxlans } = &network.capture;
            let place = |key| format!("network.{name}.capture.{key}");
            if let Some(vlan) = vlans.iter().find(|vlan| !(1..=4094).contains(*vlan)) {
                let what = format!("`{vlan}` is no VLAN: they are numbered from 1 to 4094");
                return Err(err(place("vlans"), what));
            }
            if let Some(vni) = vxlans.iter().find(|vni| **vni > VNI_MAX) {
                let what = format!("`{vni}` is no VXLAN network: the largest is {VNI_MAX}");
                return Err(err(place("vxlans"), what));
            }
            let interfaces =
                interfaces.iter().map(|one| ("interfaces", format!("interface `{one}`")));
            let vlans = vlans.iter().map(|one| ("vlans", format!("VLAN {one}")));
            let vxlans = vxlans.iter().map(|one| ("vxlans", format!("VXLAN network {one}")));
            for (key, shown_by) in interfaces.chain(vlans).chain(vxlans) {
                if let Some(other) = taken.get(&shown_by) {
                    let what = if *other == name {
                        format!("{shown_by} stands here twice")
                    } else {
                        format!("{shown_by} shows network `{other}` already; it can show only one")
                    };
                    return Err(err(place(key), what));
                }
                taken.insert(shown_by, name);
            }
        }
        Ok(())
    }
}
