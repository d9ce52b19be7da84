//! The first look at the candidates of a block (AVX-512): first the values of all senders, one
//! bucket after the other, then what they mean, sixteen at a time.
#![expect(unsafe_code, reason = "vector loads take pointers, and intrinsics need their feature")]

use core::arch::x86_64::{
    __m512i, __mmask16, _mm256_cmpeq_epi32_mask, _mm256_loadu_si256, _mm256_set1_epi32,
    _mm512_add_epi32, _mm512_and_si512, _mm512_castsi256_si512, _mm512_cmpeq_epi32_mask,
    _mm512_cmplt_epu32_mask, _mm512_cvtsi512_si32, _mm512_loadu_si512, _mm512_mask_blend_epi32,
    _mm512_mask_i32gather_epi32, _mm512_maskz_mov_epi32, _mm512_max_epu32, _mm512_or_si512,
    _mm512_permutex2var_epi32, _mm512_permutexvar_epi32, _mm512_reduce_max_epu32, _mm512_set_epi32,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srli_epi32, _mm512_srlv_epi32,
    _mm512_storeu_si512, _mm512_test_epi8_mask, _mm512_test_epi32_mask,
};
use core::sync::atomic::Ordering;

use crate::sieve::fetch::{Ahead, fetch_one};
use crate::sieve::heads::{BLOCK, Heads};
use crate::sieve::ruling::Ruling;
use crate::sieve::x86_words::{all, load_16};
use crate::table::{Bucket, CommonCase, SenderPlace};

/// How many numbers are in a [`SenderPlace`], as a power of two, and where in it the edges are; the
/// network is the first.
const PLACE: u32 = 4;
const EDGES: u32 = 4;

const _: () = assert!(size_of::<SenderPlace>() == 4 << PLACE, "a place is 16 numbers");
const _: () = assert!(size_of::<Bucket>() == 64, "a bucket is a cache line");

/// As [`crate::sieve::Level::common_case`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
pub(super) fn common_case(
    look: &CommonCase<'_>,
    heads: &Heads,
    count: usize,
    ahead: Ahead<'_>,
    rulings: &mut [Ruling; BLOCK],
) -> u64 {
    let count = count.min(BLOCK);
    let mut largest = _mm512_setzero_si512();
    for (group, homes) in heads.home.as_chunks::<16>().0.iter().enumerate() {
        let here = _mm512_cmplt_epu32_mask(numbered(group), all(number(count)));
        largest = _mm512_max_epu32(largest, _mm512_maskz_mov_epi32(here, load_16(homes)));
    }
    if look.buckets.len() <= _mm512_reduce_max_epu32(largest) as usize {
        // No search begins behind the last bucket.
        ahead.fetch_from(0);
        return 0;
    }
    let (mut values, mut found) = ([0_u32; BLOCK], [0_u8; BLOCK]);
    // SAFETY: every home of the first `count` is the number of a bucket, as was just made sure.
    unsafe { read_values(look.buckets, heads, count, ahead, &mut values, &mut found) };
    // SAFETY: the array has the 64 bytes that are read; the load needs no alignment.
    let found = unsafe { _mm512_loadu_si512(found.as_ptr().cast()) };
    let found = _mm512_test_epi8_mask(found, found);
    let mut told = 0_u64;
    let groups = values.as_chunks::<16>().0.iter().zip(heads.destination.as_chunks::<16>().0);
    let groups = groups.zip(rulings.as_chunks_mut::<16>().0);
    for (group, ((values, destinations), rulings)) in groups.enumerate() {
        let from = group * 16;
        if from >= count {
            break;
        }
        let [low, high, ..] = (found >> from).to_le_bytes();
        let found = u16::from_le_bytes([low, high]);
        told |=
            u64::from(tell(look, load_16(values), load_16(destinations), found, rulings)) << from;
    }
    told
}

/// The values of so many senders, and for each whether it was found in its first bucket.
///
/// # Safety
/// The home of each of the first `count` heads, at most [`BLOCK`], has to be the number of a
/// bucket.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,bmi1,bmi2")]
unsafe fn read_values(
    buckets: &[Bucket],
    heads: &Heads,
    count: usize,
    ahead: Ahead<'_>,
    values: &mut [u32; BLOCK],
    found: &mut [u8; BLOCK],
) {
    let (homes, sources) = (heads.home.as_ptr(), heads.source.as_ptr());
    let (values, found) = (values.as_mut_ptr(), found.as_mut_ptr());
    let one = |number: usize| {
        // SAFETY: `number` is below `count`, which no array is shorter than; the caller has seen
        // to it that its home is a bucket.
        unsafe {
            let bucket = &*buckets.as_ptr().wrapping_add(*homes.wrapping_add(number) as usize);
            let keys = _mm256_loadu_si256(bucket.keys.as_ptr().cast());
            let source = _mm256_set1_epi32((*sources.wrapping_add(number)).cast_signed());
            let equal = _mm256_cmpeq_epi32_mask(keys, source);
            *found.wrapping_add(number) = equal;
            // Where none is equal, this is the last: what it holds is not looked at.
            let lane = (u32::from(equal) | 0x80).trailing_zeros() as usize;
            let value = bucket.values.get_unchecked(lane);
            *values.wrapping_add(number) = value.load(Ordering::Relaxed);
        }
    };
    let both = count.min(ahead.offsets.len());
    let (bytes, offsets) = (ahead.bytes, ahead.offsets.as_ptr());
    for number in 0..both {
        // SAFETY: `number` is below the number of offsets.
        fetch_one(bytes, unsafe { *offsets.wrapping_add(number) });
        one(number);
    }
    for number in both..count {
        one(number);
    }
    ahead.fetch_from(both);
}

/// The rulings on sixteen senders' values, and which of them could be told.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn tell(
    look: &CommonCase<'_>,
    values: __m512i,
    destinations: __m512i,
    found: __mmask16,
    rulings: &mut [Ruling; 16],
) -> __mmask16 {
    let place = _mm512_srli_epi32::<8>(values);
    let there = found & _mm512_cmplt_epu32_mask(place, all(number(look.places.len())));
    let first = _mm512_srli_epi32::<24>(destinations);
    let word = _mm512_srli_epi32::<5>(first);
    let (network, edges) = match uniform(look, place) {
        Some(place) => {
            let network = if place.network() == look.network { u16::MAX } else { 0 };
            (network, _mm512_permutexvar_epi32(word, eight(place.edges())))
        }
        None => {
            let at = _mm512_slli_epi32::<PLACE>(place);
            let (base, none) = (look.places.as_ptr().cast(), _mm512_setzero_si512());
            let edge = _mm512_add_epi32(_mm512_add_epi32(at, all(EDGES)), word);
            // SAFETY: only lanes of `there` are read; their places are in the list, and a word of
            // an edge is one of eight. A place is 16 numbers.
            let (network, edges) = unsafe {
                (
                    _mm512_mask_i32gather_epi32::<4>(none, there, at, base),
                    _mm512_mask_i32gather_epi32::<4>(none, there, edge, base),
                )
            };
            (_mm512_cmpeq_epi32_mask(network, all(look.network)), edges)
        }
    };
    let bit = _mm512_srlv_epi32(edges, _mm512_and_si512(first, all(31)));
    let is_edge = _mm512_test_epi32_mask(bit, all(1));
    let reason = _mm512_and_si512(values, all(0xff));
    let is_reason = _mm512_cmplt_epu32_mask(reason, all(64));
    let [a, b, c, d] = look.words.as_chunks::<16>().0 else { return 0 };
    let low = _mm512_permutex2var_epi32(load_16(a), reason, load_16(b));
    let high = _mm512_permutex2var_epi32(load_16(c), reason, load_16(d));
    let words = _mm512_mask_blend_epi32(_mm512_test_epi32_mask(reason, all(32)), low, high);
    // A value and a ruling have the place at the same bits, and one byte below.
    let words = _mm512_or_si512(words, _mm512_slli_epi32::<8>(place));
    // SAFETY: the array has the 64 bytes that are written, a ruling being four; the store needs no
    // alignment. What is written are rulings.
    unsafe { _mm512_storeu_si512(rulings.as_mut_ptr().cast(), words) };
    there & network & is_edge & is_reason
}

/// The place of all sixteen, where it is the same for all.
#[inline]
#[target_feature(enable = "avx512f")]
fn uniform<'a>(look: &CommonCase<'a>, places: __m512i) -> Option<&'a SenderPlace> {
    let first = _mm512_cvtsi512_si32(places).cast_unsigned();
    let same = _mm512_cmpeq_epi32_mask(places, all(first)) == u16::MAX;
    if same { look.places.get(first as usize) } else { None }
}

/// A length as 32 bits; one that does not fit counts as the largest number.
fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The numbers of a group of sixteen.
#[inline]
#[target_feature(enable = "avx512f")]
fn numbered(group: usize) -> __m512i {
    let first = all(number(group * 16));
    _mm512_add_epi32(first, _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
}

/// Eight numbers, and eight that do not count.
#[inline]
#[target_feature(enable = "avx512f")]
fn eight(numbers: &[u32; 8]) -> __m512i {
    // SAFETY: the array has the 32 bytes that are read; the load needs no alignment.
    _mm512_castsi256_si512(unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) })
}
