//! The compiled table against the reference: any world, any event, any address.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]

#[cfg(test)]
mod at_ports;
#[cfg(test)]
mod complexity;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod directions;
#[cfg(test)]
mod forwarders;
#[cfg(test)]
#[path = "../../../../tests/worlds/random.rs"]
mod worlds;
