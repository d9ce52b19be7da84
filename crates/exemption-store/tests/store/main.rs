//! Tests of the exemption store: one binary, modules by subject.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]

#[cfg(test)]
mod admin;
#[cfg(test)]
mod append;
#[cfg(test)]
mod children;
#[cfg(test)]
mod common;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod one_head;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod under_writers;
