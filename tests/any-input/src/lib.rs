//! What holds of any input, whatever its bytes are.
//!
//! A function a target of `fuzz`: it takes bytes, and panics where what is promised of them does not
//! hold. The fuzzer looks for such bytes; the test of this crate runs what it has kept in
//! `fuzz/corpus`, so that a target that has broken is seen without the fuzzer.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what does not hold is said by panicking: the fuzzer and the tests wait for that"
)]

mod azure;
#[path = "../../../crates/packet-filter/tests/fast/build.rs"]
mod build;
mod captures;
#[path = "../../../crates/packet-filter/tests/fast/compare.rs"]
mod compare;
mod edition;
mod events;
mod flow_logs;
mod frame;
mod inventory;
mod mail_logs;
mod scenario;
mod store;
mod told_apart;

pub use azure::azure;
pub use captures::captures;
pub use edition::edition;
pub use events::events;
pub use flow_logs::flow_logs;
pub use frame::{frame, frame_seed};
pub use inventory::inventory;
pub use mail_logs::mail_logs;
pub use scenario::scenario;
pub use store::store;

/// A target: what it is called, as its corpus and its program are, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 10] = [
    ("frame", frame),
    ("captures", captures),
    ("inventory", inventory),
    ("edition", edition),
    ("events", events),
    ("store", store),
    ("azure", azure),
    ("flow-logs", flow_logs),
    ("mail-logs", mail_logs),
    ("scenario", scenario),
];
