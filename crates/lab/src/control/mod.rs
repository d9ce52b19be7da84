//! The way to a lab that is up: its folder, its socket, and what is said over it.

pub mod client;
pub(crate) mod descriptors;
pub mod place;
pub mod requests;
