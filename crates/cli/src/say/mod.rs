//! What the program says: rows, notes, failures.

pub mod ask;
pub mod console;
pub mod failure;
pub mod output;
pub mod progress;
pub mod today;
pub mod verdict;
