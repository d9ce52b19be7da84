//! Frames, the fast path against the reference. One input in eight is made anew, close to what the
//! fast path decides; the others are changes of what is known.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| egress25_any_input::frame(input));

fuzz_mutator!(|input: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if !seed.is_multiple_of(8) {
        return fuzzer_mutate(input, size, max_size);
    }
    let made = egress25_any_input::frame_seed(u64::from(seed));
    let size = made.len().min(max_size);
    input[..size].copy_from_slice(&made[..size]);
    size
});
