//! How a captured packet shows its network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
