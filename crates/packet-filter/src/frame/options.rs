//! A frame, what is looked for in it, and how far.

use crate::frame::Kind;
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

/// The port that mail is handed over on between servers.
const SMTP: u16 = 25;

/// Ports that a mail client or a relay is reached on: submission (RFC 6409), submission over TLS
/// (RFC 8314), the usual way round a filter of port 25, and HTTPS.
pub const RELAY_PORTS: [u16; 4] = [587, 465, 2525, 443];

/// How many ports of VXLAN can be named.
pub const MAX_VXLAN_PORTS: usize = 8;

/// Which UDP ports VXLAN is expected on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VxlanPorts {
    ports: [u16; MAX_VXLAN_PORTS],
    len: usize,
}

impl VxlanPorts {
    /// The port of RFC 7348, 4789.
    pub const STANDARD: Self = Self { ports: [4789, 0, 0, 0, 0, 0, 0, 0], len: 1 };

    /// These ports and no others; `None` where there are more than [`MAX_VXLAN_PORTS`].
    #[must_use]
    pub fn new(ports: &[u16]) -> Option<Self> {
        let mut stored = [0; MAX_VXLAN_PORTS];
        stored.get_mut(..ports.len())?.copy_from_slice(ports);
        Some(Self { ports: stored, len: ports.len() })
    }

    /// Whether a port is one of them.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.ports.iter().take(self.len).any(|one| *one == port)
    }
}

impl Default for VxlanPorts {
    fn default() -> Self {
        Self::STANDARD
    }
}

/// Which kinds of packets that are not judged are to be told from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Wanted {
    /// [`Kind::Answer`] and [`Kind::Acknowledgement`].
    pub answers: bool,
    /// [`Kind::IcmpError`].
    pub icmp_errors: bool,
    /// [`Kind::RelaySyn`].
    pub relay_syns: bool,
}

impl Wanted {
    /// None of them.
    pub const NOTHING: Self = Self { answers: false, icmp_errors: false, relay_syns: false };

    /// All of them.
    pub const EVERYTHING: Self = Self { answers: true, icmp_errors: true, relay_syns: true };

    /// Whether a TCP segment's kind is asked for.
    #[inline(always)]
    pub(crate) const fn of_tcp(self) -> bool {
        self.answers | self.relay_syns
    }

    /// The kind, if it is asked for. Unusual encapsulations always are.
    #[inline(always)]
    #[must_use]
    pub const fn only(self, kind: Kind) -> Kind {
        match kind {
            Kind::Answer | Kind::Acknowledgement if !self.answers => Kind::Nothing,
            Kind::IcmpError if !self.icmp_errors => Kind::Nothing,
            Kind::RelaySyn if !self.relay_syns => Kind::Nothing,
            kind => kind,
        }
    }
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
    /// The UDP ports that VXLAN is expected on.
    pub vxlan_ports: VxlanPorts,
    /// Which kinds of packets that are not judged the filter tells apart. The reference always
    /// tells them; what is asked for here costs the fast path a look at each such packet.
    pub wanted: Wanted,
}

impl FrameOptions {
    /// The port that answers come from: the one that is looked for.
    #[inline(always)]
    pub(crate) fn mail_port(&self) -> u16 {
        self.port.unwrap_or(SMTP)
    }
}

impl Default for FrameOptions {
    /// A capture's outer packets, port 25.
    fn default() -> Self {
        Self {
            origin: Origin::Capture,
            look_inside: false,
            port: Some(SMTP),
            vxlan_ports: VxlanPorts::STANDARD,
            wanted: Wanted::NOTHING,
        }
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
