//! AVX2 and AVX-512 (x86-64).
#![expect(unsafe_code, reason = "vector loads take pointers, and intrinsics need their feature")]

use core::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_cmpeq_epi32,
    _mm256_cmpeq_epi32_mask, _mm256_loadu_si256, _mm256_max_epu32, _mm256_min_epu8,
    _mm256_min_epu32, _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sub_epi32, _mm512_and_si512,
    _mm512_broadcast_i64x4, _mm512_castsi256_si512, _mm512_cmpeq_epi8_mask,
    _mm512_cmpeq_epi32_mask, _mm512_cmple_epu32_mask, _mm512_cmplt_epu32_mask, _mm512_inserti64x4,
    _mm512_loadu_si512, _mm512_max_epu32, _mm512_min_epu8, _mm512_reduce_max_epu32,
    _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_sub_epi32,
    _mm512_test_epi32_mask,
};

use crate::sieve::equal_lanes::EqualLanes;
use crate::sieve::fetch::Ahead;
use crate::sieve::frames::Frames;
use crate::sieve::heads::{BLOCK, Heads};
use crate::sieve::level::{Level, LevelWork};
use crate::sieve::ruling::Ruling;
use crate::sieve::tally::Tally;
use crate::sieve::template::{Template, WINDOW};
use crate::sieve::x86_common_case::common_case;
use crate::sieve::x86_heads::{Whole, read_heads};
use crate::sieve::x86_words::load_16;
use crate::table::{CommonCase, Homes};

/// The proof that the processor has AVX2 (and BMI1, BMI2, LZCNT and POPCNT, as all of those).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let here = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        here.then_some(Self(()))
    }

    /// Does some work, compiled for AVX2.
    pub(crate) fn run(self, work: impl LevelWork) {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn inner(level: Avx2, work: impl LevelWork) {
            work.on(level);
        }
        // SAFETY: a value of this type exists only where `detect` found all these features.
        unsafe { inner(self, work) }
    }
}

/// The proof that the processor has AVX-512 F, BW, DQ and VL, and what [`Avx2`] proves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(Avx2);

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        let here = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        Avx2::detect().filter(|_| here).map(Self)
    }

    /// Does some work, compiled for AVX-512.
    pub(crate) fn run(self, work: impl LevelWork) {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn inner(level: Avx512, work: impl LevelWork) {
            work.on(level);
        }
        // SAFETY: a value of this type exists only where `detect` found all these features.
        unsafe { inner(self, work) }
    }
}

impl EqualLanes for Avx2 {
    #[inline(always)]
    fn equal_lanes(self, keys: &[u32; 8], key: u32) -> u32 {
        // SAFETY: the value of `Avx2` proves the features.
        unsafe { equal_lanes_avx2(keys, key) }
    }
}

impl Level for Avx2 {
    #[inline(always)]
    fn sieve(
        self,
        template: &Template,
        bytes: &[u8],
        offsets: &[u32; BLOCK],
        captured: &[u32; BLOCK],
    ) -> u64 {
        // SAFETY: the value of `Avx2` proves the features.
        unsafe { sieve_avx2(template, bytes, offsets, captured) }
    }
}

impl EqualLanes for Avx512 {
    #[inline(always)]
    fn equal_lanes(self, keys: &[u32; 8], key: u32) -> u32 {
        // SAFETY: the value of `Avx512` proves the features.
        unsafe { equal_lanes_avx512(keys, key) }
    }
}

impl Level for Avx512 {
    #[inline(always)]
    fn sieve(
        self,
        template: &Template,
        bytes: &[u8],
        offsets: &[u32; BLOCK],
        captured: &[u32; BLOCK],
    ) -> u64 {
        // SAFETY: the value of `Avx512` proves the features.
        unsafe { sieve_avx512(template, bytes, offsets, captured) }
    }

    #[inline(always)]
    fn read_heads(
        self,
        frames: &Frames<'_>,
        (start, left): (usize, u64),
        port: u16,
        homes: &Homes,
        heads: &mut Heads,
    ) -> Option<u64> {
        let block = Whole {
            bytes: frames.bytes,
            offsets: frames.offsets.get(start..)?.first_chunk()?,
            captured: frames.captured.get(start..)?.first_chunk()?,
            wire: frames.wire.get(start..)?.first_chunk()?,
        };
        // SAFETY: the value of `Avx512` proves the features.
        unsafe { read_heads(block, left, port, homes, heads) }
    }

    #[inline(always)]
    fn common_case(
        self,
        look: &CommonCase<'_>,
        heads: &Heads,
        count: usize,
        ahead: Ahead<'_>,
        rulings: &mut [Ruling; BLOCK],
    ) -> u64 {
        // SAFETY: the value of `Avx512` proves the features.
        unsafe { common_case(look, heads, count, ahead, rulings) }
    }

    #[inline(always)]
    fn count(self, rulings: &[Ruling; BLOCK], which: u64, tally: &mut Tally<'_>) {
        // SAFETY: the value of `Avx512` proves the features.
        unsafe { count_avx512(rulings, which, tally) }
    }
}

/// So many different rulings of a block are counted all equal ones at a time, the rest one by one.
const DIFFERENT: usize = 4;

/// Whether a whole window lies in the bytes at every offset of a block.
#[inline(always)]
fn all_inside(largest: u32, template: &Template, bytes: &[u8]) -> bool {
    let end = u64::from(largest) + u64::from(template.needs());
    u64::try_from(bytes.len()).is_ok_and(|len| end <= len)
}

/// How many bytes there are, as 32 bits: what lies behind them no frame is said to reach.
#[inline(always)]
fn len_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn sieve_avx2(
    template: &Template,
    bytes: &[u8],
    offsets: &[u32; BLOCK],
    captured: &[u32; BLOCK],
) -> u64 {
    let mut largest = _mm256_setzero_si256();
    for eight in offsets.as_chunks::<8>().0 {
        largest = _mm256_max_epu32(largest, load_8(eight));
    }
    let mut lanes = [0_u32; 8];
    // SAFETY: the array has the 32 bytes that are written; the store needs no alignment.
    unsafe { core::arch::x86_64::_mm256_storeu_si256(lanes.as_mut_ptr().cast(), largest) };
    if !all_inside(lanes.into_iter().fold(0, u32::max), template, bytes) {
        return u64::MAX;
    }
    let order = load_32(&template.order);
    let mask = load_32(&template.mask);
    let limit = load_32(&template.limit);
    let value = load_32(&template.value);
    let base = bytes.as_ptr().wrapping_add(template.base as usize);
    let mut bits = [0_u32; BLOCK];
    for (bits, offset) in bits.iter_mut().zip(offsets) {
        // SAFETY: `all_inside` has shown that 32 bytes from the offset and the template's base on
        // are inside `bytes`; the load needs no alignment.
        let window = unsafe { _mm256_loadu_si256(base.wrapping_add(*offset as usize).cast()) };
        let window = _mm256_and_si256(_mm256_shuffle_epi8(window, order), mask);
        let equal = _mm256_cmpeq_epi8(_mm256_min_epu8(window, limit), value);
        *bits = _mm256_movemask_epi8(equal).cast_unsigned();
    }
    let splat = |bits: u32| _mm256_set1_epi32(bits.cast_signed());
    let (plain, other, tcp) = (splat(template.plain), splat(template.other), splat(template.tcp));
    let (long, port) = (splat(template.long), splat(template.port));
    let (needs, limit) = (splat(template.needs()), splat(len_of(bytes)));
    let told = template.told_ports();
    let mut left = 0_u64;
    let lists = offsets.as_chunks::<8>().0.iter().zip(captured.as_chunks::<8>().0);
    let groups = bits.as_chunks::<8>().0.iter().zip(lists);
    for (at, (bits, (offsets, captured))) in groups.enumerate() {
        let (bits, captured) = (load_8(bits), load_8(captured));
        let holds = |wanted| lanes_of(_mm256_cmpeq_epi32(_mm256_and_si256(bits, wanted), wanted));
        let none = |wanted| {
            lanes_of(_mm256_cmpeq_epi32(_mm256_and_si256(bits, wanted), _mm256_setzero_si256()))
        };
        let enough = lanes_of(_mm256_cmpeq_epi32(_mm256_min_epu32(captured, needs), needs));
        // No offset lies behind the limit, as `all_inside` has shown.
        let room = _mm256_sub_epi32(limit, load_8(offsets));
        let whole = lanes_of(_mm256_cmpeq_epi32(_mm256_min_epu32(captured, room), captured));
        let other = !none(other);
        let asked = told.iter().fold(holds(port), |asked, port| asked | holds(splat(*port)));
        let tcp = holds(tcp) & !none(long) & !asked;
        let passes = enough & whole & holds(plain) & (other | tcp);
        left |= u64::from(!passes & 0xff) << (at * 8);
    }
    left
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn sieve_avx512(
    template: &Template,
    bytes: &[u8],
    offsets: &[u32; BLOCK],
    captured: &[u32; BLOCK],
) -> u64 {
    let mut largest = _mm512_setzero_si512();
    for sixteen in offsets.as_chunks::<16>().0 {
        largest = _mm512_max_epu32(largest, load_16(sixteen));
    }
    if !all_inside(_mm512_reduce_max_epu32(largest), template, bytes) {
        return u64::MAX;
    }
    let order = _mm512_broadcast_i64x4(load_32(&template.order));
    let mask = _mm512_broadcast_i64x4(load_32(&template.mask));
    let limit = _mm512_broadcast_i64x4(load_32(&template.limit));
    let value = _mm512_broadcast_i64x4(load_32(&template.value));
    let base = bytes.as_ptr().wrapping_add(template.base as usize);
    let window = |offset: u32| {
        // SAFETY: `all_inside` has shown that 32 bytes from the offset and the template's base on
        // are inside `bytes`; the load needs no alignment.
        unsafe { _mm256_loadu_si256(base.wrapping_add(offset as usize).cast()) }
    };
    let mut bits = [0_u32; BLOCK];
    for (bits, offset) in bits.as_chunks_mut::<2>().0.iter_mut().zip(offsets.as_chunks::<2>().0) {
        let [first, second] = *offset;
        let both = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(window(first)), window(second));
        let both = _mm512_and_si512(_mm512_shuffle_epi8(both, order), mask);
        let equal = _mm512_cmpeq_epi8_mask(_mm512_min_epu8(both, limit), value);
        // Two masks of 32 bits in one store.
        let [a, b, c, d, e, f, g, h] = equal.to_le_bytes();
        *bits = [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])];
    }
    let splat = |bits: u32| _mm512_set1_epi32(bits.cast_signed());
    let (plain, other, tcp) = (splat(template.plain), splat(template.other), splat(template.tcp));
    let (long, port) = (splat(template.long), splat(template.port));
    let (needs, limit) = (splat(template.needs()), splat(len_of(bytes)));
    let told = template.told_ports();
    let mut left = 0_u64;
    let lists = offsets.as_chunks::<16>().0.iter().zip(captured.as_chunks::<16>().0);
    let groups = bits.as_chunks::<16>().0.iter().zip(lists);
    for (at, (bits, (offsets, captured))) in groups.enumerate() {
        let (bits, captured) = (load_16(bits), load_16(captured));
        let holds = |wanted| _mm512_cmpeq_epi32_mask(_mm512_and_si512(bits, wanted), wanted);
        let any = |wanted| _mm512_test_epi32_mask(bits, wanted);
        let short = _mm512_cmplt_epu32_mask(captured, needs);
        // No offset lies behind the limit, as `all_inside` has shown.
        let room = _mm512_sub_epi32(limit, load_16(offsets));
        let whole = _mm512_cmple_epu32_mask(captured, room);
        let asked = told.iter().fold(holds(port), |asked, port| asked | holds(splat(*port)));
        let tcp = holds(tcp) & any(long) & !asked;
        let passes = !short & whole & holds(plain) & (any(other) | tcp);
        left |= u64::from(!passes) << (at * 16);
    }
    left
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal_lanes_avx2(keys: &[u32; 8], key: u32) -> u32 {
    let equal = _mm256_cmpeq_epi32(load_8(keys), _mm256_set1_epi32(key.cast_signed()));
    lanes_of(equal)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn equal_lanes_avx512(keys: &[u32; 8], key: u32) -> u32 {
    u32::from(_mm256_cmpeq_epi32_mask(load_8(keys), _mm256_set1_epi32(key.cast_signed())))
}

/// Counts the rulings whose bits are set, all equal ones at a time: there are few different ones.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,popcnt")]
fn count_avx512(rulings: &[Ruling; BLOCK], which: u64, tally: &mut Tally<'_>) {
    let mut rest = which;
    for _ in 0..DIFFERENT {
        let Some(ruling) = rulings.get(rest.trailing_zeros() as usize) else { return };
        let like = _mm512_set1_epi32(ruling.word().cast_signed());
        let mut equal = 0_u64;
        for (at, sixteen) in rulings.as_chunks::<16>().0.iter().enumerate() {
            // SAFETY: the array has the 64 bytes that are read, a ruling being four; the load
            // needs no alignment.
            let sixteen = unsafe { _mm512_loadu_si512(sixteen.as_ptr().cast()) };
            equal |= u64::from(_mm512_cmpeq_epi32_mask(sixteen, like)) << (at * 16);
        }
        tally.count(*ruling, u64::from((equal & rest).count_ones()));
        rest &= !equal;
    }
    while rest != 0 {
        let Some(ruling) = rulings.get(rest.trailing_zeros() as usize) else { return };
        tally.count(*ruling, 1);
        rest &= rest.wrapping_sub(1);
    }
}

/// One bit for each lane of 32 bits whose highest bit is set.
#[inline]
#[target_feature(enable = "avx2")]
fn lanes_of(equal: __m256i) -> u32 {
    _mm256_movemask_ps(_mm256_castsi256_ps(equal)).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_8(words: &[u32; 8]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read; the load needs no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_32(bytes: &[u8; WINDOW]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[cfg(test)]
mod tests {
    use egress25_skipped::skipped;
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{FrameOptions, Wanted};
    use crate::link::LinkType;
    use crate::sieve::scalar;

    /// A level, or a loud word and `None` where this processor lacks it.
    fn here<T>(name: &str, level: Option<T>) -> Option<T> {
        if level.is_none() {
            skipped(format_args!("this processor has no {name}"));
        }
        level
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_vector_sieves_leave_what_their_scalar_twin_leaves(
            bytes in prop::collection::vec(
                prop_oneof![
                    any::<u8>(), Just(0), Just(8), Just(0x45), Just(6), Just(17), Just(25), Just(24)
                ],
                0..300,
            ),
            packets in prop::collection::vec((0..300_usize, any::<[u8; 5]>()), 0..8),
            offsets in prop::array::uniform32(0..300_u32),
            captured in prop::array::uniform32(0..70_u32),
            raw in any::<bool>(),
            look_inside in any::<bool>(),
            [answers, icmp_errors, relay_syns] in any::<[bool; 3]>(),
        ) {
            let mut bytes = bytes;
            for (at, [protocol, fragment, total, port, high]) in packets {
                let mut packet = [0_u8; 44];
                packet[12] = 8;
                packet[14] = 0x45;
                packet[16] = high & 1;
                packet[17] = total & 63;
                packet[20] = fragment & 0x61;
                packet[23] = [1, 6, 6, 6, 17][usize::from(protocol % 5)];
                // Ports 24 to 26 and those of relays, from port 25 or another.
                let to: [u16; 7] = [24, 25, 26, 587, 465, 2525, 443];
                packet[35] = 24 + port % 2;
                packet[36..38].copy_from_slice(&to[usize::from(port / 2) % 7].to_be_bytes());
                if let Some(place) = bytes.get_mut(at..at + 44) {
                    place.copy_from_slice(&packet);
                }
            }
            let link = if raw { LinkType::Raw } else { LinkType::Ethernet };
            let wanted = Wanted { answers, icmp_errors, relay_syns };
            let options = FrameOptions { look_inside, wanted, ..FrameOptions::default() };
            let template = Template::new(link, &options).unwrap();
            let mut block = [[0; BLOCK]; 2];
            for (at, (offset, captured)) in offsets.into_iter().zip(captured).enumerate() {
                for half in [at, at + 32] {
                    block[0][half] = offset ^ u32::from(half > 31);
                    block[1][half] = captured;
                }
            }
            let [mut offsets, captured] = block;
            for all_inside in [false, true] {
                if all_inside {
                    bytes.resize(400, 6);
                } else if offsets.iter().any(|o| *o as usize + 44 > bytes.len()) {
                    // A block that reaches past the end is left as a whole.
                    offsets.iter_mut().for_each(|o| *o %= 250);
                }
                let twin = scalar::sieve(&template, &bytes, &offsets, &captured);
                let whole = all_inside
                    || offsets.iter().all(|o| (*o + template.needs()) as usize <= bytes.len());
                let expected = if whole { twin } else { u64::MAX };
                if let Some(level) = here("AVX2", Avx2::detect()) {
                    prop_assert_eq!(level.sieve(&template, &bytes, &offsets, &captured), expected);
                }
                if let Some(level) = here("AVX-512", Avx512::detect()) {
                    prop_assert_eq!(level.sieve(&template, &bytes, &offsets, &captured), expected);
                }
            }
        }

        #[test]
        fn lanes_compare_as_their_scalar_twin(
            keys in prop::array::uniform8(0..4_u32),
            key in 0..4_u32,
        ) {
            let twin = crate::sieve::Scalar.equal_lanes(&keys, key);
            if let Some(level) = here("AVX2", Avx2::detect()) {
                prop_assert_eq!(level.equal_lanes(&keys, key), twin);
            }
            if let Some(level) = here("AVX-512", Avx512::detect()) {
                prop_assert_eq!(level.equal_lanes(&keys, key), twin);
            }
        }
    }
}
