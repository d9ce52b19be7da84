//! Addresses as numbers, and sets of them as ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The last number of a family.
pub(crate) fn max(v4: bool) -> u128 {
    if v4 { u128::from(u32::MAX) } else { u128::MAX }
}

pub(crate) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

pub(crate) fn address(v4: bool, number: u128) -> IpAddr {
    if v4 {
        IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)))
    } else {
        IpAddr::V6(Ipv6Addr::from(number))
    }
}

/// Ranges in order, those that touch as one.
pub(crate) fn merged(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut found: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match found.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
            _ => found.push((first, last)),
        }
    }
    found
}

/// Values in order, each once.
pub(crate) fn in_order<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

/// An IPv4 prefix of a table.
pub(crate) const fn v4([a, b, c, d]: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

/// An IPv6 prefix of a table, by the first and the last group of its address.
pub(crate) const fn v6(first: u16, last: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last), length))
}

/// Where a family's addresses begin or cease to be of any of some prefixes, in order: each by itself, as
/// what touches another is told apart from it all the same.
pub(crate) fn bounds_of_each(prefixes: &[IpNet], v4: bool) -> Vec<u128> {
    let of_one = |prefix: &IpNet| PrefixSet::new([prefix]).bounds(v4).collect::<Vec<_>>();
    in_order(prefixes.iter().flat_map(of_one).collect())
}

/// Addresses of both families, as ranges in order and without overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PrefixSet {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl PrefixSet {
    /// The addresses of some prefixes.
    pub(crate) fn new<'a>(prefixes: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for prefix in prefixes {
            let family = if prefix.addr().is_ipv4() { &mut v4 } else { &mut v6 };
            family.push((number(prefix.network()), number(prefix.broadcast())));
        }
        Self { v4: merged(v4), v6: merged(v6) }
    }

    /// Every address.
    pub(crate) fn all() -> Self {
        let [v4, v6] = [true, false].map(|v4| vec![(0, max(v4))]);
        Self { v4, v6 }
    }

    /// Whether an address is among them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let at = number(address);
        let ranges = self.of_family(address.is_ipv4());
        let place = ranges.partition_point(|(_, last)| *last < at);
        ranges.get(place).is_some_and(|(first, _)| *first <= at)
    }

    /// Whether an address is among both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        [true, false].iter().any(|v4| {
            let others = other.of_family(*v4);
            self.of_family(*v4).iter().any(|(first, last)| {
                let place = others.partition_point(|(_, end)| end < first);
                others.get(place).is_some_and(|(begin, _)| begin <= last)
            })
        })
    }

    /// Those that are not among others, too.
    pub(crate) fn without(&self, others: &Self) -> Self {
        let [v4, v6] = [true, false].map(|v4| {
            let mut left = Vec::new();
            for (first, last) in self.of_family(v4) {
                let mut next = Some(*first);
                for (begin, end) in others.of_family(v4) {
                    if begin > last || end < first {
                        continue;
                    }
                    if let Some(from) = next.filter(|from| from < begin) {
                        left.push((from, begin.saturating_sub(1)));
                    }
                    next = end.checked_add(1).filter(|after| after <= last);
                }
                left.extend(next.map(|from| (from, *last)));
            }
            left
        });
        Self { v4, v6 }
    }

    /// The ranges of a family, in order.
    pub(crate) fn of_family(&self, v4: bool) -> &[(u128, u128)] {
        if v4 { &self.v4 } else { &self.v6 }
    }

    /// Where a family's addresses begin or cease to be among them, but for its first address.
    pub(crate) fn bounds(&self, v4: bool) -> impl Iterator<Item = u128> {
        let ends = |(first, last): &(u128, u128)| [Some(*first), last.checked_add(1)];
        let all = self.of_family(v4).iter().flat_map(ends).flatten();
        all.filter(move |at| *at != 0 && *at <= max(v4))
    }
}
