//! The compiled table against the reference: any world, any event, any address.
#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect ends there")]

#[cfg(test)]
mod differential;
