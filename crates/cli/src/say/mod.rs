//! What the program says: rows, notes, failures.

pub mod ask;
pub mod cell;
pub mod console;
pub mod failure;
pub mod html;
pub mod json;
pub mod output;
pub mod platform_or_me;
pub mod progress;
pub mod shown;
pub mod today;
pub mod verdict;
