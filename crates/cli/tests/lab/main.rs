//! The lab: real network namespaces, the filter in force, and real mail programs.
//!
//! Everything is sent inside of namespaces that the test made itself. What this machine lacks is
//! skipped aloud.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that meets what it did not expect ends there"
)]

mod attacks;
mod captures;
mod death;
mod differences;
mod ends;
mod evasion;
mod exports;
mod fair;
mod figures;
mod frames;
mod harness;
mod inbound;
mod life;
mod load;
mod mail;
mod newcomers;
mod peering;
mod people;
mod places;
mod privileges;
mod probe;
#[path = "../../../../tests/worlds/random.rs"]
mod random_worlds;
mod scenarios;
mod signals;
mod standalone;
mod store;
mod trouble;
mod worlds;
