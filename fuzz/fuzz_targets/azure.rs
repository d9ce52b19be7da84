//! Exports of Azure.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egress25_any_input::azure(input));
