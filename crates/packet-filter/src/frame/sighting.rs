//! What the source of a packet says of it besides its bytes.

pub use egress25_policy::Direction;

use crate::link::LinkType;

/// How a packet was seen: what its source says of it besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sighting<'a> {
    /// The name of the interface that it came from, where the source has one.
    pub interface: Option<&'a str>,
    /// The direction in which that interface saw it, where the source says so.
    pub direction: Option<Direction>,
}

impl<'a> Sighting<'a> {
    /// By an interface that tells no direction.
    #[must_use]
    pub const fn at(interface: Option<&'a str>) -> Self {
        Self { interface, direction: None }
    }

    /// The same of a packet inside of a tunnel, which may go another way than the tunnel: what is
    /// mirrored to a collector comes in there, whichever way it went.
    #[must_use]
    pub const fn inside(self) -> Self {
        Self::at(self.interface)
    }
}

/// The direction that a cooked header tells by its packet type.
pub(crate) fn cooked_direction(link: LinkType, bytes: &[u8]) -> Option<Direction> {
    let kind = match link {
        LinkType::LinuxSll => u16::from_be_bytes(*bytes.first_chunk()?),
        LinkType::LinuxSll2 => u16::from(*bytes.get(10)?),
        _ => return None,
    };
    match kind {
        // To us and from us. Broadcasts, and what others send each other, tell nothing.
        0 => Some(Direction::Inbound),
        4 => Some(Direction::Outbound),
        _ => None,
    }
}
