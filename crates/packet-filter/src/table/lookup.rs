//! Who owns an address: buckets of one cache line each.
//!
//! A bucket holds eight keys of 32 bits and eight values of 32 bits, 64 bytes in all and
//! aligned to a cache line, so that a look-up touches one line. The keys never change once the
//! table is built; the values are atomic and are replaced in place. For IPv4 the key is the
//! address itself; for IPv6 it is 32 bits of a hash, and the address stands beside the buckets.
//! Which network an entry belongs to is told by its value, so the same address may stand in as
//! many networks as there are.
//!
//! Buckets are filled to 70 %: 11.4 bytes an address.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::sieve::EqualLanes;
use crate::table::bucket::{Bucket, EMPTY, LANES};
use crate::table::pages::Pages;

/// What is looked up: the bucket where the search starts, and the key in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    /// 32 evenly spread bits.
    pub(crate) spread: u32,
    /// The key as the bucket holds it.
    pub(crate) key: u32,
}

impl Probe {
    /// Looks for an IPv4 address in a network.
    #[inline(always)]
    pub(crate) fn v4(network: u32, address: u32) -> Self {
        Self { spread: mix_v4(seed_v4(network), address), key: address }
    }

    /// Looks for an IPv6 address in a network.
    #[inline(always)]
    pub(crate) fn v6(network: u32, address: u128) -> Self {
        let [upper, lower] = halves(address);
        let spread = mix(mix(upper ^ u64::from(network).rotate_left(40)) ^ lower);
        Self { spread: high(spread), key: low(spread) }
    }
}

/// What tells one network's IPv4 addresses from another's.
#[inline(always)]
pub(crate) const fn seed_v4(network: u32) -> u32 {
    network.wrapping_mul(0x9e37_79b9).rotate_left(11)
}

/// Spreads the bits of an IPv4 address evenly, in steps that vectors of 32 bits have.
#[inline(always)]
pub(crate) const fn mix_v4(seed: u32, address: u32) -> u32 {
    let key = address ^ seed;
    let key = (key ^ (key >> 16)).wrapping_mul(0x85eb_ca6b);
    let key = (key ^ (key >> 13)).wrapping_mul(0xc2b2_ae35);
    key ^ (key >> 16)
}

/// The bucket of so many where a search starts: the spread bits as a fraction of the whole.
#[inline(always)]
pub(crate) fn home_of(spread: u32, buckets: u32) -> u32 {
    high(u64::from(spread).wrapping_mul(u64::from(buckets)))
}

/// Spreads the bits of a key evenly: two multiplications by odd constants.
#[inline(always)]
const fn mix(key: u64) -> u64 {
    let once = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let folded = once ^ (once >> 32);
    let twice = folded.wrapping_mul(0xd6e8_feb8_6659_fd93);
    twice ^ (twice >> 32)
}

#[inline(always)]
fn high(word: u64) -> u32 {
    u32::try_from(word >> 32).unwrap_or_default()
}

#[inline(always)]
fn low(word: u64) -> u32 {
    u32::try_from(word & 0xffff_ffff).unwrap_or_default()
}

fn halves(address: u128) -> [u64; 2] {
    [address >> 64, address & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0))
}

/// The buckets of one address family.
#[derive(Debug)]
pub(crate) struct Buckets {
    buckets: Pages,
}

impl Buckets {
    /// Room for a number of entries.
    pub(crate) fn with_room_for(entries: usize) -> Self {
        // 70 % of 8 lanes are 5.6.
        let buckets = entries.saturating_mul(10).div_ceil(56).max(1);
        Self { buckets: Pages::new(buckets) }
    }

    /// How many lanes there are: every place is below.
    pub(crate) fn lanes(&self) -> usize {
        self.buckets.len().saturating_mul(LANES)
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val::<[Bucket]>(&self.buckets)
    }

    /// Puts an entry into the first free lane on its way and says where. `same` is asked, with
    /// place and value, whether an entry with the same key is the same.
    pub(crate) fn insert(
        &mut self,
        probe: Probe,
        value: u32,
        same: impl Fn(usize, u32) -> bool,
    ) -> Result<usize, Occupied> {
        let (mut at, count) = (self.home(probe.spread), self.buckets.len());
        for _ in 0..count {
            let Some(bucket) = self.buckets.get_mut(at) else { break };
            for (lane, (key, stored)) in bucket.keys.iter_mut().zip(&bucket.values).enumerate() {
                let held = stored.load(Ordering::Relaxed);
                let place = at.wrapping_mul(LANES).wrapping_add(lane);
                if held == EMPTY {
                    *key = probe.key;
                    stored.store(value, Ordering::Relaxed);
                    return Ok(place);
                }
                if *key == probe.key && same(place, held) {
                    return Err(Occupied { place: Some(place) });
                }
            }
            at = self.after(at);
        }
        Err(Occupied { place: None })
    }

    /// The first entry with a key in the first bucket of a search: nearly always the only one.
    #[inline(always)]
    pub(crate) fn first<L: EqualLanes>(&self, level: L, probe: Probe) -> Option<(usize, u32)> {
        let (home, key) = (self.home(probe.spread), probe.key);
        let bucket = self.buckets.get(home)?;
        let lane = level.equal_lanes(&bucket.keys, key).trailing_zeros() as usize;
        let value = bucket.values.get(lane)?.load(Ordering::Relaxed);
        Some((home.wrapping_mul(LANES).wrapping_add(lane), value))
    }

    /// The place and value of the entry with a key that `accept` takes, given its place and
    /// value.
    pub(crate) fn find<L: EqualLanes>(
        &self,
        level: L,
        probe: Probe,
        accept: impl Fn(usize, u32) -> bool,
    ) -> Option<(usize, u32)> {
        let mut at = self.home(probe.spread);
        for _ in 0..self.buckets.len() {
            let bucket = self.buckets.get(at)?;
            let mut equal = level.equal_lanes(&bucket.keys, probe.key);
            while equal != 0 {
                let lane = equal.trailing_zeros() as usize;
                equal &= equal.wrapping_sub(1);
                let Some(value) = bucket.values.get(lane) else { break };
                let value = value.load(Ordering::Relaxed);
                let place = at.wrapping_mul(LANES).wrapping_add(lane);
                if value != EMPTY && accept(place, value) {
                    return Some((place, value));
                }
            }
            if !bucket.is_full() {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    /// The key and the value at a place.
    pub(crate) fn at(&self, place: usize) -> Option<(u32, &AtomicU32)> {
        let bucket = self.buckets.get(place / LANES)?;
        let lane = place % LANES;
        Some((*bucket.keys.get(lane)?, bucket.values.get(lane)?))
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Bucket] {
        &self.buckets
    }

    /// How many buckets there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.buckets.len()).unwrap_or(u32::MAX)
    }

    #[inline(always)]
    fn home(&self, spread: u32) -> usize {
        home_of(spread, self.count()) as usize
    }

    #[inline(always)]
    fn after(&self, at: usize) -> usize {
        let next = at.wrapping_add(1);
        if next == self.buckets.len() { 0 } else { next }
    }
}

/// The key is there already, or there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occupied {
    /// Where the key stands; nothing where there is no room.
    pub(crate) place: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sieve::Scalar;

    fn filled(count: u32) -> Buckets {
        let mut buckets = Buckets::with_room_for(usize::try_from(count).unwrap());
        for number in 0..count {
            let probe = Probe::v4(number % 7, number / 7);
            buckets.insert(probe, number + 1, |_, _| false).unwrap();
        }
        buckets
    }

    #[test]
    fn every_entry_is_found_and_no_other() {
        for count in [0, 1, 5, 6, 7, 56, 1_000, 100_000] {
            let buckets = filled(count);
            for number in 0..count {
                let probe = Probe::v4(number % 7, number / 7);
                let found = buckets.find(Scalar, probe, |_, value| value == number + 1);
                assert_eq!(found.map(|(_, value)| value), Some(number + 1));
            }
            for absent in 0..1_000 {
                let probe = Probe::v4(absent % 7, u32::MAX - absent);
                assert_eq!(buckets.find(Scalar, probe, |_, _| true), None);
            }
        }
    }

    #[test]
    fn address_zero_is_not_found_in_empty_lanes() {
        let buckets = filled(0);
        assert_eq!(buckets.find(Scalar, Probe::v4(0, 0), |_, _| true), None);
    }

    #[test]
    fn an_entry_takes_less_than_12_bytes() {
        for count in [1_000_usize, 100_000, 1_000_000] {
            let bytes = Buckets::with_room_for(count).bytes();
            assert!(bytes <= count * 12, "{bytes} bytes for {count}");
        }
    }

    #[test]
    fn a_full_table_ends_its_searches() {
        let mut buckets = Buckets { buckets: Pages::new(2) };
        for number in 0..16 {
            buckets.insert(Probe::v4(0, number), 1, |_, _| false).unwrap();
        }
        let full = buckets.insert(Probe::v4(0, 99), 1, |_, _| false);
        assert_eq!(full, Err(Occupied { place: None }));
        assert_eq!(buckets.find(Scalar, Probe::v4(0, 99), |_, _| true), None);
    }
}
