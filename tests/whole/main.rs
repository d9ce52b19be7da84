//! Whole-program tests: the real binary in a fresh folder, the sources, and the fixtures.
//!
//! `cargo test --workspace` builds the binary, because a test of its own crate needs it; alone,
//! this package needs `cargo build -p egress25` first.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking, outside of `#[test]` functions, too"
)]
#![expect(clippy::print_stdout, reason = "tests of many tries say how many there were")]

mod architecture;
mod azure_export;
mod bench;
mod browser;
mod by_date;
mod check;
mod circles;
mod clocks;
mod contradictions;
mod corpus;
mod crashes;
mod diagnose;
mod directions;
mod effective;
mod endless;
mod escapes;
mod evidence;
mod exit_codes;
mod expectations;
mod explain;
mod flows;
mod graphs;
mod html_report;
mod import;
mod inventories;
mod layering;
mod manual;
mod matrix;
mod mounted;
#[path = "../oracle/edition_2020_12.rs"]
mod oracle;
mod own_capture;
mod packets;
mod policy;
mod program;
mod readings;
mod reasons;
mod replay;
mod replay_outputs;
mod scenario_files;
mod schemas;
mod signals;
mod sources;
#[path = "../store/mod.rs"]
mod store;
mod told_worlds;
mod traceability;
mod validate;
mod versions;
mod written;
