//! The compiled table against the reference: any world, any event, any address.

#[cfg(test)]
mod differential;
mod forwarders;
#[path = "../../../../tests/worlds/random.rs"]
mod worlds;
