//! From bytes to verdicts: link types, frames, captures, the compiled table and the filter.
//!
//! The flow goes one way: a [`capture`] yields records, [`frame`] says what each record is
//! (a SYN to port 25, something else, or something that cannot be told), and the filter
//! judges the candidates against a table that was compiled from the policy's world.

pub mod capture;
pub mod filter;
pub mod frame;
pub mod link;
pub mod sieve;
pub mod table;
