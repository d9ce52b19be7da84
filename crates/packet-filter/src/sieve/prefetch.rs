//! Asking the processor for a cache line ahead of time. It is a hint: nothing depends on it.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "the prefetch intrinsic takes a pointer")
)]

/// Fetches the first line of an element, and does nothing where there is none.
#[inline(always)]
pub(crate) fn element<T>(of: &[T], at: usize) {
    // The address may lie behind the end: a prefetch of it does nothing.
    fetch(of.as_ptr().wrapping_add(at).cast());
}

/// Fetches the line of the byte at a place, and does nothing where there is none.
#[inline(always)]
pub(crate) fn byte(bytes: &[u8], at: usize) {
    // The address may lie behind the end: a prefetch of it does nothing.
    fetch(bytes.as_ptr().wrapping_add(at));
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn fetch(at: *const u8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: PREFETCHT0 reads nothing into registers and never faults, whatever the address
    // (Intel SDM volume 2, PREFETCHh); it is part of SSE, which every x86-64 processor has.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn fetch(_at: *const u8) {}
