//! Sixteen numbers of 32 bits in a register of AVX-512.
#![expect(
    unsafe_code,
    reason = "an intrinsic that loads takes a pointer; why it is safe stands at it"
)]

use core::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_set1_epi32};

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_16(words: &[u32; 16]) -> __m512i {
    // SAFETY: the array has the 64 bytes that are read; the load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// A number sixteen times.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn all(number: u32) -> __m512i {
    _mm512_set1_epi32(number.cast_signed())
}
