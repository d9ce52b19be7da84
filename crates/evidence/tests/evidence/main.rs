//! Connections from packets: the tracker, twins, what packets say, and what contradicts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking, outside of `#[test]` functions, too"
)]

mod agreement;
mod mail_logs;
mod packets;
mod segments;
mod tracker;
mod twins;
