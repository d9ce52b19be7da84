//! How a captured packet shows its network.

use schemars::JsonSchema;
use serde::Deserialize;

/// How a captured packet shows its network, for networks whose addresses overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptureIds {
    /// Names of capture interfaces, as in a pcapng file.
    pub interfaces: Vec<String>,
    /// VLAN ids.
    pub vlans: Vec<u16>,
    /// VXLAN network ids.
    pub vxlans: Vec<u32>,
}
