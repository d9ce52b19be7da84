//! What the program reads: texts, and what they stand for.

pub mod capture;
pub mod deployment;
pub mod edition;
pub mod foreign;
pub mod input;
pub mod inventory;
pub mod lines;
pub mod log_text;
pub mod network;
pub mod offer;
pub mod sender;
mod service_tags;
pub mod whose;
