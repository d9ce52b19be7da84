//! The log in a SQLite database: one file, several processes at once.
//!
//! Write-ahead log with `synchronous=FULL`: a commit is on the disk when it returns. Writers take
//! the write lock first (`BEGIN IMMEDIATE`), so that they meet in a queue and not as conflicts.

mod copy;
mod failure;
mod files;
mod foreign;
mod log;
mod restore;
mod schema;
mod watch;
mod witness;

pub use copy::Keep;
pub use files::{BESIDE, SqliteOptions, StorePlace, beside, files_of, one_name};
pub use foreign::foreign_beside;
pub(crate) use log::PAGE;
pub use log::SqliteLog;
pub(crate) use watch::SqliteWatch;
