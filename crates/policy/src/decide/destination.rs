//! Destinations whose address alone decides, whatever the routes say.

use std::net::{IpAddr, Ipv4Addr};

use crate::article::reason::Reason;

/// The addresses of the platform itself: instance metadata and the wire server.
pub(crate) const PLATFORM: [Ipv4Addr; 2] =
    [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(168, 63, 129, 16)];

/// Why nothing delivers TCP to an address (RFC 1122, 3.2.1.3 and 4.2.3.10; RFC 4291, 2.5 to 2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum UnfitDestination {
    /// It is a multicast group.
    Multicast,
    /// It is the limited broadcast address.
    Broadcast,
    /// It is the sender itself.
    Loopback,
    /// It is no address.
    Unspecified,
    /// It is of the sender's link alone (RFC 3927, RFC 4291), and not the platform's.
    LinkLocal,
    /// It is an IPv4 address in the form of an IPv6 one, which no packet bears (RFC 4942, 2.2).
    #[strum(serialize = "IPv4-mapped")]
    Mapped,
}

impl UnfitDestination {
    /// What is wrong with an address, if something is.
    #[inline]
    #[must_use]
    pub fn of(destination: IpAddr) -> Option<Self> {
        match destination {
            _ if destination.is_multicast() => Some(Self::Multicast),
            _ if destination.is_loopback() => Some(Self::Loopback),
            _ if destination.is_unspecified() => Some(Self::Unspecified),
            IpAddr::V4(address) if address.is_broadcast() => Some(Self::Broadcast),
            IpAddr::V4(address) if address.is_link_local() && !PLATFORM.contains(&address) => {
                Some(Self::LinkLocal)
            }
            IpAddr::V6(address) if address.is_unicast_link_local() => Some(Self::LinkLocal),
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => Some(Self::Mapped),
            _ => None,
        }
    }

    /// Why a packet to such an address does not pass.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Mapped => Reason::Malformed,
            _ => Reason::MartianDestination,
        }
    }
}

/// The ranges of a family that [`UnfitDestination::of`] names, but that the platform's own
/// addresses are in them.
pub(crate) fn unfit_ranges(v4: bool) -> [(IpAddr, IpAddr); 5] {
    const MAX: u16 = u16::MAX;
    let range_v4 = |first: [u8; 4], last: [u8; 4]| (IpAddr::from(first), IpAddr::from(last));
    let range_v6 = |first: [u16; 8], last: [u16; 8]| (IpAddr::from(first), IpAddr::from(last));
    if v4 {
        [
            range_v4([0; 4], [0; 4]),
            range_v4([127, 0, 0, 0], [127, 255, 255, 255]),
            range_v4([169, 254, 0, 0], [169, 254, 255, 255]),
            range_v4([224, 0, 0, 0], [239, 255, 255, 255]),
            range_v4([255; 4], [255; 4]),
        ]
    } else {
        [
            range_v6([0; 8], [0; 8]),
            range_v6([0, 0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 1]),
            range_v6([0, 0, 0, 0, 0, MAX, 0, 0], [0, 0, 0, 0, 0, MAX, MAX, MAX]),
            range_v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], [0xfebf, MAX, MAX, MAX, MAX, MAX, MAX, MAX]),
            range_v6([0xff00, 0, 0, 0, 0, 0, 0, 0], [MAX; 8]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    /// The addresses before and behind a range.
    fn beside(first: IpAddr, last: IpAddr) -> Vec<IpAddr> {
        let around = match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                let (first, last) = (u32::from(first), u32::from(last));
                [first.checked_sub(1), last.checked_add(1)]
                    .map(|at| Some(Ipv4Addr::from(at?).into()))
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                let (first, last) = (u128::from(first), u128::from(last));
                [first.checked_sub(1), last.checked_add(1)]
                    .map(|at| Some(Ipv6Addr::from(at?).into()))
            }
            _ => [None, None],
        };
        around.into_iter().flatten().collect()
    }

    #[test]
    fn the_ranges_are_those_of_the_one_function() {
        for ranges in [true, false].map(unfit_ranges) {
            for (first, last) in ranges {
                let unfit = UnfitDestination::of(first);
                assert!(unfit.is_some() && unfit == UnfitDestination::of(last), "{first} {last}");
                for beside in beside(first, last) {
                    let listed = ranges.iter().any(|(a, b)| (*a..=*b).contains(&beside));
                    assert_eq!(UnfitDestination::of(beside).is_some(), listed, "{beside}");
                }
            }
        }
        for platform in PLATFORM {
            assert_eq!(UnfitDestination::of(platform.into()), None);
        }
    }
}
