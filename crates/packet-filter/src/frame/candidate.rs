//! A SYN to port 25, as the policy needs it.

use core::fmt;
use std::net::IpAddr;

use crate::frame::{MAX_VLAN_TAGS, Tunnel};

/// A SYN to port 25 and what tells whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The IP source address.
    pub source: IpAddr,
    /// The IP destination address.
    pub destination: IpAddr,
    /// The TCP source port.
    pub source_port: u16,
    /// The TCP destination port: 25, unless [`crate::frame::FrameOptions::port`] says otherwise.
    pub destination_port: u16,
    /// The VLAN tags of the Ethernet frame that carries the packet; for a tunnel that carries
    /// bare IP, those of the frame around the tunnel.
    pub vlan: VlanTags,
    /// The network identifier of the innermost tunnel that has one: VXLAN's and Geneve's VNI,
    /// NVGRE's virtual subnet identifier.
    pub vni: Option<u32>,
    /// The innermost tunnel that the packet was found in.
    pub tunnel: Option<Tunnel>,
}

/// The VLAN identifiers of a frame's tags, outermost first (802.1Q, 802.1ad).
///
/// A priority tag counts as a tag with identifier 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct VlanTags {
    ids: [u16; MAX_VLAN_TAGS],
    len: usize,
}

impl VlanTags {
    /// No tags.
    pub const NONE: Self = Self { ids: [0; MAX_VLAN_TAGS], len: 0 };

    /// The identifiers, 0 to 4095, outermost first.
    #[must_use]
    pub fn ids(&self) -> &[u16] {
        self.ids.get(..self.len).unwrap_or_default()
    }

    /// Whether the frame is untagged.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds the next tag inwards; `false` where [`MAX_VLAN_TAGS`] are there already.
    #[must_use]
    pub(crate) fn push(&mut self, id: u16) -> bool {
        match self.ids.get_mut(self.len) {
            Some(slot) => {
                *slot = id;
                self.len += 1;
                true
            }
            None => false,
        }
    }
}

impl fmt::Display for VlanTags {
    /// The identifiers with dots between them, as `10.20`; `-` for an untagged frame.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("-");
        }
        for (position, id) in self.ids().iter().enumerate() {
            let dot = if position == 0 { "" } else { "." };
            write!(f, "{dot}{id}")?;
        }
        Ok(())
    }
}
