//! Memory for buckets: in large pages where there are many, so that a search for one of millions
//! of senders misses the cache and not the page table as well.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "mapped memory is bytes until somebody says what they are")
)]

use core::ops::{Deref, DerefMut};

use crate::table::bucket::Bucket;

/// From this many bytes on, memory is mapped by itself and asked for in large pages.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// Buckets, all empty at first.
#[derive(Debug)]
pub(super) enum Pages {
    /// On the heap.
    Heap(Box<[Bucket]>),
    /// Mapped, with how many there are.
    #[cfg(target_os = "linux")]
    Mapped(memmap2::MmapRaw, usize),
}

impl Pages {
    /// So many empty buckets.
    pub(super) fn new(count: usize) -> Self {
        #[cfg(target_os = "linux")]
        if count >= LARGE / size_of::<Bucket>()
            && let Some(bytes) = count.checked_mul(size_of::<Bucket>())
            && let Ok(map) = memmap2::MmapMut::map_anon(bytes)
        {
            // Raw, because values are stored while they are shared: a pointer that came from
            // `&[u8]` must not be written through.
            let map = memmap2::MmapRaw::from(map);
            // A hint: without large pages it is only slower.
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self::Mapped(map, count);
        }
        Self::Heap((0..count).map(|_| Bucket::new()).collect())
    }
}

impl Deref for Pages {
    type Target = [Bucket];

    #[inline(always)]
    fn deref(&self) -> &[Bucket] {
        match self {
            Self::Heap(buckets) => buckets,
            #[cfg(target_os = "linux")]
            // SAFETY: the map has room for that many buckets and begins at a page, which is
            // aligned for them; it began as zeros, which are empty buckets, and nothing but
            // buckets was written to it. Its bytes are shared with nobody.
            Self::Mapped(map, count) => unsafe {
                core::slice::from_raw_parts(map.as_ptr().cast(), *count)
            },
        }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [Bucket] {
        match self {
            Self::Heap(buckets) => buckets,
            #[cfg(target_os = "linux")]
            // SAFETY: the map has room for that many buckets and begins at a page, which is
            // aligned for them; it began as zeros, which are empty buckets, and nothing but
            // buckets was written to it. It is borrowed mutably, and its bytes are shared with
            // nobody.
            Self::Mapped(map, count) => unsafe {
                core::slice::from_raw_parts_mut(map.as_mut_ptr().cast(), *count)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn mapped_buckets_are_as_empty_as_those_of_the_heap() {
        for count in [0, 1, 70_000, 200_000] {
            let mut pages = Pages::new(count);
            assert_eq!(pages.len(), count);
            let empty = |bucket: &Bucket| {
                bucket.keys == [0; 8]
                    && bucket.values.iter().all(|value| value.load(Ordering::Relaxed) == 0)
            };
            assert!(pages.iter().all(empty));
            if let Some(last) = pages.last_mut() {
                last.keys = [7; 8];
                assert_eq!(pages.last().unwrap().keys, [7; 8]);
            }
        }
    }
}
