//! What the program says: rows, notes, failures.

pub mod console;
pub mod failure;
pub mod output;
pub mod today;
pub mod verdict;
