//! Tests of the exemption store: one binary, modules by subject.

mod admin;
mod append;
mod children;
mod common;
mod damage;
mod durability;
mod faults;
mod follow;
mod simulation;
