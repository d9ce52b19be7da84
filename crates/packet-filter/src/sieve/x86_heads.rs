//! The heads of a block of frames, read and checked sixteen at a time (AVX-512).
//!
//! Four loads of 16 bytes go side by side into one register, four such registers are transposed,
//! and one register then holds one field of sixteen frames. Three such reads cover what a plain
//! candidate is told by: bytes 10 to 25 (the type, and IPv4 up to the protocol), 26 to 41 (the
//! addresses and ports) and 34 to 49 (the data offset and the flags).
#![expect(unsafe_code, reason = "vector loads take pointers, and intrinsics need their feature")]

use core::arch::x86_64::{
    __m128i, __m512i, __mmask16, _mm_loadu_si128, _mm512_add_epi32, _mm512_and_si512,
    _mm512_castsi128_si512, _mm512_cmpeq_epi32_mask, _mm512_cmpge_epu32_mask,
    _mm512_cmpgt_epu32_mask, _mm512_cmple_epu32_mask, _mm512_cmplt_epu32_mask,
    _mm512_cmpneq_epi32_mask, _mm512_inserti32x4, _mm512_mask_blend_epi32,
    _mm512_maskz_compress_epi32, _mm512_max_epu32, _mm512_mul_epu32, _mm512_mullo_epi32,
    _mm512_or_si512, _mm512_reduce_max_epu32, _mm512_set_epi64, _mm512_setzero_si512,
    _mm512_shuffle_epi8, _mm512_srli_epi32, _mm512_srli_epi64, _mm512_storeu_si512,
    _mm512_sub_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64, _mm512_xor_si512,
};

use crate::sieve::heads::{BLOCK, HEAD, Heads, ROOM};
use crate::sieve::x86_words::{all, load_16};
use crate::table::Homes;

/// Sixteen numbers.
type Sixteen = [u32; 16];

/// A block of frames, whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offsets: &'a [u32; BLOCK],
    pub(super) captured: &'a [u32; BLOCK],
    pub(super) wire: &'a [u32; BLOCK],
}

/// Reads and checks all frames of a block, and says which of those whose bits are set are plain
/// candidates; `None` where a head reaches past the end of the bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
pub(super) fn read_heads(
    block: Whole<'_>,
    left: u64,
    port: u16,
    homes: &Homes,
    heads: &mut Heads,
) -> Option<u64> {
    let Whole { bytes, offsets, captured, wire } = block;
    let mut largest = _mm512_setzero_si512();
    for sixteen in offsets.as_chunks::<16>().0 {
        largest = _mm512_max_epu32(largest, load_16(sixteen));
    }
    let last = _mm512_reduce_max_epu32(largest) as usize;
    if last.checked_add(HEAD).is_none_or(|end| end > bytes.len()) {
        return None;
    }
    let limit = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (mut plain, mut count) = (0_u64, 0_usize);
    for group in 0..BLOCK / 16 {
        let from = |list: &[u32; BLOCK]| list.as_chunks::<16>().0.get(group).copied();
        let (offsets, captured, wire) = (from(offsets)?, from(captured)?, from(wire)?);
        // SAFETY: the largest offset of the block has `HEAD` bytes behind it, so every other has.
        let fields = unsafe { read(bytes, &offsets) };
        let room = _mm512_sub_epi32(all(limit), load_16(&offsets));
        let there = _mm512_cmple_epu32_mask(load_16(&captured), room);
        let (source, destination) = (swap(fields.source), swap(fields.destination));
        let fits = there
            & is_kind(&fields, port)
            & lengths_fit(&fields, load_16(&captured), load_16(&wire))
            & addressed(source, destination);
        let place = group * 16;
        let [low, high, ..] = (left >> place).to_le_bytes();
        let fits = fits & u16::from_le_bytes([low, high]);
        store(&mut heads.source, count, _mm512_maskz_compress_epi32(fits, source));
        store(&mut heads.destination, count, _mm512_maskz_compress_epi32(fits, destination));
        let home = home(homes, source);
        store(&mut heads.home, count, _mm512_maskz_compress_epi32(fits, home));
        plain |= u64::from(fits) << place;
        count += fits.count_ones() as usize;
    }
    Some(plain)
}

/// What is read of sixteen frames, bytes in the order in which they lie in the frame.
struct Fields {
    /// Bytes 10 to 13: the last of the sender's station, and the type.
    kind: __m512i,
    /// 14 to 17: version and header length, service, total length.
    total: __m512i,
    /// 18 to 21: identification, flags and fragment offset.
    fragment: __m512i,
    /// 22 to 25: time to live, protocol, checksum.
    protocol: __m512i,
    /// 26 to 29.
    source: __m512i,
    /// 30 to 33.
    destination: __m512i,
    /// 34 to 37.
    ports: __m512i,
    /// 46 to 49: data offset, flags, window.
    flags: __m512i,
}

/// Reads the heads of sixteen frames.
///
/// # Safety
/// At each offset [`HEAD`] bytes have to be inside `bytes`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn read(bytes: &[u8], offsets: &Sixteen) -> Fields {
    // SAFETY: each reads 16 bytes behind the offsets, the last of them up to byte 49, which is
    // inside `HEAD`; the caller has seen to it that so much is there.
    let (front, middle, back) =
        unsafe { (rows(bytes, offsets, 10), rows(bytes, offsets, 26), rows(bytes, offsets, 34)) };
    let ([kind, total], [fragment, protocol]) = (front.low(), front.high());
    let ([source, destination], [ports, _]) = (middle.low(), middle.high());
    let [_, flags] = back.high();
    Fields { kind, total, fragment, protocol, source, destination, ports, flags }
}

/// 16 bytes of each of sixteen frames: the first row has those of the frames 0, 4, 8 and 12, the
/// second those of 1, 5, 9 and 13.
struct Rows([__m512i; 4]);

impl Rows {
    /// The first and the second four bytes of each frame, in the order of the frames.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn low(&self) -> [__m512i; 2] {
        let [a, b, c, d] = self.0;
        pairs(_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d))
    }

    /// The third and the fourth four bytes.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn high(&self) -> [__m512i; 2] {
        let [a, b, c, d] = self.0;
        pairs(_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d))
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn pairs(even: __m512i, odd: __m512i) -> [__m512i; 2] {
    [_mm512_unpacklo_epi64(even, odd), _mm512_unpackhi_epi64(even, odd)]
}

/// Reads 16 bytes of each of sixteen frames.
///
/// # Safety
/// At each offset, `at` bytes further, 16 bytes have to be inside `bytes`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn rows(bytes: &[u8], offsets: &Sixteen, at: usize) -> Rows {
    let base = bytes.as_ptr().wrapping_add(at);
    let from = |offset: u32| -> __m128i {
        // SAFETY: the caller has seen to it that the 16 bytes are there; the load needs no
        // alignment.
        unsafe { _mm_loadu_si128(base.wrapping_add(offset as usize).cast()) }
    };
    let row = |a: u32, b: u32, c: u32, d: u32| {
        let row = _mm512_castsi128_si512(from(a));
        let row = _mm512_inserti32x4::<1>(row, from(b));
        let row = _mm512_inserti32x4::<2>(row, from(c));
        _mm512_inserti32x4::<3>(row, from(d))
    };
    let [a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3] = *offsets;
    Rows([row(a0, a1, a2, a3), row(b0, b1, b2, b3), row(c0, c1, c2, c3), row(d0, d1, d2, d3)])
}

/// Whether everything that has a fixed value has it: IPv4 without options or fragments, TCP, the
/// port, SYN without ACK and RST.
#[inline]
#[target_feature(enable = "avx512f")]
fn is_kind(fields: &Fields, port: u16) -> __mmask16 {
    let unlike = |field: __m512i, mask: [u8; 4], value: [u8; 4]| {
        let (mask, value) = (all(u32::from_le_bytes(mask)), all(u32::from_le_bytes(value)));
        _mm512_xor_si512(_mm512_and_si512(field, mask), value)
    };
    let [high, low] = port.to_be_bytes();
    let either = |a: __m512i, b: __m512i| _mm512_or_si512(a, b);
    let unequal = either(
        either(
            unlike(fields.kind, [0, 0, 0xff, 0xff], [0, 0, 8, 0]),
            unlike(fields.total, [0xff, 0, 0, 0], [0x45, 0, 0, 0]),
        ),
        either(
            either(
                unlike(fields.fragment, [0, 0, 0x3f, 0xff], [0; 4]),
                unlike(fields.protocol, [0, 0xff, 0, 0], [0, 6, 0, 0]),
            ),
            either(
                unlike(fields.ports, [0, 0, 0xff, 0xff], [0, 0, high, low]),
                unlike(fields.flags, [0, 0x16, 0, 0], [0, 0x02, 0, 0]),
            ),
        ),
    );
    _mm512_cmpeq_epi32_mask(unequal, _mm512_setzero_si512())
}

/// Whether the header is there, the data offset lies between 20 and the total length's end, and
/// that end in the frame, unless the capture cut it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn lengths_fit(fields: &Fields, captured: __m512i, wire: __m512i) -> __mmask16 {
    let total = _mm512_and_si512(swap(fields.total), all(0xffff));
    let len = _mm512_srli_epi32::<2>(_mm512_and_si512(fields.flags, all(0xf0)));
    let inside = _mm512_cmple_epu32_mask(_mm512_add_epi32(total, all(14)), captured);
    let cut = _mm512_cmpgt_epu32_mask(wire, captured);
    _mm512_cmpge_epu32_mask(captured, all(54))
        & _mm512_cmpge_epu32_mask(total, all(40))
        & _mm512_cmpge_epu32_mask(len, all(20))
        & _mm512_cmple_epu32_mask(_mm512_add_epi32(len, all(20)), total)
        & (inside | cut)
}

/// Whether nothing is special about the addresses: neither multicast or reserved, nor a
/// destination on loopback or unspecified.
#[inline]
#[target_feature(enable = "avx512f")]
fn addressed(source: __m512i, destination: __m512i) -> __mmask16 {
    let before = _mm512_sub_epi32(destination, all(1));
    let first = _mm512_srli_epi32::<24>(destination);
    _mm512_cmplt_epu32_mask(source, all(0xe000_0000))
        & _mm512_cmplt_epu32_mask(before, all(0xdfff_ffff))
        & _mm512_cmpneq_epi32_mask(first, all(127))
}

/// The buckets where the searches for addresses begin; the same as [`Homes::home`].
#[inline]
#[target_feature(enable = "avx512f")]
fn home(homes: &Homes, address: __m512i) -> __m512i {
    let shifted = _mm512_xor_si512(address, all(homes.seed()));
    let once = _mm512_xor_si512(shifted, _mm512_srli_epi32::<16>(shifted));
    let once = _mm512_mullo_epi32(once, all(0x85eb_ca6b));
    let twice = _mm512_xor_si512(once, _mm512_srli_epi32::<13>(once));
    let twice = _mm512_mullo_epi32(twice, all(0xc2b2_ae35));
    let spread = _mm512_xor_si512(twice, _mm512_srli_epi32::<16>(twice));
    let buckets = all(homes.buckets());
    let even = _mm512_srli_epi64::<32>(_mm512_mul_epu32(spread, buckets));
    let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(spread), buckets);
    _mm512_mask_blend_epi32(0xaaaa, even, odd)
}

/// The bytes of each number the other way round.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn swap(numbers: __m512i) -> __m512i {
    const HIGH: i64 = 0x0c0d_0e0f_0809_0a0b;
    const LOW: i64 = 0x0405_0607_0001_0203;
    let order = _mm512_set_epi64(HIGH, LOW, HIGH, LOW, HIGH, LOW, HIGH, LOW);
    _mm512_shuffle_epi8(numbers, order)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut [u32; ROOM], place: usize, numbers: __m512i) {
    if let Some(to) = lanes.get_mut(place..).and_then(<[u32]>::first_chunk_mut::<16>) {
        // SAFETY: the array has the 64 bytes that are written; the store needs no alignment.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), numbers) };
    }
}
