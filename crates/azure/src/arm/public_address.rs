//! Public addresses and prefixes of them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::fields::{Fields, Look as _};
use crate::id::Id;
use crate::resource::{Kind, Resources};

/// As many addresses of a prefix are listed at most: a NAT gateway's has sixteen.
const LISTED: usize = 16;

/// The address that a reference below a key leads to, unless it is not in the export.
pub(crate) fn of(resources: &Resources, of: &Fields, key: &str) -> Option<IpAddr> {
    let inline = of.object(key)?;
    inline.address("ipaddress").or_else(|| at(resources, &Id::new(inline.text("id")?)))
}

/// The address of a resource.
pub(crate) fn at(resources: &Resources, id: &Id) -> Option<IpAddr> {
    resources.get(id, Kind::PublicAddress)?.fields.address("ipaddress")
}

/// The addresses of a prefix.
pub(crate) fn within(resources: &Resources, id: &Id) -> Option<Vec<IpAddr>> {
    let prefix: IpNet =
        resources.get(id, Kind::PublicPrefix)?.fields.text("ipprefix")?.parse().ok()?;
    let first = prefix.network();
    let all: Vec<_> = match prefix {
        IpNet::V4(prefix) => {
            let size = 1_u32.checked_shl(u32::from(32 - prefix.prefix_len())).unwrap_or(u32::MAX);
            let size = usize::try_from(size).unwrap_or(usize::MAX).min(LISTED);
            let numbers = u32::from(prefix.network())..=u32::MAX;
            numbers.take(size).map(|number| IpAddr::V4(number.into())).collect()
        }
        IpNet::V6(_) => vec![first],
    };
    Some(all)
}
