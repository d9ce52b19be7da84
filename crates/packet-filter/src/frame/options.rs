//! A frame, what is looked for in it, and how far.

use crate::link::LinkType;

/// How many VLAN tags are read; a frame with more is indeterminate.
pub const MAX_VLAN_TAGS: usize = 3;

/// How many MPLS labels are read; a frame with more is indeterminate.
pub const MAX_MPLS_LABELS: usize = 8;

/// How many extension headers of one IP packet are walked; a longer chain is dropped
/// (RFC 7112 and RFC 9098 allow a limit, this is ours).
pub const MAX_EXTENSIONS: usize = 8;

/// How many tunnels in each other are entered; what is deeper is indeterminate.
pub const MAX_TUNNELS: usize = 4;

/// Where the bytes come from: some cases mean one thing in a capture and another on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Origin {
    /// A capture file: what the card was yet to do (checksums, cutting into segments) is
    /// expected to be undone.
    #[default]
    Capture,
    /// A live source: what is wrong is wrong.
    Live,
}

/// What to look for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameOptions {
    /// Where the bytes come from.
    pub origin: Origin,
    /// Whether the packets inside tunnels are judged, too.
    pub look_inside: bool,
    /// The destination port that is looked for; any where there is none.
    pub port: Option<u16>,
}

impl Default for FrameOptions {
    /// A capture's outer packets, port 25.
    fn default() -> Self {
        Self { origin: Origin::Capture, look_inside: false, port: Some(25) }
    }
}

/// A frame as it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What its first byte belongs to.
    pub link: LinkType,
    /// The bytes that are present.
    pub bytes: &'a [u8],
    /// Its length on the wire, in bytes; more than are present where the capture was cut.
    pub wire_len: u32,
}
