//! The lab: real network namespaces, the filter in force, and real mail programs.
//!
//! Everything is sent inside of namespaces that the test made itself. What this machine lacks is
//! skipped aloud.

mod frames;
mod harness;
mod life;
mod load;
mod mail;
mod scenarios;
mod standalone;
