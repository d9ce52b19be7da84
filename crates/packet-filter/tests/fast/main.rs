//! The fast path against the reference, frame by frame.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod batches;
mod build;
mod compare;
mod corpus;
mod directions;
mod mutated;
mod places;
mod sources;
mod table;
