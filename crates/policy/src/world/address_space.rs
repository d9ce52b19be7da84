//! Address spaces that no virtual network can have.

use ipnet::IpNet;

use crate::world::ranges::{v4, v6};

/// What a network's address space cannot have in it, with the reason. The platform's own address is
/// that of N16; of the others no packet to a machine bears an address (RFC 1122, 3.2.1.3;
/// RFC 3927; RFC 4291, 2.5 and 2.7).
const REFUSED: [(IpNet, &str); 9] = [
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([169, 254, 0, 0], 16), "link-local"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([255, 255, 255, 255], 32), "broadcast"),
    (v4([168, 63, 129, 16], 32), "the platform's own address, N16"),
    (v6(0, 0, 128), "the unspecified address"),
    (v6(0, 1, 128), "loopback"),
    (v6(0xfe80, 0, 10), "link-local"),
    (v6(0xff00, 0, 8), "multicast"),
];

/// A prefix that is in no network's address space.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{prefix}` has {refused} ({what}) in it, which no virtual network can have; give the prefixes that \
     the network has"
)]
pub struct UnfitAddressSpace {
    /// The prefix.
    pub prefix: IpNet,
    /// What is in it.
    pub refused: IpNet,
    /// What that is.
    pub what: &'static str,
}

/// Refuses a prefix that no new network can have: one with addresses of the platform, of one
/// machine alone, of one link, or of many machines in it.
///
/// # Errors
/// It is such a prefix.
pub fn fit_for_an_address_space(prefix: &IpNet) -> Result<(), UnfitAddressSpace> {
    for (refused, what) in REFUSED {
        if prefix.contains(&refused) || refused.contains(prefix) {
            return Err(UnfitAddressSpace { prefix: *prefix, refused, what });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_spaces_that_the_platform_refuses_were_taken() {
        for bad in [
            "0.0.0.0/0",
            "127.0.0.0/8",
            "127.1.0.0/16",
            "224.0.0.0/4",
            "239.1.2.0/24",
            "169.254.0.0/16",
            "168.63.129.16/32",
            "168.63.129.0/24",
            "255.255.255.255/32",
            "240.0.0.0/4",
            "::/0",
            "::1/128",
            "fe80::/64",
            "ff02::/16",
        ] {
            assert!(fit_for_an_address_space(&bad.parse().unwrap()).is_err(), "{bad}");
        }
        for good in ["10.0.0.0/8", "172.16.0.0/12", "203.0.113.0/24", "100.64.0.0/10", "fd00::/48"]
        {
            assert_eq!(fit_for_an_address_space(&good.parse().unwrap()), Ok(()), "{good}");
        }
    }
}
