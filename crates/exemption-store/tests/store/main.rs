//! Tests of the exemption store: one binary, modules by subject.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets what it did not expect ends there"
)]

mod admin;
mod append;
mod children;
mod common;
mod damage;
mod durability;
mod faults;
mod follow;
mod one_head;
mod simulation;
mod under_writers;
