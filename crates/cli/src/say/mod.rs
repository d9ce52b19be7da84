//! What the program says: rows, notes, failures.

pub mod ask;
pub mod console;
pub mod failure;
pub mod html;
pub mod output;
pub mod platform_or_me;
pub mod progress;
pub mod today;
pub mod verdict;
