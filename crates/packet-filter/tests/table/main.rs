//! The compiled table against the reference: any world, any event, any address.

#[cfg(test)]
mod differential;
#[cfg(test)]
mod forwarders;
#[cfg(test)]
#[path = "../../../../tests/worlds/random.rs"]
mod worlds;
