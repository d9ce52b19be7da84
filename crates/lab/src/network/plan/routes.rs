//! Which networks a packet can come from.

use std::collections::BTreeSet;

use egress25_policy::{NetworkName, World};

/// A network and all whose packets can come to it from forwarder to forwarder, the nearest first.
pub(crate) fn nearest_first<'a>(
    world: &'a World,
    network: &'a NetworkName,
) -> Vec<&'a NetworkName> {
    let mut all = vec![network];
    let mut known = BTreeSet::from([network]);
    let mut next = 0;
    // Where all are known, as in a mesh after the first, no more peerings are looked at.
    while known.len() < world.networks().len()
        && let Some(here) = all.get(next).copied()
    {
        all.extend(world.in_reach(here).filter(|there| known.insert(there)));
        next = next.saturating_add(1);
    }
    all
}
