//! Files: what people write, and what is said where it does not fit.

pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod inventory;
pub mod moment;
mod most;
pub(crate) mod near;
pub(crate) mod schema;
mod subscription;
