//! What the benches share: sets of packets, tables, the contenders, and the clock.
//!
//! Every contender says how many packets it let through as SYNs to port 25, and whoever measures
//! asserts that all say the same: a filter that looks at nothing is fast, too.
#![expect(clippy::disallowed_methods, reason = "a bench is told by the environment what to do")]

pub mod captures;
pub mod contenders;
pub mod peers;
pub mod report;
pub mod sets;
pub mod tables;
pub mod timing;
pub mod update;

/// Whether a bench is only tried, as criterion tells it: everything is small then, so that it takes
/// seconds.
#[must_use]
pub fn is_test() -> bool {
    let given = |flag: &str| std::env::args().any(|argument| argument == flag);
    given("--test") || !given("--bench")
}
