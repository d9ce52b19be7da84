//! Who with whom.

use std::net::SocketAddr;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// The side that sends the SYN.
    pub from: SocketAddr,
    /// The side that it goes to.
    pub to: SocketAddr,
}
