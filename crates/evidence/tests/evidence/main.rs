//! Connections from packets: the tracker, twins, what packets say, and what contradicts.

mod agreement;
mod packets;
mod segments;
mod tracker;
mod twins;
