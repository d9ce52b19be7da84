//! Network namespaces and what stands in them.
//!
//! A namespace here is a file descriptor and nothing else: no process sits in it and no name
//! is left in a file system, so it ends with the last process that holds it.

mod apply;
pub mod graph;
pub mod hosts;
pub mod isolate;
pub(crate) mod names;
pub mod plan;
mod space;
mod translate;

pub(crate) use apply::{add_link, configure, remove_link, set_link, set_rule};
pub use space::Space;
pub(crate) use space::{NodeFiles, NodeSpaces, demand, spawn_opened};
pub(crate) use translate::translate;
