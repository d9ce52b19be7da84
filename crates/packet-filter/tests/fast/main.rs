//! The fast path against the reference, frame by frame.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod build;
mod compare;
mod corpus;
mod mutated;
mod table;
