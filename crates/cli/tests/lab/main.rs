//! The lab: real network namespaces, the filter in force, and real mail programs.
//!
//! Everything is sent inside of namespaces that the test made itself. What this machine lacks is
//! skipped aloud.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod captures;
#[cfg(test)]
mod death;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod life;
#[cfg(test)]
mod load;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod newcomers;
#[cfg(test)]
mod peering;
#[cfg(test)]
mod people;
#[cfg(test)]
mod places;
#[cfg(test)]
#[path = "../../../../tests/worlds/random.rs"]
mod random_worlds;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod standalone;
#[cfg(test)]
mod store;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod worlds;
